"""Write the scans of test fires into a folder, with the firearm of each: what evaluation and calibration read.

    FOLDER/export.json                    that this is such a folder, of which node
    FOLDER/breech_face/truth.csv          scan, firearm, calibre, instrument, ... of each scan of the region
    FOLDER/breech_face/0a1b2c3d4e5f6071.x3p   named by the first digits of its SHA-256
    FOLDER/left-out.csv                   every other scan of test fires, and why it is not here

Broken off, it goes on: what is there whole stays. What was withdrawn since, or while it was copied, is taken out again.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exchange.errors import NotFound
from exchange.flows.node.delivered_scan import delivered_scan
from exchange.flows.node.node import Node
from exchange.flows.truth.export_folder import (
    EXPORT_FORMAT,
    EXPORT_NOTE,
    LEFT_OUT,
    TRUTH,
    check_export_room,
    check_folder,
    is_whole,
    sole_export,
    write_text_whole,
)
from exchange.home import private_folder
from exchange.log.audit_entry import MAX_SUBJECTS, Act, Actor, Deed
from exchange.spreadsheet_cells import guarded
from exchange.store.scan.copies import digest
from exchange.store.truth.known_pair_rows import KnownScan, all_test_fire_scans
from schemas.vocabulary import HandlingCode, Modality

FREELY: Final = frozenset({HandlingCode.H0, HandlingCode.H1})
"""How peers' records must be marked to leave the node by this, unless others are named: H2 and H3 forbid it without
their owner's permission."""
_NOT_HERE: Final = "scan not here"
_MEANWHILE: Final = "withdrawn, superseded or restricted while it was copied"
_COLUMNS: Final = (
    *("scan", "firearm", "calibre", "instrument", "sha256", "issuer", "handling", "record"),
    *("position", "received", "found_by"),
)
CopyReport = Callable[[int, int], None]


@dataclass(frozen=True)
class LeftOutScan:
    known: KnownScan
    why: str


@dataclass(frozen=True)
class Exported:
    """``regions``: scans by region; ``written``: scans that were not in the folder before; ``removed``: those that were
    and are to be there no more. ``alone``: firearms with one test fire in a region: their scans stand in pairs of two
    firearms only."""

    regions: dict[str, int]
    firearms: int
    alone: int
    written: int
    removed: int
    left_out: dict[str, int]


def export_truth(
    node: Node,
    by: Actor,
    folder: Path,
    *,
    peers: bool = False,
    handling: Collection[HandlingCode] = FREELY,
    show: CopyReport = lambda _done, _total: None,
) -> Exported:
    """1. Refuse a folder that holds anything but an earlier export of this node, or that another export writes to.
    2. Choose the scans, and say of each other one why it is not among them.
    3. Note in the audit what is about to leave, then copy; each copy is read back by its SHA-256.
    4. Look once more, since copying takes hours: take out what may not be here now, and what an earlier export wrote
       and this one would not.
    5. Write the truth of each region, last: a folder without it is not whole.

    ``peers``: test fires of peers too, as far as they are held here and their handling is one of these.
    Raises InvalidInput, also where the disk has no room for all of it; NotAudited; OSError where the folder cannot be
    written.
    """
    # 1.
    check_folder(folder, node.node_id)
    private_folder(folder)
    with sole_export(folder):
        return _export(node, by, folder, peers, handling, show)


def _export(
    node: Node, by: Actor, folder: Path, peers: bool, handling: Collection[HandlingCode], show: CopyReport
) -> Exported:
    # 2.
    with node.store.read() as session:
        found = all_test_fire_scans(session, issuer=None if peers else node.node_id)
    chosen, left_out = _choose(node, found, handling)

    # 3.
    fresh = [one for one in chosen if not is_whole(_place(folder, one), one.scan.sha256)]
    check_export_room(folder, [one.scan.size for one in fresh])
    mark = {"format": EXPORT_FORMAT, "node": node.node_id, "peers": peers}
    write_text_whole(folder / EXPORT_NOTE, json.dumps(mark, indent=1) + "\n")
    for truth in folder.glob(f"*/{TRUTH}"):
        truth.unlink()
    _note(node, by, fresh, mark)
    gone = set[Path]()
    for done, one in enumerate(fresh, start=1):
        try:
            _copy(node, one, _place(folder, one))
        except NotFound:  # withdrawn since it was chosen, or damaged
            left_out.append(LeftOutScan(one, _NOT_HERE))
            gone.add(_place(folder, one))
        show(done, len(fresh))
    chosen = [one for one in chosen if _place(folder, one) not in gone]

    # 4.
    with node.store.read() as session:
        now = all_test_fire_scans(session, issuer=None if peers else node.node_id)
    still = {one.scan.acquisition_id for one in now if _why_not(node, one, handling) is None}
    left_out += [LeftOutScan(one, _MEANWHILE) for one in chosen if one.scan.acquisition_id not in still]
    written = sum(_place(folder, one) not in gone and one.scan.acquisition_id in still for one in fresh)
    chosen = [one for one in chosen if one.scan.acquisition_id in still]
    removed = _remove_others(folder, {_place(folder, one) for one in chosen})

    # 5.
    _write_left_out(folder / LEFT_OUT, left_out)
    for roi in sorted({one.scan.roi for one in chosen}):
        _write_truth(folder / roi / TRUTH, [one for one in chosen if one.scan.roi == roi])
    return Exported(
        regions=dict(sorted(Counter(one.scan.roi for one in chosen).items())),
        firearms=len({one.firearm for one in chosen}),
        alone=sum(count == 1 for count in Counter((one.scan.roi, one.firearm) for one in chosen).values()),
        written=written,
        removed=removed,
        left_out=dict(sorted(Counter(item.why for item in left_out).items())),
    )


def _choose(
    node: Node, found: Sequence[KnownScan], handling: Collection[HandlingCode]
) -> tuple[list[KnownScan], list[LeftOutScan]]:
    """One scan of each exhibit and region, whose firearm no other record contradicts."""
    chosen, left_out = list[KnownScan](), list[LeftOutScan]()
    firearms: dict[str, set[tuple[str, str]]] = {}
    for one in found:
        firearms.setdefault(one.scan.sha256, set()).add(one.firearm)
    exhibits, scans = set[tuple[str, str]](), set[tuple[str, str]]()
    for one in found:
        why = _why_not(node, one, handling)
        if why is None and len(firearms[one.scan.sha256]) > 1:
            why = "the same scan under two firearms"
        if why is None and (one.record.exhibit, one.scan.roi) in exhibits:
            why = "another scan of the same cartridge case"
        if why is None and (one.scan.sha256, one.scan.roi) in scans:
            why = "the same scan in another record"
        if why is not None:
            left_out.append(LeftOutScan(one, why))
            continue
        exhibits.add((one.record.exhibit, one.scan.roi))
        scans.add((one.scan.sha256, one.scan.roi))
        chosen.append(one)
    return chosen, left_out


def _why_not(node: Node, one: KnownScan, handling: Collection[HandlingCode]) -> str | None:
    record = one.record
    if record.restricted:
        return "restricted by a court"
    if record.superseded_by is not None:
        return "superseded by a newer version"
    if record.issuer != node.node_id and record.handling not in handling:
        return f"handling {record.handling} of a peer's record"
    if one.scan.modality != Modality.TOPOGRAPHY:
        return "a photograph: evaluation and calibration read topographies"
    if one.scan.delivered_at is None or not node.blobs.holds(one.scan.sha256):
        return _NOT_HERE
    return None


def _place(folder: Path, one: KnownScan) -> Path:
    return folder / one.scan.roi / f"{_scan_name(one)}.x3p"


def _scan_name(one: KnownScan) -> str:
    return one.scan.sha256[:16]


def _note(node: Node, by: Actor, fresh: Sequence[KnownScan], mark: dict[str, object]) -> None:
    """A row for each 200 scans; one too where nothing is new: that somebody asked is written down."""
    for start in range(0, max(1, len(fresh)), MAX_SUBJECTS):
        named = tuple(one.scan.sha256 for one in fresh[start : start + MAX_SUBJECTS])
        asked = "test fires of this node and of peers" if mark["peers"] else "test fires of this node"
        node.audit.note(Deed(by, Act.EXPORT_TRUTH, len(named), named, asked=asked))


def _copy(node: Node, one: KnownScan, target: Path) -> None:
    """Raises NotFound where the scan is gone, or its bytes are not those that its record names."""
    target.parent.mkdir(mode=0o700, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    try:
        shutil.copyfile(delivered_scan(node, one.scan), part)
        if digest(part) != one.scan.sha256:
            raise NotFound(f"The scan {one.scan.sha256} is damaged on this node. See: ffp log check")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _remove_others(folder: Path, kept: Collection[Path]) -> int:
    """Returns how many of them were scans."""
    others = [path for path in folder.glob("*/*") if path not in kept]
    for path in others:
        path.unlink()
    return sum(path.suffix == ".x3p" for path in others)


def _write_truth(path: Path, scans: Iterable[KnownScan]) -> None:
    rows = [
        (
            _scan_name(one),
            "/".join(one.firearm),
            one.scan.calibre,
            guarded(one.instrument or ""),
            one.scan.sha256,
            one.record.issuer,
            one.record.handling,
            one.record.statement_id,
            one.scan.position,
            one.record.received_at,
            "by hand" if one.scan.region_mended else "the matcher",
        )
        for one in scans
    ]
    _write_table(path, _COLUMNS, sorted(rows, key=lambda row: (row[1], row[0])))


def _write_left_out(path: Path, left_out: Iterable[LeftOutScan]) -> None:
    rows = [
        (item.known.record.statement_id, item.known.scan.position, item.known.scan.roi, item.why) for item in left_out
    ]
    _write_table(path, ("record", "position", "region", "why"), sorted(rows))


def _write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    content = io.StringIO(newline="")
    table = csv.writer(content)
    table.writerow(columns)
    table.writerows(rows)
    write_text_whole(path, content.getvalue())
