"""Cases that were joined across a border: each hit with all that was signed about it, and whose turn it is."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TypeAlias

import structlog
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import NotFound
from exchange.flows.blind.visibility import Hidden, hidden_pair_ids
from exchange.flows.hits.bases import claims_of
from exchange.flows.hits.rules import lead_of
from exchange.flows.hits.stage import Entry, HitProgress, Stage, both_have, progress
from exchange.flows.hits.vocabulary import MOST_HITS, MOST_STEPS, HitTask, Todo
from exchange.flows.node.node import Node
from exchange.store.entry.exhibits import SameExhibits, same_exhibits
from exchange.store.entry.record_rows import find_records
from exchange.store.hits.joined_pairs import (
    PairFilter,
    all_pairs,
    countersigned,
    first_said_of,
    hits_of_pair,
    hits_of_pairs,
    open_pair_ids,
    open_pairs,
    pairs_of,
    pairs_that_wait_for,
    place_of,
    said_of_hits,
    search_pairs,
    verified_conclusions,
)
from exchange.store.log.statement_rows import find_statement, find_statements
from exchange.store.review.review_rows import Scans
from exchange.store.tables.hits import HitPairRow
from exchange.store.tables.record_tables import RecordRow, StatementRow
from schemas import AnyStatement, Conclusion, Hit, Pair, Side, Verification, open_envelope, parse_statement
from schemas.kinds import OF_A_HIT
from schemas.vocabulary import HitStage

log = structlog.get_logger(__name__)

ABOUT_HIT = (*sorted(OF_A_HIT), "message")
RESTED_ON = ("conclusion", "verification")
"""What a hit may name as its grounds; whatever else it names is no part of its history."""
MOST_RETRACTIONS = 8
"""Of one statement by one issuer, of which the first takes it back."""
MOST_REVIEWS = 500
"""How many verified conclusions of one issuer on one exhibit are searched for disagreements: far more than two FFPs
need, and few enough to read with each hit."""
HitPlace: TypeAlias = tuple[str, str]
"""A moment and a pair: what follows it in a list."""
MOST_OPEN = 500
"""So many are listed, of each node in turn the first due first; how many are left out is said beside them."""


@dataclass(frozen=True)
class Link:
    """A pair that somebody signed a hit of. ``link_id`` is the statement's id of the sides' first lead by its place in
    its issuer's log: it does not depend on what arrived when. ``records``: None for one that was withdrawn."""

    link_id: str
    pair: Pair
    history: tuple[Entry, ...]
    progress: HitProgress
    records: tuple[RecordRow | None, RecordRow | None]

    @property
    def hit(self) -> Hit:
        """The confirmed one where there is one that counts; otherwise the lead."""
        hits = [(entry, entry.statement) for entry in self.history if isinstance(entry.statement, Hit)]
        counting = [item for item in hits if item[0].statement_id not in self.progress.no_effect] or hits
        return max(counting, key=lambda item: (item[1].stage is HitStage.CONFIRMED, item[0].said.place))[1]

    @property
    def lead_id(self) -> str:
        """What a next step names: the first lead that stands."""
        return lead_of(self.pair, (entry.said for entry in self.history)) or self.link_id

    def late(self) -> bool:
        return self.progress.late(stamp())


@dataclass(frozen=True)
class HitStanding:
    """What the database knows of a hit without reading its statements."""

    stage: Stage
    due_at: str | None
    waits_for: tuple[str, ...]
    tasks: tuple[HitTask, ...]


@dataclass(frozen=True)
class KnownLink:
    """A link as it is found in a list of all. ``sides``: the two records by their ids, also where they were not
    read."""

    link_id: str
    pair_id: str
    scans: Scans
    progress: HitStanding
    records: tuple[RecordRow | None, RecordRow | None]
    sides: tuple[str, str]


@dataclass(frozen=True)
class OpenLinks:
    """The first that are due, and how many more are open. ``told``: the pairs, by their ids, of which all this tells
    that there is a hit: those that are counted too."""

    links: list[Link]
    left_out: int
    told: frozenset[str]


@dataclass(frozen=True)
class LinkPage:
    """A page of a list; ``following``: where the next one begins, if there is one. ``told``: the pairs, by their ids,
    of which the page tells that there is a hit: where it goes on, the first of the next one too."""

    links: list[Link]
    following: HitPlace | None
    told: frozenset[str]


def all_links(session: Session, hidden: Hidden) -> list[KnownLink]:
    """Every one, however many: open ones first, and among them the one that is due first; without those of ``hidden``
    pairs."""
    rows = all_pairs(session, without=hidden_pair_ids(session, hidden))
    records = find_records(session, {name for row in rows for name in (row.record_a, row.record_b)})
    return [_known(row, records) for row in rows]


def my_turn(session: Session, node: Node, hidden: Hidden) -> list[KnownLink]:
    """Every one where something is expected of this node, the first due first."""
    rows = pairs_that_wait_for(session, node.node_id, without=hidden_pair_ids(session, hidden))
    return [_known(row, {}) for row in rows]


def _known(row: HitPairRow, records: Mapping[str, RecordRow]) -> KnownLink:
    tasks = tuple(HitTask(Todo(todo), node, due_at) for todo, node, due_at in json.loads(row.tasks))
    standing = HitStanding(Stage(row.stage), row.due_at or None, tuple(row.waits_for.split()), tasks)
    read = records.get(row.record_a), records.get(row.record_b)
    sides = row.record_a, row.record_b
    return KnownLink(row.link_id, row.pair, (row.scan_low, row.scan_high), standing, read, sides)


def open_links(session: Session, node: Node, hidden: Hidden) -> OpenLinks:
    """Where somebody has a turn, with their histories."""
    without = hidden_pair_ids(session, hidden)
    rows = open_pairs(session, without=without, limit=MOST_OPEN)
    links = sorted(
        links_of(session, node, [row.pair for row in rows]), key=lambda link: (link.progress.due_at or "", link.link_id)
    )
    told = {row.pair for row in rows}
    if len(rows) == MOST_OPEN:
        told |= open_pair_ids(session, without=without)
    return OpenLinks(links, len(told) - len(rows), frozenset(told))


def find_links(
    session: Session, node: Node, hidden: Hidden, wanted: PairFilter, *, after: HitPlace | None, limit: int
) -> LinkPage:
    """A page of those that fulfil the conditions: open ones by their deadline, closed ones the newest first."""
    rows = search_pairs(session, wanted, without=hidden_pair_ids(session, hidden), after=after, limit=limit + 1)
    following = place_of(rows[limit - 1], wanted) if len(rows) > limit else None
    links = links_of(session, node, [row.pair for row in rows[:limit]])
    return LinkPage(links, following, frozenset(row.pair for row in rows))


def find_link(session: Session, node: Node, link_id: str, hidden: Hidden) -> Link:
    """By the statement's id of any hit of it. Raises NotFound, also for one of a ``hidden`` pair."""
    row = find_statement(session, link_id)
    said = _said_in(row) if row is not None and row.type == "hit" and believed(row) else None
    found = None
    if isinstance(said, Hit) and said.pair not in hidden:
        found = next(iter(links_of(session, node, [pair_id(said.pair)])), None)
    if found is None:
        raise NotFound("There is no such hit on this node.")
    return found


def links_of(session: Session, node: Node, pairs: Iterable[str]) -> list[Link]:
    """The links of these pairs, by their ids, with all that was signed of each; without what is not believed, and
    without one that cannot be worked out: what one peer signed hides no hit of another's."""
    hits = hits_of_pairs(session, list(pairs), most=MOST_HITS)
    shelf = _shelf(session, node, hits)
    found = []
    for pair, rows in hits.items():
        try:
            found.append(_link(node, rows, shelf))
        except Exception:
            log.exception("a hit cannot be worked out; it is left out, and tried again at the next start", pair=pair)
    return found


def hit_history(session: Session, node: Node, pair: Pair, *named: str) -> tuple[Entry, ...]:
    """All that was signed of a pair, and these statements beside it, in no order that means anything."""
    hits = hits_of(session, pair)
    disagreeing = disagreeing_reviews(session, [pair])
    shelf = _shelf(session, node, {pair_id(pair): hits}, besides=named, disagreeing=disagreeing)
    found = {entry.statement_id: entry for entry in _entries(pair_id(pair), hits, shelf)}
    for name in named:
        for row in (shelf.rests_on.get(name), *shelf.about.get(name, [])):
            if row is not None and believed(row):
                found.setdefault(row.statement_id, _entry(row, shelf))
    return tuple(found.values())


def disagreeing_reviews(session: Session, pairs: Collection[Pair]) -> dict[str, dict[str, int]]:
    """Return, by pair id, the conclusions on the same two exhibits with which a verification disagrees, and these
    verifications, each with its ``Said.same_exhibits_since``. They may name other scans, and other versions of the
    records, than the pair does."""
    same = same_exhibits(session, {side.exhibit for pair in pairs for side in (pair.a, pair.b)})
    wanted: dict[frozenset[str], list[Pair]] = {}
    for pair in pairs:
        wanted.setdefault(_exhibits(pair, same), []).append(pair)
    first_versions = {name.partition("/")[2] for name in same.names}
    found: dict[str, dict[str, int]] = {}
    for row, verification in verified_conclusions(session, first_versions, most=MOST_REVIEWS):
        first, second = _said_in(row), _said_in(verification)
        if not isinstance(first, Conclusion) or not isinstance(second, Verification):
            continue
        if claims_of(first.result) == claims_of(second.result):
            continue
        for pair in wanted.get(_exhibits(first.pair, same), ()):
            since = _same_since(same, pair, first)
            if since is not None:
                found.setdefault(pair_id(pair), {}).update({row.statement_id: since, verification.statement_id: since})
    return found


def pairs_of_same_exhibits(session: Session, pair: Pair) -> set[str]:
    """Return the ids of the pairs that have a hit and are of the same two exhibits as this pair."""
    same = same_exhibits(session, {pair.a.exhibit, pair.b.exhibit})
    joined = pairs_of(session, same.names, ())
    names = {row.pair: frozenset(same.names.get(one, one) for one in (row.exhibit_a, row.exhibit_b)) for row in joined}
    return {name for name, exhibits in names.items() if exhibits == _exhibits(pair, same)}


def _same_since(same: SameExhibits, pair: Pair, said: Conclusion) -> int | None:
    """Return the place in the issuer's log from which a conclusion counts as one on the two exhibits of a pair, or None
    if it is on other exhibits. Only the issuer's own exhibits are recognised by their numbers. Otherwise one side could
    undo a hit of the other by entering a number later."""
    for one, other in ((said.pair.a, said.pair.b), (said.pair.b, said.pair.a)):
        places = [_one_since(same, own, review, said.issuer) for own, review in ((pair.a, one), (pair.b, other))]
        known = [place for place in places if place is not None]
        if len(known) == len(places):
            return max(known)
    return None


def _one_since(same: SameExhibits, side: Side, other: Side, issuer: str) -> int | None:
    if side.exhibit == other.exhibit:
        return -1
    return same.one_since(side.exhibit, other.exhibit) if side.issuer == other.issuer == issuer else None


def _exhibits(pair: Pair, same: SameExhibits) -> frozenset[str]:
    return frozenset(same.names.get(side.exhibit, side.exhibit) for side in (pair.a, pair.b))


def hits_of(session: Session, pair: Pair) -> list[StatementRow]:
    """The hits of a pair, by their place in their issuer's log."""
    return hits_of_pair(session, pair_id(pair), most=MOST_HITS)


def pair_id(pair: Pair) -> str:
    """The same on every node: SHA-256 over both sides."""
    return hashlib.sha256(pair.model_dump_json().encode()).hexdigest()


@dataclass(frozen=True)
class _Shelf:
    """What is known beside some hits, read at once: ``about``: what was said of each statement; ``rests_on``: the
    conclusions and verifications that are named anywhere; ``times``: when the other side countersigned; ``records``:
    those of either side that may be shown; ``disagreeing``: as ``disagreeing_reviews`` returns it."""

    about: dict[str, list[StatementRow]]
    rests_on: dict[str, StatementRow]
    disagreeing: dict[str, dict[str, int]]
    times: dict[str, str]
    records: dict[str, RecordRow]


def _shelf(
    session: Session,
    node: Node,
    hits: Mapping[str, Sequence[StatementRow]],
    *,
    besides: Collection[str] = (),
    disagreeing: dict[str, dict[str, int]] | None = None,
) -> _Shelf:
    """By their pairs; so much of each that a peer which signs without an end makes nobody wait."""
    every = [row for rows in hits.values() for row in rows]
    said = list(chain.from_iterable(_said_of(session, hits.keys(), kind) for kind in ABOUT_HIT))
    said += first_said_of(session, {row.statement_id for row in every}, "retraction", most=MOST_RETRACTIONS)
    if disagreeing is None:
        joined = {hit.pair for row in every if believed(row) and isinstance(hit := _said_in(row), Hit)}
        disagreeing = disagreeing_reviews(session, joined)
    named = {name for row in (*every, *said) if believed(row) for name in _named_by(_said_in(row))}
    named |= {*besides, *chain.from_iterable(disagreeing.values())}
    rests_on = {name: row for name, row in find_statements(session, named).items() if row.type in RESTED_ON}
    said += first_said_of(session, rests_on.keys(), "retraction", most=MOST_RETRACTIONS)
    about: dict[str, list[StatementRow]] = {}
    for row in said:
        about.setdefault(row.about or "", []).append(row)
    records = {side.record for row in every for side in _sides(row)}
    known = {row.statement_id for row in (*every, *said)} | rests_on.keys()
    return _Shelf(
        about, rests_on, disagreeing, countersigned(session, node.node_id, known), find_records(session, records)
    )


def _said_of(session: Session, pairs: Collection[str], kind: str) -> list[StatementRow]:
    """Of steps and explanations the first count, of feedback the last; of messages people want the newest."""
    newest = kind in ("feedback", "message")
    return said_of_hits(session, pairs, kind, most=MOST_STEPS, newest=newest)


def _link(node: Node, hits: list[StatementRow], shelf: _Shelf) -> Link:
    pair = next(said.pair for row in hits if isinstance(said := _said_in(row), Hit))
    entries = tuple(
        sorted(
            _entries(pair_id(pair), hits, shelf), key=lambda entry: (entry.at, entry.statement.issuer, entry.log_index)
        )
    )
    records = shelf.records.get(pair.a.record), shelf.records.get(pair.b.record)
    leads = [row for row in hits if getattr(_said_in(row), "stage", None) is HitStage.LEAD]
    of_sides = [row for row in leads if row.issuer in (pair.a.issuer, pair.b.issuer)]  # no third node names a hit
    return Link((of_sides or leads or hits)[0].statement_id, pair, entries, progress(entries, node.settings), records)


def _entries(pair: str, hits: Sequence[StatementRow], shelf: _Shelf) -> list[Entry]:
    """Return the hits of a pair, the conclusions and verifications that they rest on, the statements about all of
    these, and the reviews of the same two exhibits that disagree."""
    found: dict[str, StatementRow] = {}
    disagreeing = shelf.disagreeing.get(pair, {})
    for name in disagreeing:
        found |= {row.statement_id: row for row in (shelf.rests_on[name], *shelf.about.get(name, []))}
    for hit in hits:
        for row in (hit, *shelf.about.get(hit.statement_id, [])):
            found[row.statement_id] = row
            if not believed(row):
                continue
            for name in _named_by(_said_in(row)):
                for rested in (shelf.rests_on.get(name), *shelf.about.get(name, [])):
                    if rested is not None:
                        found[rested.statement_id] = rested
    entries = [_entry(row, shelf) for row in found.values() if believed(row)]
    return [replace(one, same_exhibits_since=disagreeing.get(one.statement_id)) for one in entries]


def believed(row: StatementRow) -> bool:
    """Whole, and signed by a key that was in the right hands."""
    return row.envelope is not None and row.refused_by is None


def _named_by(said: AnyStatement) -> list[str]:
    named = [getattr(said, "conclusion", None), getattr(said, "verification", None)]
    return [name for name in named if name is not None]


def _sides(row: StatementRow) -> tuple[Side, ...]:
    said = _said_in(row)
    return (said.pair.a, said.pair.b) if isinstance(said, Hit) else ()


def _entry(row: StatementRow, shelf: _Shelf) -> Entry:
    said = _said_in(row)
    read_at = both_have(said, shelf.times.get(row.statement_id))
    return Entry(row.statement_id, said, row.received_at, row.log_index, read_at)


def _said_in(row: StatementRow) -> AnyStatement:
    return _said(_Sealed(row.statement_id, row.envelope or b""))


@dataclass(frozen=True)
class _Sealed:
    """Known by the statement's id, which follows from all that it says."""

    statement_id: str
    envelope: bytes = field(compare=False)


@functools.lru_cache(maxsize=4096)
def _said(sealed: _Sealed) -> AnyStatement:
    """What a statement says never changes, and is read once."""
    return parse_statement(open_envelope(sealed.envelope).payload)
