"""Restore a backup in a scratch place, verify it as far as anything can be verified, and delete it again.

What is restored is a twin of the node that runs: it must never speak. So its home keeps the mark that no command opens
a node beside; its settings name no service but its own database; and of its keys nothing is asked but that they are
those that its log names. It reads, and that is all.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import make_url

from exchange.clock import stamp
from exchange.config import Settings, load_settings
from exchange.errors import ConfigurationError, ExchangeError
from exchange.flows.integrity.log_check import check_log
from exchange.flows.integrity.report import LogCheck, ReadProgress
from exchange.flows.node.destinations import route_of
from exchange.flows.node.node import Node, blobs_of, open_with, store_of
from exchange.flows.operate.drill.scratch import check_room, remove_scratch, scratch_folder, scratch_of
from exchange.flows.operate.home_lock import check_user
from exchange.flows.operate.migration import WRITTEN_ANEW, bring_up
from exchange.flows.operate.recovery import (
    DRILL_LOCK,
    DrillOutcome,
    KeysFrom,
    find_last_backup,
    note_outcome,
    note_scratch,
    read_drills,
)
from exchange.flows.operate.restore import Secrets, has_sealed_keys, restore
from exchange.log import merkle
from exchange.store.database.engine import Store
from exchange.store.database.scratch_database import scratch_database
from exchange.store.entry.record_rows import count_records
from exchange.store.log.statement_rows import log_size, node_reader
from exchange.store.move.home_mark import refuse_unfinished_move
from exchange.store.node.lock import sole_user
from exchange.store.operate.manifest import MANIFEST, Manifest, content_bytes, newest_backup, read_manifest
from exchange.store.scan.deliveries import is_kept
from exchange.store.scan.objects import all_stored

_SILENT = {
    "objects_url": None,
    "cluster_scheduler": None,
    "cluster_authority": None,
    "cluster_certificate": None,
    "cluster_key": None,
    "smtp_host": None,
    "oidc_issuer": None,
    "oidc_client_id": None,
    "oidc_only": False,
    "metrics_port": None,
    "tracing_url": None,
    "peer_certificate": None,
}


@dataclass(frozen=True)
class WantedDrill:
    """What is drilled. ``source`` is one backup, or a folder of them, of which the newest counts; None: the one that
    the node knows as its last. ``scratch`` is a folder on a disk with room; None: the node's home. ``keys`` is a folder
    in which the keys were kept apart; None: those sealed in the backup, or of the running node where it has none.

    ``unsealed_with`` opens sealed keys, ``key_passphrase`` the keys themselves; None: as the settings say. ``keep``:
    the twin is not deleted before the next drill.
    """

    source: Path | None = None
    scratch: Path | None = None
    keys: Path | None = None
    unsealed_with: bytes | None = None
    key_passphrase: SecretStr | None = None
    keep: bool = False


def needs_passphrase(settings: Settings, wanted: WantedDrill) -> bool:
    """Whether the drill would stop for lack of what opens the keys of the backup. What else is wrong, it tells."""
    if wanted.keys is not None or wanted.unsealed_with is not None or settings.backup_passphrase is not None:
        return False
    try:
        return has_sealed_keys(_source(settings, wanted.source))
    except (ExchangeError, OSError):
        return False


def run_restore_drill(
    home: Path, wanted: WantedDrill, progress: ReadProgress = lambda _what, _done, _total: None
) -> DrillOutcome:
    """Restore one backup beside the node, which may run meanwhile, and say whether all of it is what was signed.

    1. What a drill that was killed left is deleted.
    2. The backup is found; there is room for it.
    3. It is restored as by ``ffp restore``: signature of the manifest, every digest, keys, scans, database. One of an
       earlier release is brought to this one's schema version.
    4. All of it is read as by ``ffp log check``: each statement, the tree, each signed head, rows, audit, scans. The
       scans are as many as the manifest counts.
    5. Its log is the beginning of the log of the node that runs.
    6. The twin is deleted, and what came of it is noted in the home.

    What fails is an outcome too, with its sentence. Raises ConfigurationError when there is no node, another drill is
    under way, or its file of outcomes cannot be read; OSError when that cannot be written.
    """
    settings = load_settings(home)
    refuse_unfinished_move(home)
    check_user(home, "ffp restore-drill")
    if wanted.key_passphrase is not None:
        settings = settings.model_copy(update={"key_passphrase": wanted.key_passphrase})
    with sole_user(home / DRILL_LOCK, f"Another restore drill of the node in {home} is under way; wait for its end."):
        begun, clock = stamp(), time.monotonic()
        told: dict[str, Any] = {"verified": False}
        try:
            # 1.
            left = read_drills(home).scratch
            if left is not None and remove_scratch(left, settings.node_id):
                note_scratch(home, None)
            # 2. to 6.
            _try(settings, wanted, told, progress)
        except (ExchangeError, OSError) as error:
            told |= {"verified": False, "said": str(error)}
        except Exception as error:  # a fault of the program: the operator must hear that nothing was verified
            told |= {"verified": False, "said": f"It broke off by a fault of this software: {type(error).__name__}."}
            raise
        finally:
            if "said" in told:
                found = DrillOutcome(at=begun, seconds=round(time.monotonic() - clock, 1), **told)
                note_outcome(home, found)
    return found


def _try(settings: Settings, wanted: WantedDrill, told: dict[str, Any], progress: ReadProgress) -> None:
    """``told`` gets the fields of the outcome as they are known, so that a drill that fails says how far it came."""
    # 2.
    source = _source(settings, wanted.source)
    told["backup"] = source.name
    manifest = read_manifest(source)
    needed = content_bytes(source, manifest)
    told |= {"made_at": manifest.made_at, "bytes": needed}
    secrets, told["keys"] = _secrets(settings, source, wanted)
    place = scratch_of((wanted.scratch or settings.home).absolute(), settings.node_id)
    _check_nothing_kept_elsewhere(settings.home, place)
    check_room(place, needed + _unpacked_bytes(source, manifest), settings.min_free_bytes)
    with _scratch(settings, place, manifest, keep=wanted.keep) as database_url:
        # 3.
        twin, settings_of = place / "home", partial(_twin_settings, database_url, settings.key_passphrase)
        restore(source, twin, replace(secrets, database_url=database_url), twin_settings=settings_of)
        if manifest.of_earlier_release:
            bring_up(settings_of(twin))
        node = open_with(settings_of(twin))
        try:
            with closing(store_of(settings)) as live:
                # 4.
                check = _read_all(node, live, manifest, progress)
                told |= _counts(node, check)
                # 5.
                told["compared_size"] = _compare(node, live)
        finally:
            node.close()
    told |= {"verified": check.good, "said": _verdict(check, manifest)}


def _unpacked_bytes(source: Path, manifest: Manifest) -> int:
    """The database comes twice: as a copy of the backup's file, and filled; to migrate it takes more."""
    times = WRITTEN_ANEW if manifest.of_earlier_release else 1
    return times * (source / manifest.database).stat().st_size


def _check_nothing_kept_elsewhere(home: Path, place: Path) -> None:
    """What a drill left is forgotten when it is deleted, and not when its disk is away."""
    left = read_drills(home).scratch
    if left is not None and left != place and not left.exists():
        raise ConfigurationError(
            f"An earlier drill left what it made in {left}, with the keys of this node, and that is not there now. Is "
            "its disk away, connect it and drill again. Was it deleted by hand: ffp restore-drill --scratch "
            f"{left.parent}"
        )


@contextmanager
def _scratch(settings: Settings, place: Path, manifest: Manifest, *, keep: bool) -> Iterator[str | None]:
    """The place, and the address of the database that the twin has there; None of one on SQLite."""
    remove_scratch(place, settings.node_id)  # refuses what is not its own before its name is noted
    note_scratch(settings.home, place)
    try:
        with ExitStack() as stack:
            stack.enter_context(scratch_folder(place, settings.node_id, keep=keep))
            yield stack.enter_context(_database(settings, keep=keep)) if manifest.database == "node.dump" else None
    finally:
        if not place.exists():
            note_scratch(settings.home, None)


@contextmanager
def _database(settings: Settings, *, keep: bool) -> Iterator[str]:
    if settings.database_url is None:
        raise ConfigurationError(
            "The backup is of a node on PostgreSQL, and this one is not: it has no server to restore it on. Drill one "
            "that was made since."
        )
    of = make_url(settings.database_url.get_secret_value())
    with scratch_database(of, route_of(settings), keep=keep) as made:
        yield made.render_as_string(hide_password=False)


def _source(settings: Settings, given: Path | None) -> Path:
    if given is None:
        last = find_last_backup(settings.home)
        if last is None:
            raise ConfigurationError(
                "The node knows of no backup. Make one: ffp backup FOLDER; or name where backups are: "
                "ffp restore-drill --from FOLDER"
            )
        given = last.folder
    given = given.absolute()
    if (given / MANIFEST).exists():
        return given
    newest = newest_backup(given, settings.node_id)
    if newest is None:
        raise ConfigurationError(f"There is no backup of {settings.node_id} in {given}. Make one: ffp backup {given}")
    return newest


def _secrets(settings: Settings, source: Path, wanted: WantedDrill) -> tuple[Secrets, KeysFrom]:
    """As an operator would have them who has this backup alone, where it brings its keys."""
    passphrase, others = settings.passphrase, settings.home / "secrets"
    beside = others if others.is_dir() else None
    if wanted.keys is not None:
        return Secrets(keys=wanted.keys, others=beside, key_passphrase=passphrase), "kept apart"
    if not has_sealed_keys(source):
        return Secrets(keys=settings.keys, others=beside, key_passphrase=passphrase), "of the running node"
    kept = settings.backup_passphrase
    opens = wanted.unsealed_with or (None if kept is None else kept.get_secret_value().encode())
    if opens is None:
        raise ConfigurationError(
            "The keys are sealed in the backup, and nothing opens them here: set FFP_NODE_BACKUP_PASSPHRASE, or name "
            "the folder that they were kept in with --keys."
        )
    return Secrets(unsealed_with=opens, key_passphrase=passphrase), "sealed in the backup"


def _twin_settings(database_url: str | None, passphrase: SecretStr | None, twin: Path) -> Settings:
    """Those of the backup, with nothing in them that the twin could speak to. What the environment names is the running
    node's: its database above all."""
    own = {"database_url": None if database_url is None else SecretStr(database_url)}
    settings = load_settings(twin)
    kept = {} if passphrase is None else {"key_passphrase": passphrase}
    return settings.model_copy(update={**_SILENT, **own, **kept})


def _read_all(node: Node, live: Store, manifest: Manifest, progress: ReadProgress) -> LogCheck:
    """What was missing on the node already, is in the object store, or was withdrawn while the backup was made, is no
    fault of the backup."""
    check = check_log(replace(node, blobs=blobs_of(node.settings), objects=None), progress)
    with node.store.read() as session:
        absent = {*manifest.missing, *(all_stored(session) if manifest.objects else ())}
    with live.read() as session:
        check.findings = [
            found
            for found in check.findings
            if (name := found.subject.removeprefix("scan ")) not in absent
            and not (name != found.subject and _is_gone(node, name) and not is_kept(session, name))
        ]
    if check.scans != manifest.scans:
        check.found("scans", f"{check.scans} were read, and the manifest counts {manifest.scans}.")
    return check


def _is_gone(node: Node, sha256: str) -> bool:
    return not (node.settings.blobs / sha256[:2] / sha256).exists()


def _compare(node: Node, live: Store) -> int:
    """How many statements both logs have in common. Raises ConfigurationError unless that is all of the backup's."""
    with node.store.read() as session:
        size = log_size(session)
        root = merkle.root(size, node_reader(session))
    live.check()
    with live.read() as session:
        now = log_size(session)
        if now < size:
            raise ConfigurationError(
                f"The backup has {size} statements of the log, the running node has {now}: the node was set back. See "
                "ffp status, and restore this backup."
            )
        if merkle.root(size, node_reader(session)) != root:
            raise ConfigurationError(
                "The log in the backup is not the beginning of the running node's: they differ within the first "
                f"{size} statements. Find out which of the two was changed: ffp log check"
            )
    return size


def _counts(node: Node, check: LogCheck) -> dict[str, int]:
    with node.store.read() as session:
        records = count_records(session)
    return {"statements": check.statements, "records": records, "scans": check.scans}


def _verdict(check: LogCheck, manifest: Manifest) -> str:
    if not check.good:
        first = check.findings[0]
        more = len(check.findings) + check.unnamed - 1
        others = f" And {more} more." if more else ""
        return f"Not all is what was signed: {first.subject}: {first.what}{others}"
    lacking = f" {len(manifest.missing)} scans were missing on the node already." if manifest.missing else ""
    elsewhere = f" {manifest.objects} scans are in the object store, and were not read." if manifest.objects else ""
    return f"All is what was signed, and the log is the beginning of the running node's.{lacking}{elsewhere}"
