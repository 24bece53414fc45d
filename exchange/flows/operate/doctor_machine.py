"""The machine under a node: permissions, keys at rest, free space, clock."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterator
from typing import Final

from exchange.clock import DAY_S, stamp_in
from exchange.config import Settings
from exchange.errors import ConfigurationError
from exchange.flows.node.node import Node
from exchange.flows.operate.findings import Finding, fault, warning
from exchange.store.entry.records import scan_bytes
from exchange.trust.key_files import is_encrypted

GROWTH_DAYS: Final = 30
TIMEX_BYTES: Final = 512
"""More than the kernel's `struct timex` takes on any machine."""
TIME_ERROR: Final = 5


def examine_home(settings: Settings) -> Iterator[Finding]:
    """Who may read and write what lies in the node's folder."""
    private = ("config.toml", "secrets", "quarantine", "last-head")
    for path in (settings.home, settings.database, settings.sign_in_key, *(settings.home / name for name in private)):
        if path.exists() and path.stat().st_mode & 0o077:
            mode = 700 if path.is_dir() else 600
            yield warning("permissions", f"{path} is open to others.", f"Make it private: chmod {mode} {path}")
    for folder in (settings.home, settings.blobs, settings.incoming, settings.prepared):
        if not folder.is_dir():
            yield fault("permissions", f"The folder {folder} is gone.", "Stop the node and restore it from the backup.")
        elif not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            then = f"Give it to the node's user, and run this as that user: chown -R ffp:ffp {settings.home}"
            yield fault("permissions", f"The folder {folder} cannot be written.", then)


def examine_keys(settings: Settings) -> Iterator[Finding]:
    """The files alone: whether they are those that the log names shows when the node is opened."""
    folder = settings.keys
    if not folder.is_dir() or not any(folder.iterdir()):
        yield fault("keys", f"There are no keys in {folder}.", "Restore the newest backup of the keys.")
        return
    try:
        encrypted = is_encrypted(folder)
    except ConfigurationError as error:
        yield fault("keys", str(error), "The node does not start before that; ask yourself who read it meanwhile.")
        return
    if not encrypted:
        then = "Encrypt them, with the node stopped: ffp key encrypt"
        yield warning("keys", "The private keys are not encrypted: a stolen backup signs as this node.", then)
    if list(folder.glob("identity-*.pem")):
        then = "Move both files identity-*.pem to a medium that is locked away (deploy/README.md, 2)."
        yield warning("keys", "The identity key lies on this machine, and the running node does not need it.", then)


def examine_disk(settings: Settings, node: Node | None) -> Iterator[Finding]:
    """Free space now; and, of an open node, how long it lasts if scans go on to come as in the last month."""
    try:
        free, reserve = shutil.disk_usage(settings.home).free, settings.min_free_bytes
    except OSError:
        return  # found among the permissions
    left = f"{free // 2**20} MiB are free, {reserve // 2**20} MiB are kept in reserve"
    if free < reserve:
        yield fault("disk", f"{left}: nothing is taken any more.", "Free space, or move the node to a larger disk.")
    elif free < 2 * reserve:
        yield warning("disk", f"{left}.", "Free space, or move the node to a larger disk.")
    elif node is not None:
        with node.store.read() as session:
            month = scan_bytes(session, since=stamp_in(-GROWTH_DAYS * DAY_S))
        days = (free - reserve) * GROWTH_DAYS // month if month else GROWTH_DAYS
        if days < GROWTH_DAYS:
            what = f"{left}, and {month // 2**20} MiB of scans came in {GROWTH_DAYS} days: room for {days} days."
            yield warning("disk", what, "Get a larger disk before then.")


def examine_clock() -> Iterator[Finding]:
    """What the kernel knows; against the peers' clocks it is held where they are reached."""
    if not clock_is_synchronised():
        then = "Have it set by NTP: apt-get install systemd-timesyncd, or chrony."
        yield warning(
            "clock", "The clock of this machine is set by nobody: peers refuse requests once it is off.", then
        )


def clock_is_synchronised() -> bool:
    """As whoever sets the clock has told the kernel (adjtimex(2)); true also where the kernel does not say."""
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    return adjtimex is None or adjtimex(ctypes.create_string_buffer(TIMEX_BYTES)) != TIME_ERROR
