"""What ``ffp migrate`` says and asks."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from exchange.cli.opening import passphrase_for
from exchange.cli.tables import print_facts, print_json, tell
from exchange.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exchange.flows.operate.migration import MigrationPlan


@dataclass(frozen=True)
class MigrateOptions:
    """The command's options."""

    to_version: int | None
    backup: Path | None
    check: bool
    plan: bool
    yes: bool
    as_json: bool


def bring_to_version(home: Path, wanted: MigrateOptions) -> None:
    from exchange.flows.operate.migration import change_version, plan_migration

    plan = plan_migration(home, wanted.to_version, backup=wanted.backup)
    fields: dict[str, object] = {"version": plan.version, "needed": plan.target}
    if wanted.plan:
        _show(plan, as_json=wanted.as_json)
        raise typer.Exit(1 if plan.refusal() else 0)
    if plan.version == plan.target:
        of = ", that of this release" if wanted.to_version is None else ""
        said = f"The database has schema version {plan.target}{of}. There is nothing to do."
        tell(wanted.as_json, {**fields, "migrated": False}, said)
        return
    if wanted.check:
        tell(wanted.as_json, {**fields, "migrated": False}, f"{_has(plan)}.")
        raise typer.Exit(1)
    if (refused := plan.refusal()) is not None:
        raise ConfigurationError(refused)
    typer.echo(f"{_has(plan)}.", err=wanted.as_json)
    for name, said in _facts(plan):
        typer.echo(f"{name}: {said}", err=True)
    if not _confirmed(plan, wanted):
        raise typer.Exit(1)
    _, made = change_version(
        home, plan.target, backup=wanted.backup, passphrase=passphrase_for(home) if wanted.backup else None
    )
    done = [f"Backed up to {made.folder}."] if made is not None else []
    done.append(f"Done: the database has schema version {plan.target} now.")
    if plan.goes_back:
        done.append(f"Next: install the release with schema version {plan.target}, and start it.")
    fields |= {"migrated": True, "backup": None if made is None else made.folder}
    tell(wanted.as_json, fields, *done)


def _has(plan: MigrationPlan) -> str:
    wants = "and is to have" if plan.goes_back else "this release needs"
    return f"The database has schema version {plan.version}, {wants} {plan.target}"


def _confirmed(plan: MigrationPlan, wanted: MigrateOptions) -> bool:
    """Nobody who could not be asked has said that rows may go."""

    if wanted.yes:
        return True
    if plan.goes_back:
        if not sys.stdin.isatty():
            raise ConfigurationError("To go back loses what is named above: say so with --yes, or at a terminal.")
        return typer.confirm("Go back, and lose that?", err=wanted.as_json)
    if wanted.backup is not None or not sys.stdin.isatty():
        return True
    return typer.confirm("Is there a backup of this database?", err=wanted.as_json)


def _show(plan: MigrationPlan, *, as_json: bool) -> None:
    refused = plan.refusal()
    if as_json:
        print_json({**vars(plan), "refused": refused})
        return
    print_facts(
        [*_facts(plan), ("refused", refused or "no")], title=f"From schema version {plan.version} to {plan.target}"
    )


def _facts(plan: MigrationPlan) -> Iterator[tuple[str, str]]:
    if plan.version == plan.target:
        return
    yield "rewritten", ", ".join(plan.rewritten) or "no table"
    there = "see to it on the server's disk" if plan.free_bytes is None else f"{_mib(plan.free_bytes)} are free"
    yield (
        "disk",
        f"up to {_mib(plan.needed_bytes)} for a while, beside {_mib(plan.database_bytes)} of database; {there}",
    )
    if plan.backup_free_bytes is not None:
        shared = ", on the same disk" if plan.one_disk else ""
        yield "backup", f"up to {_mib(plan.backup_bytes)}; {_mib(plan.backup_free_bytes)} are free{shared}"
    for loss in plan.lost:
        of = f"{loss.table}.{loss.column}" if loss.column else f"the table {loss.table}"
        yield "lost", f"{of}: {loss.rows} rows"
    if plan.goes_back:
        yield "kept", "keys, log, records, scans"
    else:
        back = f"ffp migrate --to-version {plan.version}, with this release"
        yield "back", f"{back}; else a backup, and the release that made it: ffp backup FOLDER"


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"
