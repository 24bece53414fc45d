"""What one case is linked to, and what that is linked to: cases as nodes, hits as edges, each at a place that is the
same whenever it is drawn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.errors import NotFound
from exchange.flows.blind.hits_told import note_hits
from exchange.flows.blind.visibility import hidden_pairs
from exchange.flows.hits.history import KnownLink, Link, all_links, links_of
from exchange.flows.hits.stage import Stage
from exchange.flows.keys.suspicion import Suspicion, suspicions
from exchange.flows.node.node import Node
from exchange.store.entry.search import records_of_case
from exchange.store.tables.record_tables import RecordRow
from schemas.vocabulary import Jurisdiction, Role

STEPS = 2
"""A case, those it is linked to, and theirs: beyond that a graph says more of everything than of the case."""
MOST_CASES = 60
MOST_RECORDS = 200
WEIGHT = (
    Stage.NO_EFFECT,
    Stage.RETRACTED,
    Stage.ELIMINATED,
    Stage.INCONCLUSIVE,
    Stage.LEAD,
    Stage.COMPARISON_ASKED,
    Stage.COMPARISON_AGREED,
    Stage.COMPARED,
    Stage.CONFIRMED,
)
"""Of several hits between two cases the last of these stands for the edge."""


@dataclass(frozen=True, order=True)
class Case:
    jurisdiction: Jurisdiction
    reference: str


@dataclass(frozen=True)
class PlacedCase:
    """``step``: how many links lead there; ``row``: its place among those of the same step, ``of`` so many."""

    case: Case
    step: int
    row: int
    of: int


@dataclass(frozen=True)
class Tie:
    """All hits that join two cases, the furthest first."""

    one: Case
    other: Case
    links: tuple[KnownLink, ...]

    @property
    def stage(self) -> Stage:
        return self.links[0].progress.stage


@dataclass(frozen=True)
class CaseGraph:
    """``more``: some cases are left out. ``told``: the pairs, by their ids, of which the graph tells that there is a
    hit: all, where cases are left out. ``stands_for``: of each case that is drawn an exhibit that a hit joins, to be
    pictured with it; ``scans``: those that were compared, by their digests."""

    case: Case
    records: Sequence[RecordRow]
    placed: tuple[PlacedCase, ...]
    ties: tuple[Tie, ...]
    more: bool
    told: frozenset[str]
    stands_for: Mapping[Case, RecordRow]
    scans: frozenset[str]


@dataclass(frozen=True)
class ReadCase:
    """A case's graph, its hits with their histories, and which of its records were signed with a key that was in wrong
    hands."""

    graph: CaseGraph
    links: list[Link]
    suspicions: dict[str, Suspicion]


def read_case(node: Node, role: Role, pseudonym: str, case: Case) -> ReadCase:
    """A case for somebody who is thereby told the stages of its hits. Raises NotFound."""
    with node.store.read() as session:
        graph = case_graph(session, role, pseudonym, case)
        links = links_of(session, node, [link.pair_id for tie in graph.ties for link in tie.links])
        doubted = suspicions(session, node, ((row.statement_id, row.issuer) for row in graph.records))
    note_hits(node, role, pseudonym, graph.told)
    return ReadCase(graph, links, doubted)


def case_graph(session: Session, role: Role, pseudonym: str, case: Case) -> CaseGraph:
    """1. The case's exhibits that are here. 2. The hits that this person may see. 3. From the case over them, step by
    step. 4. Each case in the column of its step, near what leads to it.

    Raises NotFound: no record of such a case is here.
    """
    # 1.
    records = records_of_case(session, case.jurisdiction, case.reference, limit=MOST_RECORDS)
    if not records:
        raise NotFound("No record of such a case is on this node.")

    # 2.
    joined: dict[tuple[Case, Case], list[KnownLink]] = defaultdict(list)
    for link in all_links(session, hidden_pairs(session, role, pseudonym)):
        one, other = (_case_of(row) for row in link.records)
        if one is not None and other is not None and one != other:
            joined[min(one, other), max(one, other)].append(link)

    # 3.
    neighbours: dict[Case, set[Case]] = defaultdict(set)
    for one, other in joined:
        neighbours[one].add(other)
        neighbours[other].add(one)
    columns, more = _columns(case, neighbours)

    # 4.
    placed = tuple(
        PlacedCase(item, step, row, len(column))
        for step, column in enumerate(columns)
        for row, item in enumerate(column)
    )
    drawn = {item.case for item in placed}
    ties = tuple(
        Tie(one, other, tuple(sorted(links, key=_weight, reverse=True)))
        for (one, other), links in sorted(joined.items(), key=lambda item: item[0])
        if one in drawn and other in drawn
    )
    lines: Iterable[Sequence[KnownLink]] = joined.values() if more else [tie.links for tie in ties]
    told = frozenset(link.pair_id for line in lines for link in line)
    joined_scans = frozenset(scan for tie in ties for link in tie.links for scan in link.scans)
    return CaseGraph(case, records, placed, ties, more, told, _stand_for(case, records, ties), joined_scans)


def _stand_for(case: Case, records: Sequence[RecordRow], ties: Sequence[Tie]) -> dict[Case, RecordRow]:
    """Of each case the exhibit of its furthest hit; of one that no hit joins, its first."""
    found: dict[Case, RecordRow] = {}
    for tie in sorted(ties, key=lambda tie: _weight(tie.links[0]), reverse=True):
        for row in tie.links[0].records:
            stands_for = _case_of(row)
            if row is not None and stands_for is not None:
                found.setdefault(stands_for, row)
    return {case: records[0]} | found


def _columns(case: Case, neighbours: dict[Case, set[Case]]) -> tuple[list[list[Case]], bool]:
    """By steps from the case; in each, the order of what leads there keeps lines from crossing where that can be."""
    columns, seen, more = [[case]], {case}, False
    for _ in range(STEPS):
        place = {item: row for row, item in enumerate(columns[-1])}
        found = {item for before in columns[-1] for item in neighbours[before]} - seen
        column = sorted(found, key=lambda item: (min(place[near] for near in neighbours[item] if near in place), item))
        room = MOST_CASES - len(seen)
        more = more or len(column) > room
        column = column[:room]
        if not column:
            break
        columns.append(column)
        seen |= set(column)
    return columns, more


def _case_of(row: RecordRow | None) -> Case | None:
    """None for what was withdrawn."""
    return None if row is None else Case(Jurisdiction(row.jurisdiction), row.case_reference)


def _weight(link: KnownLink) -> tuple[int, str]:
    return WEIGHT.index(link.progress.stage), link.link_id
