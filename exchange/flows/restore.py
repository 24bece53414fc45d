"""Make a node again from a backup, in a place where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from exchange.config import Settings, load_settings, write_secret
from exchange.errors import ConfigurationError, DigestDiffers
from exchange.flows.check_report import LogCheck, Progress
from exchange.flows.log_check import check_and_keep
from exchange.flows.node import opened, store_of
from exchange.store.copies import copy_file, sync, write_file
from exchange.store.manifest import BLOBS, SCANS, SEALED, Manifest, check_files, read_manifest, scans_of
from exchange.store.workers import forget_all
from exchange.trust.sealing import unseal

_CONFIG = "config.toml"
_DATABASE_URL = "secrets/ffp_node_database_url"


@dataclass(frozen=True)
class Secrets:
    """Where the keys come from: a folder that was kept apart, or the backup itself, with what opens it.

    ``database_url`` is that of the empty database which a node on PostgreSQL is to have.
    """

    keys: Path | None = None
    unsealed_with: bytes | None = None
    database_url: str | None = None


def restore(source: Path, home: Path, secrets: Secrets) -> Manifest:
    """Make the node of one backup again, in an empty home. It is not served yet.

    1. The manifest, then every file that it names, against their digests: nothing is written before all are good.
    2. The keys, and the settings but for ``config.toml``.
    3. The scans, each against its digest.
    4. The database, into an empty place.
    5. ``config.toml``, last: a home that has it is a whole node.

    The file ``last-head`` is in no backup: so the node, once served, signs nothing before its peers have shown which
    of its heads they hold (`log_start`), and reads their lanes on from where the backup ends, withdrawals among them.

    Raises ConfigurationError, StoreUnavailable, DigestDiffers, OSError; then the home is empty again.
    """
    # 1.
    manifest = read_manifest(source)
    check_files(source, manifest)
    if any(home.glob("*")):
        raise ConfigurationError(f"{home} is not empty; it is left as it is. Restore into a folder that is.")
    private = _secrets(source, manifest, secrets)
    with _emptied_on_failure(home):
        # 2.
        for name, content in private.items():
            _folder_of(home / name)
            write_file(home / name, content)
        for name in manifest.files.keys() - {manifest.database, SCANS, SEALED, _CONFIG}:
            _folder_of(home / name)
            copy_file(source / name, home / name, sha256=manifest.files[name])
        if secrets.database_url is not None:
            write_secret("database_url", secrets.database_url, home)
        # 3.
        for folder in ("blobs", "incoming", "prepared"):
            (home / folder).mkdir(mode=0o700)
        for sha256 in scans_of(source):
            _folder_of(home / BLOBS / sha256[:2] / sha256)
            copy_file(source.parent / BLOBS / sha256[:2] / sha256, home / BLOBS / sha256[:2] / sha256, sha256=sha256)
        # 4. and 5.
        copy_file(source / _CONFIG, home / _CONFIG, sha256=manifest.files[_CONFIG])
        _fill_database(load_settings(home), source, manifest)
        sync(home)
    return manifest


def verify_restored(home: Path, manifest: Manifest, *, passphrase: SecretStr | None, progress: Progress) -> LogCheck:
    """Read all of it: signatures, hashes, heads, audit rows, scans. Scans that the backup never had are no finding of
    the restore: the peers that hold them give them back, or `ffp log check` names them."""
    with opened(home, passphrase=passphrase) as node:
        found = check_and_keep(node, progress)
    absent = {f"scan {sha256}" for sha256 in manifest.missing}
    found.findings = [finding for finding in found.findings if finding.subject not in absent]
    return found


def _fill_database(settings: Settings, source: Path, manifest: Manifest) -> None:
    if (manifest.database == "node.dump") != (settings.database_url is not None):
        raise ConfigurationError(
            "The backup is of a node on PostgreSQL: name an empty database for it in FFP_NODE_DATABASE_URL."
            if settings.database_url is None
            else "The backup is of a node on SQLite; leave out the database of PostgreSQL."
        )
    store = store_of(settings)
    try:
        store.fill(source / manifest.database)
        store.form()
        with store.write() as session:  # those of the backup's own time work elsewhere, or no more
            forget_all(session)
    finally:
        store.close()


def _secrets(source: Path, manifest: Manifest, secrets: Secrets) -> dict[str, bytes]:
    """Path in the home -> content. What was kept apart counts more than what the backup has."""
    found: dict[str, bytes] = {}
    if SEALED in manifest.files and secrets.unsealed_with is not None:
        found = unseal((source / SEALED).read_bytes(), secrets.unsealed_with)
    if secrets.keys is not None:
        found = {name: content for name, content in found.items() if not name.startswith("keys/")}
        found |= {f"keys/{path.name}": path.read_bytes() for path in secrets.keys.iterdir() if path.is_file()}
    if not any(name.startswith("keys/") for name in found):
        raise ConfigurationError(
            "Without its keys there is no node: name the folder that they were kept in with --keys, or give the "
            "passphrase of a backup that was made with --with-keys."
        )
    if secrets.database_url is not None:
        found.pop(_DATABASE_URL, None)
    return found


def _folder_of(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextmanager
def _emptied_on_failure(home: Path) -> Iterator[None]:
    """A home that is half restored would be taken for a node, or stand in the way of the next attempt."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        yield
    except BaseException as error:
        for path in home.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if isinstance(error, DigestDiffers):
            raise ConfigurationError(f"{error} The backup is damaged there; take another one.") from error
        if isinstance(error, FileNotFoundError):
            raise ConfigurationError(f"The backup lacks {error.filename}; take another one.") from error
        raise
