"""The machine under a node: whose the home is and who may read and write in it, its disks, its clock."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from statistics import median_low
from typing import Final

from exchange.clock import DAY_S, apart, now, stamp, stamp_in
from exchange.config import Settings
from exchange.flows.node.node import Node
from exchange.flows.operate.findings import Cause, Finding, fault, warning
from exchange.home import user_named
from exchange.store.database.engine import Store
from exchange.store.entry.records import scan_bytes
from exchange.store.operate.newest_row import newest_row
from exchange.store.sync.peers import all_peers
from exchange.store.tables.peers import PeerState

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
    elif free >= reserve and (refused := _refusal(folder)) is not None:
        yield _refused(folder, mount, refused, free, reserve)
    else:
        yield from room_findings(folder, free, reserve)


def room_findings(folder: Path, free: int, reserve: int) -> Iterator[Finding]:
    """Whether so much free space is enough."""
    if free < reserve:
        yield _full(folder, _mount_of(folder), free, reserve)
    elif free < 2 * reserve:
        then = _make_room(_mount_of(folder))
        yield warning(Cause.DISK_FILLS, "disk", f"{_left(free, reserve)} on the disk of {folder}.", then)


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


TIMEX_BYTES: Final = 512
"""More than the kernel's `struct timex` takes on any machine."""
TIME_ERROR: Final = 5
_ROOT: Final = 0


def examine_owner(home: Path) -> Iterator[Finding]:
    """Whether all in the home belongs to the node's user, and this is run as that user, or as root."""
    me, owner = os.geteuid(), home.stat().st_uid
    if me not in (_ROOT, owner):
        what = f"The node's folder {home} belongs to {user_named(owner)}, and this runs as {user_named(me)}."
        yield fault(
            Cause.WRONG_USER, "permissions", what, f"runuser -u {user_named(owner)} -- ffp doctor --home {home}"
        )
        return
    owners = {path: path.stat().st_uid for path in (home, *_within(home))}
    [(most, _)] = Counter(owners.values()).most_common(1)
    user = most if me == _ROOT else me
    strange = sorted(path for path, one in owners.items() if one != user)
    if strange:
        more = f" and {len(strange) - 1} more belong" if len(strange) > 1 else " belongs"
        what = f"{strange[0]}{more} to {user_named(owners[strange[0]])}, not to the node's user {user_named(user)}."
        yield fault(Cause.WRONG_OWNER, "permissions", what, f"chown -R {user_named(user)}: {home}")


def examine_home(settings: Settings) -> Iterator[Finding]:
    """Who may read and write what lies in the node's folder."""
    shut: list[Path] = []
    for path in (settings.blobs, settings.incoming, settings.prepared):
        if not path.is_dir():
            then = f"install -d -m 700 -o {user_named(settings.home.stat().st_uid)} {path}"
            if path == settings.blobs:
                then = f"Stop the node, copy the folder blobs of the backup to {path}, then: ffp log check"
            yield fault(Cause.FOLDER_GONE, "permissions", f"The folder {path} is gone.", then)
        elif not os.access(path, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
            shut.append(path)
    if shut:
        more = f", and {len(shut) - 1} more beside it" if len(shut) > 1 else ""
        what = f"The folder {shut[0]} cannot be written{more}."
        yield fault(Cause.FOLDER_UNWRITABLE, "permissions", what, give(shut[0]))
    private = ("config.toml", "secrets", "quarantine", "last-head")
    for path in (settings.home, settings.database, settings.sign_in_key, *(settings.home / name for name in private)):
        if path.exists() and path.stat().st_mode & 0o077:
            mode = 700 if path.is_dir() else 600
            then = f"Make it private: chmod {mode} {path}"
            yield warning(Cause.OPEN_TO_OTHERS, "permissions", f"{path} is open to others.", then)


def examine_time_setting() -> Iterator[Finding]:
    """What the kernel knows; against the node's own rows and the peers' clocks it is held elsewhere."""
    if not clock_is_synchronised():
        what = "The clock of this machine is set by nobody: peers refuse requests once it is off."
        then = "Have it set by NTP: timedatectl set-ntp true, or apt-get install chrony"
        yield warning(Cause.CLOCK_UNSET, "clock", what, then)


def clock_is_synchronised() -> bool:
    """As whoever sets the clock has told the kernel (adjtimex(2)); true also where the kernel does not say."""
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    return adjtimex is None or adjtimex(ctypes.create_string_buffer(TIMEX_BYTES)) != TIME_ERROR


def _within(home: Path) -> Iterator[Path]:
    """What lies in the home, and its keys and secrets; the scans are too many to look at."""
    for path in home.iterdir():
        yield path
        if path.is_dir() and path.name in ("keys", "secrets") and os.access(path, os.R_OK | os.X_OK):
            yield from path.iterdir()


SET_BACK_S: Final = 60.0
"""A clock that NTP sets in one step goes back by less, once, after a start."""
SET_IT: Final = "Compare it with a clock that you trust (date -u), and have it set by NTP: timedatectl set-ntp true"


def examine_clock(settings: Settings, store: Store) -> Iterator[Finding]:
    """A row of the future: the clock is behind, or it was ahead when the row was written. The peers' clocks, as they
    were last measured, tell which of the two."""
    with store.read() as session:
        newest = newest_row(session)
        measured = [
            peer.clock_ahead_s
            for peer in all_peers(session)
            if peer.state == PeerState.ENROLLED and peer.clock_ahead_s is not None
        ]
    ahead_s = (datetime.fromisoformat(newest) - now()).total_seconds() if newest is not None else 0.0
    if ahead_s <= SET_BACK_S:
        return
    if measured and abs(median_low(measured)) <= settings.request_skew_s:
        what = f"Rows of this node are dated until {newest}, which is still to come: its clock was ahead at that time."
        then = "The clock agrees with the peers' now. Wait until then before you judge deadlines; note it in the book."
        yield warning(Cause.ROWS_OF_THE_FUTURE, "clock", what, then)
        return
    what = (
        f"The clock of this machine is off: it shows {stamp()}, {apart(-ahead_s)} the newest row that this node wrote "
        f"({newest})."
    )
    yield fault(Cause.CLOCK_OFF, "clock", what, SET_IT)
