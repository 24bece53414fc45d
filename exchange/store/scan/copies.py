"""Files copied from one place to another so that they are there, whole, when the call returns."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from exchange.errors import DigestDiffers

_PIECE = 1 << 20
_PART = ".part"


def copy_file(source: Path, target: Path, *, sha256: str | None = None) -> str:
    """Copy a file, private to this user, and return its SHA-256; until it is whole it has another name.

    Raises OSError, DigestDiffers when it is not the one that it should be; then there is none.
    """
    part = target.with_name(target.name + _PART)
    made = hashlib.sha256()
    try:
        with source.open("rb") as file, _open_new(part) as copy:
            while piece := file.read(_PIECE):
                made.update(piece)
                copy.write(piece)
        if sha256 not in (None, made.hexdigest()):
            raise DigestDiffers(f"{source} has the SHA-256 {made.hexdigest()}, not {sha256}.")
        _put(part, target)
    finally:
        part.unlink(missing_ok=True)
    return made.hexdigest()


def write_file(target: Path, content: bytes) -> str:
    """As ``copy_file``, of bytes."""
    part = target.with_name(target.name + _PART)
    with _open_new(part) as file:
        file.write(content)
    _put(part, target)
    return hashlib.sha256(content).hexdigest()


def digest(path: Path) -> str:
    """SHA-256 in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """A file's content, or a folder's names, are on disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_new(part: Path) -> BinaryIO:
    part.unlink(missing_ok=True)  # what an earlier run left behind
    return os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _put(part: Path, target: Path) -> None:
    sync(part)
    part.replace(target)
    sync(target.parent)
