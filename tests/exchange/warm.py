"""Worker processes that outlive their node: to start one costs more than most tests ask of it."""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from exchange.compute import Compute

SPARE_PROCESSES = 3


class SpareProcesses:
    """Idle processes that nodes of earlier tests left behind, for nodes of later ones.

    What is left becomes spare when its test ends and no sooner: a node that is started again has new processes, which
    remember nothing of its files.
    """

    def __init__(self) -> None:
        self._left: list[ProcessPoolExecutor] = []
        self._spare: list[ProcessPoolExecutor] = []

    def leave(self, executor: ProcessPoolExecutor) -> None:
        self._left.append(executor)

    def test_ended(self) -> None:
        while self._left:
            executor = self._left.pop()
            self._spare.append(executor) if len(self._spare) < SPARE_PROCESSES else _kill(executor)

    def take(self) -> ProcessPoolExecutor | None:
        while self._spare:
            executor = self._spare.pop()
            if _is_alive(executor):
                return executor
            _kill(executor)
        return None

    def close(self) -> None:
        for executor in (*self._left, *self._spare):
            _kill(executor)
        self._left, self._spare = [], []


SPARE = SpareProcesses()


class WarmCompute(Compute):
    """The node's own Compute, but for where a process comes from and where an idle one goes."""

    def _start(self, function: Callable[..., object]) -> ProcessPoolExecutor:
        with self._lock:
            found = None if self._closed else SPARE.take()
            if found is not None:
                self._running.add(found)
                return found
        return super()._start(function)

    def close(self) -> None:
        with self._lock:
            self._closed = True
        idle: list[ProcessPoolExecutor] = []
        for _ in range(self._idle.qsize()):
            try:
                executor = self._idle.get_nowait()
            except queue.Empty:  # taken by work that came at the last moment: it ends as on any node
                break
            if executor is not None:
                idle.append(executor)
        for executor in idle:
            with self._lock:
                self._running.discard(executor)
            SPARE.leave(executor)
        for _ in range(len(idle)):
            self._idle.put(None)
        super().close()


def _is_alive(executor: ProcessPoolExecutor) -> bool:
    processes = list((executor._processes or {}).values())
    return bool(processes) and all(process.is_alive() for process in processes)


def _kill(executor: ProcessPoolExecutor) -> None:
    for process in list((executor._processes or {}).values()):
        process.kill()
    executor.shutdown(wait=True, cancel_futures=True)
