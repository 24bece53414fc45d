"""Run heavy work in worker processes with limits of time and memory.

A process is started when it is first needed, replaced when it dies, and ended when it was idle for a while, since it
takes a hundred megabytes. While a user looks at pages, one idle process is kept, so that the next page needs no start.

A worker process has one thread for linear algebra, since the processes already share the cores. It ignores Ctrl-C and
ends with the node, even when the node is killed. Background processes run at the lowest priority. The background work
of one node never occupies all of them: a hostile scan may take its full time limit, and other nodes must not wait.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import resource
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from importlib._bootstrap import _ModuleLockManager  # type: ignore[attr-defined]  # (``_path_at_rest``)
from pathlib import Path
from typing import ParamSpec, TypeVar

from exchange.errors import ComputeAway, ComputeFailed

HALF_S = 60.0
"""Half-life of the time that is charged to a node."""
TOLERANCE_S = 3.0
"""Two nodes take turns only when their charged times differ by more than this."""
GIVES_WAY_S = 2.0
"""The longest that a task is delayed in favour of a node that used less time."""


class Accounts:
    """Time used by node. At most ``at_most`` tasks of one node run at once; tasks of the empty account never wait."""

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._changed = threading.Condition()
        self._busy: Counter[str] = Counter()
        self._used: dict[str, tuple[float, float]] = {}

    @contextlib.contextmanager
    def working(self, node_id: str) -> Iterator[None]:
        """Wait until a task of this node may start."""
        if not node_id:
            yield
            return
        with self._changed:
            self._changed.wait_for(lambda: not self._gives_way(node_id), timeout=GIVES_WAY_S)
            self._changed.wait_for(lambda: self._busy[node_id] < self._at_most)
            self._busy[node_id] += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= Counter([node_id])  # keeps those alone that are at work
                self._changed.notify_all()

    @contextlib.contextmanager
    def counted(self, node_id: str) -> Iterator[None]:
        """Charge the duration of the block to the node."""
        begun = time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                self._used[node_id] = self._recently(node_id) + time.monotonic() - begun, time.monotonic()

    def _gives_way(self, node_id: str) -> bool:
        """Return whether a task of a node that used less time recently is running."""
        mine = self._recently(node_id) - TOLERANCE_S
        return any(self._recently(other) < mine for other in self._busy if other != node_id)

    def _recently(self, node_id: str) -> float:
        """Return the seconds charged to the node, halved every ``HALF_S``."""
        seconds, at = self._used.get(node_id, (0.0, 0.0))
        return float(seconds * 0.5 ** ((time.monotonic() - at) / HALF_S))


_P = ParamSpec("_P")
_T = TypeVar("_T")

LOWEST_PRIORITY = 19
"""Value for nice(2): next to an ordinary process, such a process gets a sixtieth of a core."""

START_S = 60
"""The longest start of a process: some seconds of imports on a busy machine."""
SOON_S = 1.0
"""The longest wait for an idle process in ``run_soon``."""
END_S = 5
"""The longest wait for a killed process to end; only a disk that does not answer delays it further."""

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")


class Compute:
    """A pool of worker processes, and the one place to change to use more machines.

    Each process is an executor of its own and has one task at a time. So the time limit starts when the task starts,
    not when it is queued, and the death of a process affects one task only.
    """

    def __init__(
        self,
        workers: int,
        timeout_s: float,
        *,
        memory_bytes: int = 3 * 1024**3,
        rest_s: float = 60,
        background: bool = False,
    ) -> None:
        self._timeout_s, self._memory_bytes, self._rest_s = timeout_s, memory_bytes, rest_s
        self._niceness = LOWEST_PRIORITY if background else 0
        self._idle: queue.LifoQueue[ProcessPoolExecutor | None] = queue.LifoQueue()
        self._accounts = Accounts(max(1, workers - 1))
        self._thread = threading.local()
        for _ in range(workers):
            self._idle.put(None)  # a place whose process is started when it is first needed
        self._running: set[ProcessPoolExecutor] = set()
        self._used_at = time.monotonic()
        self._warm_until = 0.0
        self._warming = False
        self._resting: threading.Timer | None = None
        self._closed = False
        self._refusal: str | None = None
        self._lock = threading.Lock()

    def run(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run the function in an idle process; block until it has finished. Errors of the function are raised here.

        A task whose process dies is tried once more, since the task may not be the cause. Raises ComputeFailed when
        the process dies again, exceeds its time limit or its memory limit; the process is replaced. Raises ComputeAway
        when no process can be started, and when the node stops.
        """
        account = getattr(self._thread, "account", "")
        with self._accounts.working(account):
            executor = self._idle.get()
            with self._accounts.counted(account):
                return self._run(executor, function, *args, **kwargs)

    def run_soon(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run an optional part of an answer, charged to no node. Raises as ``run``, and ComputeAway when no process is
        idle within ``SOON_S``."""
        try:
            executor = self._idle.get(timeout=SOON_S)
        except queue.Empty:
            raise ComputeAway("All worker processes are busy; try again later.") from None
        return self._run(executor, function, *args, **kwargs)

    def stay_warm(self, for_s: float, load: Callable[[], object]) -> None:
        """Prepare for a request that may come soon: start a process that does ``load`` if none runs, and keep one until
        then. Return at once. If no process can be started, the next ``run`` raises."""
        with self._lock:
            self._warm_until = max(self._warm_until, time.monotonic() + for_s)
            if self._closed or self._running or self._warming:
                return
            self._warming = True
        threading.Thread(target=self._warm, args=(load,), name="warming", daemon=True).start()

    def _warm(self, load: Callable[[], object]) -> None:
        try:
            with contextlib.suppress(queue.Empty, ComputeAway, ComputeFailed):
                self._run(self._idle.get_nowait(), load)
        finally:
            self._warming = False

    @contextlib.contextmanager
    def on_account_of(self, node_id: str) -> Iterator[None]:
        """Charge the tasks that this thread starts within the block to a node (`Accounts`)."""
        self._thread.account = node_id
        try:
            yield
        finally:
            self._thread.account = ""

    def _run(
        self, executor: ProcessPoolExecutor | None, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        try:
            for _ in range(2):
                executor = self._alive(executor) or self._start(function)
                try:
                    return _submit(executor, function, *args, **kwargs).result(timeout=self._timeout_s)
                except (BrokenProcessPool, CancelledError):
                    self._end(executor)
                    executor = None
                except FutureTimeoutError as error:
                    self._end(executor)
                    executor = None
                    message = f"A worker process took longer than {self._timeout_s:g} s over this scan."
                    raise ComputeFailed(message) from error
                except MemoryError as error:
                    self._end(executor)
                    executor = None
                    message = f"This scan would take more than {self._memory_bytes / 1024**2:,.0f} MB of memory."
                    raise ComputeFailed(message) from error
        finally:
            self._idle.put(executor)
            self._rest_later()
        raise ComputeFailed("A worker process died twice over this scan. It was stopped; try again later.")

    def close(self) -> None:
        """Stop all tasks at once; their callers get ComputeAway."""
        with self._lock:
            self._closed = True
            running = list(self._running)
            if self._resting is not None:
                self._resting.cancel()
        for executor in running:
            self._end(executor)

    def processes(self) -> list[int]:
        """Return the process ids of the running processes."""
        with self._lock:
            running = list(self._running)
        return [process for executor in running for process in list(executor._processes or {})]  # no public way

    def check(self) -> None:
        """Start a process after the last start failed. Raises ComputeAway when this start fails too."""
        if self._refusal is not None:
            self._end(self._start(os.getpid))

    def _alive(self, executor: ProcessPoolExecutor | None) -> ProcessPoolExecutor | None:
        """Return the idle process, or None if it died meanwhile."""
        if executor is None:
            return None
        processes = list((executor._processes or {}).values())
        if processes and all(process.is_alive() for process in processes):
            return executor
        self._end(executor)
        return None

    def _start(self, function: Callable[..., object]) -> ProcessPoolExecutor:
        """Start a process and wait until it has imported the function: a later death is caused by its task. Raises
        ComputeAway."""
        executor = self._place()
        try:
            with _path_at_rest():
                started = _submit(executor, _knows, function)
            started.result(timeout=START_S)
        except (BrokenProcessPool, CancelledError, FutureTimeoutError, OSError) as error:
            self._end(executor)
            self._check_open()
            self._refusal = (
                f"No worker process can be started ({_why(error)}); see to memory and limits of the machine."
            )
            raise ComputeAway(self._refusal) from error
        self._refusal = None
        return executor

    def _check_open(self) -> None:
        if self._closed:
            raise ComputeAway("The node is stopping; try again when it runs.")

    def _place(self) -> ProcessPoolExecutor:
        with self._lock:
            self._check_open()
            for name in _ONE_THREAD:
                os.environ.setdefault(name, "1")
            # spawn: a fork of a threaded server may hang, and a fork server's socket needs a short TMPDIR
            context = multiprocessing.get_context("spawn")
            begin = self._niceness, self._memory_bytes
            executor = ProcessPoolExecutor(1, mp_context=context, initializer=_begin_worker, initargs=begin)
            self._running.add(executor)
            return executor

    def _rest_later(self) -> None:
        """End the idle processes at that time; if there were further tasks meanwhile, check again later."""
        with self._lock:
            self._used_at = time.monotonic()
            if self._resting is None and not self._closed:
                self._resting = self._timer(self._rest_s)

    def _timer(self, wait_s: float) -> threading.Timer:
        timer = threading.Timer(wait_s, self._rest)
        timer.daemon = True
        timer.start()
        return timer

    def _rest(self) -> None:
        with self._lock:
            if self._closed:
                return
            left = self._used_at + self._rest_s - time.monotonic()
            warm = self._warm_until - time.monotonic()
            self._resting = self._timer(left if left > 0 else warm) if max(left, warm) > 0 else None
        if left > 0:
            return
        idle = []
        with contextlib.suppress(queue.Empty):  # the last ones were taken by work that came at this moment
            for _ in range(self._idle.qsize()):
                idle.append(self._idle.get_nowait())  # noqa: PERF401 - what was taken must not get lost
        stays = next((executor for executor in idle if executor is not None), None) if warm > 0 else None
        for executor in idle:
            if executor is not None and executor is stays:
                continue
            if executor is not None:
                self._end(executor)
            self._idle.put(None)
        if stays is not None:  # on top: it is the first that is asked
            self._idle.put(stays)

    def _end(self, executor: ProcessPoolExecutor) -> None:
        """Kill a process and wait for the thread that manages it. If the interpreter exits while such a thread closes
        its pipes, it prints the traceback of an OSError."""
        with self._lock:
            self._running.discard(executor)
        # an executor has no public way to stop a stuck worker, or to wait for its thread no longer than so long
        processes = executor._processes
        thread: threading.Thread | None = executor._executor_manager_thread  # type: ignore[assignment]  # so it is
        executor.shutdown(wait=False, cancel_futures=True)
        until = time.monotonic() + END_S
        while True:
            for process in list((processes or {}).values()):
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            if thread is None or not thread.is_alive() or time.monotonic() >= until:
                return
            thread.join(0.1)  # a process that was just being started shows up meanwhile


def computes_for_another(process: int) -> bool:
    """Return whether a process of this machine was started by a pool of any process."""
    try:
        return b"multiprocessing.spawn" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:  # it has ended
        return False


@contextlib.contextmanager
def _path_at_rest() -> Iterator[None]:
    """Block imports of OpenCV while a process is started.

    During its import, OpenCV puts a folder first on ``sys.path`` that has a module ``typing`` of its own. A process
    that is started then inherits the path and fails at its first import. This function takes the import lock of the
    module; importlib has no public name for it.
    """
    with _ModuleLockManager("cv2"):
        yield


def _why(error: BaseException) -> str:
    """Return why a process could not be started, as part of a sentence."""
    match error:
        case FutureTimeoutError():
            return f"it did not answer within {START_S} s"
        case OSError():
            return error.strerror or str(error)
        case _:
            return "it ended at once"


def _submit(
    executor: ProcessPoolExecutor, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
) -> Future[_T]:
    try:
        return executor.submit(function, *args, **kwargs)
    except RuntimeError as error:  # stopped by ``close`` a moment ago
        raise BrokenProcessPool(str(error)) from error


def _begin_worker(niceness: int, memory_bytes: int) -> None:
    """In the worker process: ignore Ctrl-C, exit when the node has ended, and limit the memory.

    Only private memory is limited, not mapped files: galleries are mapped whole, and the system may drop their pages.
    """
    os.nice(niceness)
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()


def _knows(function: Callable[..., object]) -> None:
    """In the worker process: import the modules of the function."""
    del function


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # the caller is gone, so no task in this process is worth finishing
