"""Which jurisdictions a node knows: those of the release, with what the newest installed round of the trust root names;
on a node without a trust root, with what its own file names."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

from exchange.config import Settings
from exchange.errors import ConfigurationError
from exchange.flows.node.installed_trust import trust_in
from exchange.jurisdictions.directory import Directory, is_clock, shipped_directory
from exchange.jurisdictions.own_file import OWN_FILE, own_entries

TRUST_ROOT: Final = "root"
"""The folder of the installed rounds in a home; a home has it before it has settings."""


def installed_jurisdictions(home: Path) -> Directory:
    """Read anew when a file of it changed: each page asks.

    What cannot be believed or read names nobody beyond the release: names are missing then, and nothing else. What is
    wrong with it is an alarm (``jurisdiction_alarms``, ``root_alarms``).
    """
    try:
        return _read(home, _as_it_is(home))
    except ConfigurationError:
        return shipped_directory()


def checked_jurisdictions(home: Path) -> Directory:
    """The same. Raises ConfigurationError that says what is wrong."""
    return _read(home, _as_it_is(home))


def jurisdiction_alarms(settings: Settings) -> list[str]:
    """What the operator must know. None of it stops the exchange."""
    try:
        known = checked_jurisdictions(settings.home)
        own = own_entries(settings.home)
    except ConfigurationError as error:
        return [] if settings.trust_root.exists() else [str(error)]  # of the trust root there is an alarm already
    alarms = []
    if settings.jurisdiction not in known:
        alarms.append(
            f"No name is known of {settings.jurisdiction}, whose node this is: its code stands in its place. Install a "
            "round of the trust root that names it, or: ffp jurisdiction add FILE"
        )
    if lacking := sorted(code for code in own if code not in known):
        alarms.append(
            f"{OWN_FILE} names {', '.join(lacking)}, and is not read: the trust root is installed, and does not name "
            "them. Have them entered in the next round."
        )
    alarms += [
        f"The clock of {code} is {entry.clock}, which this machine does not know. Upgrade its time zones (tzdata)."
        for code, entry in known.entries.items()
        if not is_clock(entry.clock)
    ]
    return alarms


@lru_cache(maxsize=64)
def _read(home: Path, _files: tuple[tuple[str, int, int, int], ...]) -> Directory:
    """``_files`` is what is read, as it is: of other files it is read anew."""
    trust = trust_in(home / TRUST_ROOT)
    if trust is not None:
        return trust.registry.directory
    own = own_entries(home)
    return shipped_directory().extended(own, OWN_FILE) if own else shipped_directory()


def _as_it_is(home: Path) -> tuple[tuple[str, int, int, int], ...]:
    """Name, time, size and inode of each file."""
    paths = [home / OWN_FILE, *(home / TRUST_ROOT).glob("*.json")]
    return tuple(sorted(_standing(path) for path in paths))


def _standing(path: Path) -> tuple[str, int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return path.name, 0, 0, 0
    return path.name, found.st_mtime_ns, found.st_size, found.st_ino
