"""The folder of a node, and private files in it. This module does not import the settings, so that commands without
settings start fast."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

DEFAULT_HOME = Path("/var/lib/ffp")
HOME_VARIABLE = "FFP_NODE_HOME"

COUNTS_FOLDER: Final = "counts"
COUNTS_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable with which Prometheus' client finds ``COUNTS_FOLDER``, in which the processes of one node keep their
counts. It is emptied at every start."""


def resolve_home(given: Path | None) -> Path:
    """Return the node's home: ``--home``, else ``FFP_NODE_HOME``, else ``/var/lib/ffp``."""
    return (given or Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME)).expanduser().absolute()


def keep_private() -> None:
    """Make all files that this process and its children write private: folders 700, files 600. Public files get their
    mode where they are written: the copy of the log, and the rounds of the trust root."""
    os.umask(0o077)


def user_named(number: int) -> str:
    """Return the name of a user of this machine, or the number if it has no name."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def private_folder(path: Path) -> None:
    """Make a folder and its missing parents, readable by this user only."""
    for folder in (*reversed(path.parents), path):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def emptied_on_failure(home: Path) -> Iterator[None]:
    """Delete what the block wrote into the home if the block fails; keep what was there before. A partial home would
    look like a node, or block the next attempt."""
    private_folder(home)
    before = set(home.iterdir())
    try:
        yield
    except BaseException:
        for path in set(home.iterdir()) - before:
            delete_entry(path)
        raise


def delete_entry(path: Path) -> None:
    """Delete a file, a folder, or a symbolic link without its target."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def public_folder(path: Path) -> None:
    """Make a public folder and its missing parents."""
    for folder in (*reversed(path.parents), path):
        if not folder.exists():
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)


def write_private(path: Path, content: str | bytes) -> None:
    """Write a private file atomically; it is on disk when this returns.

    Raises OSError, for instance when the disk is full; the file is then unchanged.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape"))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)  # the name too
    finally:
        os.close(folder)


def read_bounded(path: Path, most: int) -> bytes:
    """Read at most ``most`` + 1 bytes of a file; the caller refuses a result of more than ``most``. Raises OSError."""
    with path.open("rb") as file:
        return file.read(most + 1)
