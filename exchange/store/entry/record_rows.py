"""Records as rows: stored and read; ``store/entry/search.py`` searches them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, bindparam, func, insert, or_, select, true
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import NotFound
from exchange.record_filter import CONDITIONS, AskedRows, How
from exchange.store.database.seals import seal_for
from exchange.store.entry.exhibits import exhibit_of, exhibit_stated, number_of, superseding
from exchange.store.entry.record_details import detail_columns
from exchange.store.long_lists import AT_ONCE, in_parts
from exchange.store.node.jobs import JobKind, promise
from exchange.store.scan.deliveries import is_delivered
from exchange.store.tables.record_tables import (
    AcquisitionRow,
    AudienceRow,
    BreechFaceClassRow,
    RecordDetailRow,
    RecordRow,
    StatementRow,
    SubmissionRow,
)
from schemas import Record
from schemas.place import fold_place


class AcquisitionState(StrEnum):
    """How far an acquisition is. Each of the last three says in ``detail`` why, and is shown to the examiner."""

    AWAITING_SCAN = "awaiting-scan"
    QUEUED = "queued"
    CORRELATED = "correlated"
    NOT_CORRELATED = "not-correlated"
    NOT_USABLE = "not-usable"
    FAILED = "failed"


PENDING = frozenset({AcquisitionState.AWAITING_SCAN, AcquisitionState.QUEUED})
"""What correlation is still to come for."""


NEVER_COMPARED = frozenset({AcquisitionState.NOT_CORRELATED, AcquisitionState.NOT_USABLE})
"""What was delivered, and is compared with nothing."""


_STATED: Final = {
    name: attrgetter(said.states[0])
    for name, said in CONDITIONS.items()
    if said.rows is AskedRows.RECORD and said.how is How.EQUALS
}
"""Where a signed record states what the column of a condition holds."""


def add_record(
    session: Session, statement_id: str, record: Record, *, submitted_by: str | None, state: str
) -> list[int]:
    """Store a record's rows, in the transaction that stored its statement. Returns the acquisitions' ids.

    In any ``state`` but AWAITING_SCAN its scans came with it: they are delivered."""
    return add_records(session, [(statement_id, record)], submitted_by=submitted_by, state=state)


def add_records(
    session: Session, records: Sequence[tuple[str, Record]], *, submitted_by: str | None, state: str
) -> list[int]:
    """The same for several records of one issuer, a table at a time. Returns the ids of all acquisitions, in this
    order."""
    if not records:
        return []
    session.flush()  # the statements come first
    first = (session.scalar(select(func.max(RecordRow.sequence))) or 0) + 1
    received_at = stamp()
    exhibits = {statement_id: exhibit_stated(statement_id, record) for statement_id, record in records}
    session.execute(
        insert(RecordRow),
        [
            record_columns(record)
            | {"statement_id": statement_id, "restricted": False, "widened": False, "sequence": first + place}
            | {"submitted_by": submitted_by, "received_at": received_at}
            | {"exhibit": exhibits[statement_id]}
            for place, (statement_id, record) in enumerate(records)
        ],
    )
    session.execute(
        insert(RecordDetailRow),
        [
            {"sequence": first + place, "statement_id": statement_id, **detail_columns(record)}
            for place, (statement_id, record) in enumerate(records)
        ],
    )
    classes = [
        {"statement_id": statement_id, "breech_face_class": name}
        for statement_id, record in records
        for name in record.exhibit.classes.breech_face
    ]
    if classes:
        session.execute(insert(BreechFaceClassRow), classes)
    audience = [
        {"statement_id": statement_id, "name": name} for statement_id, record in records for name in record.audience
    ]
    if audience:
        session.execute(insert(AudienceRow), audience)
    came = None if state == AcquisitionState.AWAITING_SCAN else received_at
    scans = [row | {"delivered_at": came} for named in records for row in acquisition_columns(*named)]
    ids = session.scalars(
        insert(AcquisitionRow).returning(AcquisitionRow.acquisition_id, sort_by_parameter_order=True),
        [row | {"state": state, "seal": seal_for(session, AcquisitionRow, row)} for row in scans],
    ).all()
    supersede(session, set(exhibits.values()))
    session.flush()
    return list(ids)


def supersede(session: Session, exhibits: Collection[str]) -> None:
    """Store with each older version of these exhibits which version supersedes it (``superseding``). Needs a write
    transaction."""
    newer = superseding(session, exhibits)
    for part in in_parts(sorted(newer)):
        for row in session.scalars(select(RecordRow).where(RecordRow.statement_id.in_(part))):
            row.superseded_by = newer[row.statement_id]


def record_columns(record: Record) -> dict[str, Any]:
    """What a record's row says of it: what conditions must equal, and what is asked or ruled by otherwise."""
    exhibit = record.exhibit
    return {name: stated_in(record) for name, stated_in in _STATED.items()} | {
        "case_reference": record.case_reference,
        "incident": exhibit.incident,
        "item": exhibit.item,
        "number": number_of(record),
        "firearm": exhibit.firearm and exhibit.firearm.firearm_id,
        "calibre": exhibit.calibre,
        "calibre_words": exhibit.calibre_words,
        "place": fold_place(exhibit.municipality) if exhibit.municipality else None,
        "earliest": _iso(exhibit.occurred.earliest),
        "latest": _iso(exhibit.occurred.latest),
        "retention_until": record.retention_until.isoformat(),
    }


def acquisition_columns(statement_id: str, record: Record) -> list[dict[str, Any]]:
    """What the rows of a record's scans say of them."""
    return [
        {
            "statement_id": statement_id,
            "position": position,
            "roi": acquisition.roi,
            "modality": acquisition.modality,
            "calibre": record.exhibit.calibre,
            "sha256": acquisition.blob.sha256,
            "size": acquisition.blob.size,
            "media_type": acquisition.blob.media_type,
            "lateral_resolution_um": acquisition.lateral_resolution_um,
            "lighting": acquisition.lighting,
            "light_hour": acquisition.light_hour,
            "region_mask": acquisition.region_mask and acquisition.region_mask.model_dump_json(),
        }
        for position, acquisition in enumerate(record.acquisitions)
    ]


def is_current() -> ColumnElement[bool]:
    """Of the records that may be shown and compared: no superseded versions, nothing that a court holds."""
    return and_(RecordRow.superseded_by.is_(None), RecordRow.restricted.is_(False))


# asked with most requests, so built once
_RECORD = (
    select(RecordRow, StatementRow)
    .join(StatementRow, StatementRow.statement_id == RecordRow.statement_id)
    .where(RecordRow.statement_id == bindparam("record"), RecordRow.restricted.is_(False))
)
_SCANS = (
    select(AcquisitionRow).where(AcquisitionRow.statement_id == bindparam("record")).order_by(AcquisitionRow.position)
)

_SCAN = (
    select(AcquisitionRow)
    .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
    .where(
        AcquisitionRow.statement_id == bindparam("record"),
        AcquisitionRow.position == bindparam("position"),
        RecordRow.restricted.is_(False),
    )
)


def find_scan_of_record(session: Session, statement_id: str, position: int) -> AcquisitionRow | None:
    """A scan by its place in a record that may be shown, superseded or not."""
    return session.scalars(_SCAN, {"record": statement_id, "position": position}).one_or_none()


def find_record(session: Session, statement_id: str) -> tuple[RecordRow, StatementRow] | None:
    """A record that may be shown, superseded or not, with its statement."""
    found = session.execute(_RECORD, {"record": statement_id}).one_or_none()
    return None if found is None else (found[0], found[1])


def record_by_sequence(session: Session, sequence: int) -> RecordRow | None:
    """A record by its place among all that arrived here, restricted or not."""
    return session.scalars(select(RecordRow).where(RecordRow.sequence == sequence)).one_or_none()


def find_records(session: Session, statement_ids: Collection[str]) -> dict[str, RecordRow]:
    """Those of these records that may be shown, superseded or not."""
    names = sorted(statement_ids)
    found: dict[str, RecordRow] = {}
    for start in range(0, len(names), AT_ONCE):
        some = RecordRow.statement_id.in_(names[start : start + AT_ONCE])
        rows = session.scalars(select(RecordRow).where(some, RecordRow.restricted.is_(False)))
        found |= {row.statement_id: row for row in rows}
    return found


def versions_of(session: Session, statement_id: str) -> list[RecordRow]:
    """A record with the versions before and after it that are still here, as their issuer signed them one after the
    other. A version that was erased leads on to the others: all are of one exhibit."""
    row = session.get(StatementRow, statement_id)
    if row is None:
        return []
    believed = or_(StatementRow.refused_by.is_(None), StatementRow.statement_id == statement_id)
    return list(
        session.scalars(
            select(RecordRow)
            .join(StatementRow, StatementRow.statement_id == RecordRow.statement_id)
            .where(RecordRow.exhibit == exhibit_of(session, row.issuer, statement_id), believed)
            .order_by(StatementRow.log_index)
        )
    )


def take_up(session: Session, acquisition: AcquisitionRow) -> None:
    """Promise what is to be done of a scan: to fetch it while it was not delivered, then to correlate it."""
    delivered = acquisition.delivered_at is not None
    acquisition.state = AcquisitionState.QUEUED if delivered else AcquisitionState.AWAITING_SCAN
    acquisition.detail = None
    promise(session, JobKind.CORRELATE if delivered else JobKind.FETCH_SCAN, acquisition.acquisition_id)


def acquisitions_of(session: Session, statement_id: str) -> Sequence[AcquisitionRow]:
    return session.scalars(_SCANS, {"record": statement_id}).all()


def records_of(session: Session, issuer: str) -> list[str]:
    """The records of one node that are here, the oldest first."""
    return list(
        session.scalars(select(RecordRow.statement_id).where(RecordRow.issuer == issuer).order_by(RecordRow.sequence))
    )


def acquisition_with_record(session: Session, acquisition_id: int) -> tuple[AcquisitionRow, RecordRow]:
    """Raises NotFound when it was withdrawn."""
    acquisition = session.get(AcquisitionRow, acquisition_id)
    if acquisition is None:
        raise NotFound("The record was withdrawn; its scans are erased.")
    return acquisition, session.get_one(RecordRow, acquisition.statement_id)


def record_and_issuer(session: Session, acquisition_id: int) -> tuple[str, str] | None:
    """None when the record was withdrawn."""
    row = session.execute(
        select(RecordRow.statement_id, RecordRow.issuer)
        .join(AcquisitionRow, AcquisitionRow.statement_id == RecordRow.statement_id)
        .where(AcquisitionRow.acquisition_id == acquisition_id)
    ).first()
    return None if row is None else (row.statement_id, row.issuer)


def may_be_compared(session: Session, acquisition_id: int) -> bool:
    """Whether an acquisition is still here, and nothing that a court holds after its withdrawal."""
    row = session.get(AcquisitionRow, acquisition_id)
    return row is not None and not session.get_one(RecordRow, row.statement_id).restricted


def prepared_acquisitions(session: Session, pipelines: Collection[str]) -> Iterable[AcquisitionRow]:
    """Every acquisition that was prepared with some of these parameters and belongs to a current record, read as it
    is asked for: there may be a hundred thousand."""
    return session.scalars(
        select(AcquisitionRow)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(AcquisitionRow.parameters.in_(pipelines), is_delivered(), is_current())
        .order_by(AcquisitionRow.acquisition_id)
        .execution_options(yield_per=1000)
    )


def references_for(
    session: Session, query: AcquisitionRow, calibres: frozenset[str], parameters: str, owners: frozenset[str] | None
) -> Sequence[AcquisitionRow]:
    """The acquisitions that one may be compared with: of its region, prepared with these parameters, of a compatible
    calibre, of another record that is current. ``owners``: only records of these nodes; None for all."""
    return session.scalars(
        select(AcquisitionRow)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(
            AcquisitionRow.roi == query.roi,
            AcquisitionRow.parameters == parameters,
            AcquisitionRow.calibre.in_(calibres),
            AcquisitionRow.statement_id != query.statement_id,
            is_delivered(),
            is_current(),
            true() if owners is None else RecordRow.issuer.in_(owners),
        )
        .order_by(AcquisitionRow.acquisition_id)
    ).all()


def superseded_acquisitions(session: Session, statement_id: str) -> Sequence[AcquisitionRow]:
    """The acquisitions of what a record supersedes."""
    return session.scalars(
        select(AcquisitionRow)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(RecordRow.superseded_by == statement_id)
    ).all()


def acquisitions_with_records(
    session: Session, acquisitions: Sequence[int]
) -> dict[int, tuple[AcquisitionRow, RecordRow]]:
    """Acquisitions of current records by id; what is not there, not delivered, or superseded, is left out."""
    rows = session.execute(
        select(AcquisitionRow, RecordRow)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(AcquisitionRow.acquisition_id.in_(acquisitions), is_delivered(), is_current())
    )
    return {row[0].acquisition_id: (row[0], row[1]) for row in rows}


def correlated_otherwise(session: Session, pipelines: Collection[str]) -> Sequence[AcquisitionRow]:
    """The acquisitions that were prepared with other matcher parameters than these, or by a release that could not
    correlate them."""
    otherwise = AcquisitionRow.parameters.not_in(pipelines)
    return session.scalars(
        select(AcquisitionRow).where(
            is_delivered(), or_(otherwise, AcquisitionRow.state == AcquisitionState.NOT_CORRELATED)
        )
    ).all()


def scans_at_rest(session: Session) -> dict[str, int]:
    """SHA-256 and size of each scan that must be here: not of those that are still to come, or were given up."""
    rows = session.execute(select(AcquisitionRow.sha256, AcquisitionRow.size).where(is_delivered()).distinct())
    return {row[0]: row[1] for row in rows}


def scan_bytes(session: Session, *, since: str = "") -> int:
    """The bytes of all scans that are here, each counted once; of records that came after a moment, where one is
    given."""
    scans = (
        select(AcquisitionRow.sha256, func.max(AcquisitionRow.size).label("size"))
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(is_delivered(), RecordRow.received_at > since)
        .group_by(AcquisitionRow.sha256)
        .subquery()
    )
    return int(session.scalar(select(func.sum(scans.c.size))) or 0)


def find_submission(session: Session, pseudonym: str, idempotency_key: str) -> SubmissionRow | None:
    return session.get(SubmissionRow, (pseudonym, idempotency_key))


_COUNT = select(func.count()).select_from(RecordRow)
_COUNT_PENDING = select(func.count()).where(AcquisitionRow.state.in_(PENDING))
_COUNTS_BY_STATE = select(AcquisitionRow.state, func.count()).group_by(AcquisitionRow.state)


def count_records(session: Session) -> int:
    return session.scalar(_COUNT) or 0


def counts_by_state(session: Session) -> dict[str, int]:
    """How many acquisitions are in each state: the node's progress."""
    return {row[0]: row[1] for row in session.execute(_COUNTS_BY_STATE)}


def count_pending(session: Session) -> int:
    """How many acquisitions are still to be compared: by their state, without those that were."""
    return session.scalar(_COUNT_PENDING) or 0


def records_compared(session: Session, submitted_by: str, *, limit: int) -> Sequence[RecordRow]:
    """The current records of one examiner of which a scan is still to be compared, the newest first."""
    pending = select(AcquisitionRow.statement_id).where(AcquisitionRow.state.in_(PENDING))
    found = select(RecordRow).where(
        RecordRow.submitted_by == submitted_by, RecordRow.statement_id.in_(pending), is_current()
    )
    return session.scalars(found.order_by(RecordRow.sequence.desc()).limit(limit)).all()


def _iso(day: object) -> str | None:
    return None if day is None else str(day)
