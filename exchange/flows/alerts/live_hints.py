"""What the open pages of people are told meanwhile: that they should ask anew, and nothing of what.

Alerts: by a number for each person that rises when there is more of what this person may be told, or when they marked
something as read themselves. It does not rise for what is hidden from them, and not when something is hidden that they
were not shown. Records: how many scans are still to be compared, and of which the picture can be shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from exchange.flows.access.sessions import sessions_that_go_on
from exchange.flows.alerts.alerts import ALERTED, count_fresh
from exchange.flows.node.node import Node
from exchange.flows.scan.listed_scans import PictureStanding, listed_scan
from exchange.store.entry.record_rows import PENDING
from exchange.store.review.alert_changes import newest_changes
from exchange.store.review.alert_rows import marks_of
from exchange.store.scan.listed import scans_listed
from schemas.vocabulary import Role

Person = tuple[Role, str]
"""A role and a pseudonym."""


@dataclass(frozen=True)
class AlertStanding:
    """Up to where somebody has read, and how many alerts are new for them."""

    read_to: str
    fresh: int

    def tells_more_than(self, before: AlertStanding) -> bool:
        """Less, without their own mark, is of no news: something may be hidden by now that was never shown."""
        return self.read_to != before.read_to or self.fresh > before.fresh


@dataclass(frozen=True)
class RecordStanding:
    """``pending``: scans that are still to be compared; ``shown``: the places of those that have a picture."""

    pending: int
    shown: tuple[int, ...]


@dataclass(frozen=True)
class Watched:
    """Of whom and of what it is asked how it stands. ``sessions``: digests of cookies; ``changes`` as they were found
    last: the people are asked after only when they are others, or None."""

    people: frozenset[Person] = frozenset()
    records: frozenset[str] = frozenset()
    sessions: frozenset[str] = frozenset()
    changes: tuple[object, ...] | None = None


@dataclass(frozen=True)
class LiveStanding:
    """``people``: empty where nothing changed; ``records``: those that may be read; ``sessions``: those that go on."""

    people: Mapping[Person, AlertStanding]
    records: Mapping[str, RecordStanding]
    sessions: frozenset[str]
    changes: tuple[object, ...] | None


def live_standing(node: Node, watched: Watched) -> LiveStanding:
    """Read at one moment, for all together."""
    sessions = sessions_that_go_on(node, watched.sessions) if watched.sessions else frozenset[str]()
    people: dict[Person, AlertStanding] = {}
    with node.store.read() as session:
        changes = newest_changes(session) if watched.people else watched.changes
        if watched.changes is None or changes != watched.changes:
            for role, pseudonym in watched.people:
                if role in ALERTED:
                    fresh = count_fresh(session, node, role, pseudonym)
                    people[role, pseudonym] = AlertStanding(marks_of(session, pseudonym)[0], fresh)
        rows = scans_listed(session, watched.records) if watched.records else []
    records = {
        name: RecordStanding(
            sum(scan.state in PENDING for scan in scans),
            tuple(scan.position for scan in scans if listed_scan(scan).picture is PictureStanding.SHOWN),
        )
        for name, scans in ((name, list(of)) for name, of in groupby(rows, lambda row: row.statement_id))
    }
    return LiveStanding(people, records, sessions, changes)
