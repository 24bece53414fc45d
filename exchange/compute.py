"""Heavy work in processes of its own: started when first needed, replaced when they die, bounded in time.

A worker gets one thread for linear algebra: the processes already share the cores among themselves.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from exchange.errors import ComputeFailed

P = ParamSpec("P")
T = TypeVar("T")

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")


class Compute:
    """The one seam to more processors: an Executor. ``run`` blocks; what the function raises, ``run`` raises."""

    def __init__(self, workers: int, timeout_s: float) -> None:
        self._workers = workers
        self._timeout_s = timeout_s
        self._pool: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Raises ComputeFailed when a worker died or took longer than the limit; the pool is replaced."""
        pool = self._started()
        try:
            return pool.submit(function, *args, **kwargs).result(timeout=self._timeout_s)
        except BrokenProcessPool as error:
            self._replace(pool)
            raise ComputeFailed("A worker process died over this scan; it will be tried again.") from error
        except FutureTimeoutError as error:
            self._replace(pool)
            raise ComputeFailed(f"A worker process took longer than {self._timeout_s:g} s over this scan.") from error

    def close(self) -> None:
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            _kill(pool)

    def _started(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                for name in _ONE_THREAD:
                    os.environ.setdefault(name, "1")
                # spawn: a fork of a threaded server may hang, and a fork server's socket needs a short TMPDIR
                context = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(self._workers, mp_context=context, initializer=_end_with_parent)
            return self._pool

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is broken:
                self._pool = None
        _kill(broken)


def _end_with_parent() -> None:
    """Run in each worker: a node that was killed can end its workers no more, so they watch it themselves."""
    parent = multiprocessing.parent_process()
    if parent is None:
        raise RuntimeError("a worker has no parent process")

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def _kill(pool: ProcessPoolExecutor) -> None:
    processes = list((pool._processes or {}).values())  # the executor has no public way to stop a stuck worker
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    pool.shutdown(wait=False, cancel_futures=True)
