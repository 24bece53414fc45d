"""The scratch place of a drill: a folder that the drill makes, marks and deletes. It holds the node's keys meanwhile.

A drill that was killed leaves the folder, its mark in it: the next one deletes it. Nothing is deleted that has not the
mark of this very node, nor what is reached by a link.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from exchange.errors import ConfigurationError
from exchange.home import delete_entry, private_folder, write_private
from exchange.store.scan.copies import sync

MARK: Final = "made-by-restore-drill"
_MIB: Final = 2**20
_ROOM_BEYOND: Final = 64 * _MIB
"""Keys, settings, and what SQLite writes beside its file while it is filled."""


def scratch_of(parent: Path, node_id: str) -> Path:
    """Its name says whose it is: nodes may share a disk."""
    return parent / f"restore-drill-{node_id}"


@contextmanager
def scratch_folder(place: Path, node_id: str, *, keep: bool) -> Iterator[Path]:
    """A new folder, for this user alone, deleted at the end of the block, however it ends; not with ``keep``.

    Raises ConfigurationError when something is there that no drill of this node made, and OSError.
    """
    remove_scratch(place, node_id)
    private_folder(place)
    try:
        write_private(place / MARK, _words(node_id))
        sync(place)
        yield place
    finally:
        if not keep:
            remove_scratch(place, node_id)


def remove_scratch(place: Path, node_id: str) -> bool:
    """Delete what a drill of this node left there; the mark goes last, so that what is half deleted is deleted later.
    False where nothing was. Raises ConfigurationError as ``scratch_folder``."""
    if not place.exists() and not place.is_symlink():
        return False
    if place.is_symlink() or not place.is_dir() or (any(place.iterdir()) and not _is_marked(place, node_id)):
        raise ConfigurationError(
            f"{place} is there, and no drill of {node_id} made it; it is left as it is. Move it away, or name another "
            "place with --scratch."
        )
    for path in sorted(place.iterdir(), key=lambda path: path.name == MARK):
        delete_entry(path)
    place.rmdir()
    return True


def check_room(place: Path, needed: int, reserve: int) -> None:
    """Before anything is written. ``needed`` bytes of a backup, and what the node itself must have left, in case it
    lies on the same disk. Raises ConfigurationError."""
    free = shutil.disk_usage(next(above for above in (place, *place.parents) if above.exists())).free
    wanted = needed + needed // 10 + _ROOM_BEYOND + reserve
    if free < wanted:
        raise ConfigurationError(
            f"The drill needs {wanted // _MIB:,} MiB in {place.parent}, what the node itself must have left among them "
            f"({reserve // _MIB:,} MiB); {free // _MIB:,} MiB are free. Name a place with more, on a disk that is "
            "encrypted as the node's is: --scratch PLACE"
        )


def _is_marked(place: Path, node_id: str) -> bool:
    mark = place / MARK
    return mark.is_file() and not mark.is_symlink() and mark.read_text(encoding="utf-8") == _words(node_id)


def _words(node_id: str) -> str:
    return f"A restore drill of {node_id} made this folder. The next one deletes it. Never serve what lies in it.\n"
