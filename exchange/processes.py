"""Which process of this machine holds a lock on a file, and which listens on a port, as Linux tells in ``/proc``.

What belongs to other users only root sees; elsewhere, and on other systems, nothing is known and nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_LISTENS: Final = "0A"
"""The state TCP_LISTEN, as ``/proc/net/tcp`` writes it."""


def lock_holders(path: Path) -> list[int]:
    """The processes that hold any lock on a file, each once; those of other containers are not seen."""
    try:
        wanted, lines = path.stat().st_ino, (_PROC / "locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return []
    fields = [line.split() for line in lines if "->" not in line]  # those wait for the lock
    found = {int(field[4]) for field in fields if len(field) > 5 and field[5].rpartition(":")[2] == str(wanted)}
    return sorted(found - {0, -1})


def listener_on(port: int) -> int | None:
    """The process that listens on a TCP port of this machine; None when there is none, or it is not to be seen."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    if not sockets:
        return None
    for descriptors in _PROC.glob("[0-9]*/fd"):
        try:
            if any(str(entry.readlink()) in sockets for entry in descriptors.iterdir()):
                return int(descriptors.parent.name)
        except OSError:  # it ended meanwhile, or belongs to somebody else
            continue
    return None


def named(pid: int) -> str:
    """For people: ``nginx (process 4711)``."""
    try:
        command = (_PROC / str(pid) / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return f"process {pid}"
    return f"{command} (process {pid})"


def _listening(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        try:
            lines = (_PROC / "net" / table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]
