"""Make a node again from a backup, in a place where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr

from exchange.clock import now, stamp
from exchange.config import RESTORING, Settings, load_settings
from exchange.config_files import write_secret
from exchange.errors import ConfigurationError, DigestDiffers, StoreDamaged
from exchange.flows.integrity.log_check import check_and_keep
from exchange.flows.integrity.report import LogCheck, ReadProgress
from exchange.flows.node.last_head import state_no_head
from exchange.flows.node.node import opened, store_of
from exchange.flows.operate.backup_trust import check_bound, check_signed, insisting_words
from exchange.flows.operate.recovery import DrillOutcome, LastBackup, find_last_backup, note_backup, note_outcome
from exchange.home import delete_entry, emptied_on_failure, private_folder
from exchange.store.entry.record_rows import count_records
from exchange.store.log.statement_rows import latest_head, log_size
from exchange.store.node.lock import AliveFile
from exchange.store.node.workers import forget_all
from exchange.store.operate.at_rest import programs
from exchange.store.operate.backup_paths import (
    ANOTHER,
    check_apart,
    check_paths,
    check_sealed_path,
    plain_file,
    quoted,
)
from exchange.store.operate.manifest import (
    BLOBS,
    CONFIG,
    SEALED,
    Manifest,
    check_files,
    content_bytes,
    manifest_bytes,
    parse_manifest,
    read_manifest,
    scans_in_backup,
)
from exchange.store.scan.copies import copy_file, sync, write_file
from exchange.store.tables.schema_version import SCHEMA_VERSION
from exchange.trust.encrypted_files import unseal
from schemas.keys import log_origin_of
from schemas.record import MAX_BLOB_BYTES

_DATABASE_URL = "secrets/ffp_node_database_url"
_MOST_SEALED_BYTES = 64 * 1024 * 1024
"""Keys take 40 kB, and the key-events beside them 5 MB at most."""
_MOST_SETTINGS_BYTES = 64 * 1024 * 1024
"""The largest is a calibration model of a few MB. They are read whole: more would fill the memory."""


@dataclass(frozen=True)
class Secrets:
    """Where the keys come from: a folder that was kept apart, or else the sealed file of the backup, with what opens
    it. ``key_passphrase`` is that of the keys themselves, where they are encrypted.

    ``database_url`` is that of the empty database which a node on PostgreSQL is to have. ``others`` is a folder of
    secrets that were kept apart from the backup as the keys were.
    """

    keys: Path | None = None
    others: Path | None = None
    unsealed_with: bytes | None = None
    database_url: str | None = None
    key_passphrase: bytes | None = None


def has_sealed_keys(source: Path) -> bool:
    """Whether the backup brings keys, under a passphrase. Raises ConfigurationError when it is none."""
    return SEALED in read_manifest(source).files


def restore(
    source: Path,
    home: Path,
    secrets: Secrets,
    *,
    insisted: str | None = None,
    twin_settings: Callable[[Path], Settings] | None = None,
) -> Manifest:
    """Make the node of one backup again, in an empty home. It is not served yet. Nothing is written before 1 to 4 are
    good.

    1. The manifest is in its form, and its names are paths that a backup may have.
    2. The keys come from where the operator says, alone.
    3. One of these keys signed the manifest; or the operator ``insisted``, in the words of `insisting_words`.
    4. Every file that it names has its digest, and there is no other; and there is room for them. What is written is
       compared once more: who holds the medium may change it meanwhile.
    5. The mark `restoring`, which no node is opened beside. Then the keys and the settings are written, but for
       ``config.toml``; then the scans, each against its digest.
    6. The database, into an empty place: it has no triggers, views or rules, which would act on the first write, and
       its log must be the one that the manifest was bound to.
    7. ``config.toml``, and which backup it came from; and the mark goes, last: a home without it is a whole node.

    What an earlier restore left that was broken off (killed, or the power went) is removed before 5: its mark says that
    the home was empty when it began, and that nobody used it since. A restore that is under way holds its mark.

    The file ``last-head`` is in no backup. The new one states that no head was signed in this home. So the node, once
    served, signs nothing before its peers have shown which of its heads they hold (`log_start`), and reads their lanes
    on from where the backup ends, withdrawals among them.

    With ``twin_settings`` the home is never to be a node: the mark stays, so that no command opens it, and its settings
    are those, which name its own database and nothing beyond it.

    Raises ConfigurationError, StoreUnavailable, DigestDiffers, OSError; then the home is empty again.
    """
    # 1.
    raw = manifest_bytes(source)
    manifest = parse_manifest(source, raw)
    mark = AliveFile(home / RESTORING)
    if mark.is_held():
        raise ConfigurationError(f"A restore into {home} is under way in another process; wait for its end.")
    broken_off = (home / RESTORING).exists()
    if not broken_off and any(home.glob("*")):
        raise ConfigurationError(f"{home} is not empty; it is left as it is. Restore into a folder that is.")
    check_apart(home, source, "A node is not made inside of its backup: name a folder outside of")
    # 2.
    private = _secrets(source, manifest, secrets)
    # 3.
    if insisted is None:
        check_signed(source, raw, manifest, private, secrets.key_passphrase)
    elif insisted != insisting_words(manifest):
        raise ConfigurationError(f'--insist takes these words and no others: "{insisting_words(manifest)}".')
    # 4.
    _check_room(source, home, manifest)
    check_files(source, manifest)
    if broken_off:
        _empty(home)
    with _whole(), emptied_on_failure(home), _held(mark):
        # 5.
        (home / RESTORING).write_text(f"{source}\n", encoding="utf-8")
        sync(home)
        _write_settings(source, home, manifest, private, secrets.database_url)
        _copy_scans(source, home, manifest)
        # 6. and 7.
        copy_file(source / CONFIG, home / CONFIG, sha256=manifest.files[CONFIG])
        settings = _settings_of_backup(home, twin_settings or load_settings)
        state_no_head(settings.last_head)
        _fill_database(settings, source, manifest)
        if not manifest.missing:  # else it was not whole
            note_backup(home, LastBackup(manifest.made_at, content_bytes(source, manifest), source))
        sync(home)
        if twin_settings is None:
            mark.remove()
            sync(home)
    return manifest


@contextmanager
def _held(mark: AliveFile) -> Iterator[None]:
    """Hold the mark while the block runs; the file stays where the block does not remove it."""
    mark.hold()
    try:
        yield
    finally:
        mark.drop()


def _empty(home: Path) -> None:
    """The mark goes last: should this be broken off too, the next restore finds it."""
    for path in sorted(home.iterdir(), key=lambda path: path.name == RESTORING):
        delete_entry(path)


def _check_room(source: Path, home: Path, manifest: Manifest) -> None:
    """Before any byte is read: a file of zeros that takes no room on its medium would be read for days. Raises
    ConfigurationError."""
    sizes = {name: plain_file(source, name).stat().st_size for name in manifest.files}
    for name in manifest.settings_files:
        if sizes[name] > _MOST_SETTINGS_BYTES:
            raise ConfigurationError(f"{source / name} is larger than any settings; {ANOTHER}.")
    size = sum(sizes.values())
    free = shutil.disk_usage(next(place for place in (home, *home.absolute().parents) if place.exists())).free
    if size > free:
        raise ConfigurationError(
            f"The backup takes {size:,} bytes without its scans, and for {home} there is room for {free:,}. Restore "
            f"where there is more; or, where this node never had as much, {ANOTHER}."
        )


def verify_restored(
    home: Path, missing: Collection[str], *, passphrase: SecretStr | None, progress: ReadProgress
) -> LogCheck:
    """Read all of it: signatures, hashes, heads, audit rows, scans. Scans that were ``missing`` from the backup are no
    finding of the restore: the peers that hold them give them back, or `ffp log check` names them."""
    begun = now()
    with opened(home, passphrase=passphrase) as node:
        found = check_and_keep(node, progress)
        with node.store.read() as session:
            records = count_records(session)
    absent = {f"scan {sha256}" for sha256 in missing}
    found.findings = [finding for finding in found.findings if finding.subject not in absent]
    _note_verified(home, found, records, begun)
    return found


def _note_verified(home: Path, check: LogCheck, records: int, begun: datetime) -> None:
    """A restore that was verified is worth a drill."""
    of = find_last_backup(home)
    said = "All is what was signed." if check.good else f"{check.findings[0].subject}: {check.findings[0].what}"
    note_outcome(
        home,
        DrillOutcome(
            at=stamp(begun),
            seconds=round((now() - begun).total_seconds(), 1),
            verified=check.good,
            said=said,
            backup=None if of is None else of.folder.name,
            made_at=None if of is None else of.made_at,
            bytes=None if of is None else of.bytes,
            statements=check.statements,
            records=records,
            scans=check.scans,
        ),
    )


def _fill_database(settings: Settings, source: Path, manifest: Manifest) -> None:
    if (manifest.database == "node.dump") != (settings.database_url is not None):
        raise ConfigurationError(
            "The backup is of a node on PostgreSQL: name an empty database for it in FFP_NODE_DATABASE_URL."
            if settings.database_url is None
            else "The backup is of a node on SQLite; leave out the database of PostgreSQL."
        )
    store, copy = store_of(settings), settings.incoming / manifest.database
    try:
        copy_file(source / manifest.database, copy, sha256=manifest.files[manifest.database])
        store.fill(copy)
        copy.unlink()
        with store.read() as session:
            _check_no_programs(programs(session))
        version = store.schema_version()
        if version == SCHEMA_VERSION:  # an earlier one is brought to it first, by `ffp migrate`
            with store.write() as session:  # those of the backup's own time work elsewhere, or no more
                forget_all(session)
        with store.read() as session:
            size, head = log_size(session), latest_head(session, log_origin_of(settings.node_id))
    finally:
        store.close()
    check_bound(manifest, version, size, head)


def _settings_of_backup(home: Path, settings_of: Callable[[Path], Settings]) -> Settings:
    try:
        return settings_of(home)
    except ConfigurationError as error:
        raise ConfigurationError(f"The settings in the backup cannot be used: {error} Next: {ANOTHER}.") from error


def _check_no_programs(found: Sequence[str]) -> None:
    """Whoever altered the database may have left a program in it that acts on the first write of the node."""
    if found:
        raise ConfigurationError(
            f"The database in the backup has {len(found)} triggers, views or rules, the first is {quoted(found[0])}. "
            f"No release makes any: somebody altered it; {ANOTHER}."
        )


def _write_settings(
    source: Path, home: Path, manifest: Manifest, private: dict[str, bytes], database_url: str | None
) -> None:
    for name, content in private.items():
        private_folder((home / name).parent)
        write_file(home / name, content)
    for name in manifest.settings_files:
        if name != CONFIG:
            private_folder((home / name).parent)
            copy_file(source / name, home / name, sha256=manifest.files[name])
    if database_url is not None:
        write_secret("database_url", database_url, home)


def _copy_scans(source: Path, home: Path, manifest: Manifest) -> None:
    for folder in (BLOBS, "incoming", "prepared"):
        (home / folder).mkdir(mode=0o700)
    count = 0
    for sha256 in scans_in_backup(source):
        name = f"{sha256[:2]}/{sha256}"
        scan = plain_file(source.parent / BLOBS, name)
        if scan.stat().st_size > MAX_BLOB_BYTES:
            raise ConfigurationError(f"{scan} is larger than any scan; {ANOTHER}.")
        private_folder((home / BLOBS / name).parent)
        copy_file(scan, home / BLOBS / name, sha256=sha256)
        count += 1
    if count != manifest.scans:
        raise ConfigurationError(f"The backup lists {count} scans and counts {manifest.scans}; {ANOTHER}.")


def _secrets(source: Path, manifest: Manifest, secrets: Secrets) -> dict[str, bytes]:
    """Path in the home -> content. Where keys were kept apart, none of the backup counts."""
    found: dict[str, bytes] = {}
    if SEALED in manifest.files and secrets.unsealed_with is not None:
        found = unseal(_sealed(source), secrets.unsealed_with)
        check_paths(found)
        for name in found:
            check_sealed_path(name)
    if secrets.keys is not None:
        found = {name: content for name, content in found.items() if not name.startswith("keys/")}
        found |= _files_in(secrets.keys, "keys")
    if not any(name.startswith("keys/") for name in found):
        raise ConfigurationError(
            "Without its keys there is no node: name the folder that they were kept in with --keys, or give the "
            "passphrase of a backup that was made with --with-keys."
        )
    if secrets.others is not None:
        found |= _files_in(secrets.others, "secrets")
    if secrets.database_url is not None or secrets.others is not None:
        found.pop(_DATABASE_URL, None)
    return found


def _files_in(folder: Path, name: str) -> dict[str, bytes]:
    return {f"{name}/{path.name}": path.read_bytes() for path in folder.iterdir() if path.is_file()}


def _sealed(source: Path) -> bytes:
    path = plain_file(source, SEALED)
    if path.stat().st_size > _MOST_SEALED_BYTES:
        raise ConfigurationError(f"{path} is larger than all keys of a node; {ANOTHER}.")
    return path.read_bytes()


@contextmanager
def _whole() -> Iterator[None]:
    """Raises ConfigurationError where the backup is not."""
    try:
        yield
    except DigestDiffers as error:
        raise ConfigurationError(f"{error} The backup is damaged there; take another one.") from error
    except FileNotFoundError as error:
        raise ConfigurationError(f"The backup lacks {error.filename}; take another one.") from error
    except StoreDamaged as error:
        raise ConfigurationError(f"The database in the backup cannot be read; {ANOTHER}. ({error})") from error
