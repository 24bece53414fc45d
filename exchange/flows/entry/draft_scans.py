"""Scans of a draft: announced, sent piece by piece over lines that break, read as soon as they are whole."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matcher
from exchange.errors import Conflict, InvalidInput, TooLarge
from exchange.flows.entry.draft_form import marked_in, of_file
from exchange.flows.entry.drafts import open_draft
from exchange.flows.node.node import Node
from exchange.flows.node.regions import REGIONS
from exchange.flows.scan.scan_reading import Preview, StatedScan
from exchange.store.entry.draft_rows import add_file, files_of, find_draft, find_file, remove_file, save_fields, typed
from exchange.store.tables.draft_tables import DraftFileRow
from schemas import RegionMask
from schemas.record import MAX_ACQUISITIONS
from schemas.vocabulary import Lighting, RegionOfInterest

PIECE_BYTES = 512 * 1024
"""What a broken line costs at most; the sender sends as much at a time."""
MAX_PIECE_BYTES = 4 * 1024 * 1024
MAX_FILE_NAME = 200


@dataclass(frozen=True)
class Announced:
    """``offset``: how much of it is here already, from an earlier attempt."""

    file_id: str
    offset: int
    size: int


def region_of(name: str) -> RegionOfInterest | None:
    """The region that a file's name tells of, None where it tells of none."""
    words = re.sub(r"[^a-z]+", " ", name.rpartition(".")[0].casefold() or name.casefold())
    fitting = [region.roi for region in REGIONS if re.search(region.file_name, words)]
    return fitting[-1] if fitting else None


def announce(node: Node, pseudonym: str, draft_id: str, name: str, size: int, modified: str) -> Announced:
    """Begin to send a file, or go on with one of this name, size and last change that did not come whole.

    Raises NotFound, InvalidInput; TooLarge beyond the bounds of one scan or of one submission.
    """
    _check_size(node, size)
    with node.store.write() as session:
        draft = open_draft(session, pseudonym, draft_id)
        files = files_of(session, draft_id)
        for file in files:
            if (file.name, file.size, file.modified, file.stored) == (name, size, modified, False):
                here = node.draft_files.size(file.file_id)
                if here < size:  # of a restored node the database may know more than the disk
                    file.sha256, file.reading = None, None
                return Announced(file.file_id, here, size)
        if len(files) >= MAX_ACQUISITIONS:
            raise InvalidInput(f"An exhibit has at most {MAX_ACQUISITIONS} scans.", code="too-many-files")
        if sum(file.size for file in files) + size > node.settings.max_submission_bytes:
            raise TooLarge(f"All scans of an exhibit may have {node.settings.max_submission_bytes} bytes together.")
        file = add_file(session, draft, name, size, modified)
        roi = region_of(name) or RegionOfInterest.BREECH_FACE
        said = {f"file.{file.file_id}.roi": roi.value, f"file.{file.file_id}.captured_by": "examiner"}
        save_fields(draft, typed(draft) | said)
        return Announced(file.file_id, 0, size)


def take_piece(node: Node, pseudonym: str, draft_id: str, file_id: str, offset: int, piece: bytes) -> Announced:
    """Write a piece where the file ends; with the last one, note the digest of all of it.

    Raises NotFound; Conflict, code "offset-differs", when the piece belongs elsewhere; StoreUnavailable.
    """
    with node.store.read() as session:
        file = find_file(session, open_draft(session, pseudonym, draft_id), file_id)
    if file.sha256 is not None:
        return Announced(file_id, file.size, file.size)
    here = node.draft_files.append(file_id, offset, piece, announced=file.size)
    if here == file.size:
        _note_whole(node, pseudonym, draft_id, file_id, node.draft_files.digest(file_id))
    return Announced(file_id, here, file.size)


def read_scan(node: Node, pseudonym: str, draft_id: str, file_id: str) -> DraftFileRow:
    """Read a whole file in a worker process; keep its preview, and what is to be said of it.

    Raises NotFound; Conflict while it is still arriving; ComputeFailed, StoreUnavailable.
    """
    with node.store.read() as session:
        draft = open_draft(session, pseudonym, draft_id)
        file = find_file(session, draft, file_id)
        asked = _asked(of_file(typed(draft), file_id), file)
    if file.sha256 is None:
        raise Conflict("This file has not come whole yet.", code="not-whole")
    preview = None
    try:
        preview = node.compute.run(_preview, scan_file_of(node, file), asked)
    except matcher.ScanRefused as error:
        said: dict[str, Any] = {"refused": str(error), "code": error.reason}
    else:
        said = preview.reading.as_dict()
    with node.store.write() as session:
        file = find_file(session, open_draft(session, pseudonym, draft_id), file_id)
        file.reading = json.dumps(said)
        if preview is not None:  # in here: of a draft that was erased meanwhile nothing may be left
            node.draft_files.keep_preview(file_id, preview.picture)
            node.draft_files.keep_preview(file_id, preview.plain, plain=True)
    return file


def remove_scan(node: Node, pseudonym: str, draft_id: str, file_id: str) -> None:
    """Raises NotFound."""
    with node.draft_files.alone(draft_id):
        with node.store.write() as session:
            draft = open_draft(session, pseudonym, draft_id)
            remove_file(session, find_file(session, draft, file_id))
            kept = {name: value for name, value in typed(draft).items() if not name.startswith(f"file.{file_id}.")}
            save_fields(draft, kept)
        node.draft_files.erase(file_id)


def preview_of(node: Node, pseudonym: str, draft_id: str, file_id: str, *, plain: bool) -> bytes:
    """As PNG; ``plain``: without what was found. Raises NotFound."""
    with node.store.read() as session:
        find_file(session, find_draft(session, pseudonym, draft_id), file_id)
    return node.draft_files.preview(file_id, plain=plain)


def mark_region(
    node: Node, pseudonym: str, draft_id: str, file_id: str, mask: RegionMask, was: str | None = None
) -> bool:
    """Keep the region that the examiner marked; returns whether it differs from the found one, which else stands again.
    ``was``: the bits of the region that was marked upon.

    The verdict is that of the region before, until ``read_scan``. Raises NotFound; Conflict while the file was not
    read, or, code "mask-changed", when another page marked another one meanwhile; InvalidInput, code "mask-differs",
    where the cells are not those of the reading.
    """
    with node.store.write() as session:
        draft = open_draft(session, pseudonym, draft_id)
        file = find_file(session, draft, file_id)
        reading = json.loads(file.reading) if file.reading else {}
        if "grid" not in reading:
            raise Conflict("This file was not read yet.", code="not-whole")
        if [mask.rows, mask.columns] != reading["grid"]:
            raise InvalidInput("These are not the cells of this scan; load the page anew.", code="mask-differs")
        said = of_file(typed(draft), file_id)
        if was is not None and _bits(file, said) not in (was, mask.bits):
            raise Conflict("This region was marked on another page meanwhile.", code="mask-changed")
        roi = said.get("roi")
        mended = bool(mask.model_dump() != reading["found"] or reading["roi"] != roi)
        file.region_mask, file.region_roi = (mask.model_dump_json(), roi) if mended else (None, None)
    return mended


def region_bits(node: Node, pseudonym: str, draft_id: str, file_id: str) -> str:
    """The bits of the region as it stands: as it was marked, else as it was found. Raises NotFound."""
    with node.store.read() as session:
        draft = open_draft(session, pseudonym, draft_id)
        return _bits(find_file(session, draft, file_id), of_file(typed(draft), file_id))


def scan_file_of(node: Node, file: DraftFileRow) -> Path:
    """Raises NotFound when a scan of an earlier version was erased."""
    return node.blobs.path(file.sha256 or "") if file.stored else node.draft_files.path(file.file_id)


def _bits(file: DraftFileRow, said: dict[str, str]) -> str:
    mask, found = marked_in(file, said), json.loads(file.reading or "{}").get("found")
    return mask.bits if mask is not None else found["bits"] if found else ""


def _check_size(node: Node, size: int) -> None:
    if size == 0:
        raise InvalidInput("The file is empty; export it again.", code="empty-file")
    if size > node.settings.max_scan_bytes:
        raise TooLarge(f"A file may have at most {node.settings.max_scan_bytes} bytes; crop the scan to its region.")


def _note_whole(node: Node, pseudonym: str, draft_id: str, file_id: str, sha256: str) -> None:
    with node.store.write() as session:
        find_file(session, open_draft(session, pseudonym, draft_id), file_id).sha256 = sha256


def _asked(said: dict[str, str], file: DraftFileRow) -> StatedScan:
    """What is stated so far; what cannot be read as it is counts as not stated."""
    try:
        roi = RegionOfInterest(said.get("roi", ""))
    except ValueError:
        roi = RegionOfInterest.UNKNOWN
    try:
        size = float(said.get("lateral_resolution_um", "").replace(",", "."))
    except ValueError:
        size = 0.0
    return StatedScan(
        roi, size if 0.01 < size <= 100 else None, said.get("lighting", Lighting.UNKNOWN), marked_in(file, said)
    )


def _preview(path: Path, asked: StatedScan) -> Preview:
    """In a worker process, which has the matcher."""
    from exchange.flows.scan.preview import preview_scan

    return preview_scan(path, asked)
