"""Compared pairs: stored once, read from either side, best score first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import SystemRandom
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, func, or_, select, union, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased, defer
from sqlalchemy.orm.attributes import set_committed_value

from exchange.clock import stamp
from exchange.store.entry.exhibits import Exhibits, exhibits_of
from exchange.store.long_lists import in_parts
from exchange.store.review.open_list_rows import open_exhibits
from exchange.store.review.review_rows import (
    PairColumns,
    Scans,
    exhibits_hidden,
    hidden_from,
    in_opened_pair,
    joined_by_hit,
    keeps_from,
    open_to,
    opened_ever,
    scans_of,
    sent_ever,
)
from exchange.store.review.set_aside_rows import put_aside_ever
from exchange.store.tables.record_tables import AcquisitionRow, CandidateRow, RecordRow
from exchange.store.tables.review_tables import VerificationTaskRow

PROBED, MOST_PROBED = 500, 10_000
"""So many numbers are looked up at once to draw pairs by chance, and at most so many: of a smaller ranking all."""
ENOUGH = 100
"""Of so many drawn pairs the middle is the whole ranking's to within a few hundredths."""


@dataclass(frozen=True)
class NewCandidate:
    """One comparison to store; ``comparison`` is the matcher's JSON for the query a and the reference b. ``cells``:
    None where they were not looked for yet."""

    a: AcquisitionRow
    b: AcquisitionRow
    cross_border: bool
    same_case: bool
    score: float
    congruent_cells: int | None
    cells: int | None
    rotation_deg: float | None
    matcher_version: str
    comparison: str
    parameters: str


@dataclass(frozen=True)
class StoredCandidate:
    """A pair with both of its records and acquisitions. In a list the row is without its ``comparison``."""

    row: CandidateRow
    record_a: RecordRow
    record_b: RecordRow
    acquisition_a: AcquisitionRow
    acquisition_b: AcquisitionRow

    @property
    def roi(self) -> str:
        """The region of both."""
        return self.acquisition_a.roi

    @property
    def scans(self) -> Scans:
        return scans_of(self.acquisition_a.sha256, self.acquisition_b.sha256)

    @property
    def exhibits(self) -> Exhibits:
        return exhibits_of(self.record_a.exhibit, self.record_b.exhibit)


@dataclass(frozen=True)
class Page:
    """Where a page of candidates starts (exclusive), and how long it is. Scores may be equal: the id decides."""

    limit: int
    below: tuple[float, int] | None = None


def add_candidates(session: Session, found: Sequence[NewCandidate]) -> int:
    """Store comparisons; a pair that is there already under the same parameters stays, unless its score is now higher.

    Photographs are compared in several ways, one after the other. Of two that land together, the one that asks while
    the other is only just arriving may miss some of them; the other then sees all. What was erased since it was
    compared is left out. Returns how many are new or better.
    """
    added = 0
    there = _there(session, {one.acquisition_id for new in found for one in (new.a, new.b)})
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    for new in found:
        if not {new.a.acquisition_id, new.b.acquisition_id} <= there:
            continue
        values = {
            "acquisition_a": new.a.acquisition_id,
            "acquisition_b": new.b.acquisition_id,
            "statement_a": new.a.statement_id,
            "statement_b": new.b.statement_id,
            "cross_border": new.cross_border,
            "same_case": new.same_case,
            "score": new.score,
            "congruent_cells": new.congruent_cells or 0,
            "cells": new.cells or 0,
            "cells_found": new.cells is not None,
            "rotation_deg": new.rotation_deg,
            "matcher_version": new.matcher_version,
            "comparison": new.comparison,
        }
        pair = "-".join(str(one) for one in sorted((new.a.acquisition_id, new.b.acquisition_id)))
        adding = insert(CandidateRow).values(pair=pair, parameters=new.parameters, created_at=stamp(), **values)
        adding = adding.on_conflict_do_update(
            index_elements=["pair", "parameters"], set_=values, where=CandidateRow.score < new.score
        )
        added += len(session.scalars(adding.returning(CandidateRow.candidate_id)).all())
    return added


def explanations_of(session: Session, candidate_ids: Collection[int]) -> dict[int, str]:
    """The matcher's JSON of pairs, which lists are without."""
    asked = select(CandidateRow.candidate_id, CandidateRow.comparison)
    rows = session.execute(asked.where(CandidateRow.candidate_id.in_(candidate_ids)))
    return {row.candidate_id: row.comparison for row in rows}


def keep_cells(session: Session, pair: StoredCandidate, congruent_cells: int, cells: int, comparison: str) -> None:
    """Keep the cells that were found of a pair, unless it was erased or compared anew meanwhile; and tell the pair."""
    values = {"congruent_cells": congruent_cells, "cells": cells, "comparison": comparison, "cells_found": True}
    unchanged = CandidateRow.candidate_id == pair.row.candidate_id, CandidateRow.score == pair.row.score
    session.execute(update(CandidateRow).where(*unchanged).values(values))
    for name, value in values.items():
        set_committed_value(pair.row, name, value)


def _there(session: Session, acquisitions: Collection[int]) -> set[int]:
    return set(
        session.scalars(select(AcquisitionRow.acquisition_id).where(AcquisitionRow.acquisition_id.in_(acquisitions)))
    )


@dataclass(frozen=True)
class CandidateView:
    """Who looks, and what of: pairs of current records under these parameters. For an examiner ``blind_for`` the pairs
    are not there that wait for a blind verification which may be theirs, nor those of lists that are not open to them;
    None for a person who never verifies.
    ``superseded``: older versions too, as a verification may have been asked for."""

    pipelines: Collection[str]
    blind_for: str | None
    superseded: bool = False


def candidates_of(session: Session, statement_id: str, view: CandidateView, page: Page) -> list[StoredCandidate]:
    """One record's candidate list over all its acquisitions."""
    mine = or_(CandidateRow.statement_a == statement_id, CandidateRow.statement_b == statement_id)
    return _listed(session, visible_pairs(view).where(mine), page)


@dataclass(frozen=True)
class CandidateFilter:
    """What is listed across borders; None asks for nothing. ``new_to``: pairs that this person has not opened."""

    min_score: float = -10
    jurisdiction: str | None = None
    roi: str | None = None
    new_to: str | None = None


def open_candidates(
    session: Session, view: CandidateView, page: Page, wanted: CandidateFilter = CandidateFilter()
) -> list[StoredCandidate]:
    """The pairs across a border, best first; the investigator's list."""
    return _listed(session, pairs_across_borders(view, wanted), page)


def pairs_across_borders(view: CandidateView, wanted: CandidateFilter) -> Any:
    """The query for pairs across a border; for an examiner those of the lists that are open to the examiner."""
    scan_a, scan_b = PAIR_SCANS
    query = visible_pairs(view).where(CandidateRow.cross_border, CandidateRow.score >= wanted.min_score)
    if wanted.jurisdiction is not None:
        query = query.where(or_(*(record.jurisdiction == wanted.jurisdiction for record in PAIR_RECORDS)))
    if wanted.roi is not None:
        query = query.where(scan_a.roi == wanted.roi)
    if view.blind_for is not None:
        query = query.where(CandidateRow.candidate_id.in_(_pairs_open_to(view.blind_for)))
    if wanted.new_to is not None:
        query = query.where(~opened_ever(scan_a, scan_b, by=wanted.new_to))
    return query


def _pairs_open_to(examiner: str) -> CompoundSelect[tuple[int]]:
    """By the examiner's few records: down the whole ranking an examiner's own pairs may be far apart, or none."""
    theirs = select(RecordRow.statement_id).where(RecordRow.exhibit.in_(open_exhibits(examiner)))
    return union(
        *(
            select(CandidateRow.candidate_id).where(side.in_(theirs))
            for side in (CandidateRow.statement_a, CandidateRow.statement_b)
        )
    )


def candidates_numbered(
    session: Session, candidate_ids: Collection[int], view: CandidateView
) -> dict[int, StoredCandidate]:
    """Those of these pairs that this person may look at, by their numbers; without what their scores rest on."""
    query = visible_pairs(view).where(CandidateRow.candidate_id.in_(candidate_ids))
    rows = session.execute(query.options(defer(CandidateRow.comparison)))
    return {row[0].candidate_id: StoredCandidate(*row) for row in rows}


def find_candidate(session: Session, candidate_id: int, view: CandidateView) -> StoredCandidate | None:
    return _whole(session, visible_pairs(view).where(CandidateRow.candidate_id == candidate_id))


def candidate_of(session: Session, scans: Scans, view: CandidateView) -> StoredCandidate | None:
    """The pair of these two scans, the best where several records name them."""
    scan_a, scan_b = PAIR_SCANS
    low, high = scans
    either = or_(and_(scan_a.sha256 == low, scan_b.sha256 == high), and_(scan_a.sha256 == high, scan_b.sha256 == low))
    return _whole(session, visible_pairs(view).where(either))


def unsent_candidates(session: Session, view: CandidateView, owner: str) -> list[StoredCandidate]:
    """Pairs of two cases that nobody was ever asked to verify, and no hit joins, one side of them the owner's, the
    lowest score first: all, or of many some drawn by chance. They are looked up by their numbers, so that it costs the
    same however many there are."""
    found: list[StoredCandidate] = []
    for numbers in _numbers_by_chance(session):
        drawn = _unsent(view, owner).where(CandidateRow.candidate_id.in_(numbers))
        found += [StoredCandidate(*row) for row in session.execute(drawn)]
        if len(found) >= ENOUGH:
            break
    return sorted(found, key=lambda item: (item.row.score, item.row.candidate_id))


def find_unsent(session: Session, candidate_id: int, view: CandidateView, owner: str) -> StoredCandidate | None:
    """This pair, where it is still one of those."""
    row = session.execute(_unsent(view, owner).where(CandidateRow.candidate_id == candidate_id)).one_or_none()
    return None if row is None else StoredCandidate(*row)


def _unsent(view: CandidateView, owner: str) -> Any:
    record_a, record_b = PAIR_RECORDS
    query = visible_pairs(view).where(
        CandidateRow.same_case.is_(False),
        or_(record_a.issuer == owner, record_b.issuer == owner),
        ~sent_ever(_PAIR),
        ~joined_by_hit(_PAIR),
    )
    return query.options(defer(CandidateRow.comparison))


def _numbers_by_chance(session: Session) -> Iterator[list[int]]:
    """Not each of them need be a pair's."""
    first, last = (session.scalar(select(end(CandidateRow.candidate_id))) for end in (func.min, func.max))
    if first is None or last is None:
        return
    drawn = SystemRandom().sample(range(first, last + 1), min(last + 1 - first, MOST_PROBED))
    for start in range(0, len(drawn), PROBED):
        yield drawn[start : start + PROBED]


def unopened_records(
    session: Session,
    owner: str,
    *,
    submitted_by: str | None,
    blind_for: str | None = None,
    only: Collection[str] | None = None,
) -> list[tuple[str, str]]:
    """Return each current record of the owner with a pair across a border of which nobody opened one, with the time
    when its scan was correlated. ``submitted_by``: of one examiner's exhibits; ``only``: of these; ``blind_for``:
    as if the pairs that this examiner may be asked to verify were not there. Whoever set a pair aside has looked at it:
    for ``blind_for`` it is what they set aside themselves, for all others what its registrar did."""
    query = _unopened(owner, submitted_by, blind_for)
    parts = [query]
    if only is not None:
        parts = [query.where(RecordRow.statement_id.in_(part)) for part in in_parts(sorted(only))]
    return [(name, at) for part in parts for name, at in session.execute(part) if at is not None]


@lru_cache(maxsize=128)
def _unopened(owner: str, submitted_by: str | None, blind_for: str | None) -> Any:
    """Kept for each examiner, as ``visible_pairs`` is."""
    record, scan, other = RecordRow, AcquisitionRow, aliased(AcquisitionRow)
    opened = select(other.acquisition_id).where(
        other.statement_id == record.statement_id, in_opened_pair(other, record, shown_to=blind_for)
    )
    query = (
        select(record.statement_id, func.min(scan.correlated_at))
        .join(record, record.statement_id == scan.statement_id)
        .where(
            record.issuer == owner,
            record.superseded_by.is_(None),
            record.restricted.is_(False),
            scan.correlated_at.is_not(None),
            # one for each side: of an alternative SQLite would make a walk through all pairs across a border
            or_(*(_across_a_border(*sides, blind_for) for sides in (_STATEMENTS, _STATEMENTS[::-1]))),
            ~opened.correlate(record).exists(),
            ~put_aside_ever(record, by=blind_for),
        )
        .group_by(record.statement_id)
    )
    return query if submitted_by is None else query.where(record.submitted_by == submitted_by)


_STATEMENTS = (CandidateRow.statement_a, CandidateRow.statement_b)


def _across_a_border(
    side: InstrumentedAttribute[str], across: InstrumentedAttribute[str], blind_for: str | None
) -> ColumnElement[bool]:
    pairs = select(CandidateRow.candidate_id).where(side == RecordRow.statement_id, CandidateRow.cross_border.is_(True))
    if blind_for is not None:
        other = aliased(RecordRow)
        pairs = pairs.join(other, other.statement_id == across).where(~exhibits_hidden(blind_for, RecordRow, other))
    return pairs.correlate(RecordRow).exists()


_COUNT = select(func.count()).select_from(CandidateRow)


def count_candidates(session: Session, *, blind_for: str | None = None) -> int:
    """All of them, without the pairs that this examiner may be asked to verify."""
    total = session.scalar(_COUNT) or 0
    return total if blind_for is None else total - _count_hidden(session, blind_for)


def _count_hidden(session: Session, blind_for: str) -> int:
    """From the few tasks that wait, not from the many pairs."""
    if session.scalar(select(VerificationTaskRow.task_id).where(*keeps_from(blind_for)).limit(1)) is None:
        return 0
    low, high = aliased(RecordRow), aliased(RecordRow)
    task = VerificationTaskRow
    found = [
        select(CandidateRow.candidate_id)
        .join(low, low.statement_id == one)
        .join(high, high.statement_id == other)
        .join(task, and_(task.exhibit_low == low.exhibit, task.exhibit_high == high.exhibit))
        .where(*keeps_from(blind_for))
        for one, other in (_STATEMENTS, _STATEMENTS[::-1])
    ]
    return session.scalar(select(func.count()).select_from(union(*found).subquery())) or 0


PAIR_RECORDS = (aliased(RecordRow), aliased(RecordRow))
PAIR_SCANS = (aliased(AcquisitionRow), aliased(AcquisitionRow))
_PAIR = PairColumns(*PAIR_RECORDS, *PAIR_SCANS)


def visible_pairs(view: CandidateView) -> Any:
    """The query for pairs of current records under current parameters: a superseded version takes its candidates
    along."""
    return _pairs(tuple(view.pipelines), view.blind_for, view.superseded)


@lru_cache(maxsize=128)
def _pairs(pipelines: tuple[str, ...], blind_for: str | None, superseded: bool) -> Any:
    """Kept for each examiner: to build it takes longer than to ask it."""
    record_a, record_b = PAIR_RECORDS
    scan_a, scan_b = PAIR_SCANS
    query = (
        select(CandidateRow, record_a, record_b, scan_a, scan_b)
        .join(record_a, record_a.statement_id == CandidateRow.statement_a)
        .join(record_b, record_b.statement_id == CandidateRow.statement_b)
        .join(scan_a, scan_a.acquisition_id == CandidateRow.acquisition_a)
        .join(scan_b, scan_b.acquisition_id == CandidateRow.acquisition_b)
        .where(
            CandidateRow.parameters.in_(pipelines),
            *(record.restricted.is_(False) for record in PAIR_RECORDS),
        )
    )
    if not superseded:
        query = query.where(*(record.superseded_by.is_(None) for record in PAIR_RECORDS))
    return query if blind_for is None else query.where(~hidden_from(blind_for, _PAIR), open_to(blind_for, _PAIR))


def best_first(query: Any, page: Page) -> Any:
    """A page of a query for pairs."""
    if page.below is not None:
        score, candidate_id = page.below
        query = query.where(
            or_(
                CandidateRow.score < score,
                and_(CandidateRow.score == score, CandidateRow.candidate_id > candidate_id),
            )
        )
    return query.order_by(CandidateRow.score.desc(), CandidateRow.candidate_id).limit(page.limit)


def _listed(session: Session, query: Select[Any], page: Page) -> list[StoredCandidate]:
    ordered = best_first(query, page)
    return [StoredCandidate(*row) for row in session.execute(ordered.options(defer(CandidateRow.comparison)))]


def _whole(session: Session, query: Select[Any]) -> StoredCandidate | None:
    """The best, with its comparison."""
    ordered = query.order_by(CandidateRow.score.desc(), CandidateRow.candidate_id).limit(1)
    return next((StoredCandidate(*row) for row in session.execute(ordered)), None)
