"""What must be so before the parts of a node are loaded that several processes are to share."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from exchange.home import COUNTS_FOLDER, COUNTS_VARIABLE

if TYPE_CHECKING:
    from exchange.config import Settings

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder that belongs to somebody else is not taken
_ONE_THREAD: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def prepare_to_fork(settings: Settings) -> None:
    """Have libraries start no threads of their own, which no fork takes along, and have what is counted written to
    files, of which a scrape adds up those of all processes. To be called before anything else of the node is loaded:
    both are read then."""
    for name in _ONE_THREAD:
        os.environ[name] = "1"
    if settings.metrics_port is not None:
        os.environ[COUNTS_VARIABLE] = str(_counts_folder(settings.home))


def empty_counts() -> None:
    """What an earlier start counted. For whoever holds the home."""
    if COUNTS_VARIABLE in os.environ:
        for file in Path(os.environ[COUNTS_VARIABLE]).glob("*.db"):
            file.unlink(missing_ok=True)


def _counts_folder(home: Path) -> Path:
    """In memory where that is possible: the files are mapped, and a process that writes to one on a full disk is killed
    on the spot. Nobody needs them after a restart."""
    name = f"ffp-counts-{os.getuid()}-{hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]}"
    folder = _MEMORY / name if os.access(_MEMORY, os.W_OK) else home / COUNTS_FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o077:
        folder = home / COUNTS_FOLDER  # somebody else was there before
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder
