"""Who has a page open, and what each of them is still to be told: one look at the database for all, now and then.

A line costs a connection, no thread and no connection to the database. All of it is used by the event loop's thread
alone; the looks go to a thread, one at a time. Where several processes serve a node each looks for its own people, so
nobody need be told what another process did.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import structlog
from starlette.concurrency import run_in_threadpool

from exchange.errors import ExchangeError, TooMany
from exchange.flows.alerts.live_hints import (
    AlertStanding,
    LiveStanding,
    Person,
    RecordStanding,
    Watched,
    live_standing,
)
from exchange.flows.node.node import Node
from exchange.flows.scan.inspect import load_what_draws
from exchange.web.http.event_stream import STILL_THERE, event

log = structlog.get_logger(__name__)

OF_A_PERSON: Final = 3
"""Lines at once, at all processes of the node together: each window has one while it is looked at, and a browser has
six connections for everything. Who has more asks now and then."""
OF_THE_NODE: Final = 300
MOST_WATCHED: Final = 64
"""Of one line: more pictures than a list has."""
RECORDS_S: Final = 1.0
"""How often it is looked how the records stand that somebody waits for."""
PEOPLE_S: Final = 5.0
"""How often it is looked whether people are to be told of alerts, and whether their sessions go on: a change shows to
no less, so that its moment tells little."""
HINTS_AGAIN_S: Final = 5.0
"""So much later it is looked again where it could not be known how anything stands."""
ANYWAY_S: Final = 60.0
"""So often it is asked of each person, whether or not anything seems to have changed."""
PERSON_FORGOTTEN_S: Final = 900.0
HEARTBEAT_S: Final = 15.0
WARM_S: Final = 60.0
"""So long after the last page was left the process stays that draws."""


@dataclass(frozen=True)
class Watcher:
    """Somebody with a page open: the session by the digest of its cookie, and the records that the page waits for."""

    person: Person
    session: str
    records: frozenset[str] = frozenset()


@dataclass(eq=False)
class _Told:
    """Of one person: what was found last, and the number that rises. It begins anywhere, so that the number of one
    process is not that of another."""

    standing: AlertStanding | None = None
    number: int = 0
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    used_at: float = 0.0

    @property
    def version(self) -> str:
        return f"{self.run}-{self.number}"

    def note(self, found: AlertStanding) -> bool:
        """Whether there is more to be told than before."""
        more = self.standing is None or found.tells_more_than(self.standing)
        self.standing = found
        self.number += more
        return more


@dataclass(eq=False)
class EventLine:
    """What waits to be sent on one connection: of each name the newest alone, however slowly it is taken."""

    watcher: Watcher
    turn: contextlib.ExitStack
    """One of those that its person has; given back by ``leave``."""
    ended: bool = False
    _waiting: dict[str, bytes] = field(default_factory=dict)
    _known: dict[str, RecordStanding] = field(default_factory=dict)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, name: str, frame: bytes) -> None:
        self._waiting[name] = frame
        self._woken.set()

    def tell_record(self, name: str, found: RecordStanding) -> None:
        if self._known.get(name) != found:
            self._known[name] = found
            self.tell(name, event("record", _record_words(name, found)))

    def end(self) -> None:
        self.ended = True
        self._woken.set()

    async def frames(self) -> AsyncIterator[bytes]:
        """Until the line is ended."""
        while not self.ended:
            self._woken.clear()
            waiting, self._waiting = self._waiting, {}
            for frame in waiting.values():
                yield frame
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._woken.wait()
            except TimeoutError:
                yield STILL_THERE
        for frame in self._waiting.values():
            yield frame


class LiveHints:
    """Of one process. ``run`` is its one task, which sleeps while nobody has a line."""

    def __init__(self, node: Node, processes: int = 1, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._node, self._most, self._clock = node, max(1, OF_THE_NODE // processes), clock
        self._lines: set[EventLine] = set()
        self._people: dict[Person, _Told] = {}
        self._changes: tuple[object, ...] | None = None
        self._records_at = self._people_at = self._anyway_at = self._again_at = 0.0
        self._known = True
        self._woken = asyncio.Event()

    @property
    def lines(self) -> int:
        return len(self._lines)

    async def enter(self, watcher: Watcher) -> EventLine:
        """A line, which is told at once how everything stands. To be given back by ``leave``. Raises TooMany."""
        if self._node.news.closed:
            raise TooMany("The node is stopping; ask again when it runs.")
        line = EventLine(watcher, contextlib.ExitStack())
        try:
            await self._take_place(line)
            found = await self.look(watcher)
        except BaseException:
            self.leave(line)
            raise
        line.tell("alerts", event("alerts", self._told(watcher.person).version))
        for name, standing in found.records.items():
            line.tell_record(name, standing)
        self._woken.set()
        return line

    async def _take_place(self, line: EventLine) -> None:
        """Raises TooMany."""
        turn = self._node.limits.turn(f"{' '.join(line.watcher.person)} waits to be told", OF_A_PERSON)
        there_is_one = await run_in_threadpool(line.turn.enter_context, turn)
        if not there_is_one or len(self._lines) >= self._most:
            raise TooMany("So many pages wait here already; this one asks now and then.", retry_after_s=20)
        self._lines.add(line)

    def leave(self, line: EventLine) -> None:
        self._lines.discard(line)
        line.turn.close()
        self._told(line.watcher.person)

    async def look(self, watcher: Watcher) -> LiveStanding:
        """How it stands for one, now; its person's number is the newest then."""
        asked = Watched(frozenset({watcher.person}), watcher.records)
        found = await run_in_threadpool(live_standing, self._node, asked)
        self._note(found)
        return found

    async def answer(self, watcher: Watcher) -> dict[str, object]:
        """The same as on a line, for whoever asks now and then."""
        found = await self.look(watcher)
        records = [_record_words(name, standing) for name, standing in sorted(found.records.items())]
        return {"alerts": self._told(watcher.person).version, "records": [json.loads(words) for words in records]}

    async def run(self) -> None:
        """Until the node stops; then all lines end at once."""
        loop = asyncio.get_running_loop()
        with self._node.news.waking(lambda: loop.call_soon_threadsafe(self._woken.set)):
            try:
                while not self._node.news.closed:
                    self._woken.clear()
                    if self._lines:
                        await self._look_when_due()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(RECORDS_S if self._lines else None):
                            await self._woken.wait()
            finally:
                for line in self._lines:
                    line.end()

    async def _look_when_due(self) -> None:
        now = self._clock()
        if now < self._again_at:
            return
        try:
            if now >= self._people_at:
                self._people_at = now + PEOPLE_S
                await self._look_for_people(now)
            if now >= self._records_at:
                self._records_at = now + RECORDS_S
                await self._look_for_records()
        except ExchangeError as error:  # a database that is away comes back, and nobody's page must wait for its end
            self._again_at = now + HINTS_AGAIN_S
            if self._known:  # told once: a line for each look would fill the log
                log.warning("what is new for the open pages is not known", code=error.code, detail=str(error))
            self._known = False
        except Exception:
            self._again_at = now + HINTS_AGAIN_S
            log.exception("unforeseen error, asked again later what is new for the open pages")
        else:
            if not self._known:
                log.info("what is new for the open pages is known again")
            self._known = True

    async def _look_for_people(self, now: float) -> None:
        if now >= self._anyway_at:
            self._anyway_at, self._changes = now + ANYWAY_S, None
        lines = list(self._lines)
        asked = Watched(
            frozenset(line.watcher.person for line in lines),
            sessions=frozenset(line.watcher.session for line in lines),
            changes=self._changes,
        )
        found = await run_in_threadpool(live_standing, self._node, asked)
        self._changes = found.changes
        more = self._note(found)
        self._node.compute.stay_warm(WARM_S, load_what_draws)
        for line in lines:
            if line.watcher.session not in found.sessions:
                line.tell("end", event("end", "session"))
                line.end()
            elif line.watcher.person in more:
                line.tell("alerts", event("alerts", self._told(line.watcher.person).version))
        self._forget(now)

    async def _look_for_records(self) -> None:
        records = frozenset[str]().union(*(line.watcher.records for line in self._lines))
        if not records:
            return
        found = await run_in_threadpool(live_standing, self._node, Watched(records=records))
        for line in self._lines:
            for name in line.watcher.records & found.records.keys():
                line.tell_record(name, found.records[name])

    def _note(self, found: LiveStanding) -> set[Person]:
        """Whom there is more to be told of than before."""
        return {person for person, standing in found.people.items() if self._told(person).note(standing)}

    def _told(self, person: Person) -> _Told:
        told = self._people.setdefault(person, _Told())
        told.used_at = self._clock()
        return told

    def _forget(self, now: float) -> None:
        here = {line.watcher.person for line in self._lines}
        for person in _outlived(self._people.items(), now):
            if person not in here:
                del self._people[person]


def _outlived(people: Iterable[tuple[Person, _Told]], now: float) -> list[Person]:
    return [person for person, told in people if told.used_at < now - PERSON_FORGOTTEN_S]


def _record_words(name: str, found: RecordStanding) -> str:
    return json.dumps({"record": name, "pending": found.pending, "shown": found.shown})
