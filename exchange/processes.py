"""Which process of this machine holds a lock on a file, and which listens on a port, as Linux tells in ``/proc``.

What belongs to other users only root sees; elsewhere, and on other systems, nothing is known and nothing is said.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_LISTENS: Final = "0A"
"""The state TCP_LISTEN, as ``/proc/net/tcp`` writes it."""


def lock_holders(path: Path, *, to_write: bool = False) -> list[int]:
    """The other processes that hold a lock on a file, each once; ``to_write``: one that nobody shares. Those of other
    containers are not seen."""
    try:
        wanted, lines = path.stat(), (_PROC / "locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return []
    found = set()
    for line in lines:
        fields = line.split()  # number, FLOCK or POSIX, ADVISORY, READ or WRITE, process, major:minor:inode, from, to
        if "->" in fields or (to_write and "WRITE" not in fields):  # the first: waits for the lock
            continue
        if fields[5].rpartition(":")[2] == str(wanted.st_ino) and _may_hold(int(fields[4]), wanted):
            found.add(int(fields[4]))
    return sorted(found - {os.getpid()})


def _may_hold(pid: int, wanted: os.stat_result) -> bool:
    """Whether a process has the file open: other disks have files of the same number. Of a process that is not to be
    looked into, the number has to do."""
    try:
        for entry in (_PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                if os.path.samestat(entry.stat(), wanted):
                    return True
    except PermissionError:
        return True
    except OSError:  # it ended meanwhile, or is of another container
        return False
    return False


def listeners_on(port: int) -> list[int]:
    """The processes that listen on a TCP port of this machine, the first that was started first: those that came later
    may have the socket from it. Empty when there are none, or they are not to be seen."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    if not sockets:
        return []
    found = [path.parent for path in _PROC.glob("[0-9]*/fd") if _has_one_of(path, sockets)]
    return [int(process.name) for process in sorted(found, key=_began)]


def listener_on(port: int) -> int | None:
    """The first of them."""
    return next(iter(listeners_on(port)), None)


def _began(process: Path) -> tuple[int, int]:
    """In ticks since the machine was started (proc(5), starttime), then by its number; of one that has ended by that
    alone."""
    try:
        stat = (process / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0, int(process.name)
    return int(stat.rpartition(")")[2].split()[19]), int(process.name)


def _has_one_of(descriptors: Path, sockets: set[str]) -> bool:
    """Whether a process has one of the sockets open. A descriptor that it closed meanwhile says nothing of the rest."""
    with contextlib.suppress(OSError):  # it ended meanwhile, or belongs to somebody else
        for entry in descriptors.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if str(entry.readlink()) in sockets:
                    return True
    return False


def children_of(pid: int) -> list[int]:
    """The processes that a process has started, and that have not ended. Of another user's none are seen."""
    found: set[int] = set()
    for tasks in _PROC.glob(f"{pid}/task/[0-9]*/children"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            found.update(map(int, tasks.read_text(encoding="ascii").split()))
    return sorted(found)


def cpu_s(pid: int, *, ended_too: bool = False) -> float:
    """The processor time that a process has used, ``ended_too``: with that of its children that have ended; 0 of one
    that has ended."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    # proc(5): utime and stime, then cutime and cstime
    return sum(map(int, fields[11 : 15 if ended_too else 13])) / os.sysconf("SC_CLK_TCK")


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
