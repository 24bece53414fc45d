"""A restore or a move of the database that was broken off, and how old the newest backup is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from exchange.clock import DAY_S, stamp_in
from exchange.config import RESTORING, Settings
from exchange.flows.operate.backup import BACKUP_DAYS, last_backup
from exchange.flows.operate.doctor.causes import Cause
from exchange.flows.operate.doctor.findings import Finding, fault, warning
from exchange.processes import lock_holders, named
from exchange.store.database.engine import Store
from exchange.store.move.home_mark import read_mark
from exchange.store.operate.newest_row import first_row

_BACK_UP = "Make one, and have it made every day: systemctl start ffp-backup; systemctl enable --now ffp-backup.timer"


def examine_restore(home: Path) -> Iterator[Finding]:
    """By the mark that a restore leaves in the home until it has ended."""
    mark = home / RESTORING
    if not mark.is_file():
        return
    source = mark.read_text(encoding="utf-8", errors="replace").strip() or "BACKUP"
    holders = lock_holders(mark)
    if holders:
        what = f"A restore into {home} is under way: {', '.join(map(named, holders))}. The node is not whole yet."
        yield fault(Cause.HALF_RESTORE, "restore", what, "Wait for its end, and examine again.")
    else:
        what = f"A restore into {home} was broken off half way: keys, scans or rows are missing."
        yield fault(Cause.HALF_RESTORE, "restore", what, f"Restore once more: ffp restore {source} --home {home}")


def examine_move(home: Path) -> Iterator[Finding]:
    """By the mark that a move leaves in the home until it has ended."""
    mark = read_mark(home)
    if mark is None:
        return
    way = f"from {mark.source} to {mark.target}"
    holders = lock_holders(home / "serve.lock")
    if holders:
        what = f"The node's database is being moved {way}: {', '.join(map(named, holders))}."
        yield fault(Cause.HALF_MOVE, "move", what, "Wait for its end, and examine again.")
    else:
        what = f"The move of the node's database {way}, begun at {mark.begun_at}, has not ended: nothing is served."
        yield fault(Cause.HALF_MOVE, "move", what, f"Go on with it: {mark.command} --home {home}")


def examine_backup(settings: Settings, store: Store) -> Iterator[Finding]:
    """Of a node that is older than a backup may be. What else copies it leaves no note, and is not known."""
    made_at, oldest = last_backup(settings), stamp_in(-BACKUP_DAYS * DAY_S)
    if made_at is None:
        with store.read() as session:
            begun = first_row(session)
        if begun is not None and begun < oldest:
            what = f"No backup was ever made of this node, which exists since {begun}."
            yield warning(Cause.NO_BACKUP, "backup", what, _BACK_UP)
    elif made_at < oldest:
        what = f"The newest backup is of {made_at}: what came since would be lost with this disk."
        yield warning(
            Cause.OLD_BACKUP, "backup", what, f"See why none is made: journalctl -u ffp-backup -e. {_BACK_UP}"
        )
