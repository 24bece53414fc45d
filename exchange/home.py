"""Where a node lies, and that nobody else reads there. Apart from its settings, so that a command that needs none of
them begins at once."""

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
"""Where Prometheus' client looks for the folder of counts."""
"""The folder of the home in which the processes of a node that several serve count for its operator; emptied at every
start."""


def resolve_home(given: Path | None) -> Path:
    """The node's home: ``--home``, else ``FFP_NODE_HOME``, else ``/var/lib/ffp``."""
    return (given or Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME)).expanduser().absolute()


def keep_private() -> None:
    """Whatever this process and those that it starts write from now on is its own user's alone: folders 700, files 600.
    What is public is given its mode where it is written: the copy of the log, and the rounds of the trust root."""
    os.umask(0o077)


def user_named(number: int) -> str:
    """The name of a user of this machine; the number, where it has none."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def private_folder(path: Path) -> None:
    """Make a folder, and each above it that is missing, for this user alone."""
    for folder in (*reversed(path.parents), path):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def emptied_on_failure(home: Path) -> Iterator[None]:
    """A home that is half made would be taken for a node, or stand in the way of the next attempt: of what the block
    puts into it nothing stays when it fails. What was there before does."""
    private_folder(home)
    before = set(home.iterdir())
    try:
        yield
    except BaseException:
        for path in set(home.iterdir()) - before:
            delete_entry(path)
        raise


def delete_entry(path: Path) -> None:
    """Delete a file or a folder; of a link the link alone."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def public_folder(path: Path) -> None:
    """Make a folder, and each above it that is missing, that everybody may enter: what lies in it is public."""
    for folder in (*reversed(path.parents), path):
        if not folder.exists():
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file for this user alone, whole and on disk when this returns.

    Raises OSError, such as of a full disk: then the file is as it was before.
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
    """Read a file, but at most ``most`` + 1 bytes of it: the caller refuses it if there are more than ``most``. Raises
    OSError."""
    with path.open("rb") as file:
        return file.read(most + 1)
