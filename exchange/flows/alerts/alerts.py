"""What is new for whoever signs in: until they open what it leads to, or say that they have read all."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session

from exchange.clock import stamp, stamp_in
from exchange.errors import InvalidInput, NotFound
from exchange.flows.blind.hits_told import note_hits
from exchange.flows.blind.visibility import hidden_hits, hidden_pairs
from exchange.flows.hits.history import Link, links_of
from exchange.flows.hits.vocabulary import NoEffect
from exchange.flows.node.node import Node
from exchange.flows.scan.listed_scans import ListedScan, pictures_of_pairs
from exchange.store.database.engine import Store
from exchange.store.hits.joined_pairs import pairs_of_hits
from exchange.store.log.statements_read import StatementsRead, statements_read
from exchange.store.review.alert_rows import (
    APPROVAL,
    PROPOSAL_DECLINED,
    PROPOSAL_DONE,
    PROPOSED,
    SEARCH,
    VERIFICATION,
    AlertReader,
    News,
    count_news,
    list_news,
    marks_of,
    put_mark,
)
from schemas import Hit, PhysicalComparison
from schemas.review import CUSTODY
from schemas.vocabulary import ComparisonStep, Role

MOST_PEOPLE: Final = 200
"""Of a node, in the memory of one process; of others it is read anew."""

_Opened = OrderedDict[str, StatementsRead]
_known: WeakKeyDictionary[Store, _Opened] = WeakKeyDictionary()
_lock = threading.Lock()


def statements_opened(session: Session, node: Node, pseudonym: str, since: str) -> frozenset[str]:
    """The statements that were shown to this person on a page of their own, by pages and programs alike, no earlier
    than ``since`` as it stood when it was first asked."""
    with _lock:
        known = _known.setdefault(node.store, OrderedDict()).get(pseudonym, StatementsRead(0, frozenset()))
    found = statements_read(session, pseudonym, after=known.to, since=since)
    if found.to == known.to:
        return known.statement_ids
    now = StatementsRead(found.to, known.statement_ids | found.statement_ids)
    with _lock:
        people = _known.setdefault(node.store, OrderedDict())
        if people.get(pseudonym, now).to <= now.to:
            people[pseudonym] = now
        people.move_to_end(pseudonym)
        while len(people) > MOST_PEOPLE:
            people.popitem(last=False)
    return now.statement_ids


ALERTED: Final = frozenset({Role.EXAMINER, Role.INVESTIGATOR, Role.HEAD})
KEPT_DAYS: Final = 90
"""What is older is found on its own page."""
MOST_ALERTS: Final = 100
"""So many are listed, and counted: whoever is so far behind needs no exact number."""
MOST_PASSED: Final = 400
"""So many of those that were opened are passed over in looking for others."""
_STAMP: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


class AlertSubject(StrEnum):
    """What a line leads to."""

    HIT = "hit"
    QUERY = "query"
    SEARCH = "search"
    VERIFICATIONS = "verifications"
    APPROVALS = "approvals"
    WITHDRAWAL = "withdrawal"
    """A record of which somebody proposed the withdrawal."""


_LEADS_TO: Final = {
    VERIFICATION: AlertSubject.VERIFICATIONS,
    APPROVAL: AlertSubject.APPROVALS,
    SEARCH: AlertSubject.SEARCH,
    **dict.fromkeys((PROPOSED, PROPOSAL_DECLINED, PROPOSAL_DONE), AlertSubject.WITHDRAWAL),
    **dict.fromkeys(("answer", "grant", "approval"), AlertSubject.QUERY),
}
"""By what is new; all else leads to a hit."""
_PAGES: Final = {
    AlertSubject.VERIFICATIONS: "/app/verifications",
    AlertSubject.APPROVALS: "/app/approvals",
    AlertSubject.WITHDRAWAL: "/app/records/{subject}#withdrawal",
    AlertSubject.SEARCH: "/app/searches/{subject}",
    AlertSubject.QUERY: "/app/queries#q-{subject:.12}",
    AlertSubject.HIT: "/app/hits/{subject}#s-{statement:.12}",
}


@dataclass(frozen=True)
class Alert:
    """One line: ``leads_to`` what, and ``page`` where to read more, ``fresh`` until it is marked as read or that page
    was shown, ``no_effect`` why what was signed about a hit counts for nothing, ``step`` what happened to an exhibit
    that travels. ``link``: the hit, as it stands now."""

    news: News
    page: str
    fresh: bool
    no_effect: NoEffect | None
    step: ComparisonStep | None = None
    link: Link | None = None

    @property
    def leads_to(self) -> AlertSubject:
        return _leads_to(self.news)


@dataclass(frozen=True)
class Alerts:
    """The newest first. ``may_undo``: the last mark can be taken back; ``pairs``: whose hits the lines tell of."""

    lines: tuple[Alert, ...]
    may_undo: bool
    pairs: frozenset[str]

    @property
    def fresh(self) -> int:
        return sum(line.fresh for line in self.lines)


def count_fresh(session: Session, node: Node, role: Role, pseudonym: str, *, after: str = "") -> int:
    """What was not read and came after a moment; no more than ``MOST_ALERTS``."""
    return len(_fresh(session, node, role, pseudonym, after)) if role in ALERTED else 0


def tell_fresh(node: Node, role: Role, pseudonym: str) -> int:
    """As ``count_fresh``, for somebody who is thereby told that there are hits; of whoever is no examiner nothing is
    verified blind, and nothing noted."""
    if role not in ALERTED:
        return 0
    with node.store.read() as session:
        found = _fresh(session, node, role, pseudonym)
        told = found if role is Role.EXAMINER else []
        hits = pairs_of_hits(session, {news.subject for news in told})
    note_hits(node, role, pseudonym, hits)
    return len(found)


def _fresh(session: Session, node: Node, role: Role, pseudonym: str, after: str = "") -> list[News]:
    """What came since the mark and was not opened. Nothing is listed where there is nothing to count."""
    since = max(marks_of(session, pseudonym)[0], _oldest(), after)
    reader = _reader(session, node, role, pseudonym)
    if not count_news(session, reader, since, most=1):
        return []
    opened = statements_opened(session, node, pseudonym, _oldest())
    return _not_opened(session, reader, since, opened)


def _not_opened(session: Session, reader: AlertReader, since: str, opened: frozenset[str]) -> list[News]:
    """The newest first: so many are looked at that those which were opened take no place of others'."""
    limit = MOST_ALERTS + min(len(opened), MOST_PASSED)
    found = list_news(session, reader, since, limit=limit)
    return [news for news in found if news.statement_id not in opened][:MOST_ALERTS]


def alerts_for(session: Session, node: Node, role: Role, pseudonym: str, *, most: int = MOST_ALERTS) -> Alerts:
    """With those that were read already; the newest ``most``."""
    seen_to, before = marks_of(session, pseudonym)
    reader = _reader(session, node, role, pseudonym)
    opened = statements_opened(session, node, pseudonym, _oldest())
    found = _not_opened(session, reader, max(seen_to, _oldest()), opened)
    fresh = {*found}
    if len(found) < MOST_ALERTS:
        read = (news for news in list_news(session, reader, _oldest(), limit=MOST_ALERTS) if news not in fresh)
        found = _newest_first([*found, *islice(read, MOST_ALERTS - len(found))])
    found = found[:most]
    pairs = frozenset(pairs_of_hits(session, {news.subject for news in found}))
    links = links_of(session, node, sorted(pairs))
    counts_not = {name: why for link in links for name, why in link.progress.no_effect.items()}
    steps = {name: step for link in links for name, step in _custody_steps(link)}
    link_of = {name: link for link in links for name in _hits(link)}
    lines = (
        Alert(
            news,
            _page(news),
            news in fresh,
            counts_not.get(news.statement_id),
            steps.get(news.statement_id),
            link_of.get(news.subject),
        )
        for news in found
    )
    return Alerts(tuple(lines), before is not None, pairs)


def tell_alerts(node: Node, role: Role, pseudonym: str, *, most: int = MOST_ALERTS) -> Alerts:
    """As ``alerts_for``, for somebody who is thereby told that there are hits."""
    with node.store.read() as session:
        found = alerts_for(session, node, role, pseudonym, most=most)
    note_hits(node, role, pseudonym, found.pairs)
    return found


def pictures_of_alerts(node: Node, lines: Iterable[Alert]) -> dict[str, dict[str, ListedScan]]:
    """Of each line that is about a hit, by what it is about: both specimens by their records, as the list of hits has
    them. Hits of pairs that this person may come to verify are in no line; what waits names nothing, and shows
    nothing."""
    return pictures_of_pairs(node, {line.news.subject: line.link.pair for line in lines if line.link is not None})


def _newest_first(found: list[News]) -> list[News]:
    """In the order of ``list_news``."""
    found.sort(key=lambda news: (news.statement_id, news.what))
    return sorted(found, key=lambda news: news.at, reverse=True)


def _custody_steps(link: Link) -> Iterator[tuple[str, ComparisonStep]]:
    for entry in link.history:
        if isinstance(entry.statement, PhysicalComparison) and entry.statement.step in CUSTODY:
            yield entry.statement_id, entry.statement.step


def _hits(link: Link) -> Iterator[str]:
    for entry in link.history:
        if isinstance(entry.statement, Hit):
            yield entry.statement_id


def mark_read(node: Node, pseudonym: str, seen_to: str) -> None:
    """Everything up to the newest line that was shown; what came meanwhile stays new. Raises InvalidInput."""
    if not _STAMP.fullmatch(seen_to):
        raise InvalidInput("Mark what the page shows.", code="invalid-field")
    with node.store.write() as session:
        before, _ = marks_of(session, pseudonym)
        seen_to = min(seen_to, stamp())  # else what is still to come would never be new
        if seen_to > before:
            put_mark(session, pseudonym, seen_to, before)


def undo_mark(node: Node, pseudonym: str) -> None:
    """The mark before stands again. Raises NotFound."""
    with node.store.write() as session:
        _, before = marks_of(session, pseudonym)
        if before is None:
            raise NotFound("There is no mark that could be taken back.")
        put_mark(session, pseudonym, before, None)


def _reader(session: Session, node: Node, role: Role, pseudonym: str) -> AlertReader:
    """Who may not be told of some hits: what is hidden is hidden first, and counted after."""
    hidden = hidden_pairs(session, role, pseudonym)
    return AlertReader(node.node_id, pseudonym, role, hidden_hits(session, hidden))


def _oldest() -> str:
    return stamp_in(-KEPT_DAYS * 24 * 3600)


def _leads_to(news: News) -> AlertSubject:
    return _LEADS_TO.get(news.what, AlertSubject.HIT)


def _page(news: News) -> str:
    return _PAGES[_leads_to(news)].format(subject=news.subject, statement=news.statement_id)
