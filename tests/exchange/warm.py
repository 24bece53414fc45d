"""Worker processes that outlive their node: to start one costs more than most tests ask of it."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from exchange.compute import Compute

SPARE_PROCESSES = 3


class SpareProcesses:
    """Idle processes that nodes of earlier tests left behind, for nodes of later ones."""

    def __init__(self) -> None:
        self._spare: list[ProcessPoolExecutor] = []

    @contextmanager
    def kept(self) -> Iterator[list[ProcessPoolExecutor]]:
        """Where the nodes of one test leave theirs. They become spare at its end and no sooner: a node that is
        started again has new processes, which remember nothing of its files."""
        left: list[ProcessPoolExecutor] = []
        try:
            yield left
        finally:
            for executor in left:
                self._spare.append(executor) if len(self._spare) < SPARE_PROCESSES else _kill(executor)

    def take(self) -> ProcessPoolExecutor | None:
        while self._spare:
            executor = self._spare.pop()
            if _is_alive(executor):
                return executor
            _kill(executor)
        return None

    def close(self) -> None:
        while self._spare:
            _kill(self._spare.pop())


SPARE = SpareProcesses()


class WarmCompute(Compute):
    """The node's own Compute, but for where a process comes from and where an idle one goes."""

    def __init__(self, workers: int, timeout_s: float, left: list[ProcessPoolExecutor]) -> None:
        super().__init__(workers, timeout_s)
        self._left = left

    def _start(self) -> ProcessPoolExecutor:
        with self._lock:
            found = None if self._closed else SPARE.take()
            if found is not None:
                self._running.add(found)
                return found
        return super()._start()

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
            self._left.append(executor)
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
