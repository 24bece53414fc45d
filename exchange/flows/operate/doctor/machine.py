"""The machine under a node: whose the home is, who may read and write in it, and whether anything sets the clock."""

from __future__ import annotations

import ctypes
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from exchange.config import Settings
from exchange.flows.operate.doctor.causes import Cause
from exchange.flows.operate.doctor.disk import give
from exchange.flows.operate.doctor.findings import Finding, fault, warning
from exchange.home import user_named

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
