"""A copy of a node that runs, from which it can be made again: database, scans, settings, and its keys when sealed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.config import Settings, load_settings
from exchange.errors import ConfigurationError, DigestDiffers, NotFound
from exchange.flows.node.node import blobs_of, keys_in_force, store_of
from exchange.flows.node.own_card import check_card, own_history
from exchange.flows.operate.recovery import LastBackup, note_backup
from exchange.flows.sync.quarantine import to_back_up
from exchange.home import private_folder
from exchange.jurisdictions.own_file import OWN_FILE
from exchange.store.database.engine import Store
from exchange.store.entry.record_rows import scans_at_rest
from exchange.store.log.statement_rows import latest_head, log_size
from exchange.store.move.home_mark import refuse_unfinished_move
from exchange.store.node.lock import sole_user
from exchange.store.operate.backup_paths import check_apart, is_settings_path
from exchange.store.operate.manifest import (
    BLOBS,
    CONFIG,
    MANIFEST,
    SCANS,
    SEALED,
    Manifest,
    backups_in,
    content_bytes,
    scan_lines,
    scans_in_backup,
    write_manifest,
)
from exchange.store.scan.blobs import BlobFolder
from exchange.store.scan.copies import copy_file, digest, sync, write_file
from exchange.store.scan.deliveries import is_kept
from exchange.store.scan.objects import all_stored
from exchange.trust.backup_signature import sign_backup
from exchange.trust.encrypted_files import seal_files
from schemas.keys import log_origin_of

_PART = ".part"


@dataclass
class Backup:
    """``folder`` is that of this backup. ``missing`` are scans that should be on the node and are not, or not whole;
    ``outside`` files that the settings name and that lie elsewhere, or where a backup brings nothing; ``objects`` how
    many scans the object store has: they are not in it."""

    folder: Path
    log_size: int
    scans: int
    copied: int
    copied_bytes: int
    missing: list[str]
    outside: list[Path]
    expired: int
    objects: int
    bytes: int = 0
    """What a restore of it reads: its files and all its scans, those of earlier backups among them."""
    noted: bool = False
    """Whether the node knows of it: it was whole, and the node's home could be written."""
    not_expired: str = ""
    """Why older ones stay that should have expired: of one that cannot be read nobody knows which scans it names."""


def back_up(
    home: Path,
    folder: Path,
    *,
    sealed_with: bytes | None = None,
    keep: int | None = None,
    passphrase: SecretStr | None = None,
) -> Backup:
    """Back a node up into a folder, which may hold earlier backups. The node may serve meanwhile; its database may have
    the schema version of an earlier release, as before `ffp migrate`.

    1. One moment of the database.
    2. The scans that it names, unless an earlier backup has them: a scan never changes. Nor those that an object store
       keeps.
    3. The settings with what they name, the trust root, and a little of what was set aside for a later release; keys
       and secrets only where there is a passphrase to seal them with.
    4. The manifest, last, bound to the last head of the log and signed with the node's statement key: what has none is
       no backup; what a crash left goes at the next one. ``passphrase`` of the keys stands for that of the settings.
    5. Where only so many are kept, older ones of this node expire, with the scans that none names any more.
    6. The node is told of it, if it is whole.

    Raises ConfigurationError, PassphraseNeeded, StoreUnavailable, OSError; then earlier backups are as they were.
    """
    refuse_unfinished_move(home)
    settings, folder = load_settings(home), folder.absolute()
    if passphrase is not None:
        settings = settings.model_copy(update={"key_passphrase": passphrase})
    check_apart(folder, home, "A backup is kept apart from its node: name a folder outside of")
    private_folder(folder)
    made_at = stamp()
    whole = folder / f"{settings.node_id}-{made_at.replace(':', '')}"
    part = whole.with_name(whole.name + _PART)
    store = store_of(settings)
    try:
        with sole_user(folder / "backup.lock", f"Another backup is being written to {folder}."):
            for broken_off in folder.glob(f"{settings.node_id}-*{_PART}"):
                shutil.rmtree(broken_off)
            part.mkdir(mode=0o700)
            try:
                backup = _write(settings, store, part, made_at, sealed_with)
                part.rename(whole)
            except BaseException:
                shutil.rmtree(part, ignore_errors=True)  # a disk that is full has room for the next attempt
                raise
            sync(folder)
            backup.folder = whole
            if keep is not None:
                try:
                    backup.expired = _expire(folder, settings.node_id, keep, whole)
                except ConfigurationError as error:
                    backup.not_expired = str(error)
            backup.noted = not backup.missing and _note(home, backup, made_at)
    finally:
        store.close()
    return backup


def _note(home: Path, backup: Backup, made_at: str) -> bool:
    """The backup is whole already: that the home cannot be written does not undo it."""
    try:
        note_backup(home, LastBackup(made_at, backup.bytes, backup.folder))
    except OSError:
        return False
    return True


def _write(settings: Settings, store: Store, part: Path, made_at: str, sealed_with: bytes | None) -> Backup:
    version = store.schema_version()
    files: dict[str, str] = {}
    # 1.
    with store.copied_to(part) as (session, database):
        named = scans_at_rest(session)
        size, head = log_size(session), latest_head(session, log_origin_of(settings.node_id))
        history = own_history(session)
        check_card(settings, history)
        elsewhere = all_stored(session) if settings.objects_url else set()
        files |= _write_evidence(session, settings, part)
    signer = keys_in_force(settings, history)[1].statement
    files[database] = digest(part / database)
    # 2.
    backup = Backup(part, size, 0, 0, 0, [], [], 0, objects=len(named.keys() & elsewhere))
    named = {sha256: length for sha256, length in named.items() if sha256 not in elsewhere}
    there = list(_copy_scans(blobs_of(settings), store, named, part.parent / BLOBS, backup))
    backup.scans = len(there)
    files[SCANS] = write_file(part / SCANS, "".join(scan_lines(iter(there))).encode())
    # 3.
    for name, path in _settings_files(settings, backup):
        private_folder((part / name).parent)
        files[name] = copy_file(path, part / name)
    if sealed_with is not None:
        files[SEALED] = write_file(part / SEALED, seal_files(_secret_files(settings), sealed_with))
    # 4.
    manifest = Manifest(
        node_id=settings.node_id,
        made_at=made_at,
        schema_version=version,
        database="node.dump" if settings.database_url else "node.db",
        log_size=size,
        head=None if head is None else head.text,
        scans=backup.scans,
        missing=backup.missing,
        objects=backup.objects,
        files=files,
    )
    backup.bytes = content_bytes(part, manifest)
    write_manifest(part, manifest, lambda content: sign_backup(content, signer))
    return backup


def _write_evidence(session: Session, settings: Settings, part: Path) -> dict[str, str]:
    """Path within the backup -> SHA-256."""
    files: dict[str, str] = {}
    for name, content in to_back_up(session, settings):
        private_folder((part / name).parent)
        files[name] = write_file(part / name, content)
    return files


def _copy_scans(blobs: BlobFolder, store: Store, named: dict[str, int], target: Path, backup: Backup) -> Iterator[str]:
    """The scans that the backup has then."""
    target.mkdir(mode=0o700, exist_ok=True)
    for sha256, size in sorted(named.items()):
        copy = target / sha256[:2] / sha256
        if copy.is_file() and copy.stat().st_size == size:
            yield sha256
            continue
        copy.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            copy_file(blobs.path(sha256), copy, sha256=sha256)
        except (NotFound, FileNotFoundError, DigestDiffers):
            with store.read() as session:
                if is_kept(session, sha256):  # else it was withdrawn since, and erased
                    backup.missing.append(sha256)
            continue
        backup.copied += 1
        backup.copied_bytes += size
        yield sha256


def _settings_files(settings: Settings, backup: Backup) -> Iterator[tuple[str, Path]]:
    """Path within the backup, and where it lies."""
    yield CONFIG, settings.home / CONFIG
    for path in sorted(settings.trust_root.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(settings.home)), path
    if (settings.home / OWN_FILE).is_file():
        yield OWN_FILE, settings.home / OWN_FILE
    for named in (settings.calibration, settings.timestamp_roots, settings.smtp_roots, settings.objects_roots):
        if named is None:
            continue
        path = Path(os.path.normpath(settings.home / named))
        name = str(path.relative_to(settings.home)) if path.is_relative_to(settings.home) else None
        if name is not None and is_settings_path(name):
            yield name, path
        else:
            backup.outside.append(path)


def _secret_files(settings: Settings) -> dict[str, bytes]:
    """Everything that must stay secret, by its path in the home."""
    folders = (settings.keys, settings.home / "secrets")
    paths = [path for folder in folders if folder.is_dir() for path in folder.iterdir() if path.is_file()]
    if settings.sign_in_key.is_file():
        paths.append(settings.sign_in_key)
    return {str(path.relative_to(settings.home)): path.read_bytes() for path in paths}


def _expire(folder: Path, node_id: str, keep: int, newest: Path) -> int:
    """How many backups of this node went; each loses its manifest first, so that what is half removed is none. First
    those of a clock that was ahead: theirs would else be the newest for ever, and what is made now go at once."""
    moment = stamp()
    others = [(m.made_at <= moment, m.made_at, place) for place, m in backups_in(folder) if m.node_id == node_id]
    others = sorted(other for other in others if other[2] != newest)
    old = [place for _, _, place in others[: max(0, len(others) + 1 - keep)]]
    for place in old:
        (place / MANIFEST).unlink()
        shutil.rmtree(place)
    if old:
        named = {sha256 for place, _ in backups_in(folder) for sha256 in scans_in_backup(place)}
        for scan in (folder / BLOBS).glob("??/*"):
            if scan.name not in named:
                scan.unlink()
    return len(old)
