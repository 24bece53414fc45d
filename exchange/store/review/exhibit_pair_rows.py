"""Compared pairs as the numbers that lists of exhibit pairs are ranked by: without records, scans and explanations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import String, and_, bindparam, or_, select
from sqlalchemy.orm import Session, defer

from exchange.store.entry.exhibits import Exhibits, exhibits_of
from exchange.store.long_lists import in_parts
from exchange.store.review.candidate_rows import (
    PAIR_RECORDS,
    PAIR_SCANS,
    CandidateFilter,
    CandidateView,
    Page,
    StoredCandidate,
    best_first,
    pairs_across_borders,
    visible_pairs,
)
from exchange.store.review.review_rows import Scans, scans_of
from exchange.store.tables.hits import HitPairRow
from exchange.store.tables.record_tables import CandidateRow


class ScanPairScore(NamedTuple):
    """One scan pair. ``roi``: the region of both. Of each scan: the distances between its points in um, the area of the
    mark that it shows, and whether its region was marked by hand (``mended``)."""

    candidate_id: int
    score: float
    roi: str
    statement_a: str
    statement_b: str
    exhibit_a: str
    exhibit_b: str
    cross_border: bool
    same_case: bool
    scan_a: str
    scan_b: str
    modality_a: str
    modality_b: str
    spacing_y_a: float | None
    spacing_x_a: float | None
    spacing_y_b: float | None
    spacing_x_b: float | None
    mark_mm2_a: float | None
    mark_mm2_b: float | None
    mended_a: bool
    mended_b: bool

    @property
    def exhibits(self) -> Exhibits:
        return exhibits_of(self.exhibit_a, self.exhibit_b)

    @property
    def scans(self) -> Scans:
        return scans_of(self.scan_a, self.scan_b)


class LeadingPair(NamedTuple):
    """A scan pair of a list of all, with whose records it joins."""

    candidate_id: int
    score: float
    statement_a: str
    statement_b: str
    issuer_a: str
    issuer_b: str
    exhibit_a: str
    exhibit_b: str


_SCORED = (
    CandidateRow.candidate_id,
    CandidateRow.score,
    PAIR_SCANS[0].roi,
    CandidateRow.statement_a,
    CandidateRow.statement_b,
    PAIR_RECORDS[0].exhibit,
    PAIR_RECORDS[1].exhibit,
    CandidateRow.cross_border,
    CandidateRow.same_case,
    PAIR_SCANS[0].sha256,
    PAIR_SCANS[1].sha256,
    PAIR_SCANS[0].modality,
    PAIR_SCANS[1].modality,
    PAIR_SCANS[0].spacing_y_um,
    PAIR_SCANS[0].spacing_x_um,
    PAIR_SCANS[1].spacing_y_um,
    PAIR_SCANS[1].spacing_x_um,
    PAIR_SCANS[0].mark_mm2,
    PAIR_SCANS[1].mark_mm2,
    PAIR_SCANS[0].region_mask.is_not(None),
    PAIR_SCANS[1].region_mask.is_not(None),
)
_LEADING = (
    CandidateRow.candidate_id,
    CandidateRow.score,
    CandidateRow.statement_a,
    CandidateRow.statement_b,
    PAIR_RECORDS[0].issuer,
    PAIR_RECORDS[1].issuer,
    PAIR_RECORDS[0].exhibit,
    PAIR_RECORDS[1].exhibit,
)


def scan_pair_scores(session: Session, statement_ids: Collection[str], view: CandidateView) -> list[ScanPairScore]:
    """All pairs of these records that this person may look at, each once, in no order."""
    found: dict[int, ScanPairScore] = {}
    query = _scored(tuple(view.pipelines), view.blind_for, view.superseded)
    for part in in_parts(sorted(statement_ids)):
        for side in (CandidateRow.statement_a, CandidateRow.statement_b):
            found |= {row[0]: ScanPairScore(*row) for row in session.execute(query.where(side.in_(part)))}
    return list(found.values())


@lru_cache(maxsize=128)
def _scored(pipelines: tuple[str, ...], blind_for: str | None, superseded: bool) -> Any:
    """Kept for each examiner, as ``visible_pairs`` is."""
    query = visible_pairs(CandidateView(pipelines, blind_for, superseded))
    return query.with_only_columns(*_SCORED, maintain_column_froms=True)


def leading_pairs(session: Session, view: CandidateView, wanted: CandidateFilter, page: Page) -> Sequence[LeadingPair]:
    """Pairs across a border, the best first."""
    query = best_first(pairs_across_borders(view, wanted), page).with_only_columns(
        *_LEADING, maintain_column_froms=True
    )
    return [LeadingPair(*row) for row in session.execute(query)]


def pairs_of_two(session: Session, one: str, other: str, view: CandidateView) -> list[StoredCandidate]:
    """All scan pairs of two records that this person may look at, the best score first."""
    a, b = CandidateRow.statement_a, CandidateRow.statement_b
    of_both = or_(and_(a == one, b == other), and_(a == other, b == one))
    query = visible_pairs(view).where(of_both).order_by(CandidateRow.score.desc(), CandidateRow.candidate_id)
    return [StoredCandidate(*row) for row in session.execute(query.options(defer(CandidateRow.comparison)))]


_JOINED = tuple(
    select(HitPairRow.exhibit_a, HitPairRow.exhibit_b, HitPairRow.link_id)
    .where(side.in_(bindparam("exhibits", type_=String, expanding=True)))
    .order_by(HitPairRow.link_id.desc())
    for side in (HitPairRow.exhibit_a, HitPairRow.exhibit_b)
)
"""Built once: asked with each list."""


def joined_exhibits(session: Session, exhibits: Collection[str]) -> dict[Exhibits, str]:
    """The pairs of exhibits with one of these that a hit joins, of whatever scans and versions; each with a link."""
    found: dict[Exhibits, str] = {}
    for part in in_parts(sorted(exhibits)):
        for joined in _JOINED:
            found |= {exhibits_of(a, b): link for a, b, link in session.execute(joined, {"exhibits": part})}
    return found
