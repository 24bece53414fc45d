"""Cases that were joined across a border: each hit with all that was signed about it, and whose turn it is."""

from __future__ import annotations

import functools
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import NotFound
from exchange.flows.node import Node
from exchange.flows.stages import Entry, Progress, progress
from exchange.store.records import find_records
from exchange.store.reviews import Scans, scans_of
from exchange.store.statements import (
    find_statement,
    find_statements,
    search_statements,
    statements_about,
    statements_about_each,
)
from exchange.store.tables import RecordRow, StatementRow
from schemas import AnyStatement, Conclusion, Hit, Pair, open_envelope, parse_statement

ABOUT_HIT = ("physical-comparison", "feedback", "message", "retraction")
MOST = 500


@dataclass(frozen=True)
class Link:
    """A pair that somebody holds for a lead at least, named by its first hit. ``records``: None for one that was
    withdrawn."""

    link_id: str
    pair: Pair
    history: tuple[Entry, ...]
    progress: Progress
    records: tuple[RecordRow | None, RecordRow | None]

    @property
    def hit(self) -> Hit:
        """The latest: the confirmed one where there is one."""
        return next(entry.statement for entry in reversed(self.history) if isinstance(entry.statement, Hit))

    def late(self) -> bool:
        return self.progress.late(stamp())


def all_links(session: Session, node: Node, hidden: Container[Pair]) -> list[Link]:
    """Open ones first, and among them the one that is due first; without those of ``hidden`` pairs."""
    found: dict[Pair, list[StatementRow]] = {}
    for row in reversed(search_statements(session, kinds={"hit"}, about=None, issuer=None, limit=MOST)):
        said = _entry(row).statement
        if isinstance(said, Hit) and said.pair not in hidden:
            found.setdefault(said.pair, []).append(row)
    shelf = _shelf(session, [row for rows in found.values() for row in rows])
    links = [_link(node, pair, rows, shelf) for pair, rows in found.items()]
    return sorted(links, key=lambda link: (link.progress.due_at is None, link.progress.due_at or "", link.link_id))


def find_link(session: Session, node: Node, link_id: str, hidden: Container[Pair]) -> Link:
    """By the statement's id of any hit of it. Raises NotFound, also for one of a ``hidden`` pair."""
    row = find_statement(session, link_id)
    said = _entry(row).statement if row is not None and row.type == "hit" and row.envelope is not None else None
    if not isinstance(said, Hit) or said.pair in hidden:
        raise NotFound("There is no such hit on this node.")
    hits = hits_of(session, said.pair)
    return _link(node, said.pair, hits, _shelf(session, hits))


def hits_of(session: Session, pair: Pair) -> list[StatementRow]:
    """The hits of a pair, the first first. A hit speaks of its conclusion, and a conclusion of the pair's record."""
    rows = []
    for conclusion in statements_about(session, pair.a.record, ["conclusion"]):
        if conclusion.envelope is not None and _pair_of(conclusion) == pair:
            rows += [row for row in statements_about(session, conclusion.statement_id, ["hit"]) if row.envelope]
    return sorted(rows, key=lambda row: (row.received_at, row.log_index))


def linked(session: Session) -> dict[Scans, str]:
    """The pairs of scans that are joined by a hit already, each with the statement's id of its first one."""
    found: dict[Scans, str] = {}
    for row in reversed(search_statements(session, kinds={"hit"}, about=None, issuer=None, limit=MOST)):
        said = _entry(row).statement
        if isinstance(said, Hit):
            found.setdefault(scans_of(said.pair.a.scan, said.pair.b.scan), row.statement_id)
    return found


def my_turn(links: list[Link], node: Node) -> list[Link]:
    """Those where something is expected of this node."""
    return [link for link in links if node.node_id in link.progress.waits_for]


@dataclass(frozen=True)
class _Shelf:
    """What is known beside some hits, read at once: ``about``: what was said of each; ``rests_on``: the conclusions and
    verifications that are named anywhere; ``records``: those of either side that may be shown."""

    about: Mapping[str, list[StatementRow]]
    rests_on: Mapping[str, StatementRow]
    records: Mapping[str, RecordRow]


def _shelf(session: Session, hits: Sequence[StatementRow]) -> _Shelf:
    about = statements_about_each(session, [row.statement_id for row in hits], ABOUT_HIT)
    said = [_entry(row).statement for row in (*hits, *chain.from_iterable(about.values())) if row.envelope is not None]
    named = {name for statement in said for name in _named_by(statement)}
    records = {side.record for hit in said if isinstance(hit, Hit) for side in (hit.pair.a, hit.pair.b)}
    return _Shelf(about, find_statements(session, named), find_records(session, records))


def _link(node: Node, pair: Pair, hits: list[StatementRow], shelf: _Shelf) -> Link:
    history: dict[str, Entry] = {}
    for row in hits:
        hit = _entry(row)
        if not isinstance(hit.statement, Hit):
            continue
        _put_in(history, hit, shelf)
        for said in shelf.about.get(hit.statement_id, []):
            if said.envelope is not None:
                _put_in(history, _entry(said), shelf)
    entries = tuple(sorted(history.values(), key=lambda entry: (entry.at, entry.statement.issuer, entry.log_index)))
    records = shelf.records.get(pair.a.record), shelf.records.get(pair.b.record)
    return Link(hits[0].statement_id, pair, entries, progress(entries, node.settings), records)


def _put_in(history: dict[str, Entry], said: Entry, shelf: _Shelf) -> None:
    """With what it rests on: a hit, or a comparison that is done, names a conclusion and its verification."""
    history[said.statement_id] = said
    for name in _named_by(said.statement):
        rested = shelf.rests_on.get(name)
        if rested is not None and rested.envelope is not None:
            history.setdefault(name, _entry(rested))


def _named_by(said: AnyStatement) -> list[str]:
    named = [getattr(said, "conclusion", None), getattr(said, "verification", None)]
    return [name for name in named if name is not None]


def _entry(row: StatementRow) -> Entry:
    sealed = _Sealed(row.statement_id, row.envelope or b"")
    return Entry(row.statement_id, _said(sealed), row.received_at, row.log_index)


@dataclass(frozen=True)
class _Sealed:
    """Known by the statement's id, which follows from all that it says."""

    statement_id: str
    envelope: bytes = field(compare=False)


@functools.lru_cache(maxsize=1024)
def _said(sealed: _Sealed) -> AnyStatement:
    """Every list of candidates asks which pairs are joined: what a statement says never changes, and is read once."""
    return parse_statement(open_envelope(sealed.envelope).payload)


def _pair_of(row: StatementRow) -> Pair | None:
    said = _entry(row).statement
    return said.pair if isinstance(said, Conclusion) else None
