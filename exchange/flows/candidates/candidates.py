"""The compared pairs that one person may look at: in lists, the best score first, and one by one.

A list tells the cells that are known; whoever shows it to somebody who looks asks for the others (``with_cells``). A
program that reads lists all day asks for none: they take longer than all else that a node does for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from exchange.flows.blind.open_lists import check_open
from exchange.flows.blind.visibility import view_of
from exchange.flows.candidates.cells import with_cells
from exchange.flows.node.node import Node
from exchange.store.entry.record_rows import PENDING, acquisitions_of, counts_by_state, find_record
from exchange.store.review import candidate_rows as store
from exchange.store.tables.record_tables import RecordRow
from schemas.vocabulary import Role

CandidatePair: TypeAlias = store.StoredCandidate
"""A pair with both of its records and scans. In a list it is without what its score rests on."""
CandidatePlace: TypeAlias = tuple[float, int]
"""A score and a candidate's number: what follows it in a list is below it."""


@dataclass(frozen=True)
class RankedCandidates:
    """``pending``: how many scans are not correlated yet."""

    pairs: list[CandidatePair]
    pending: int


@dataclass(frozen=True)
class RecordCandidates(RankedCandidates):
    """The pairs of one record over all its scans."""

    record: RecordRow


def ranked_for_record(
    node: Node,
    role: Role,
    pseudonym: str,
    statement_id: str,
    *,
    limit: int,
    below: CandidatePlace | None = None,
) -> RecordCandidates | None:
    """None: there is no such record here. Raises Conflict where the list is not open to this examiner."""
    with node.store.read() as session:
        found = find_record(session, statement_id)
        if found is None:
            return None
        check_open(session, role, pseudonym, found[0].exhibit)
        pairs = store.candidates_of(session, statement_id, view_of(role, pseudonym), store.Page(limit, below))
        pending = sum(item.state in PENDING for item in acquisitions_of(session, statement_id))
    return RecordCandidates(pairs, pending, found[0])


def ranked_across_borders(
    node: Node,
    role: Role,
    pseudonym: str,
    *,
    limit: int,
    below: CandidatePlace | None = None,
    min_score: float = -10,
    jurisdiction: str | None = None,
    roi: str | None = None,
) -> RankedCandidates:
    """Open pairs across a border, of an examiner those of the lists that are open to the examiner; None restricts
    nothing."""
    wanted = store.CandidateFilter(min_score, jurisdiction, roi)
    with node.store.read() as session:
        pairs = store.open_candidates(session, view_of(role, pseudonym), store.Page(limit, below), wanted)
        pending = sum(count for state, count in counts_by_state(session).items() if state in PENDING)
    return RankedCandidates(pairs, pending)


def find_candidate(node: Node, role: Role, pseudonym: str, candidate_id: int) -> CandidatePair | None:
    """With its cells, where they are known. None: there is no such pair, or this examiner may be asked to verify it."""
    with node.store.read() as session:
        return store.find_candidate(session, candidate_id, view_of(role, pseudonym))


def find_with_cells(node: Node, role: Role, pseudonym: str, candidate_id: int) -> CandidatePair | None:
    """As ``find_candidate``; cells that nobody asked for yet are found now, which may take a second."""
    found = find_candidate(node, role, pseudonym, candidate_id)
    with_cells(node, [found] if found is not None else [])
    return found
