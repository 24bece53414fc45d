"""One process at a time changes the files of a folder: of two forms on one file neither writes over what the other one
kept between its reading and its writing."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from exchange.errors import Conflict

MOST_WAIT_S: Final = 10.0
"""A change takes some milliseconds: who holds the folder for longer has stopped."""
_LOOK_AGAIN_S: Final = 0.02
_HELD: Final = (errno.EAGAIN, errno.EACCES)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other process changes a file of the folder, and keep others waiting. The lock lies on the folder
    itself: no file of it is left over, and it ends with the process. Where the disk knows no locks there is none.

    Raises Conflict, code "changed-meanwhile", where another process holds it for longer than ``MOST_WAIT_S``.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _hold(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _hold(descriptor: int, folder: Path) -> None:
    until = time.monotonic() + MOST_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _HELD:
                return
            if time.monotonic() > until:
                raise Conflict(
                    f"Another process has held {folder} for {MOST_WAIT_S:g} s: end the other ffp assess form, then "
                    "save once more.",
                    code="changed-meanwhile",
                ) from error
            time.sleep(_LOOK_AGAIN_S)
        else:
            return
