"""Several processes that serve one node, and the one that looks after them.

The supervisor holds what a node has once: its home, its generation in the database, its socket. It forks a process for
each task; these open the node for themselves and serve under that generation. A fork costs no imports and shares their
memory, and is safe as long as the supervisor has one thread and uses none of its connections: it does nothing but wait.

- SIGTERM, SIGINT: all stop.
- SIGHUP: each is replaced, one after the other; the new one is ready before the old one leaves.
- One that dies, or whose event loop answers no more, is started anew, not too often. When none answers, all stop.
- When the supervisor itself is killed, the others find the pipe closed that it held, and stop.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from exchange.cli.serving.memory import keep_what_is_here
from exchange.cli.serving.service_manager import ServiceManager
from exchange.errors import ExchangeError

log = structlog.get_logger(__name__)

SHOWN_S: Final = 1.0
"""How often a process shows that it lives."""
HUNG_S: Final = 30.0
"""One that was ready and then is silent for so long is killed."""
NEVER_READY_S: Final = 300.0
"""The same of one that was never ready: it opens the node meanwhile, and cannot tell."""
RENEWALS: Final = 3
"""So many successors of one process may fail before a reload is given up."""
DEATHS: Final = 5
DEATHS_S: Final = 60.0
"""When more processes than that died within this time, something is wrong that no new process mends."""
REST_S: Final = 30.0
"""So long it is waited then, as long as others answer."""
AGAIN_S: Final = 1.0
"""How long after one that never was ready the next is tried."""
ENDED_S: Final = 100.0
"""What has not ended by then is killed: the service manager's patience is a little longer."""
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_READY, _ALIVE = b"r", b"a"


class SupervisorLink:
    """What a process has of its supervisor: whom it tells how it is, and how it learns that the supervisor is gone."""

    def __init__(self, telling: int, parent: int) -> None:
        self._telling, self.parent = telling, parent

    def ready(self) -> None:
        self._tell(_READY)

    def not_ready(self, _why: str) -> None:
        """It said so in the log, and goes on trying."""

    def alive(self) -> None:
        self._tell(_ALIVE)

    def stopping(self) -> None:
        """It was told to, or says why in the log."""

    def _tell(self, what: bytes) -> None:
        with contextlib.suppress(BlockingIOError, BrokenPipeError):  # nobody listens: the end comes by `parent`
            os.write(self._telling, what)


@dataclass(frozen=True)
class ProcessTask:
    """What a process does: ``run`` returns when it is done. Without it ``serves`` the node is not there."""

    name: str
    run: Callable[[SupervisorLink], None]
    serves: bool = True


@dataclass
class _Process:
    pid: int
    telling: int
    began: float
    beat_at: float
    ready: bool = False
    left_at: float = 0.0
    """When it was told to leave."""


@dataclass
class _Place:
    """Of one task: the process that does it, and the one that is to take its place."""

    task: ProcessTask
    process: _Process | None = None
    successor: _Process | None = None
    start_at: float = 0.0
    waits_for: int | None = None
    """The process that must have ended first."""
    failed: int = 0
    """Successors that ended before they were ready, in this reload."""


class ProcessSupervisor:
    """Of one node; used once."""

    def __init__(self, tasks: Sequence[ProcessTask], manager: ServiceManager) -> None:
        self._manager = manager
        self._places = [_Place(task) for task in tasks]
        self._leaving: dict[int, _Process] = {}
        self._renewals: deque[_Place] = deque()
        self._deaths: deque[float] = deque()
        self._told_ready = self._failed = self._half_renewed = False
        self._stopping_since: float | None = None
        self._parent, self._holding = os.pipe()

    def run(self) -> bool:
        """Until all processes have ended. Returns whether they did so because somebody wanted it."""
        keep_what_is_here()  # so that its pages stay shared
        with _signals() as self._woken, selectors.DefaultSelector() as self._selector:
            self._selector.register(self._woken, selectors.EVENT_READ)
            beat_at = 0.0
            while self._stopping_since is None or self._all():
                if self._stopping_since is None:
                    self._start_due()
                for key, _ in self._selector.select(SHOWN_S / 2):
                    if key.fileobj is self._woken:
                        self._heed(self._woken.recv(64))
                    else:
                        self._hear(key.data)
                self._reap()
                self._look_after()
                now = time.monotonic()
                if self._manager.beat_s is not None and now >= beat_at and self._answers(now):
                    self._manager.alive()
                    beat_at = now + self._manager.beat_s
        os.close(self._holding)
        os.close(self._parent)
        return not self._failed

    # what it is told

    def _heed(self, numbers: bytes) -> None:
        if signal.SIGTERM in numbers or signal.SIGINT in numbers:
            self._stop()
        elif signal.SIGHUP in numbers and self._stopping_since is None:
            log.info("each process of this node is replaced")
            self._manager.reloading()
            self._told_ready = self._half_renewed = False
            for place in self._places:
                place.failed = 0
                if place.successor is not None and not place.successor.ready:  # it has the settings of before
                    self._kill(place.successor)
                    place.successor = None
            self._renewals.extend(place for place in self._places if place not in self._renewals)

    def _hear(self, process: _Process) -> None:
        with contextlib.suppress(BlockingIOError):
            told = os.read(process.telling, 4096)
            if not told:
                self._selector.unregister(process.telling)
                os.close(process.telling)
                return
            process.beat_at = time.monotonic()
            process.ready = process.ready or _READY in told

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._ended(pid, os.waitstatus_to_exitcode(status))

    # what it does

    def _start_due(self) -> None:
        for place in self._places:
            if place.process is None and place.waits_for is None and time.monotonic() >= place.start_at:
                place.process = self._start(place.task)
        if self._renewals:
            first = self._renewals[0]
            if first.process is None:  # it ended, and what is started in its place is new
                first.process, first.successor = first.successor, None
                self._renewals.popleft()
            elif not first.task.serves:  # one at a time: nobody waits for it
                self._let_go(first.process)
                first.waits_for, first.process = first.process.pid, None
                self._renewals.popleft()
            elif first.successor is None and time.monotonic() >= first.start_at:
                first.successor = self._start(first.task)

    def _look_after(self) -> None:
        """Let go of those whose successors are ready; kill what hangs; tell whether all are ready."""
        now = time.monotonic()
        if self._renewals and self._stopping_since is None:
            place = self._renewals[0]
            if place.successor is not None and place.successor.ready:
                if place.process is not None:
                    self._let_go(place.process)
                place.process, place.successor = place.successor, None
                self._renewals.popleft()
                log.info("a process was replaced", task=place.task.name, process=place.process.pid)
        for process in self._all():
            leaves = process.pid in self._leaving
            patience_s = HUNG_S if process.ready else NEVER_READY_S
            if now > (process.left_at + ENDED_S if leaves else process.beat_at + patience_s):
                log.error("a process of this node does not answer; it is killed", process=process.pid)
                process.beat_at = process.left_at = now
                os.kill(process.pid, signal.SIGKILL)
        if self._stopping_since is not None and now > self._stopping_since + ENDED_S:
            self._stopping_since = now
            for process in self._all():
                log.error("a process of this node does not stop; it is killed", process=process.pid)
                os.kill(process.pid, signal.SIGKILL)
        if not self._told_ready and not self._renewals and self._stopping_since is None:
            self._told_ready = all(place.process is not None and place.process.ready for place in self._places)
            if self._told_ready:
                self._manager.ready()
                if self._half_renewed:
                    self._manager.not_ready("A reload broke off: some processes have older settings. See the log.")
                else:
                    log.info("the node is served", processes=sum(place.task.serves for place in self._places))

    def _ended(self, pid: int, code: int) -> None:
        if self._leaving.pop(pid, None) is not None or self._stopping_since is not None:
            for place in self._places:
                if place.waits_for == pid:
                    place.waits_for = None
                if place.process is not None and place.process.pid == pid:
                    place.process = None
                if place.successor is not None and place.successor.pid == pid:
                    place.successor = None
            return
        for place in self._places:
            if place.successor is not None and place.successor.pid == pid:
                self._successor_failed(place, code)
            elif place.process is not None and place.process.pid == pid:
                self._died(place, place.process, code)

    def _successor_failed(self, place: _Place, code: int) -> None:
        place.successor, told = None, {"task": place.task.name, "ended": _how(code)}
        place.failed += 1
        if place.failed < RENEWALS:
            place.start_at = time.monotonic() + AGAIN_S
            log.error("a process that was to take the place of another ended; another one is tried", **told)
            return
        self._renewals.clear()
        self._half_renewed = True
        log.error("the reload breaks off: this process and those after it keep the settings of before", **told)

    def _died(self, place: _Place, process: _Process, code: int) -> None:
        place.process, now = None, time.monotonic()
        self._deaths.append(now)
        while self._deaths[0] < now - DEATHS_S:
            self._deaths.popleft()
        never_served = not self._told_ready and not any(one.ready for one in self._all())
        told = {"task": place.task.name, "process": process.pid, "ended": _how(code)}
        if not self._told_ready:
            self._manager.not_ready(f"The process that {place.task.name} ended {_how(code)}: see the log.")
        if never_served and not process.ready:
            log.error("the node cannot be served", **told)
            self._failed = True
            self._stop()
        elif len(self._deaths) <= DEATHS:
            log.error("a process of this node ended; another one takes its place", **told)
            place.start_at = now if process.ready else now + AGAIN_S
        elif any(one.ready for one in self._serving()):
            log.error("processes of this node end again and again; the next one is tried later", wait_s=REST_S, **told)
            place.start_at = now + REST_S
        else:
            log.error("processes of this node end again and again, and none answers; it stops", **told)
            self._failed = True
            self._stop()

    def _let_go(self, process: _Process) -> None:
        self._leaving[process.pid] = process
        process.left_at = time.monotonic()
        os.kill(process.pid, signal.SIGHUP)

    def _kill(self, process: _Process) -> None:
        self._leaving[process.pid] = process
        process.left_at = time.monotonic()
        os.kill(process.pid, signal.SIGKILL)

    def _stop(self) -> None:
        if self._stopping_since is None:
            self._stopping_since = time.monotonic()
            self._manager.stopping()
        for process in self._all():
            os.kill(process.pid, signal.SIGTERM)

    def _start(self, task: ProcessTask) -> _Process:
        hearing, telling = os.pipe()
        os.set_blocking(hearing, False)
        os.set_blocking(telling, False)
        sys.stdout.flush()
        sys.stderr.flush()
        # what comes for the new process before it has handlers of its own waits: else it would take it for the
        # supervisor's, and tell that
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        pid = os.fork()
        if pid == 0:
            os.close(hearing)
            self._become(task, telling, blocked)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        os.close(telling)
        now = time.monotonic()
        process = _Process(pid, hearing, now, now)
        self._selector.register(hearing, selectors.EVENT_READ, process)
        return process

    def _become(self, task: ProcessTask, telling: int, blocked: set[int | signal.Signals]) -> None:
        """In the new process: do the task, and never come back. What the supervisor holds is not given back here: the
        lock on the home and that in the database are its own until the last of its processes has ended."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            for key in list(self._selector.get_map().values()):
                if key.fileobj is not self._woken:
                    os.close(key.fd)
            os.close(self._holding)
            task.run(SupervisorLink(telling, self._parent))
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        except ExchangeError as error:
            log.error(str(error), task=task.name, code=error.code)  # noqa: TRY400 - a sentence, no trace
        except BaseException:
            log.exception("unforeseen error", task=task.name)
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _all(self) -> list[_Process]:
        """All processes that run."""
        found = [one for place in self._places for one in (place.process, place.successor) if one is not None]
        return [*found, *self._leaving.values()]

    def _answers(self, now: float) -> bool:
        """Whether the event loop of at least one process that serves does. The others are replaced."""
        return any(now <= one.beat_at + HUNG_S for one in self._serving())

    def _serving(self) -> list[_Process]:
        """Those that answer, or are about to, and stay."""
        places = (place for place in self._places if place.task.serves)
        return [one for place in places for one in (place.process, place.successor) if one is not None]


def _how(code: int) -> str:
    return f"with the code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"


@contextlib.contextmanager
def _signals() -> Iterator[socket.socket]:
    """A socket from which the numbers of signals are read, in the order in which they came."""
    waking, woken = socket.socketpair()
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    with waking, woken:
        waking.setblocking(False)
        woken.setblocking(False)
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
        try:
            yield woken
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)
