"""The tested node is lied to about its lane: its cursor must stay, it must ask again, and answer others meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise

from exchange.conformance.check import Check, Part
from exchange.conformance.checks.lies import LIES, Lie, LyingReply, edited, forked, quiet_answer
from exchange.conformance.checks.owning import asks, publish_record, whole_lane
from exchange.conformance.checks.reading import read_whole_lane
from exchange.conformance.guest.guest import Guest
from exchange.conformance.guest.peer_simulator import SimulatedRequest
from exchange.conformance.verdicts import NotKept, NotTried
from exchange.conformance.visit import Visit

LaneCursor = tuple[str, str, str]
FORK_S = 10
"""A node that took a fork shows it in its next question, one that did not may never ask again: at least so long it is
waited for."""


def _cursor(asked: SimulatedRequest) -> LaneCursor:
    return asked.text("start"), asked.text("head"), asked.text("known_size")


def _lie(lie: Lie) -> Check:
    def attempt(visit: Visit) -> str:
        before, after = _told_a_lie(visit.guest, lie.answer)
        if before != after:
            raise NotKept(f"The cursor moved from {_shown(before)} to {_shown(after)}.")
        visit.wire.ask("GET", "/v1/node").expect(200)
        return f"The cursor stayed at {_shown(before)}; the node asked again, and answers."

    return Check(lie.name, Part.OWNER, lie.asks, lie.source, lie.how, attempt)


def _told_a_lie(guest: Guest, answer: LyingReply) -> tuple[LaneCursor, LaneCursor]:
    """The node's cursor when it was lied to, and in the question after that."""
    if not asks(guest):
        raise NotTried("The node never asked for its lane; see asks-signed.")
    deceived: list[SimulatedRequest] = []

    def once(asked: SimulatedRequest) -> Iterator[bytes]:
        if deceived:
            return quiet_answer(guest, asked)
        if int(asked.text("start")) >= guest.owner.end()[0]:
            # something to be had by whoever believes the lie; any earlier, the true lane might still give it away
            guest.honest.append(publish_record(guest))
        deceived.append(asked)
        return answer(guest, asked)

    guest.peer.lane = once
    guest.wait_for(lambda: deceived or None, "the node did not ask for its lane")
    after = guest.wait_for(
        lambda: next((asked for asked in asks(guest) if asked.at > deceived[0].at), None),
        "the node did not ask for its lane again",
    )
    return _cursor(deceived[0]), _cursor(after)


def _shown(cursor: LaneCursor) -> str:
    return f"{cursor[0]} items (log {cursor[2]})"


def _taken_at_last(visit: Visit) -> str:
    guest = visit.guest
    if not asks(guest):
        raise NotTried("The node never asked for its lane; see asks-signed.")
    count, head = guest.owner.end()
    guest.peer.lane = lambda asked: whole_lane(guest, asked)
    last = guest.wait_for(
        lambda: next((asked for asked in reversed(asks(guest)) if asked.text("start") == str(count)), None),
        "the true lane was not read on after the lies",
    )
    if last.text("head") != head.hex():
        raise NotKept(f"After {count} items the node's running head is not the lane's.")
    return f"What was held back came through: {count} items."


def _fork(visit: Visit) -> str:
    """Last of all: a log that signed two heads of one size may be read no further."""
    guest = visit.guest
    before = _cursor(asks(guest)[-1]) if asks(guest) else None
    if before is None or before[2] == "0":
        raise NotTried("The node has seen no head of this peer's log.")
    deceived: list[SimulatedRequest] = []
    lie = edited(forked)

    def fork(asked: SimulatedRequest) -> Iterator[bytes]:
        deceived.append(asked)
        return lie(guest, asked)

    guest.honest.append(publish_record(guest))
    guest.peer.lane = fork
    guest.wait_for(lambda: deceived or None, "the node did not ask for its lane")
    deadline = time.monotonic() + min(guest.patience_s, max(FORK_S, 3 * _interval(guest)))
    while time.monotonic() < deadline and asks(guest)[-1].at <= deceived[0].at:
        time.sleep(0.05)
    moved = {_cursor(asked) for asked in asks(guest) if asked.at >= deceived[0].at} - {_cursor(deceived[0])}
    if moved:
        raise NotKept(f"The cursor moved from {_shown(_cursor(deceived[0]))} to {_shown(moved.pop())}.")
    visit.wire.ask("GET", "/v1/node").expect(200)
    again = len([asked for asked in asks(guest) if asked.at > deceived[0].at])
    return f"The cursor stayed at {_shown(_cursor(deceived[0]))}; the lane was asked for {again} times after it."


def _interval(guest: Guest) -> float:
    """How far apart the node's last questions came, at the most."""
    times = [asked.at for asked in asks(guest)[-4:]]
    return max((later - earlier for earlier, later in pairwise(times)), default=2.0)


def _afterwards(visit: Visit) -> str:
    guest = visit.guest
    visit.wire.ask("GET", "/v1/node").expect(200)
    count = len(read_whole_lane(visit).items)
    if guest.peer.refused:
        raise NotKept(
            f"{len(guest.peer.refused)} requests of the node's were no good, the last: {guest.peer.refused[-1]}"
        )
    return f"Card and lane ({count} items) as before; all {len(guest.peer.asked)} requests to this peer were good."


CHECKS = (
    *map(_lie, LIES),
    Check(
        "goes-on-afterwards",
        Part.OWNER,
        "When a peer is honest again its lane is read on from where it stood.",
        "docs/architecture.md, the lanes",
        "The true lane, with what the lies held back",
        _taken_at_last,
    ),
)
FORK = (
    Check(
        "fork",
        Part.OWNER,
        "A log that signed two heads of one size is not followed.",
        "RFC 9162, 8.2; docs/architecture.md, the witnesses",
        "A head of the size that the node knows, with another root, signed with the log's true keys",
        _fork,
        "the two heads of this peer's log, kept as evidence",
    ),
    Check(
        "alive-afterwards",
        Part.OWNER,
        "After all that was tried the node answers its peers as before, and asked nothing that it should not.",
        "RFC 9110, 15.3.1",
        "Card and lane once more, and all that the node asked in this run",
        _afterwards,
    ),
)
"""Last of all: such a log may be read no further."""
