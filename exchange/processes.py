"""Find the processes that hold a lock on a file or listen on a port, from Linux's ``/proc``.

Only root sees the processes of other users. On other systems nothing is found.
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
    """Return the other processes that hold a lock on a file. ``to_write``: exclusive locks only. Processes of other
    containers are not found."""
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
    """Return whether a process has the file open, since inode numbers repeat on other disks. Return True for a process
    that may not be inspected."""
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
    """Return the processes that listen on a TCP port of this machine, oldest first: a later process may have inherited
    the socket. Empty if there are none or they are not visible."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    if not sockets:
        return []
    found = [path.parent for path in _PROC.glob("[0-9]*/fd") if _has_one_of(path, sockets)]
    return [int(process.name) for process in sorted(found, key=_began)]


def listener_on(port: int) -> int | None:
    """Return the oldest process that listens on the port, or None."""
    return next(iter(listeners_on(port)), None)


def _began(process: Path) -> tuple[int, int]:
    """Return the start time in ticks since boot (proc(5), starttime; 0 if the process has ended) and the process id."""
    try:
        stat = (process / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0, int(process.name)
    return int(stat.rpartition(")")[2].split()[19]), int(process.name)


def _has_one_of(descriptors: Path, sockets: set[str]) -> bool:
    """Return whether a process has any of these sockets open. Descriptors that were closed meanwhile are ignored."""
    with contextlib.suppress(OSError):  # it ended meanwhile, or belongs to somebody else
        for entry in descriptors.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if str(entry.readlink()) in sockets:
                    return True
    return False


def children_of(pid: int) -> list[int]:
    """Return the running children of a process; none for a process of another user."""
    found: set[int] = set()
    for tasks in _PROC.glob(f"{pid}/task/[0-9]*/children"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            found.update(map(int, tasks.read_text(encoding="ascii").split()))
    return sorted(found)


def cpu_s(pid: int, *, ended_too: bool = False) -> float:
    """Return the processor time of a process in seconds; 0 if it has ended. ``ended_too``: add its ended children."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    # proc(5): utime and stime, then cutime and cstime
    return sum(map(int, fields[11 : 15 if ended_too else 13])) / os.sysconf("SC_CLK_TCK")


def named(pid: int) -> str:
    """Return a readable name: ``nginx (process 4711)``."""
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
