"""Lists of exhibit pairs: of one record, across borders, and of one examiner's own records.

What stands out is read with its scans; of weaker pairs no more than their numbers, until somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from exchange.flows.blind.open_lists import check_open
from exchange.flows.blind.visibility import view_of
from exchange.flows.candidates.candidates import CandidatePair
from exchange.flows.candidates.exhibit_ranking import RankedExhibits, Ranking, rank_exhibits
from exchange.flows.candidates.exhibit_reviews import concluded_pairs
from exchange.flows.candidates.own_view import OwnView, own_view
from exchange.flows.node.node import Node
from exchange.flows.review.one_review import RecordPair
from exchange.store.entry.exhibits import Exhibits
from exchange.store.entry.record_rows import PENDING, acquisitions_of, counts_by_state, find_record, find_records
from exchange.store.review import exhibit_pair_rows as store
from exchange.store.review.candidate_rows import CandidateFilter as CandidateFilter
from exchange.store.review.candidate_rows import CandidateView, Page, candidates_numbered
from exchange.store.review.open_list_rows import open_exhibits_of
from exchange.store.review.review_rows import Scans, seen_by
from exchange.store.review.set_aside_rows import SeenScores, pairs_aside_of
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from schemas.vocabulary import Role

MOST_WEAKER = 50
"""Weaker or folded pairs that are sent at once."""
MOST_GROUPS = 12
"""Own records on a page of the list across borders."""
_SHOWN_OF_A_GROUP = 6
"""What else stands out of one record is on its own page."""
_FIRST_STEP, _STEP, _MOST_WALKED = 60, 500, 20_000
"""Scan pairs that are looked at to find the next own records: first, in each later step, and at most."""


class RestOfList(StrEnum):
    """The pairs of a record that are sent when somebody asks for them."""

    WEAKER = "weaker"
    UNVALIDATED = "unvalidated"


@dataclass(frozen=True)
class ExhibitPair:
    """Two exhibits with what is shown of them. ``regions``: of each region the best scan pair, the best first; ``more``
    scan pairs there are beside these. ``opened``: this person opened one of them, ``fresh``: this examiner has not;
    ``concluded``: a conclusion that this person may see stands."""

    ranked: RankedExhibits
    regions: Sequence[CandidatePair]
    opened: bool
    fresh: bool
    concluded: bool

    @property
    def best(self) -> CandidatePair:
        return self.regions[0]

    @property
    def more(self) -> int:
        return len(self.ranked.scan_pairs) - len(self.regions)

    @property
    def record(self) -> RecordRow:
        """The record whose list it is."""
        return self._side(self.ranked.statement_id)

    @property
    def other(self) -> RecordRow:
        return self._side(self.ranked.other)

    @property
    def scans(self) -> tuple[AcquisitionRow, AcquisitionRow]:
        """The two that the best scan pair compares: of ``record``, and of ``other``."""
        a, b = self.best.acquisition_a, self.best.acquisition_b
        return (a, b) if a.statement_id == self.ranked.statement_id else (b, a)

    def _side(self, statement_id: str) -> RecordRow:
        best = self.best
        return best.record_a if best.record_a.statement_id == statement_id else best.record_b


@dataclass(frozen=True)
class RecordExhibits:
    """The exhibit pairs of one record. ``own``: without what this examiner set aside; ``rest``: the page of weaker or
    unvalidated ones that was asked for; ``following``: the place after which its next page begins; ``aside``: the first
    of what was set aside, if that was asked for; ``pending``: how many scans are not correlated yet."""

    record: RecordRow
    ranking: Ranking
    own: OwnView
    standing: Sequence[ExhibitPair]
    away: Sequence[ExhibitPair]
    rest: Sequence[ExhibitPair]
    following: int | None
    aside: Sequence[ExhibitPair]
    pending: int


@dataclass(frozen=True)
class RecordGroup:
    """What stands out of one record in a list of many; ``own`` has how much more there is, without what this examiner
    set aside."""

    record: RecordRow
    ranking: Ranking
    own: OwnView
    standing: Sequence[ExhibitPair]


@dataclass(frozen=True)
class GroupedExhibits:
    """``following``: after how many records the next page begins; ``pending``: scans that are not correlated yet."""

    groups: Sequence[RecordGroup]
    following: int | None
    pending: int


def exhibits_of_record(
    node: Node,
    role: Role,
    pseudonym: str,
    statement_id: str,
    *,
    rest: RestOfList | None = None,
    after: int = 0,
    aside: bool = False,
) -> RecordExhibits | None:
    """``rest``: with a page of these pairs, ``after`` so many of them; ``aside``: with what this examiner set aside.
    None: there is no such record here. Raises Conflict where the list is not open to this examiner."""
    with node.store.read() as session:
        found = find_record(session, statement_id)
        if found is None:
            return None
        check_open(session, role, pseudonym, found[0].exhibit)
        ranking = rankings_in(session, role, pseudonym, [(statement_id, found[0].exhibit)])[statement_id]
        own = own_view(ranking, _set_aside(session, role, pseudonym, {found[0].exhibit}))
        listed = {None: (), RestOfList.WEAKER: own.weaker, RestOfList.UNVALIDATED: own.unvalidated}[rest]
        asked = listed[after : after + MOST_WEAKER]
        unfolded = own.aside[:MOST_WEAKER] if aside else []
        away = ranking.away[:MOST_WEAKER]
        shown = _Shown.read(session, node, role, pseudonym, [*own.standing, *away, *asked, *unfolded])
        pending = sum(item.state in PENDING for item in acquisitions_of(session, statement_id))
        end = after + len(asked)
        return RecordExhibits(
            found[0],
            ranking,
            own,
            shown.pairs(own.standing),
            shown.pairs(away),
            shown.pairs(asked),
            end if end < len(listed) else None,
            shown.pairs(unfolded),
            pending,
        )


def ranking_of(node: Node, role: Role, pseudonym: str, statement_id: str) -> Ranking | None:
    """The numbers alone: None where there is no such record here."""
    with node.store.read() as session:
        found = find_record(session, statement_id)
        if found is None:
            return None
        return rankings_in(session, role, pseudonym, [(statement_id, found[0].exhibit)])[statement_id]


def read_exhibits(node: Node, role: Role, pseudonym: str, ranked: Sequence[RankedExhibits]) -> list[ExhibitPair]:
    """These pairs with their records and scans; without what was erased since they were ranked."""
    with node.store.read() as session:
        return _Shown.read(session, node, role, pseudonym, ranked).pairs(ranked)


def exhibits_across_borders(
    node: Node, role: Role, pseudonym: str, wanted: CandidateFilter, *, after: int = 0
) -> GroupedExhibits:
    """Own records with a pair across a border that fits, the one with the best score first, each with what stands out
    of it and fits; ``after`` so many of them. Of an examiner those whose lists are open to the examiner. On a page each
    pair stands once, and first those records of which one does: one whose best pair is joined already has nothing to
    find any more.

    Down the ranking by its index, and no further than the page needs: so it hardly costs more with more pairs.
    """
    view = view_of(role, pseudonym)
    with node.store.read() as session:
        pending = sum(count for state, count in counts_by_state(session).items() if state in PENDING)
        own = open_exhibits_of(session, pseudonym) if role is Role.EXAMINER else None
        names = _first_records(session, node, view, wanted, own, after + MOST_GROUPS + 1)
        groups = _groups(session, node, role, pseudonym, names[after : after + MOST_GROUPS])
    fitting, told = list[RecordGroup](), set[Exhibits]()
    for group in groups:
        standing = [pair for pair in group.standing if _fits(pair, wanted) and pair.ranked.exhibits not in told]
        told |= {pair.ranked.exhibits for pair in standing}
        fitting.append(RecordGroup(group.record, group.ranking, group.own, standing))
    fitting.sort(key=lambda group: not group.standing)
    return GroupedExhibits(fitting, after + MOST_GROUPS if len(names) > after + MOST_GROUPS else None, pending)


def _first_records(
    session: Session,
    node: Node,
    view: CandidateView,
    wanted: CandidateFilter,
    own: Set[str] | None,
    count: int,
) -> list[str]:
    """The first records of the list across borders, each where its best fitting pair stands. ``own``: the exhibits
    whose lists may be shown; None for all."""
    found: dict[str, None] = {}
    place: tuple[float, int] | None = None
    walked, step = 0, _FIRST_STEP
    while len(found) < count and walked < _MOST_WALKED:
        rows = store.leading_pairs(session, view, wanted, Page(step, place))
        found |= {_own_side(node, row, own): None for row in rows}
        walked += len(rows)
        if len(rows) < step:
            break
        place, step = (rows[-1].score, rows[-1].candidate_id), _STEP
    return list(found)[:count]


def _own_side(node: Node, row: store.LeadingPair, own: Set[str] | None) -> str:
    """The record whose list a pair is shown in: one of ``own``, else this node's; of two such, the first."""
    a = own is None or row.exhibit_a in own, row.issuer_a == node.node_id
    b = own is None or row.exhibit_b in own, row.issuer_b == node.node_id
    return row.statement_b if b > a else row.statement_a


def _groups(
    session: Session, node: Node, role: Role, pseudonym: str, statement_ids: Sequence[str]
) -> list[RecordGroup]:
    records = find_records(session, statement_ids)
    named = [(name, records[name].exhibit) for name in statement_ids if name in records]
    rankings = rankings_in(session, role, pseudonym, named)
    aside = _set_aside(session, role, pseudonym, {exhibit for _, exhibit in named})
    own = {name: own_view(ranking, aside) for name, ranking in rankings.items()}
    shown = {name: view.standing[:_SHOWN_OF_A_GROUP] for name, view in own.items()}
    read = _Shown.read(session, node, role, pseudonym, [pair for pairs in shown.values() for pair in pairs])
    return [RecordGroup(records[name], rankings[name], own[name], read.pairs(shown[name])) for name in rankings]


def _set_aside(
    session: Session, role: Role, pseudonym: str, exhibits: Collection[str]
) -> Mapping[Exhibits, SeenScores]:
    """Only an examiner has a view of their own."""
    return pairs_aside_of(session, pseudonym, exhibits) if role is Role.EXAMINER else {}


def _fits(pair: ExhibitPair, wanted: CandidateFilter) -> bool:
    """Whether an exhibit pair fulfils what the scan pairs of a list were asked for."""
    scan_pairs = pair.ranked.scan_pairs
    jurisdictions = {pair.record.jurisdiction, pair.other.jurisdiction}
    return (
        any(scans.cross_border for scans in scan_pairs)
        and (wanted.jurisdiction is None or wanted.jurisdiction in jurisdictions)
        and (wanted.roi is None or any(scans.roi == wanted.roi for scans in scan_pairs))
        and (wanted.new_to is None or not pair.opened)
    )


def rankings_in(session: Session, role: Role, pseudonym: str, records: Sequence[tuple[str, str]]) -> dict[str, Ranking]:
    """Of each of these records, with its exhibit, all of its exhibit pairs by their numbers that this person may look
    at."""
    of_record: dict[str, list[store.ScanPairScore]] = {statement_id: [] for statement_id, _ in records}
    for pair in store.scan_pair_scores(session, of_record, view_of(role, pseudonym)):
        for side in {pair.statement_a, pair.statement_b} & of_record.keys():
            of_record[side].append(pair)
    hits = store.joined_exhibits(session, {exhibit for _, exhibit in records})
    return {statement_id: rank_exhibits(statement_id, pairs, hits) for statement_id, pairs in of_record.items()}


@dataclass(frozen=True)
class _Shown:
    """What was read of some exhibit pairs, to be dealt to lists. ``reviews``: this person is an examiner."""

    candidates: Mapping[int, CandidatePair]
    opened: Set[Scans]
    concluded: Set[RecordPair]
    reviews: bool

    @classmethod
    def read(
        cls, session: Session, node: Node, role: Role, pseudonym: str, ranked: Collection[RankedExhibits]
    ) -> _Shown:
        wanted = [scans.candidate_id for pair in ranked for scans in _of_each_region(pair)]
        found = candidates_numbered(session, wanted, view_of(role, pseudonym))
        seen = seen_by(session, pseudonym, [item.scans for item in found.values()])
        concluded = concluded_pairs(
            session, node, role, pseudonym, {frozenset({pair.statement_id, pair.other}) for pair in ranked}
        )
        opened = {scans for scans, row in seen.items() if row.opened_at is not None}
        return cls(found, opened, concluded, role is Role.EXAMINER)

    def pairs(self, ranked: Iterable[RankedExhibits]) -> list[ExhibitPair]:
        found = []
        for pair in ranked:
            ids = [scans.candidate_id for scans in _of_each_region(pair)]
            regions = [self.candidates[one] for one in ids if one in self.candidates]
            if regions:
                opened = any(item.scans in self.opened for item in regions)
                concluded = frozenset({pair.statement_id, pair.other}) in self.concluded
                found.append(ExhibitPair(pair, regions, opened, self.reviews and not opened, concluded))
        return found


def _of_each_region(pair: RankedExhibits) -> list[store.ScanPairScore]:
    """The best scan pair of each region, the best first."""
    best: dict[str, store.ScanPairScore] = {}
    for scans in pair.scan_pairs:
        best.setdefault(scans.roi, scans)
    return list(best.values())
