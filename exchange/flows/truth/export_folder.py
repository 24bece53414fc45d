"""The folder that test fires are exported to: nothing else lies in it, one export writes to it, and what is written is
whole or is not there."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from exchange.errors import Conflict, InvalidInput
from exchange.store.scan.copies import digest
from schemas.vocabulary import RegionOfInterest

EXPORT_FORMAT: Final = "ffp-truth-1"
EXPORT_NOTE, LEFT_OUT, TRUTH = "export.json", "left-out.csv", "truth.csv"
_MIB: Final = 2**20
_SCAN: Final = re.compile(r"[0-9a-f]{16}\.x3p")


def check_folder(folder: Path, node_id: str) -> None:
    """Raises InvalidInput."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder.", code="no-folder")
    there = sorted(path.name for path in folder.iterdir())
    if not there or there == [f"{EXPORT_NOTE}.part"]:  # broken off before anything else
        return
    try:
        mark = json.loads((folder / EXPORT_NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        mark = None
    if not isinstance(mark, dict) or (mark.get("format"), mark.get("node")) != (EXPORT_FORMAT, node_id):
        raise InvalidInput(
            f"{folder} holds other things ({', '.join(there[:3])}): name an empty folder, or one that ffp truth export "
            f"of {node_id} wrote.",
            code="folder-in-use",
        )
    strange = [path for path in folder.rglob("*") if not _is_ours(path.relative_to(folder), path)]
    if strange:
        raise InvalidInput(
            f"{folder} holds other things beside an export ({strange[0].relative_to(folder)}): take them out first.",
            code="folder-in-use",
        )


def _is_ours(name: Path, path: Path) -> bool:
    match name.parts:
        case (word,) if path.is_dir():
            return word in set(RegionOfInterest) and not path.is_symlink()
        case (word,):
            return word.removesuffix(".part") in {EXPORT_NOTE, LEFT_OUT}
        case (_, word):
            whole = word.removesuffix(".part")
            return whole == TRUTH or bool(_SCAN.fullmatch(whole))
    return False


@contextmanager
def sole_export(folder: Path) -> Iterator[None]:
    """Of two at once, each would take out what the other is writing. Raises Conflict."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"Another export writes to {folder}: let it end.", code="folder-in-use") from error
        yield
    finally:
        os.close(descriptor)


def check_export_room(folder: Path, sizes: Collection[int]) -> None:
    """Of scans of so many bytes. Raises InvalidInput: better now than after hours."""
    needed, free = sum(sizes), shutil.disk_usage(folder).free
    if free < needed:
        raise InvalidInput(
            f"{len(sizes)} scans take {needed // _MIB + 1} MiB, and {free // _MIB} MiB are free on the disk of "
            f"{folder}: free space there, or name a folder on a larger disk. Nothing was copied.",
            code="no-room",
        )


def is_whole(path: Path, sha256: str) -> bool:
    return path.is_file() and digest(path) == sha256


def write_text_whole(path: Path, content: str) -> None:
    """All of it or nothing: on a full disk, what was there stays."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", newline="", encoding="utf-8") as file:
            file.write(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
