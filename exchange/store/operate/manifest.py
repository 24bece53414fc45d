"""What a backup consists of: a folder of its own for each, and one folder of scans that all of them share.

<folder>/<name>/manifest.json     written last: a folder without one is no backup
<folder>/<name>/manifest.sig      the node's signature over it (`exchange.trust.backup_signature`)
<folder>/<name>/node.db           or node.dump, of PostgreSQL
<folder>/<name>/scans.sha256      which scans belong to it, as sha256sum --check reads it from <folder>/blobs
<folder>/<name>/...               config.toml and what it names, the trust root, sealed keys
<folder>/blobs/ab/abcdef...       the scans, by their SHA-256
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from exchange.errors import CheckpointInvalid, ConfigurationError
from exchange.home import read_bounded
from exchange.log.checkpoint import Checkpoint, parse_text
from exchange.store.operate.backup_paths import (
    ANOTHER,
    check_paths,
    check_settings_path,
    names_below,
    names_in,
    plain_file,
    quoted,
)
from exchange.store.scan.copies import digest, write_file
from exchange.store.tables.schema_version import SCHEMA_VERSION
from schemas.errors import ContractError
from schemas.statement_base import NodeId
from schemas.strict_json import check_json

MANIFEST, SIGNATURE, SCANS, BLOBS, SEALED = "manifest.json", "manifest.sig", "scans.sha256", "blobs", "keys.sealed"
CONFIG = "config.toml"
_MOST_BYTES = 1 << 20
"""A manifest names a handful of files."""
_LINE = re.compile(r"([0-9a-f]{64})  ([0-9a-f]{2})/([0-9a-f]{64})\n")
_MOST_LINE = 256

_MOST_SIGNATURE_BYTES = 1 << 16

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]


class Manifest(BaseModel):
    """``files``: path -> SHA-256 of all that lies beside the manifest. ``schema_version`` is that of
    the database.

    ``head`` is the last head that the log in the database had signed, as its three lines: the manifest belongs to this
    very log, at this size. None of a log that has signed none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    node_id: NodeId
    made_at: _Moment
    schema_version: int
    database: Literal["node.db", "node.dump"]
    log_size: int
    head: str | None = None
    scans: int
    missing: list[Sha256]
    """Scans that the database names and that were not on the node when the backup was made."""
    objects: int = 0
    """Scans that were in the object store by then: they are not in the backup."""
    files: dict[str, Sha256]

    @property
    def of_earlier_release(self) -> bool:
        """Whether its database must be migrated before it is used."""
        return self.schema_version < SCHEMA_VERSION

    @property
    def last_head(self) -> Checkpoint | None:
        return None if self.head is None else parse_text(self.head)

    @property
    def settings_files(self) -> list[str]:
        """What of it goes into a home as it is, ``config.toml`` among it."""
        return sorted(self.files.keys() - {self.database, SCANS, SEALED})

    @model_validator(mode="after")
    def _head_in_its_form(self) -> Self:
        try:
            _ = self.last_head
        except CheckpointInvalid as error:
            raise ValueError("names a head that is none") from error
        return self


def write_manifest(folder: Path, manifest: Manifest, sign: Callable[[bytes], bytes]) -> None:
    """The signature first: once there is a manifest, there is a backup."""
    content = manifest.model_dump_json(indent=1).encode()
    write_file(folder / SIGNATURE, sign(content))
    write_file(folder / MANIFEST, content)


def read_manifest(folder: Path) -> Manifest:
    """Raises ConfigurationError when this is no backup, or one that this release does not know."""
    return parse_manifest(folder, manifest_bytes(folder))


def manifest_bytes(folder: Path) -> bytes:
    """Raises ConfigurationError when there is none, or more than a manifest has."""
    if MANIFEST not in names_in(folder):
        raise ConfigurationError(
            f"{folder} is no backup: it has no {MANIFEST}. Name the folder of one backup, such as the newest."
        )
    return _read(plain_file(folder, MANIFEST), _MOST_BYTES)


def signature_bytes(folder: Path) -> bytes | None:
    """None where there is no signature. Raises ConfigurationError."""
    return _read(plain_file(folder, SIGNATURE), _MOST_SIGNATURE_BYTES) if SIGNATURE in names_in(folder) else None


def parse_manifest(folder: Path, content: bytes) -> Manifest:
    """A manifest in its form, each of its names a path that a backup may have. Whether its node wrote it, is not said.

    Raises ConfigurationError.
    """
    path = folder / MANIFEST
    try:
        check_json(content, max_bytes=_MOST_BYTES)
        manifest = Manifest.model_validate_json(content)
    except ContractError as error:
        raise ConfigurationError(f"{path} is not as any release writes it: {error} Next: {ANOTHER}.") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = quoted(".".join(map(str, first["loc"])) or MANIFEST)
        raise ConfigurationError(
            f"{path} is not as this release writes it: {where}: {first['msg']}. Next: {ANOTHER}."
        ) from error
    check_paths((*manifest.files, MANIFEST, SIGNATURE))
    for name in manifest.settings_files:
        check_settings_path(name)
    for name in (manifest.database, SCANS, CONFIG):
        if name not in manifest.files:
            raise ConfigurationError(f"{path} names no {name}, without which there is no node; {ANOTHER}.")
    return manifest


def check_files(folder: Path, manifest: Manifest) -> None:
    """Every file beside the manifest is there and has its digest, and there is no other. Raises ConfigurationError
    naming the first of which this is not so."""
    for name, sha256 in manifest.files.items():
        if digest(plain_file(folder, name)) != sha256:
            raise ConfigurationError(f"{folder / name} is not as it was backed up; {ANOTHER}.")
    more = set(names_below(folder)) - {*manifest.files, MANIFEST, SIGNATURE}
    if more:
        raise ConfigurationError(
            f"{folder} holds {quoted(min(more))}, which its manifest does not name: somebody put it there. Find out "
            f"who, and {ANOTHER}."
        )


def scan_lines(digests: Iterator[str]) -> Iterator[str]:
    return (f"{sha256}  {sha256[:2]}/{sha256}\n" for sha256 in digests)


def scans_in_backup(folder: Path) -> Iterator[str]:
    """The digests in the list of scans. Raises ConfigurationError for a line that is none of its own."""
    with plain_file(folder, SCANS).open(encoding="ascii", errors="replace") as file:
        while line := file.readline(_MOST_LINE):  # a line without an end would fill the memory
            found = _LINE.fullmatch(line)
            if not found or found[1] != found[3] or found[2] != found[1][:2]:
                raise ConfigurationError(f"{folder / SCANS} has a line that names no scan; take another backup.")
            yield found[1]


def content_bytes(folder: Path, manifest: Manifest) -> int:
    """How much of a disk one backup takes when it is restored: its files, and its scans. Raises ConfigurationError for
    one that is missing."""
    scans = (plain_file(folder.parent / BLOBS, f"{sha256[:2]}/{sha256}") for sha256 in scans_in_backup(folder))
    files = (plain_file(folder, name) for name in manifest.files)
    return sum(path.stat().st_size for path in itertools.chain(files, scans))


def newest_backup(folder: Path, node_id: str) -> Path | None:
    """The newest finished one of a node, by its name; its manifest may be damaged. None where there is none."""
    name = re.compile(rf"{re.escape(node_id)}-\d{{4}}-\d\d-\d\dT[\d.]+Z")
    found = [path.parent for path in folder.glob(f"*/{MANIFEST}") if name.fullmatch(path.parent.name)]
    return max((place for place in found if not place.is_symlink()), default=None)


def backups_in(folder: Path) -> list[tuple[Path, Manifest]]:
    """The finished backups in a folder, of whichever node, the oldest first; a link to one is none."""
    places = [path.parent for path in folder.glob(f"*/{MANIFEST}") if not path.parent.is_symlink()]
    return sorted(((place, read_manifest(place)) for place in places), key=lambda one: (one[1].made_at, one[0].name))


def _read(path: Path, most: int) -> bytes:
    try:
        content = read_bounded(path, most)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    if len(content) > most:
        raise ConfigurationError(f"{path} is larger than any of its kind; {ANOTHER}.")
    return content
