"""Tasks on a cluster whose workers come and go: what one of them cannot do is done here.

A worker may join in the middle of a query, with another release or without the folder of the galleries; it may die over
a task, or see an older state of a file. So each task asks the worker for its release before anything of the task is
unpacked, and nothing that a worker calls missing or damaged is believed before it was looked at here: on its word alone
a gallery would be emptied that nothing is wrong with.
"""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from functools import partial
from typing import Any

import matcher

TASK_DONE = "done"


def compared_release() -> str:
    """What must be the same on all workers: scores, and the form of the files that they read."""
    from matcher.gallery.schema import FORMAT  # it loads the matcher, which a node needs that has a cluster

    return f"{matcher.MATCHER_VERSION}/{FORMAT}"


class WithHelpHere(Executor):
    """Gives tasks to a cluster's executor. What fails there is done in the thread that asks for the result.

    ``helped``: how often, by what was wrong. Raises OSError and CancelledError, of the cluster's client, where the
    cluster is away.
    """

    def __init__(self, cluster: Executor) -> None:
        from matcher.gallery.tasks import TASKS

        self._cluster, self._tell_damage = cluster, TASKS
        self._asked, self._run = compared_release(), _run_in_release()
        self.helped: Counter[str] = Counter()

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        # packed: a worker of another release may not even have the function
        there = self._cluster.submit(self._run, self._asked, pickle.dumps((function, args, kwargs)))
        here = partial(function, *args, **kwargs)
        return _Helped(there, here, self.helped, tells_damage=function in self._tell_damage)


class _Helped(Future[Any]):
    """Its result is asked for once, by who submitted it."""

    def __init__(
        self, there: Future[Any], here: Callable[[], Any], helped: Counter[str], *, tells_damage: bool
    ) -> None:
        super().__init__()
        self._there, self._here, self._helped, self._tells_damage = there, here, helped, tells_damage

    def result(self, timeout: float | None = None) -> Any:
        try:
            how, found = self._there.result(timeout)
        except (OSError, CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - of the worker that did it, or of the scheduler that gave up on it
            how, found = type(error).__name__, None
        if how == TASK_DONE and self._tells_damage and found[1]:
            how = "told of damage"
        if how == TASK_DONE:
            return found
        self._helped[how] += 1
        return self._here()


def _run_in_release() -> Callable[[str, bytes], tuple[str, Any]]:
    """A function that travels as it is, not by its name: a worker of another release may have none of that name."""

    def run(asked: str, task: bytes) -> tuple[str, Any]:
        try:
            import matcher
            from matcher.gallery.schema import FORMAT

            if f"{matcher.MATCHER_VERSION}/{FORMAT}" != asked:
                return "another release", None
            function, args, kwargs = pickle.loads(task)  # noqa: S301 - by the node, over TLS
            return TASK_DONE, function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, the node looks for itself
            return type(error).__name__, None

    return run
