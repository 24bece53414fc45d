"""A restore or a move of the database that was broken off; how old the newest backup is, and whether one is known to
make the node again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from exchange.config import RESTORING, Settings
from exchange.flows.operate.doctor.causes import Cause
from exchange.flows.operate.doctor.findings import Finding, fault, warning
from exchange.flows.operate.recovery.age import Lack, recovery_of
from exchange.processes import lock_holders, named
from exchange.store.database.engine import Store
from exchange.store.move.home_mark import read_mark
from exchange.store.operate.newest_row import first_row

_CAUSES = {
    Lack.NO_BACKUP: Cause.NO_BACKUP,
    Lack.OLD_BACKUP: Cause.OLD_BACKUP,
    Lack.RESTORE_FAILED: Cause.RESTORE_FAILED,
    Lack.RESTORE_UNTRIED: Cause.RESTORE_UNTRIED,
}


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
    """Of a node that is older than a backup may be, and than a verified restore may be."""
    with store.read() as session:
        begun = first_row(session)
    for found in recovery_of(settings, begun).lacking:
        yield warning(_CAUSES[found.lack], "backup", found.what, found.then)
