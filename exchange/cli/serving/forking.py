"""What must be so before the parts of a node are loaded that several processes are to share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from exchange.home import COUNTS_FOLDER

if TYPE_CHECKING:
    from exchange.config import Settings

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def prepare_to_fork(settings: Settings) -> None:
    """Have libraries start no threads of their own, which no fork takes along, and have what is counted written to
    files, of which a scrape adds up those of all processes. To be called before anything else of the node is loaded:
    both are read then."""
    for name in _ONE_THREAD:
        os.environ[name] = "1"
    if settings.metrics_port is not None:
        folder = settings.home / COUNTS_FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def empty_counts(settings: Settings) -> None:
    """What an earlier start counted. For whoever holds the home."""
    for file in (settings.home / COUNTS_FOLDER).glob("*.db"):
        file.unlink(missing_ok=True)
