"""A compared pair as a person is shown it: what its score is, and what the score is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from exchange.errors import NotFound
from exchange.flows.access.consultation import Consultation
from exchange.flows.blind.visibility import note_shown
from exchange.flows.candidates.candidates import CandidatePair, find_candidate, find_with_cells
from exchange.flows.node.likelihood_ratio import worth_of
from exchange.flows.node.node import Node
from exchange.flows.node.validated_scores import not_validated
from exchange.flows.scan.pair_picture import pair_picture
from exchange.log.audit_entry import Act
from exchange.store.tables.record_tables import RecordRow


@dataclass(frozen=True)
class ShownPair:
    """Seen from ``record``. Cells are None until they were found. ``not_validated``: why scores of this kind are not;
    of the likelihood ratio and why there is none, one is there."""

    candidate_id: int
    roi: str
    score: float
    not_validated: str | None
    congruent_cells: int | None
    cells: int | None
    rotation_deg: float | None
    cross_border: bool
    same_case: bool
    likelihood_ratio: dict[str, Any] | None
    no_validated_lr: str | None
    record: RecordRow
    other: RecordRow
    created_at: str
    matcher: str
    parameters: str


def shown_pair(node: Node, found: CandidatePair, seen_from: str | None = None) -> ShownPair:
    """``seen_from``: the record whose list it stands in; the matcher's a where none is named."""
    row, mine, other = found.row, found.record_a, found.record_b
    if seen_from == other.statement_id:
        mine, other = other, mine
    worth = worth_of(node.calibration, found)
    return ShownPair(
        candidate_id=row.candidate_id,
        roi=found.roi,
        score=row.score,
        not_validated=not_validated(found),
        congruent_cells=row.congruent_cells if row.cells_found else None,
        cells=row.cells if row.cells_found else None,
        rotation_deg=row.rotation_deg,
        cross_border=row.cross_border,
        same_case=row.same_case,
        likelihood_ratio=worth.likelihood_ratio,
        no_validated_lr=worth.no_validated_lr,
        record=mine,
        other=other,
        created_at=row.created_at,
        matcher=row.matcher_version,
        parameters=row.parameters,
    )


def found_candidate(asker: Consultation, candidate_id: int, *, cells: bool = True) -> CandidatePair:
    """``cells``: find them now where nobody asked for them yet. Raises NotFound: none, one that this examiner may
    be asked to verify, or one of a list that is not open; the answer is the same."""
    find = find_with_cells if cells else find_candidate
    found = find(asker.node, *asker.reader, candidate_id)
    if found is None:
        raise NotFound(f"There is no candidate {candidate_id} on this node, or its list is not open to you.")
    return found


def note_listed(asker: Consultation, found: Sequence[CandidatePair]) -> None:
    """These are about to be listed with their scores."""
    note_shown(asker.node, *asker.reader, found)


def note_candidate(asker: Consultation, act: Act, found: CandidatePair) -> None:
    """One pair is about to be shown with what its score rests on. A picture alone, as it stands in a list, opens
    nothing."""
    opened = act is not Act.READ_PICTURE
    note_shown(asker.node, *asker.reader, [found], opened=opened)
    sides = (found.row.statement_a, found.row.statement_b)
    asker.note(act, 1, *sides, asked={"candidate": str(found.row.candidate_id)})


def picture_of(asker: Consultation, candidate_id: int) -> bytes:
    """Both scans, aligned, with their cells, as PNG; written down before it is given. Raises NotFound, NotAudited."""
    found = found_candidate(asker, candidate_id)
    drawn = pair_picture(asker.node, found)
    note_candidate(asker, Act.READ_PICTURE, found)
    return drawn
