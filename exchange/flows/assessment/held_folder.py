"""One process at a time changes the files of a folder: of two forms on one file neither writes over what the other one
kept between its reading and its writing."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
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
_NOT_OWN: Final = (errno.EACCES, errno.EPERM, errno.ELOOP, errno.EISDIR, errno.ENXIO)
LOCK_NAME: Final = ".ffp-assess.lock"


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other process changes a file of the folder, and keep others waiting. The lock lies on a hidden file
    of one's own, ``LOCK_NAME``, which is left over: another user of the machine, who may read the folder, could hold
    the folder itself, but cannot open that file. The lock ends with the process. There is none where the disk knows no
    locks, and where the file is not one's own: then what another process changed meanwhile is still noticed, by what
    stands in the file.

    Raises Conflict, code "changed-meanwhile", where another process holds it for longer than ``MOST_WAIT_S``.
    """
    descriptor = _own_file(folder)
    try:
        if descriptor is not None:
            _hold(descriptor, folder)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _own_file(folder: Path) -> int | None:
    """Open for nobody else; None for what somebody else put there."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(folder / LOCK_NAME, flags, 0o600)
    except OSError as error:
        if error.errno in _NOT_OWN:
            return None
        raise
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077:
        return descriptor
    os.close(descriptor)
    return None


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
