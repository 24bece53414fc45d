"""Bring a node's database to another schema version, with the backup that is made before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from exchange.config import Settings, load_settings
from exchange.errors import ConfigurationError
from exchange.flows.node.node import store_of
from exchange.flows.operate.backup import Backup, back_up
from exchange.flows.operate.migration.plan import MigrationPlan, plan_migration
from exchange.store.node.lock import sole_server
from exchange.store.tables.schema_version import SCHEMA_VERSION


def migrate(home: Path, to: int = SCHEMA_VERSION, *, first: Callable[[], object] = lambda: None) -> None:
    """Bring the database to a schema version that this release knows: all of it or nothing. ``first`` is called when
    nobody else serves the node any more. Raises ConfigurationError when the node runs."""
    bring_up(load_settings(home), to, first=first)


def bring_up(settings: Settings, to: int = SCHEMA_VERSION, *, first: Callable[[], object] = lambda: None) -> None:
    """As ``migrate``, by settings that the caller answers for."""
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
        migrate(home, plan.target, first=first)
    return plan, made
