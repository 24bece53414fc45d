"""What happened to a hit as a list in the order of time, each step in the lane of its country; what is expected next
stands at its end. The newest steps are shown, the older ones fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exchange.flows.hits.history import Link
from exchange.flows.hits.stage import Entry
from exchange.flows.review.next_step import NextStep
from exchange.web.languages import gettext as _
from exchange.web.languages import term
from exchange.web.languages.days import due_day, local_words, moment
from exchange.web.wording.hit_steps import short_step, side_name
from exchange.web.wording.said_of_hits import said_words
from schemas import Hit

MOST_STEPS_SHOWN: Final = 10
"""Steps side by side: as many as a window of 1280 pixels holds."""


@dataclass(frozen=True)
class TimelineStep:
    """``lane``: the number of its country, from 1 on; ``side`` the country's name. ``when`` in local time, ``utc`` for
    the tooltip; of what is expected, until when. ``address``: of what was signed, further down. ``no_effect``: it
    counts for nothing."""

    lane: int
    side: str
    what: str
    told: str
    who: str
    when: str
    utc: str
    at: str
    address: str | None = None
    expected: bool = False
    no_effect: bool = False


@dataclass(frozen=True)
class Timeline:
    """``lanes``: the countries, in the order of their lanes. ``earlier``: those that fold."""

    lanes: tuple[str, ...]
    earlier: tuple[TimelineStep, ...]
    steps: tuple[TimelineStep, ...]


def timeline(link: Link, names: Mapping[str, str], node_id: str, expected: Sequence[NextStep]) -> Timeline:
    """This side's lane is the first, the other side's the second; a third has whoever else signed of it."""
    sides = sorted({link.pair.a.issuer, link.pair.b.issuer}, key=lambda side: (side != node_id, side))
    others = sorted({entry.statement.issuer for entry in link.history} - {*sides})
    lane_of = {side: number for number, side in enumerate((*sides, *others), 1)}
    past = [step for entry in link.history for step in _steps(link, entry, names, lane_of)]
    past.sort(key=lambda step: step.at)
    awaited = [_expected(step, names, node_id, lane_of) for step in expected if step.side in lane_of]
    keeps = MOST_STEPS_SHOWN - len(awaited)
    return Timeline(
        lanes=tuple(side_name(names, side) for side in lane_of),
        earlier=tuple(past[:-keeps]),
        steps=(*past[-keeps:], *awaited),
    )


def _steps(link: Link, entry: Entry, names: Mapping[str, str], lane_of: Mapping[str, int]) -> list[TimelineStep]:
    said = entry.statement
    what, told = said_words(said)
    signed = TimelineStep(
        lane=lane_of[said.issuer],
        side=side_name(names, said.issuer),
        what=what,
        told=told,
        who=_("%(who)s, %(role)s", who=said.made_by.pseudonym, role=term(said.made_by.role)),
        when=local_words(entry.received_at),
        utc=moment(entry.received_at),
        at=entry.received_at,
        address=f"#s-{entry.statement_id[:12]}",
        no_effect=entry.statement_id in link.progress.no_effect,
    )
    return [signed, *_read(entry, said.issuer, names, lane_of)] if isinstance(said, Hit) else [signed]


def _read(entry: Entry, issuer: str, names: Mapping[str, str], lane_of: Mapping[str, int]) -> list[TimelineStep]:
    """When the other side signed that it had read a hit."""
    readers = [side for side, lane in lane_of.items() if side != issuer and lane <= 2]
    if entry.countersigned_at is None or len(readers) != 1:
        return []
    at = max(entry.countersigned_at, entry.received_at)
    (side,) = readers
    return [
        TimelineStep(
            lane=lane_of[side],
            side=side_name(names, side),
            what=_("read"),
            told="",
            who="",
            when=local_words(entry.countersigned_at),
            utc=moment(entry.countersigned_at),
            at=at,
        )
    ]


def _expected(step: NextStep, names: Mapping[str, str], node_id: str, lane_of: Mapping[str, int]) -> TimelineStep:
    return TimelineStep(
        lane=lane_of[step.side],
        side=side_name(names, step.side),
        what=short_step(step),
        told="",
        who=_("your side") if step.side == node_id else "",
        when=_("by %(day)s", day=due_day(step.due_at)),
        utc=moment(step.due_at),
        at=step.due_at,
        expected=True,
    )
