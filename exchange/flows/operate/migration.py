"""Bring a node's database to another schema version: what that takes and loses is known before anything is changed, and
a backup is made before."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr
from sqlalchemy import column, func, select, table

from exchange.config import Settings, load_settings
from exchange.errors import ConfigurationError
from exchange.flows.node.node import store_of
from exchange.flows.operate.backup import Backup, back_up
from exchange.store.database.engine import Store
from exchange.store.entry.record_rows import scans_at_rest
from exchange.store.migrations import contract_read_at
from exchange.store.migrations.rehearsal import Rehearsal, rehearse
from exchange.store.node.lock import sole_server
from exchange.store.operate.manifest import BLOBS
from exchange.store.tables.record_tables import StatementRow
from exchange.store.tables.schema_version import SCHEMA_VERSION
from schemas.envelope import open_envelope
from schemas.errors import ContractError
from schemas.statement_base import CONTRACT_VERSION
from schemas.versions import is_newer, stated_version

WRITTEN_ANEW: Final = 3
"""Times the bytes of the tables that are rewritten, with their indexes. A table that is made anew has its new pages in
the log of changes, its old ones there too, overwritten with zeros, and its new pages once more in the database.
Measured on SQLite, with 20,000 and 60,000 records: 0.9 to 2.0."""
BESIDE: Final = 32 * 2**20
"""Bytes of what does not grow with the tables: new ones, and the log of changes up to its first reset."""
_MIB: Final = 2**20


@dataclass(frozen=True)
class Loss:
    """Rows of a table, or of one of its columns, that only the later schema version has."""

    table: str
    column: str | None
    rows: int


@dataclass(frozen=True)
class MigrationPlan:
    """``version`` is the database's schema version, ``target`` the wanted one. ``needed_bytes`` are taken at most while
    the tables are changed, next to the database; ``free_bytes`` are on the disk of the database, None where a server
    has it. ``backup_bytes`` are those of a backup that is made first, with the scans that its folder lacks;
    ``backup_free_bytes`` None where none is made. ``unread`` counts the statements here that the releases with an
    earlier schema version cannot read: they read the contract up to ``contract``, None where the plan goes no way back.
    """

    version: int
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
    contract: str | None

    @property
    def goes_back(self) -> bool:
        return self.target < self.version

    def refusal(self) -> str | None:
        """Why this is not done, with the next step; None when nothing is in the way."""
        if self.unread:
            return (
                f"{self.unread} statements here need a newer contract than the releases with schema version "
                f"{self.target} read ({self.contract}): stay with this release, or restore the backup that was made "
                "before the upgrade."
            )
        needed = self.needed_bytes + (self.backup_bytes if self.one_disk else 0)
        if self.free_bytes is not None and self.free_bytes < needed:
            return (
                f"To change schema version {self.version} to {self.target} takes up to {needed // _MIB + 1} MiB for a "
                f"while, and {self.free_bytes // _MIB} MiB are free on the disk of the node: free space there, or move "
                "the node to a larger disk."
            )
        if self.backup_free_bytes is not None and self.backup_free_bytes < self.backup_bytes:
            return (
                f"The backup takes up to {self.backup_bytes // _MIB + 1} MiB, and {self.backup_free_bytes // _MIB} MiB "
                "are free on its disk: free space there, or name a folder on another disk."
            )
        return None


def plan_migration(home: Path, to: int | None = None, *, backup: Path | None = None) -> MigrationPlan:
    """Return what it takes to bring the database to a schema version, by default this release's; ``backup`` is the
    folder that a backup is written to before. Changes nothing, and may be asked while the node runs.

    Raises ConfigurationError for a schema version that this release does not know, StoreUnavailable.
    """
    settings = load_settings(home)
    target = SCHEMA_VERSION if to is None else to
    if not 1 <= target <= SCHEMA_VERSION:
        raise ConfigurationError(
            f"There is no way to schema version {target}: this release knows 1 to {SCHEMA_VERSION}. For a newer one "
            "install the release that has it."
        )
    store = store_of(settings)
    try:
        return _plan(settings, store, target, backup)
    finally:
        store.close()


def _plan(settings: Settings, store: Store, target: int, backup: Path | None) -> MigrationPlan:
    version = store.schema_version()
    rehearsed = rehearse(version, target)
    whole = store.taken_by()
    written = store.taken_by(rehearsed.rewritten) if rehearsed.rewritten else 0
    free = None if settings.database_url is not None else shutil.disk_usage(settings.database.parent).free
    beside = _existing(backup) if backup is not None else None
    contract = contract_read_at(target) if target < version else None
    return MigrationPlan(
        version=version,
        target=target,
        rewritten=tuple(sorted(rehearsed.rewritten)),
        database_bytes=whole,
        needed_bytes=0 if version == target else WRITTEN_ANEW * written + BESIDE,
        free_bytes=free,
        backup_bytes=0 if backup is None else whole + _scans_lacking(store, backup),
        backup_free_bytes=None if beside is None else shutil.disk_usage(beside).free,
        one_disk=free is not None
        and beside is not None
        and beside.stat().st_dev == settings.database.parent.stat().st_dev,
        lost=() if contract is None else _lost(store, rehearsed),
        unread=0 if contract is None else _unread(store, contract),
        contract=contract,
    )


def _existing(folder: Path) -> Path:
    """It, or the nearest above it that is there."""
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())


def _scans_lacking(store: Store, backup: Path) -> int:
    """Bytes of the scans that a backup would copy."""
    with store.read() as session:
        named = scans_at_rest(session)
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


def _unread(store: Store, known: str) -> int:
    """Count the statements, own and received, that need a newer contract version than ``known``."""
    with store.read() as session:
        kept = select(StatementRow.envelope).where(StatementRow.envelope.is_not(None)).execution_options(yield_per=500)
        return sum(is_newer(_needs(envelope), known) for envelope in session.scalars(kept) if envelope is not None)


def _needs(envelope: bytes) -> str:
    """The version of the contract; the first of what is damaged, which `ffp log check` finds in either release."""
    try:
        return stated_version(open_envelope(envelope).payload) or CONTRACT_VERSION
    except ContractError:
        return CONTRACT_VERSION


def bring_up(settings: Settings, to: int = SCHEMA_VERSION, *, first: Callable[[], object] = lambda: None) -> None:
    """Bring the database to a schema version that this release knows: all of it or nothing. ``first`` is called when
    nobody else serves the node any more. Raises ConfigurationError when the node runs."""
    store = store_of(settings)
    try:
        with sole_server(settings.home):
            store.check_may_leave()
            first()
            store.migrate(to)
    finally:
        store.close()


def change_version(
    home: Path, to: int | None = None, *, backup: Path | None = None, passphrase: SecretStr | None = None
) -> tuple[MigrationPlan, Backup | None]:
    """Bring the database up, or back, to a schema version: all of it or nothing. Keys, log and records stay as they
    are.

    1. The plan is made anew: the disks have room, and the releases with that schema version read all statements here.
    2. With the node stopped, a backup is written to ``backup``; the way back requires one. ``passphrase`` of the keys
       stands for that of the settings.
    3. The tables are changed, in one transaction.

    Raises ConfigurationError when something is in the way, when the node runs, or when the backup lacks scans; then the
    database is as it was. StoreUnavailable, PassphraseNeeded, OSError.
    """
    plan, made = plan_migration(home, to, backup=backup), None
    if (refused := plan.refusal()) is not None:
        raise ConfigurationError(refused)
    if plan.goes_back and backup is None:
        raise ConfigurationError(
            f"Schema version {plan.target} has no place for all that version {plan.version} has: name the folder of a "
            "backup, which is made first: --backup FOLDER"
        )

    def first() -> None:
        nonlocal made
        if backup is None:
            return
        made = back_up(home, backup, passphrase=passphrase)
        if made.missing:
            raise ConfigurationError(
                f"The backup {made.folder} lacks {len(made.missing)} scans that are missing or damaged on the node: "
                "see ffp log check. The database was left as it was."
            )

    if plan.version != plan.target:
        bring_up(load_settings(home), plan.target, first=first)
    return plan, made
