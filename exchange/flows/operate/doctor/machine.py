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
from exchange.flows.operate.findings import Cause, Finding, finding
from exchange.home import user_named
from exchange.store.database.engine import Store
from exchange.store.entry.record_rows import scan_bytes
from exchange.store.operate.newest_row import newest_row
from exchange.store.sync.peers import all_peers
from exchange.store.tables.peer_tables import PeerState

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
        yield finding(Cause.DISK_FILLS, what, then="Get a larger disk before then.")


def _examine(folder: Path, reserve: int) -> Iterator[Finding]:
    """The first thing that is wrong with one disk."""
    found, free = os.statvfs(folder), shutil.disk_usage(folder).free
    mount = _mount_of(folder)
    if found.f_flag & os.ST_RDONLY:
        yield _read_only(folder, mount)
    elif found.f_files and found.f_favail < FEWEST_INODES:
        what = f"{found.f_favail} inodes free on the disk of {folder}, of {found.f_files}: no file can be made."
        yield finding(Cause.DISK_INODES, what, mount=mount)
    elif free >= reserve and (refused := _refusal(folder)) is not None:
        yield from _refused(folder, mount, refused, reserve)
    else:
        yield from room_findings(folder, free, reserve)


def room_findings(folder: Path, free: int, reserve: int) -> Iterator[Finding]:
    """Whether so much free space is enough."""
    if free < reserve:
        what = f"The disk of {folder} is full: {_left(free, reserve)}, and nothing is taken any more."
        yield finding(Cause.DISK_FULL, what, mount=_mount_of(folder))
    elif free < 2 * reserve:
        what = f"{_left(free, reserve)} on the disk of {folder}."
        yield finding(Cause.DISK_FILLS, what, mount=_mount_of(folder))


def _refused(folder: Path, mount: Path, error: OSError, reserve: int) -> Iterator[Finding]:
    match error.errno:
        case errno.ENOSPC:
            yield from room_findings(folder, 0, reserve)
        case errno.EROFS:
            yield _read_only(folder, mount)
        case errno.EDQUOT:
            what = f"The quota of the node's user is used up on the disk of {folder}: nothing can be written."
            yield finding(Cause.DISK_QUOTA, what)
        case errno.EFBIG:
            what = f"No file in {folder} may grow beyond a limit that the node's user is under."
            then = "Take the limit away: ulimit -f unlimited; of a service, LimitFSIZE= in systemctl edit ffp"
            yield finding(Cause.DISK_QUOTA, what, then=then)
        case errno.EACCES | errno.EPERM:
            yield finding(Cause.FOLDER_UNWRITABLE, f"The folder {folder} cannot be written.", folder=folder)
        case _:
            what = f"The disk of {folder} does not take what is written to it ({error.strerror})."
            yield finding(Cause.DISK_FAILS, what)


def _read_only(folder: Path, mount: Path) -> Finding:
    what = f"The disk of {folder} is mounted read-only (at {mount}): nothing can be written."
    return finding(Cause.DISK_READ_ONLY, what, mount=mount)


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
        yield finding(Cause.WRONG_USER, what, user=user_named(owner), home=home)
        return
    owners = {path: path.stat().st_uid for path in (home, *_within(home))}
    [(most, _)] = Counter(owners.values()).most_common(1)
    user = most if me == _ROOT else me
    strange = sorted(path for path, one in owners.items() if one != user)
    if strange:
        more = f" and {len(strange) - 1} more belong" if len(strange) > 1 else " belongs"
        what = f"{strange[0]}{more} to {user_named(owners[strange[0]])}, not to the node's user {user_named(user)}."
        yield finding(Cause.WRONG_OWNER, what, user=user_named(user), home=home)


def examine_home(settings: Settings) -> Iterator[Finding]:
    """Who may read and write what lies in the node's folder."""
    shut: list[Path] = []
    for path in (settings.blobs, settings.incoming, settings.prepared):
        if not path.is_dir():
            copied = f"Stop the node, copy the folder blobs of the backup to {path}, then: ffp log check"
            then, user = copied if path == settings.blobs else "", user_named(settings.home.stat().st_uid)
            yield finding(Cause.FOLDER_GONE, f"The folder {path} is gone.", then=then, user=user, folder=path)
        elif not os.access(path, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
            shut.append(path)
    if shut:
        more = f", and {len(shut) - 1} more beside it" if len(shut) > 1 else ""
        what = f"The folder {shut[0]} cannot be written{more}."
        yield finding(Cause.FOLDER_UNWRITABLE, what, folder=shut[0])
    private = ("config.toml", "secrets", "quarantine", "last-head")
    for path in (settings.home, settings.database, settings.sign_in_key, *(settings.home / name for name in private)):
        if path.exists() and path.stat().st_mode & 0o077:
            mode = 700 if path.is_dir() else 600
            yield finding(Cause.OPEN_TO_OTHERS, f"{path} is open to others.", mode=mode, path=path)


def examine_time_setting() -> Iterator[Finding]:
    """What the kernel knows; against the node's own rows and the peers' clocks it is held elsewhere."""
    if not clock_is_synchronised():
        what = "The clock of this machine is set by nobody: peers refuse requests once it is off."
        yield finding(Cause.CLOCK_UNSET, what)


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
        yield finding(Cause.ROWS_OF_THE_FUTURE, what)
        return
    what = (
        f"The clock of this machine is off: it shows {stamp()}, {apart(-ahead_s)} the newest row that this node wrote "
        f"({newest})."
    )
    yield finding(Cause.CLOCK_OFF, what)
