"""``ffp backup`` and ``ffp restore``: what keeps a node's content through losses."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from exchange.cli.node_commands import Home
from exchange.cli.opening import ask_secret, passphrase_for
from exchange.cli.tables import AsJson, print_json, tell
from exchange.errors import ConfigurationError, PassphraseNeeded
from exchange.home import resolve_home

if TYPE_CHECKING:
    from pydantic import SecretStr

    from exchange.flows.integrity.report import LogCheck
    from exchange.flows.operate.backup import Backup
    from exchange.flows.operate.restore import Secrets

_PASSPHRASE = "Passphrase of the backup"  # noqa: S105 - a question


def backup(
    folder: Annotated[Path, typer.Argument(help="Where backups are kept, on another disk; earlier ones stay in it.")],
    with_keys: Annotated[
        bool,
        typer.Option(
            "--with-keys",
            help="Keys and secrets too, sealed with the passphrase in FFP_NODE_BACKUP_PASSPHRASE, or one that is asked "
            "for.",
        ),
    ] = False,
    keep: Annotated[int | None, typer.Option(min=1, help="How many backups to keep; older ones expire.")] = None,
    daily: Annotated[
        datetime | None,
        typer.Option(
            formats=["%H:%M"],
            metavar="HH:MM",
            help="Stay, and back up every day at this time (UTC); at once when that was missed. For a container: a "
            "machine has a timer.",
        ),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Back up a node, which may run meanwhile: database, scans, settings, signed with its statement key. Exit code 1
    when scans were missing."""
    from exchange.flows.operate.backup import back_up

    place = resolve_home(home)
    passphrase = _passphrase(place, twice=True) if with_keys else None
    if with_keys and passphrase is None:
        raise ConfigurationError("Keys are backed up under a passphrase alone: set FFP_NODE_BACKUP_PASSPHRASE.")
    of_keys = passphrase_for(place)

    def make() -> Backup:
        made = back_up(place, folder.absolute(), sealed_with=passphrase, keep=keep, passphrase=of_keys)
        _tell(made, sealed=with_keys, as_json=as_json, stays=daily is not None)
        return made

    if daily is not None:
        _stay(place, daily, make)
    raise typer.Exit(1 if make().missing else 0)


def _stay(home: Path, daily: datetime, make: Callable[[], Backup]) -> NoReturn:
    import signal

    from exchange.flows.operate.schedules import back_up_daily

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the first process of a container dies of none by itself
    back_up_daily(home, daily.time(), make, lambda error: typer.echo(f"No backup was made: {error}", err=True))


def _tell(made: Backup, *, sealed: bool, as_json: bool, stays: bool) -> None:
    """``stays``: one object a line, since another follows."""
    if as_json:
        print_json({**vars(made), "keys_sealed": sealed}, indent=None if stays else 2)
        return
    typer.echo(
        f"{made.folder}: {made.log_size} statements of the log, {made.scans} scans, of which {made.copied} "
        f"({made.copied_bytes / 2**20:.1f} MiB) are new."
    )
    typer.echo(f"Keys: {'sealed' if sealed else 'not in it'}.")
    if made.objects:
        typer.echo(f"{made.objects} scans are in the object store, which is backed up by itself.")
    if made.expired:
        typer.echo(f"{made.expired} older backups have expired.")
    if made.not_expired:
        typer.echo(f"No older backup expires, and the disk fills: {made.not_expired} Move it away.", err=True)
    if not made.noted:
        typer.echo("The node does not count it as its last: it is not whole, or the home is not writable.", err=True)
    for path in made.outside:
        typer.echo(f"{path} lies outside the node's folder, or among its keys: it is not in the backup.", err=True)
    for sha256 in made.missing:
        typer.echo(f"The scan {sha256} is missing or damaged on the node: see ffp log check.", err=True)


def restore(
    source: Annotated[Path, typer.Argument(help="One backup: a folder with a manifest.json.")],
    keys: Annotated[
        Path | None, typer.Option(help="The folder of keys, where they were kept apart: then no others count.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Then read all of it again, every signature and every scan.")
    ] = False,
    last_head: Annotated[
        Path | None,
        typer.Option(help="The file last-head of the lost home, where it can still be read: says what is lacking."),
    ] = None,
    insist: Annotated[
        str | None,
        typer.Option(help="Restore a backup that the keys do not vouch for: the words that its refusal names."),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Make a node again from a backup that its keys vouch for, in an empty folder. On PostgreSQL, into the empty
    database that FFP_NODE_DATABASE_URL names. Exit code 1 when --verify found something."""
    from exchange.flows.operate.backup_trust import signed_after_backup
    from exchange.flows.operate.restore import restore

    folder, place = source.absolute(), resolve_home(home)
    lost = signed_after_backup(folder, last_head) if last_head is not None else 0
    secrets, passphrase = _secrets(folder, place, keys), None
    try:
        manifest = restore(folder, place, secrets, insisted=insist)
    except PassphraseNeeded:  # nothing was written yet
        passphrase = ask_secret("Passphrase of the keys")
        if passphrase is None:
            raise
        of_keys = passphrase.get_secret_value().encode()
        manifest = restore(folder, place, replace(secrets, key_passphrase=of_keys), insisted=insist)
    typer.echo(
        f"The node {manifest.node_id} of {manifest.made_at} is in {place}: {manifest.log_size} statements of the log, "
        f"{manifest.scans} scans.",
        err=as_json,
    )
    if manifest.objects:
        typer.echo(f"{manifest.objects} more scans are in the object store that its settings name.", err=as_json)
    for sha256 in manifest.missing:
        typer.echo(f"The scan {sha256} was missing on the node already.", err=True)
    if lost:
        typer.echo(
            f"The backup lacks {lost} statements that the node had signed. Is there a newer one, take that; else peers "
            "give back what they hold of them.",
            err=True,
        )
    if insist is not None:
        typer.echo(
            "Restored on your word alone. Before it is served, look through ffp user list, ffp token list, ffp root "
            "verify and config.toml.",
            err=True,
        )
    found = None
    if manifest.of_earlier_release:
        typer.echo(
            "Its database has the schema version of an earlier release. Next: ffp migrate, then ffp log check.",
            err=True,
        )
    elif verify:
        found = _verified(place, manifest.missing, passphrase, as_json=as_json)
    fields = {"node_id": manifest.node_id, "made_at": manifest.made_at, "home": place, "log_size": manifest.log_size}
    fields |= {"scans": manifest.scans, "objects": manifest.objects, "missing": sorted(manifest.missing)}
    fields |= {"lost_statements": lost, "of_earlier_release": manifest.of_earlier_release, "verified": found}
    said = "Once served, it signs nothing before its peers have shown it the last heads of its log: ffp status."
    tell(as_json, fields, said)
    raise typer.Exit(1 if found is not None and not found.good else 0)


def _passphrase(home: Path, *, twice: bool = False) -> bytes | None:
    """Of the settings, where there are any yet; else of the environment and credentials, or asked for."""
    from exchange.config import given, load_settings

    if (home / "config.toml").is_file():
        kept = load_settings(home).backup_passphrase
        found = kept.get_secret_value() if kept is not None else None
    else:
        found = given("backup_passphrase")
    if found is None:
        typed = ask_secret(_PASSPHRASE, twice=twice)
        found = typed.get_secret_value() if typed is not None else None
    return None if found is None else found.encode()


def _secrets(source: Path, home: Path, keys: Path | None) -> Secrets:
    """What the environment and credentials give; the passphrase of sealed keys is asked for where they do not."""
    from exchange.config import given
    from exchange.flows.operate.restore import Secrets, has_sealed_keys

    of_keys = given("key_passphrase")
    return Secrets(
        keys=keys,
        unsealed_with=_passphrase(home) if has_sealed_keys(source) else None,
        database_url=given("database_url"),
        key_passphrase=None if of_keys is None else of_keys.encode(),
    )


def _verified(home: Path, missing: Collection[str], passphrase: SecretStr | None, *, as_json: bool) -> LogCheck:
    from exchange.flows.operate.restore import verify_restored

    passphrase = passphrase or passphrase_for(home)
    found = verify_restored(home, missing, passphrase=passphrase, progress=lambda _what, _done, _total: None)
    if as_json:
        return found
    typer.echo(
        f"Read again: {found.statements} statements, {found.heads} heads, {found.stamps} time stamps, "
        f"{found.acts} audit rows, {found.scans} scans ({found.scan_bytes / 2**20:.1f} MiB)."
    )
    for finding in found.findings:
        typer.echo(f"  {finding.subject}: {finding.what}")
    typer.echo("All is what was signed." if found.good else "Not all is what was signed: restore another backup.")
    return found
