"""Tasks on a cluster whose workers come and go: what one of them cannot do is done here.

A worker may join in the middle of a query, with another release or without the folder of the galleries; it may die over
a task, or see an older state of a file. So each task asks the worker for its release before anything of the task is
unpacked, and nothing that a worker calls missing or damaged is believed before it was looked at here: on its word alone
a gallery would be emptied that nothing is wrong with.
"""

from __future__ import annotations

import pickle
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future, wait
from functools import partial
from typing import Any

import matcher

TASK_DONE = "done"
UNHEARD_S = 10.0
"""How long a cluster may end no task of a query: each takes less than a second. What is left is then done here. The
scheduler gives up a worker that hangs after five minutes, and a query has two."""
UNHEARD_AGAIN_S = 2.0
"""The same in a query in which that was seen: the worker gets tasks of each stage."""
_LOOK_S = 0.5


def compared_release() -> str:
    """What must be the same on all workers: scores, to the last bit, and the form of the files that they read."""
    from matcher.evaluate.trial import trial_digest  # it loads the matcher, which a node needs that has a cluster
    from matcher.gallery.schema import FORMAT

    return f"{matcher.MATCHER_VERSION}/{FORMAT}/{trial_digest()}"


class WithHelpHere(Executor):
    """Gives tasks to a cluster's executor. What fails there is done in the thread that asks for the result.

    ``helped``: how often, by what was wrong. Raises OSError and CancelledError, of the cluster's client, where the
    cluster is away.
    """

    def __init__(self, cluster: Executor) -> None:
        from matcher.gallery.gallery_tasks import TASKS

        self._cluster, self._tell_damage = cluster, TASKS
        self._asked, self._run = compared_release(), _run_in_release()
        self.helped: Counter[str] = Counter()
        self._heard_at, self._patience_s = time.monotonic(), UNHEARD_S

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        # packed: a worker of another release may not even have the function
        there = self._cluster.submit(self._run, self._asked, pickle.dumps((function, args, kwargs)))
        there.add_done_callback(self._heard)
        self._submitted_at = time.monotonic()
        here = partial(function, *args, **kwargs)
        return _Helped(there, here, self, tells_damage=function in self._tell_damage)

    def is_silent(self) -> bool:
        """Whether tasks have been waiting for long of which none came to an end."""
        silent = time.monotonic() - max(self._heard_at, self._submitted_at) > self._patience_s
        if silent:
            self._patience_s = UNHEARD_AGAIN_S
        return silent

    def _heard(self, there: Future[Any]) -> None:
        if not there.cancelled():
            self._heard_at = time.monotonic()


class _Helped(Future[Any]):
    """Its result is asked for once, by who submitted it."""

    def __init__(
        self, there: Future[Any], here: Callable[[], Any], executor: WithHelpHere, *, tells_damage: bool
    ) -> None:
        super().__init__()
        self._there, self._here, self._executor, self._tells_damage = there, here, executor, tells_damage

    def result(self, timeout: float | None = None) -> Any:
        how, found = self._told(timeout)
        if how == TASK_DONE:
            return found
        self._executor.helped[how] += 1
        return self._here()

    def _told(self, timeout: float | None) -> tuple[str, Any]:
        while not wait([self._there], _LOOK_S if timeout is None else timeout).done and timeout is None:
            if self._executor.is_silent() and self._there.cancel():
                return "silence", None
        try:
            how, found = self._there.result(timeout)
            if how == TASK_DONE and self._tells_damage:
                _, damaged = found
                return ("told of damage" if damaged else TASK_DONE), found
        except (OSError, CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - of the worker that did it, or of the scheduler that gave up on it
            return type(error).__name__, None
        return how, found


def _run_in_release() -> Callable[[str, bytes], tuple[str, Any]]:
    """A function that travels as it is, not by its name: a worker of another release may have none of that name."""

    def run(asked: str, task: bytes) -> tuple[str, Any]:
        try:
            from exchange.flows.node.cluster_tasks import compared_release

            if compared_release() != asked:
                return "another release", None
            function, args, kwargs = pickle.loads(task)  # noqa: S301 - by the node, over TLS
            return TASK_DONE, function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, the node looks for itself
            return type(error).__name__, None

    return run
