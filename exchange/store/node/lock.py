"""Who holds a node's home. One process serves it at a time: a second one would clear away what the first is receiving.
Any number of workers may work in it; what needs the node at rest keeps all of them out.

A database outside the home has a lock of its own: ``Store.served``. The kernel lets go of these locks when a process
ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Self

from exchange.errors import ConfigurationError
from exchange.processes import lock_holders, named


def serving(home: Path) -> AbstractContextManager[None]:
    """Serve the home while the block runs, beside its workers. Raises ConfigurationError when another process does."""
    return sole_user(home / "serve.lock", f"The node in {home} is served by another process already.")


def working(home: Path) -> AbstractContextManager[None]:
    """Work in the home while the block runs, beside whoever else does. Raises ConfigurationError when the node must be
    at rest."""
    refusal = f"The node in {home} must be at rest at this moment: a command changes it. Start the worker after that."
    return _held(home / "work.lock", fcntl.LOCK_SH, refusal)


@contextmanager
def sole_server(home: Path) -> Iterator[None]:
    """Hold the home alone while the block runs: nobody serves it and nobody works in it. Raises ConfigurationError
    when somebody does."""
    refusal = f"`ffp worker` works on the node in {home}, in another process. Stop it first."
    with serving(home), _held(home / "work.lock", fcntl.LOCK_EX, refusal):
        yield


class AliveFile:
    """A file that says that its process lives: locked from ``hold`` until ``drop``, or until the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def hold(self) -> Self:
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return self

    def drop(self) -> None:
        """Doing so twice changes nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def is_held(self) -> bool:
        """Whether the process that it stands for lives."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


def sole_user(lock: Path, otherwise: str) -> AbstractContextManager[None]:
    """Hold a lock while the block runs. Raises ConfigurationError, in the words of ``otherwise``, when another process
    holds it."""
    return _held(lock, fcntl.LOCK_EX, otherwise)


@contextmanager
def _held(path: Path, how: int, refusal: str) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(f"{refusal}{_held_by(path)}") from error
        yield


def _held_by(path: Path) -> str:
    holders = ", ".join(map(named, lock_holders(path)))
    return f" It is {holders}." if holders else ""
