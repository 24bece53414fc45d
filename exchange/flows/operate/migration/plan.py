"""What a change of form takes and loses: known before anything is changed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import column, func, select, table

from exchange.config import Settings, load_settings
from exchange.errors import ConfigurationError
from exchange.flows.node.node import store_of
from exchange.store.database.engine import Store
from exchange.store.entry.records import scans_at_rest, scans_that_came
from exchange.store.migrations.rehearsal import Rehearsal, rehearse
from exchange.store.operate.manifest import BLOBS
from exchange.store.tables.records import StatementRow
from exchange.store.tables.schema_version import SCHEMA_VERSION
from schemas.envelope import open_envelope
from schemas.errors import ContractError
from schemas.statement_base import CONTRACT_VERSION
from schemas.versions import NEWEST, is_newer, stated_version

EARLIEST: Final = 6
"""There is no way back below it: what came before needs its backup."""
CONTRACT_READ: Final[dict[int, str]] = {6: "1.0", 7: "1.1", 8: "1.1", 9: "1.2", 10: "1.2", SCHEMA_VERSION: NEWEST}
"""Form of the database -> the newest version of the contract that the releases with that form read."""
WRITTEN_ANEW: Final = 3
"""Times the bytes of the tables that are rewritten, with their indexes. A table that is made anew has its new pages in
the log of changes, its old ones there too, overwritten with zeros, and its new pages once more in the database.
Measured on SQLite, with 20,000 and 60,000 records: .9 to 1.0 from form 7 to 6, 1.9 to 2.0 from form 5 to 6."""
BESIDE: Final = 32 * 2**20
"""Bytes of what does not grow with the tables: new ones, and the log of changes up to its first reset."""
_MIB: Final = 2**20


@dataclass(frozen=True)
class Loss:
    """Rows of a table, or of one of its columns, that only the later form has a place for."""

    table: str
    column: str | None
    rows: int


@dataclass(frozen=True)
class MigrationPlan:
    """``needed_bytes`` are taken at most while the form is changed, beside the database; ``free_bytes`` are on the disk
    of the database, None where a server has it. ``backup_bytes`` are those of a backup that is made first, with the
    scans that its folder lacks; ``backup_free_bytes`` None where none is made. ``unread`` counts the statements here
    that the releases of an earlier form cannot read."""

    form: int
    target: int
    rewritten: tuple[str, ...]
    database_bytes: int
    needed_bytes: int
    free_bytes: int | None
    backup_bytes: int
    backup_free_bytes: int | None
    one_disk: bool
    lost: tuple[Loss, ...]
    unread: int

    @property
    def goes_back(self) -> bool:
        return self.target < self.form

    def refusal(self) -> str | None:
        """Why this is not done, with the next step; None when nothing is in the way."""
        if self.unread:
            return (
                f"{self.unread} statements here need a newer contract than the releases of form {self.target} read "
                f"({CONTRACT_READ[self.target]}), which would not read them: stay with this release, or restore the "
                "backup that was made before the upgrade."
            )
        needed = self.needed_bytes + (self.backup_bytes if self.one_disk else 0)
        if self.free_bytes is not None and self.free_bytes < needed:
            return (
                f"To change form {self.form} to {self.target} takes up to {needed // _MIB + 1} MiB for a while, and "
                f"{self.free_bytes // _MIB} MiB are free on the disk of the node: free space there, or move the node "
                "to a larger disk."
            )
        if self.backup_free_bytes is not None and self.backup_free_bytes < self.backup_bytes:
            return (
                f"The backup takes up to {self.backup_bytes // _MIB + 1} MiB, and {self.backup_free_bytes // _MIB} MiB "
                "are free on its disk: free space there, or name a folder on another disk."
            )
        return None


def plan_migration(home: Path, to: int | None = None, *, backup: Path | None = None) -> MigrationPlan:
    """What it takes to bring the database to a form, that of this release where none is named; ``backup`` is the folder
    that a backup is written to before. Changes nothing, and may be asked while the node runs.

    Raises ConfigurationError for a form to which there is no way, StoreUnavailable.
    """
    settings = load_settings(home)
    target = SCHEMA_VERSION if to is None else to
    if not EARLIEST <= target <= SCHEMA_VERSION:
        raise ConfigurationError(
            f"There is no way to form {target}: this release knows those from {EARLIEST} to {SCHEMA_VERSION}. For an "
            "older release restore the backup that it made."
        )
    store = store_of(settings)
    try:
        return _plan(settings, store, target, backup)
    finally:
        store.close()


def _plan(settings: Settings, store: Store, target: int, backup: Path | None) -> MigrationPlan:
    form = store.form()
    rehearsed = Rehearsal(frozenset(), frozenset(), frozenset()) if form == target else rehearse(form, target)
    whole = store.taken_by()
    # of form 5 there are several databases: which of its tables are rewritten depends on which this one is
    written = whole if form < EARLIEST else store.taken_by(rehearsed.rewritten) if rehearsed.rewritten else 0
    free = None if settings.database_url is not None else shutil.disk_usage(settings.database.parent).free
    beside = _existing(backup) if backup is not None else None
    goes_back = target < form
    return MigrationPlan(
        form=form,
        target=target,
        rewritten=tuple(sorted(rehearsed.rewritten)),
        database_bytes=whole,
        needed_bytes=0 if form == target else WRITTEN_ANEW * written + BESIDE,
        free_bytes=free,
        backup_bytes=0 if backup is None else whole + _scans_lacking(store, form, backup),
        backup_free_bytes=None if beside is None else shutil.disk_usage(beside).free,
        one_disk=free is not None
        and beside is not None
        and beside.stat().st_dev == settings.database.parent.stat().st_dev,
        lost=_lost(store, rehearsed) if goes_back else (),
        unread=_unread(store, target) if goes_back else 0,
    )


def _existing(folder: Path) -> Path:
    """It, or the nearest above it that is there."""
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())


def _scans_lacking(store: Store, form: int, backup: Path) -> int:
    """Bytes of the scans that a backup would copy."""
    with store.read() as session:
        named = scans_at_rest(session) if form == SCHEMA_VERSION else scans_that_came(session)
    return sum(size for sha256, size in named.items() if not (backup / BLOBS / sha256[:2] / sha256).is_file())


def _lost(store: Store, rehearsed: Rehearsal) -> tuple[Loss, ...]:
    """Where rows are; what is empty is no loss."""
    with store.read() as session:
        found = []
        for name in sorted(rehearsed.tables_gone):
            rows = session.scalar(select(func.count()).select_from(table(name))) or 0
            found.append(Loss(name, None, rows))
        for name, lost in sorted(rehearsed.columns_gone):
            rows = session.scalar(select(func.count(column(lost))).select_from(table(name))) or 0
            found.append(Loss(name, lost, rows))
    return tuple(loss for loss in found if loss.rows)


def _unread(store: Store, target: int) -> int:
    """Of all that are here, whoever signed them."""
    known = CONTRACT_READ[target]
    with store.read() as session:
        kept = select(StatementRow.envelope).where(StatementRow.envelope.is_not(None)).execution_options(yield_per=500)
        return sum(is_newer(_needs(envelope), known) for envelope in session.scalars(kept) if envelope is not None)


def _needs(envelope: bytes) -> str:
    """The version of the contract; the first of what is damaged, which `ffp log check` finds in either release."""
    try:
        return stated_version(open_envelope(envelope).payload) or CONTRACT_VERSION
    except ContractError:
        return CONTRACT_VERSION
