"""A static copy of the own log (C2SP tlog-tiles): head, tiles and time stamps as files that any web server can serve.

Who has it can check that the log only grew, and, given an envelope, that it stands in the log. It tells nothing of
what is in the log: leaves are hashes over a nonce, and bundles of entries are left out.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from exchange.errors import CheckpointInvalid, Conflict, NotFound
from exchange.flows.log.signed_checkpoint import with_cosignatures
from exchange.flows.node.node import Node
from exchange.home import public_folder
from exchange.log import merkle, note
from exchange.log.checkpoint import Checkpoint, parse_text
from exchange.log.tiles import TILE_WIDTH, Tile, tiles_of
from exchange.store.log.stamps import stamped_heads
from exchange.store.log.statement_rows import latest_checkpoint, node_reader, tile_hashes

_HEAD, _STAMPS = "checkpoint", "stamp"


@dataclass(frozen=True)
class PublishedLog:
    """``size`` of the head; how many tiles and stamps were written, and how many the folder had already."""

    size: int
    written: int
    kept: int


def publish_log(node: Node, folder: Path) -> PublishedLog:
    """Bring the copy in a folder up to the last signed head. May run at any time, beside a serving node or twice.

    1. The last signed head, with the cosignatures that came for it.
    2. What the folder holds is nothing, or an earlier copy of this log.
    3. Each tile under that head, and each time stamp with the head that it is of, unless it is there.
    4. The head, last: whoever reads meanwhile finds all tiles under the head that he sees.
    5. Partial tiles go when the full one is there (tlog-tiles, Partial Tiles).

    Raises NotFound when no head was signed yet, Conflict when the folder holds something else. A file is there as a
    whole or not at all; one that a power cut left short is written again the next time.
    """
    # 1.
    written = kept = 0
    with node.store.read() as session:
        latest = latest_checkpoint(session)
        if latest is None:
            raise NotFound("No head of the log has been signed yet: serve the node first.")
        # 2.
        _check_earlier(session, folder, Checkpoint(node.card.log_origin, latest.size, latest.root))
        # 3.
        for path, content in _files(session, folder, latest.size):
            if content is None:
                kept += 1
            else:
                _write(path, content)
                written += 1
        head = with_cosignatures(session, latest)
    # 4.
    _write(folder / _HEAD, head, sync=True)
    # 5.
    for tile in tiles_of(latest.size):
        if tile.width == TILE_WIDTH:
            shutil.rmtree(folder / f"{tile.path}.p", ignore_errors=True)
    return PublishedLog(latest.size, written, kept)


def _check_earlier(session: Session, folder: Path, head: Checkpoint) -> None:
    path = folder / _HEAD
    if not path.exists():
        return
    try:
        earlier = parse_text(note.parse_note(path.read_bytes()).text)
    except CheckpointInvalid as error:
        raise Conflict(f"{path} is no signed head ({error}); name an empty folder.") from error
    if earlier.origin != head.origin:
        raise Conflict(f"{folder} holds the log {earlier.origin}, this is {head.origin}; name another folder.")
    if earlier.size > head.size or earlier.root != merkle.root(earlier.size, node_reader(session)):
        raise Conflict(
            f"{folder} holds a head of size {earlier.size} that this log does not go on from: it was set back, or "
            "forked. Keep the folder as it is, do not serve the node, and compare with `ffp status`."
        )


def _files(session: Session, folder: Path, size: int) -> Iterator[tuple[Path, bytes | None]]:
    """Each file under the head, with its content, or None when the folder has it."""
    for tile in tiles_of(size):
        path = folder / tile.path
        yield path, None if _holds(path, merkle.HASH_BYTES * tile.width) else _hashes(session, tile)
    for head, found in stamped_heads(session):
        for path, content in (
            (folder / _STAMPS / f"{head.size}.note", head.note),
            (folder / _STAMPS / f"{head.size}.tsr", found.token),
        ):
            yield path, None if _holds(path, len(content)) else content


def _hashes(session: Session, tile: Tile) -> bytes:
    return b"".join(tile_hashes(session, tile))


def _holds(path: Path, length: int) -> bool:
    """These files never change, so that their length tells."""
    try:
        return path.stat().st_size == length
    except FileNotFoundError:
        return False


def _write(path: Path, content: bytes, *, sync: bool = False) -> None:
    """For everybody to read, in folders that everybody may enter: of all that a node writes, this alone is public."""
    public_folder(path.parent)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with part.open("wb") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(content)
        if sync:
            file.flush()
            os.fsync(file.fileno())
    part.replace(path)
