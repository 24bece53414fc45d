"""Compared pairs: stored once, read from either side, best score first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session, aliased

from exchange.clock import stamp
from exchange.store.tables import AcquisitionRow, CandidateRow, RecordRow


@dataclass(frozen=True)
class NewCandidate:
    """One comparison to store; ``comparison`` is the matcher's JSON for the query a and the reference b."""

    a: AcquisitionRow
    b: AcquisitionRow
    cross_border: bool
    same_case: bool
    score: float
    congruent_cells: int
    cells: int
    comparison: str
    parameters: str


@dataclass(frozen=True)
class StoredCandidate:
    """A pair with both of its records and acquisitions."""

    row: CandidateRow
    record_a: RecordRow
    record_b: RecordRow
    acquisition_a: AcquisitionRow
    acquisition_b: AcquisitionRow

    @property
    def roi(self) -> str:
        """The region of both."""
        return self.acquisition_a.roi


@dataclass(frozen=True)
class Page:
    """Where a page of candidates starts (exclusive), and how long it is. Scores may be equal: the id decides."""

    limit: int
    below: tuple[float, int] | None = None


def add_candidates(session: Session, found: Sequence[NewCandidate]) -> int:
    """Store comparisons; a pair that is there already under the same parameters stays, unless its score is now higher.

    Photographs are compared in several ways, one after the other. Of two that land together, the one that asks while
    the other is only just arriving may miss some of them; the other then sees all. Returns how many are new or better.
    """
    added = 0
    for new in found:
        values = {
            "acquisition_a": new.a.acquisition_id,
            "acquisition_b": new.b.acquisition_id,
            "statement_a": new.a.statement_id,
            "statement_b": new.b.statement_id,
            "cross_border": new.cross_border,
            "same_case": new.same_case,
            "score": new.score,
            "congruent_cells": new.congruent_cells,
            "cells": new.cells,
            "comparison": new.comparison,
        }
        pair = "-".join(str(one) for one in sorted((new.a.acquisition_id, new.b.acquisition_id)))
        adding = insert(CandidateRow).values(pair=pair, parameters=new.parameters, created_at=stamp(), **values)
        adding = adding.on_conflict_do_update(
            index_elements=["pair", "parameters"], set_=values, where=CandidateRow.score < new.score
        )
        added += session.execute(adding).rowcount  # type: ignore[attr-defined]  # a CursorResult
    return added


def candidates_of(session: Session, statement_id: str, pipelines: Collection[str], page: Page) -> list[StoredCandidate]:
    """One record's candidate list over all its acquisitions."""
    mine = or_(CandidateRow.statement_a == statement_id, CandidateRow.statement_b == statement_id)
    return _listed(session, _current(pipelines).where(mine), page)


def open_candidates(
    session: Session, pipelines: Collection[str], page: Page, *, min_score: float, jurisdiction: str | None
) -> list[StoredCandidate]:
    """The pairs across a border, best first; the investigator's list."""
    query = _current(pipelines).where(CandidateRow.cross_border, CandidateRow.score >= min_score)
    if jurisdiction is not None:
        record_a, record_b = _SIDES
        query = query.where(or_(record_a.jurisdiction == jurisdiction, record_b.jurisdiction == jurisdiction))
    return _listed(session, query, page)


def find_candidate(session: Session, candidate_id: int, pipelines: Collection[str]) -> StoredCandidate | None:
    found = _listed(session, _current(pipelines).where(CandidateRow.candidate_id == candidate_id), Page(limit=1))
    return found[0] if found else None


def count_candidates(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(CandidateRow)) or 0


_SIDES = (aliased(RecordRow), aliased(RecordRow))
_SCANS = (aliased(AcquisitionRow), aliased(AcquisitionRow))


def _current(pipelines: Collection[str]) -> Any:
    """Pairs of current records under current parameters: a superseded version takes its candidates along."""
    record_a, record_b = _SIDES
    scan_a, scan_b = _SCANS
    return (
        select(CandidateRow, record_a, record_b, scan_a, scan_b)
        .join(record_a, record_a.statement_id == CandidateRow.statement_a)
        .join(record_b, record_b.statement_id == CandidateRow.statement_b)
        .join(scan_a, scan_a.acquisition_id == CandidateRow.acquisition_a)
        .join(scan_b, scan_b.acquisition_id == CandidateRow.acquisition_b)
        .where(
            CandidateRow.parameters.in_(pipelines),
            record_a.superseded_by.is_(None),
            record_b.superseded_by.is_(None),
        )
    )


def _listed(session: Session, query: Select[Any], page: Page) -> list[StoredCandidate]:
    if page.below is not None:
        score, candidate_id = page.below
        query = query.where(
            or_(
                CandidateRow.score < score,
                and_(CandidateRow.score == score, CandidateRow.candidate_id > candidate_id),
            )
        )
    ordered = query.order_by(CandidateRow.score.desc(), CandidateRow.candidate_id).limit(page.limit)
    return [StoredCandidate(*row) for row in session.execute(ordered)]
