"""One process serves a node's home at a time: a second one would clear away what the first is receiving.

A database outside the home has a lock of its own: ``Store.served``.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exchange.errors import ConfigurationError


@contextmanager
def sole_server(home: Path) -> Iterator[None]:
    """Hold the home while the block runs. The kernel lets go when the process ends, however it ends.

    Raises ConfigurationError when another process holds it.
    """
    with (home / "serve.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(f"The node in {home} is served by another process already.") from error
        yield
