"""What a backup consists of: a folder of its own for each, and one folder of scans that all of them share.

<folder>/<name>/manifest.json     written last: a folder without one is no backup
<folder>/<name>/node.db           or node.dump, of PostgreSQL
<folder>/<name>/scans.sha256      which scans belong to it, as sha256sum --check reads it from <folder>/blobs
<folder>/<name>/...               config.toml and what it names, the trust root, sealed keys
<folder>/blobs/ab/abcdef...       the scans, by their SHA-256
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from exchange.errors import ConfigurationError
from exchange.store.copies import digest, write_file

MANIFEST, SCANS, BLOBS, SEALED = "manifest.json", "scans.sha256", "blobs", "keys.sealed"
_MOST_BYTES = 1 << 20
"""A manifest names a handful of files."""
_LINE = re.compile(r"([0-9a-f]{64})  ([0-9a-f]{2})/([0-9a-f]{64})\n")


def _inside(name: str) -> str:
    """A path below the folder, and never out of it."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or str(path) in (".", MANIFEST) or "\0" in name:
        raise ValueError("is no path within the backup")
    return name


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Inside = Annotated[str, Field(max_length=500), AfterValidator(_inside)]


class Manifest(BaseModel):
    """``files``: path -> SHA-256 of all that lies beside the manifest. ``form`` is that of the database."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    node_id: str
    made_at: str
    form: int
    database: Literal["node.db", "node.dump"]
    log_size: int
    scans: int
    missing: list[Sha256]
    """Scans that the database names and that were not on the node when the backup was made."""
    files: dict[Inside, Sha256]


def write_manifest(folder: Path, manifest: Manifest) -> None:
    write_file(folder / MANIFEST, manifest.model_dump_json(indent=1).encode())


def read_manifest(folder: Path) -> Manifest:
    """Raises ConfigurationError when this is no backup, or one of a form that is not known."""
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ConfigurationError(f"{path} is larger than any manifest; take another backup.")
        return Manifest.model_validate_json(content)
    except OSError as error:
        raise ConfigurationError(
            f"{folder} is no backup: {MANIFEST} cannot be read ({error.strerror}). Name the folder of one backup, such "
            "as the newest."
        ) from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigurationError(f"{path} is not as this release writes it: {where} {first['msg']}.") from error


def check_files(folder: Path, manifest: Manifest) -> None:
    """Every file beside the manifest is there and has its digest. Raises ConfigurationError naming the first that is
    or has not."""
    for name, sha256 in manifest.files.items():
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise ConfigurationError(f"The backup lacks {path}; take another one.")
        if digest(path) != sha256:
            raise ConfigurationError(f"{path} is not as it was backed up; take another backup.")


def scan_lines(digests: Iterator[str]) -> Iterator[str]:
    return (f"{sha256}  {sha256[:2]}/{sha256}\n" for sha256 in digests)


def scans_of(folder: Path) -> Iterator[str]:
    """The digests in the list of scans. Raises ConfigurationError for a line that is none of its own."""
    with (folder / SCANS).open(encoding="ascii", errors="replace") as file:
        for line in file:
            found = _LINE.fullmatch(line)
            if not found or found[1] != found[3] or found[2] != found[1][:2]:
                raise ConfigurationError(f"{folder / SCANS} has a line that names no scan; take another backup.")
            yield found[1]


def backups_in(folder: Path) -> list[tuple[Path, Manifest]]:
    """The finished backups in a folder, of whichever node, the oldest first."""
    found = [(path.parent, read_manifest(path.parent)) for path in folder.glob(f"*/{MANIFEST}")]
    return sorted(found, key=lambda one: (one[1].made_at, one[0].name))
