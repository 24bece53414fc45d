"""One process serves a node's home at a time: a second one would clear away what the first is receiving.

A database outside the home has a lock of its own: ``Store.served``.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from exchange.errors import ConfigurationError


def sole_server(home: Path) -> AbstractContextManager[None]:
    """Serve a home alone while the block runs. Raises ConfigurationError when another process does."""
    return sole_user(home / "serve.lock", f"The node in {home} is served by another process already.")


@contextmanager
def sole_user(lock: Path, otherwise: str) -> Iterator[None]:
    """Hold a lock while the block runs. The kernel lets go when the process ends, however it ends.

    Raises ConfigurationError, in the words of ``otherwise``, when another process holds it.
    """
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(otherwise) from error
        yield
