"""Records searched by conditions, newest first by the order of arrival here, or by a column; how many fit, and what
they are.

Each condition is one clause. The rows of details are joined only where one of their conditions is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias, TypeVarTuple

from sqlalchemy import ColumnElement, Select, and_, case, exists, false, func, not_, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from exchange.calibre_pairs import OwnCalibrePair
from exchange.list_order import ListOrder
from exchange.record_filter import CONDITIONS, AskedRows, RecordFilter, YesOrNo, calibres_of
from exchange.store.entry.record_details import NOTHING, fits_column, states_nothing
from exchange.store.entry.record_rows import is_current
from exchange.store.long_lists import MOST_SORTED, Sorted, page_in_order
from exchange.store.tables.record_tables import (
    AcquisitionRow,
    AudienceRow,
    BreechFaceClassRow,
    RecordDetailRow,
    RecordRow,
)
from schemas.place import fold_place

_Ts = TypeVarTuple("_Ts")
_TABLES: Final = {
    AskedRows.RECORD: RecordRow.__table__,
    AskedRows.DETAIL: RecordDetailRow.__table__,
    AskedRows.SCANS: AcquisitionRow.__table__,
}
_PLACE: Final = {"municipality": "place"}
"""Columns that have another name than their condition."""


MOST_COUNTED: Final = MOST_SORTED
"""Further nobody counts what they are: who has found so many narrows the search."""


class RecordColumn(StrEnum):
    """What found records are sorted by, and the index that serves it: of a page of 100,000 records no more is read than
    stands on it, but for what does not fit."""

    RECEIVED = "received"
    """Their number, which is unique."""
    CALIBRE = "calibre"
    """``record_by_calibre``."""
    CASE = "case"
    """``record_by_case_reference``; those of one case are few."""
    JURISDICTION = "jurisdiction"
    """``record_by_case``: by the node, which is of one jurisdiction, and then by the case."""
    OCCURRED = "occurred"
    """No index: only where no more than ``MOST_SORTED`` fit."""


RecordOrder: TypeAlias = ListOrder[RecordColumn]
NEWEST_FIRST: Final = RecordOrder(RecordColumn.RECEIVED, descending=True)
_DAY: Final = func.coalesce(RecordRow.earliest, RecordRow.latest, "")
_SORTED: Final[Mapping[RecordColumn, tuple[Sorted, ...]]] = {
    RecordColumn.RECEIVED: (),
    RecordColumn.CALIBRE: (RecordRow.calibre,),
    RecordColumn.CASE: (RecordRow.case_reference,),
    RecordColumn.JURISDICTION: (RecordRow.issuer, RecordRow.case_reference),
    RecordColumn.OCCURRED: (_DAY,),
}


def sorted_values(row: RecordRow, column: RecordColumn) -> tuple[str, ...]:
    """What a record says in a column: where a page that ends with it goes on, beside its number."""
    match column:
        case RecordColumn.RECEIVED:
            return ()
        case RecordColumn.CALIBRE:
            return (row.calibre,)
        case RecordColumn.CASE:
            return (row.case_reference,)
        case RecordColumn.JURISDICTION:
            return (row.issuer, row.case_reference)
        case RecordColumn.OCCURRED:
            return (row.earliest or row.latest or "",)


@dataclass(frozen=True)
class RecordTally:
    """How many records fit, no further than ``MOST_COUNTED``; ``more``: there are others. ``kinds``: of those counted,
    the newest, how many are of which kind, offence, calibre, jurisdiction and month, the most frequent first."""

    count: int
    more: bool
    kinds: Mapping[str, Sequence[tuple[str, int]]]


def search_records(
    session: Session,
    wanted: RecordFilter,
    *,
    before: int | None,
    limit: int,
    own_pairs: Sequence[OwnCalibrePair] = (),
    order: RecordOrder = NEWEST_FIRST,
) -> Sequence[RecordRow]:
    """Current records (no superseded versions) that fit, in an order: those that follow the one of the sequence number
    ``before``. ``own_pairs``: of calibres, of this laboratory. By OCCURRED no more than the newest ``MOST_SORTED``.

    Raises InvalidInput for a calibre that is not known."""
    query, sequence = _found(session, select(RecordRow), wanted, own_pairs)
    if order.column is RecordColumn.OCCURRED:
        numbers, number = _found(session, select(RecordRow.sequence), wanted, own_pairs)
        query = select(RecordRow).where(RecordRow.sequence.in_(numbers.order_by(number.desc()).limit(MOST_SORTED)))
    if order.column is not RecordColumn.RECEIVED:
        sequence = RecordRow.sequence  # as the indexes have it, with and without details
    return session.scalars(page_in_order(query, (*_SORTED[order.column], sequence), order, before, limit)).all()


def count_fitting(
    session: Session, wanted: RecordFilter, *, most: int, own_pairs: Sequence[OwnCalibrePair] = ()
) -> int:
    """How many records fit, no further than ``most``. Raises as ``search_records``."""
    query, _ = _found(session, select(RecordRow.sequence), wanted, own_pairs)
    return session.scalar(select(func.count()).select_from(query.limit(most).subquery())) or 0


def tally_records(session: Session, wanted: RecordFilter, own_pairs: Sequence[OwnCalibrePair] = ()) -> RecordTally:
    """Raises InvalidInput for a calibre that is not known."""
    day = func.coalesce(RecordRow.earliest, RecordRow.latest)
    month = func.substr(day, 1, 7).label("month")
    found = select(RecordRow.sequence, RecordRow.kind, RecordRow.calibre, RecordRow.jurisdiction, month)
    query, order = _found(session, found, wanted, own_pairs)
    newest = query.order_by(order.desc()).limit(MOST_COUNTED + 1).subquery()
    detail = aliased(RecordDetailRow)
    rows = session.execute(
        select(newest.c.kind, detail.offence, newest.c.calibre, newest.c.jurisdiction, newest.c.month)
        .select_from(newest)
        .outerjoin(detail, detail.sequence == newest.c.sequence)
        .order_by(newest.c.sequence.desc())
    ).all()
    counted = rows[:MOST_COUNTED]
    names = ("kind", "offence", "calibre", "jurisdiction", "month")
    columns = zip(names, zip(*counted, strict=True), strict=False)
    kinds = {name: Counter(value for value in values if value is not None) for name, values in columns}
    by = {name: sorted(found.items(), key=lambda kind: (-kind[1], kind[0])) for name, found in kinds.items()}
    return RecordTally(len(counted), len(rows) > len(counted), by)


def count_newer(
    session: Session,
    wanted: RecordFilter,
    *,
    after: int,
    most: int,
    own_pairs: Sequence[OwnCalibrePair] = (),
) -> int:
    """How many records of later sequence numbers fit, no further than ``most``. Raises as ``search_records``.

    Asked of each kept search by each record that comes: its cost is that of the later records alone, however many
    there are before them."""
    query, order = _found(session, select(RecordRow.sequence), wanted, own_pairs, few=True)
    return session.scalar(select(func.count()).select_from(query.where(order > after).limit(most).subquery())) or 0


def records_of_case(session: Session, jurisdiction: str, reference: str, *, limit: int) -> Sequence[RecordRow]:
    """Current records of exactly this case, newest first."""
    this = (RecordRow.jurisdiction == jurisdiction, RecordRow.case_reference == reference)
    query = select(RecordRow).where(is_current(), *this)
    return session.scalars(query.order_by(RecordRow.sequence.desc()).limit(limit)).all()


def _found(
    session: Session,
    query: Select[*_Ts],
    wanted: RecordFilter,
    own_pairs: Sequence[OwnCalibrePair],
    *,
    few: bool = False,
) -> tuple[Select[*_Ts], InstrumentedAttribute[int]]:
    """What is asked of the records that fit, and the column of their order: that of the details where these are asked,
    so that they are read in it and no further than is needed. ``few``: of a few records, whose scans, audiences and
    classes are looked up one by one."""
    query, details = query.where(is_current()), list[ColumnElement[bool]]()
    for name, value in wanted.asked().items():
        if name in ("empty", "filled"):
            for field in value:
                clause = _is_empty(field, few=few) if name == "empty" else not_(_is_empty(field, few=few))
                if CONDITIONS[field].rows is AskedRows.DETAIL:
                    details.append(clause)
                else:
                    query = query.where(clause)
        elif CONDITIONS[name].rows is AskedRows.DETAIL:
            details.append(_fits(name, value, own_pairs, few=few))
        elif name == "case_reference":
            query = query.where(_of_case(session, value))
        else:
            query = query.where(_fits(name, value, own_pairs, few=few))
    if not details:
        return query, RecordRow.sequence
    joined = query.join(RecordDetailRow, RecordDetailRow.sequence == RecordRow.sequence).where(*details)
    return joined, RecordDetailRow.sequence


def _fits(name: str, value: Any, own_pairs: Sequence[OwnCalibrePair], *, few: bool) -> ColumnElement[bool]:
    """One condition on the rows that it asks: but for those told here, its column is held against the value.

    Ranges of days overlap, both ends included. A record of which one end is not known is open at that end; one without
    any day is not found by days. A municipality is found however it is written, and by a part of its name."""
    earliest, latest = RecordRow.earliest, RecordRow.latest
    match name:
        case "calibre":
            return RecordRow.calibre.in_(calibres_of(value, own_pairs))
        case "firearm_calibre":
            return RecordDetailRow.firearm_calibre.in_(calibres_of(value, own_pairs, asked_by=name))
        case "municipality":
            place = fold_place(value)
            return RecordRow.place.contains(place, autoescape=True) if place else false()
        case "earliest":
            return or_(latest >= value.isoformat(), and_(latest.is_(None), earliest.is_not(None)))
        case "latest":
            return or_(earliest <= value.isoformat(), and_(earliest.is_(None), latest.is_not(None)))
        case "breech_face":
            return _has(BreechFaceClassRow, BreechFaceClassRow.breech_face_class == value, few=few)
        case "audience":
            return _has(AudienceRow, AudienceRow.name == value, few=few)
        case "region_mask":
            marked = _has(AcquisitionRow, AcquisitionRow.region_mask.is_not(None), few=few)
            return marked if value == YesOrNo.YES else not_(marked)
    condition = CONDITIONS[name]
    fits = fits_column(_column(name), condition.how, value)
    return _has(AcquisitionRow, fits, few=few) if condition.rows is AskedRows.SCANS else fits


def _of_case(session: Session, reference: str) -> ColumnElement[bool]:
    """The case of exactly this reference where a current record is of it, else each case that has it as a part."""
    this = RecordRow.case_reference == reference
    if session.scalar(select(RecordRow.sequence).where(this, is_current()).limit(1)) is not None:
        return this
    return func.lower(RecordRow.case_reference).contains(reference.lower(), autoescape=True)


def _is_empty(name: str, *, few: bool) -> ColumnElement[bool]:
    """Whether the record states nothing of a field, or that nothing is known."""
    condition = CONDITIONS[name]
    match name:
        case "audience":
            return not_(_has(AudienceRow, true(), few=few))
        case "breech_face":
            return not_(_has(BreechFaceClassRow, BreechFaceClassRow.breech_face_class.not_in(NOTHING), few=few))
    nothing = states_nothing(_column(name), condition.how)
    return not_(_has(AcquisitionRow, not_(nothing), few=few)) if condition.rows is AskedRows.SCANS else nothing


def _has(
    table: type[AcquisitionRow | AudienceRow | BreechFaceClassRow], fits: ColumnElement[bool], *, few: bool
) -> ColumnElement[bool]:
    """Whether a record has a row that fits. All such rows of all records are gathered once; of a ``few`` records each
    has its own looked up."""
    if few:
        of_record = table.statement_id == RecordRow.statement_id
        return exists().where(of_record, case((fits, 1), else_=0) == 1)  # else an index on what fits would be gone over
    return RecordRow.statement_id.in_(select(table.statement_id).where(fits))


def _column(name: str) -> ColumnElement[Any]:
    found: ColumnElement[Any] = _TABLES[CONDITIONS[name].rows].c[_PLACE.get(name, name)]
    return found
