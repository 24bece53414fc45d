"""Requests that wait for worker processes: in threads of their own, so that ordinary pages never queue behind them, and
no more than can be served in time. Each kind waits in a room of its own: pictures refuse no submission.

How long one more would wait follows from how many are there, and from how long each of the last ones took until the
next was done. Who would wait longer than its patience is told with 429, before its body is read, when there will be a
place: those who are sent away are called in at the pace at which the others leave, not all at once.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final, ParamSpec, TypeVar

import anyio.to_thread
from fastapi import Request

from exchange.errors import Busy

_P = ParamSpec("_P")
_T = TypeVar("_T")

WORKED_AT_ONCE: Final = 16
"""How many of one kind are worked on at once; the others wait without a thread."""
LEAST_LET_IN: Final = 4
"""So few are always let in: one that took long must not close a room that is empty by now."""
MOST_IN_A_ROOM: Final = 256
"""In one room, however slowly their bodies come: each holds a connection and a file."""
SLOW_S: Final = 10.0
"""A body that comes for longer is of a slow line. It delays nobody until it is there, and is not waited for."""
FIRST_S: Final = 0.25
"""What one is taken to need, before any was seen."""
REMEMBERED: Final = 16
_PEOPLE: Final = 6
"""So many times longer than a program a person at the pages is let wait: a browser asks nobody when to come again."""
LONGEST_AWAY_S: Final = 60


class WorkKind(StrEnum):
    SUBMISSIONS = "submissions"
    PIECES = "pieces of files"
    PICTURES = "pictures"
    REPORTS = "reports"


@dataclass(eq=False)
class RoomPlace:
    """Of one request in a room, from before its body is read until it was answered."""

    _room: Room
    since: float
    is_ready: bool = False

    async def work(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Call a function that uses ``node.compute`` or the disk, once everything has come that it needs."""
        self._room.ready(self)
        return await anyio.to_thread.run_sync(partial(function, *args, **kwargs), limiter=self._room.limiter)


class Room:
    """Of one kind; used by the event loop's thread alone."""

    def __init__(self, kind: WorkKind, clock: Callable[[], float] = time.monotonic) -> None:
        self.limiter = anyio.CapacityLimiter(WORKED_AT_ONCE)
        self._kind, self._clock = kind, clock
        self._places: set[RoomPlace] = set()
        self._steps = deque([FIRST_S] * REMEMBERED, maxlen=REMEMBERED)
        self._busy_since = self._left_at = self._called_until = clock()

    @property
    def pace_s(self) -> float:
        """How long after one the next is done, while there is something to do."""
        return sum(self._steps) / len(self._steps)

    @contextlib.contextmanager
    def place(self, patience_s: float) -> Iterator[RoomPlace]:
        """Raises Busy."""
        now = self._clock()
        ahead = sum(place.is_ready or now - place.since < SLOW_S for place in self._places)
        too_long_s = ahead * self.pace_s - patience_s
        if (ahead >= LEAST_LET_IN and too_long_s > 0) or len(self._places) >= MOST_IN_A_ROOM:
            raise self._later(now, too_long_s)
        place = RoomPlace(self, now)
        self._places.add(place)
        try:
            yield place
        finally:
            self._leave(place)

    def ready(self, place: RoomPlace) -> None:
        if not any(other.is_ready for other in self._places):
            self._busy_since = self._clock()
        place.is_ready = True

    def _leave(self, place: RoomPlace) -> None:
        self._places.discard(place)
        if place.is_ready:  # else its body was not what it should be, and nothing was worked on
            now = self._clock()
            self._steps.append(now - max(self._left_at, self._busy_since))
            self._left_at = now

    def _later(self, now: float, too_long_s: float) -> Busy:
        self._called_until = max(self._called_until, now + max(too_long_s, 0)) + self.pace_s
        self._called_until = min(self._called_until, now + LONGEST_AWAY_S)
        away_s = max(1, math.ceil(self._called_until - now))
        return Busy(
            f"There are more {self._kind} than this node can deal with in time. Nothing of this one was stored: "
            f"try again in {away_s} s.",
            retry_after_s=away_s,
        )


@dataclass(frozen=True)
class Rooms:
    """One of each kind, and how long a program, or a person, is let wait in any."""

    rooms: dict[WorkKind, Room]
    patience_s: float


def rooms_of(patience_s: float) -> tuple[Rooms, Rooms]:
    """As programs, and as people find them: the same rooms. To be called in the event loop."""
    rooms = {kind: Room(kind) for kind in WorkKind}
    return Rooms(rooms, patience_s), Rooms(rooms, _PEOPLE * patience_s)


def place(request: Request, kind: WorkKind) -> contextlib.AbstractContextManager[RoomPlace]:
    """Keep a place in the room of this kind. Raises Busy."""
    found: Rooms = request.app.state.rooms
    return found.rooms[kind].place(found.patience_s)


async def heavily(
    request: Request, kind: WorkKind, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
) -> _T:
    """Call a function that uses ``node.compute``. Raises Busy."""
    with place(request, kind) as kept:
        return await kept.work(function, *args, **kwargs)
