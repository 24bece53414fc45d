"""Who watches a folder: one process of a node, so that no file is at two at once."""

from __future__ import annotations

import hashlib
import os
from contextlib import AbstractContextManager
from pathlib import Path

from exchange.home import private_folder
from exchange.store.node.lock import sole_user


def watched(home: Path, folder: Path) -> AbstractContextManager[None]:
    """Hold a folder for this process of the node in ``home`` while the block runs. Raises ConfigurationError when
    another one watches it."""
    private_folder(home / "watch")
    return sole_user(lock_of(home, folder), f"{folder} is watched by another process already.")


def lock_of(home: Path, folder: Path) -> Path:
    """What whoever watches a folder holds."""
    return home / "watch" / f"{hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]}.lock"
