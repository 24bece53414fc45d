"""The disks under a node: full, out of inodes, read-only, over a quota, failing, or full before long."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from exchange.clock import DAY_S, stamp_in
from exchange.config import Settings
from exchange.flows.node.node import Node
from exchange.flows.operate.doctor.causes import Cause
from exchange.flows.operate.doctor.findings import Finding, fault, warning
from exchange.store.entry.records import scan_bytes

GROWTH_DAYS: Final = 30
FEWEST_INODES: Final = 100
"""A submission makes a dozen files, and SQLite two beside its own."""
_PROBE_BYTES: Final = 256 * 1024
"""More than the database writes at once; gone again when its file, which has no name, is closed."""
_MIB: Final = 2**20


def examine_disk(home: Path, reserve: int) -> Iterator[Finding]:
    """Whether something can be written, on each disk that the home lies on: the folders in it may be mounts."""
    for folder in _one_of_each_disk([home, *(home / name for name in ("blobs", "incoming", "prepared"))]):
        yield from _examine(folder, reserve)


def examine_growth(node: Node) -> Iterator[Finding]:
    """How long the space lasts if scans go on to come as in the last month."""
    free, reserve = shutil.disk_usage(node.settings.blobs).free, node.settings.min_free_bytes
    if free < 2 * reserve:
        return  # told already
    with node.store.read() as session:
        month = scan_bytes(session, since=stamp_in(-GROWTH_DAYS * DAY_S))
    days = (free - reserve) * GROWTH_DAYS // month if month else GROWTH_DAYS
    if days < GROWTH_DAYS:
        came = f"{month // _MIB} MiB of scans came in {GROWTH_DAYS} days"
        what = f"{_left(free, reserve)}, and {came}: room for {days} days."
        yield warning(Cause.DISK_FILLS, "disk", what, "Get a larger disk before then.")


def _examine(folder: Path, reserve: int) -> Iterator[Finding]:
    """The first thing that is wrong with one disk."""
    found, free = os.statvfs(folder), shutil.disk_usage(folder).free
    mount = _mount_of(folder)
    if found.f_flag & os.ST_RDONLY:
        yield _read_only(folder, mount)
    elif found.f_files and found.f_favail < FEWEST_INODES:
        what = f"{found.f_favail} inodes free on the disk of {folder}, of {found.f_files}: no file can be made."
        then = f"Find the folder with too many small files, and empty it: du --inodes -x {mount} | sort -n | tail"
        yield fault(Cause.DISK_INODES, "disk", what, then)
    elif free < reserve:
        yield _full(folder, mount, free, reserve)
    elif (refused := _refusal(folder)) is not None:
        yield _refused(folder, mount, refused, free, reserve)
    elif free < 2 * reserve:
        yield warning(Cause.DISK_FILLS, "disk", f"{_left(free, reserve)} on the disk of {folder}.", _make_room(mount))


def _refused(folder: Path, mount: Path, error: OSError, free: int, reserve: int) -> Finding:
    match error.errno:
        case errno.ENOSPC:
            return _full(folder, mount, free, reserve)
        case errno.EROFS:
            return _read_only(folder, mount)
        case errno.EDQUOT:
            what = f"The quota of the node's user is used up on the disk of {folder}: nothing can be written."
            then = "Raise it, or free space: quota -s; edquota ffp"
            return fault(Cause.DISK_QUOTA, "disk", what, then)
        case errno.EFBIG:
            what = f"No file in {folder} may grow beyond a limit that the node's user is under."
            then = "Take the limit away: ulimit -f unlimited; of a service, LimitFSIZE= in systemctl edit ffp"
            return fault(Cause.DISK_QUOTA, "disk", what, then)
        case errno.EACCES | errno.EPERM:
            return fault(
                Cause.FOLDER_UNWRITABLE, "permissions", f"The folder {folder} cannot be written.", give(folder)
            )
        case _:
            what = f"The disk of {folder} does not take what is written to it ({error.strerror})."
            then = "See what the kernel says of it, and make a backup while it can be read: dmesg | tail -50"
            return fault(Cause.DISK_FAILS, "disk", what, then)


def give(folder: Path) -> str:
    """The command that gives a folder back to the node's user."""
    return f"chown -R --reference={folder.parent} {folder} && chmod -R u+rwX {folder}"


def _full(folder: Path, mount: Path, free: int, reserve: int) -> Finding:
    what = f"The disk of {folder} is full: {_left(free, reserve)}, and nothing is taken any more."
    return fault(Cause.DISK_FULL, "disk", what, _make_room(mount))


def _read_only(folder: Path, mount: Path) -> Finding:
    what = f"The disk of {folder} is mounted read-only (at {mount}): nothing can be written."
    then = f"See in dmesg whether the disk fails; if not: mount -o remount,rw {mount}"
    return fault(Cause.DISK_READ_ONLY, "disk", what, then)


def _make_room(mount: Path) -> str:
    return f"Free space there, or move the node to a larger disk. What takes it: du -xh {mount} | sort -h | tail"


def _left(free: int, reserve: int) -> str:
    return f"{free // _MIB} MiB free, {reserve // _MIB} MiB are kept in reserve"


def _refusal(folder: Path) -> OSError | None:
    """Why a file that has no name cannot be written there. Free space alone tells neither of a quota nor of a disk that
    fails."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0" * _PROBE_BYTES)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error
    return None


def _one_of_each_disk(folders: Iterable[Path]) -> list[Path]:
    """Those that are gone are found elsewhere."""
    found: dict[tuple[int, bool], Path] = {}
    for folder in folders:
        if folder.is_dir():
            read_only = bool(os.statvfs(folder).f_flag & os.ST_RDONLY)  # a part of a disk may be mounted so
            found.setdefault((folder.stat().st_dev, read_only), folder)
    return list(found.values())


def _mount_of(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.is_mount())


def reserve_of(settings: Settings | None) -> int:
    """Of a node whose settings cannot be read: that of one without any."""
    if settings is not None:
        return settings.min_free_bytes
    default = Settings.model_fields["min_free_bytes"].default
    return int(default)
