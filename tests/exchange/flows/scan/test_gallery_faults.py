"""Galleries and prepared scans where a disk, a clock or a hand was at work: the node serves, and all is there."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import matcher
from exchange.clock import stamp
from exchange.errors import StoreUnavailable
from exchange.flows.log.leftovers import clear_leftovers
from exchange.flows.node.galleries import Galleries
from exchange.flows.node.gallery_standing import CheckRound, last_round, note_round
from exchange.flows.node.node import Node, create_node, opened
from exchange.flows.scan import references
from exchange.flows.scan.correlate import correlate_acquisition
from exchange.flows.scan.gallery_check import check_galleries
from exchange.flows.scan.gallery_upkeep import make_gallery_whole, restore_galleries
from exchange.flows.scan.prepared_scans import acquisition_id_of
from schemas.vocabulary import Jurisdiction
from tests.load.archive import Archive, drawn

pytestmark = pytest.mark.slow

BREECH_FACE = matcher.DEFAULT_PARAMETERS
COUNT = 8


@pytest.fixture(scope="module")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults")
    create_node(folder / "rs", jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    with opened(folder / "rs") as node:
        Archive(node, (), ["ex1"]).add_own(COUNT, [drawn(folder / "scans", firearm) for firearm in range(2)])
        restore_galleries(node)
    return folder / "rs"


@pytest.fixture
def node(filled_home: Path, tmp_path: Path) -> Iterator[Node]:
    shutil.copytree(filled_home, tmp_path / "rs")
    with opened(tmp_path / "rs") as found:
        yield found


@pytest.fixture
def gallery(node: Node) -> Path:
    return node.galleries.folder(BREECH_FACE)


def held(node: Node) -> list[int]:
    gallery = matcher.Gallery(node.galleries.folder(BREECH_FACE))
    return sorted(acquisition_id_of(name) for name in gallery.references())


ALL = list(range(1, COUNT + 1))


@pytest.mark.parametrize("told", [b"", b"\0\0\0", b"many"])
def test_a_count_that_nobody_can_read_empties_nothing_and_stops_nothing(node: Node, gallery: Path, told: bytes) -> None:
    """After a loss of power a small file may be empty."""
    make_gallery_whole(node, BREECH_FACE)
    (gallery / "times-emptied").write_bytes(told)
    assert not node.galleries.is_whole(BREECH_FACE)
    unreadable = make_gallery_whole(node, BREECH_FACE)
    assert held(node) == ALL
    node.galleries.distrust(BREECH_FACE, unreadable)
    assert make_gallery_whole(node, BREECH_FACE) > 0
    assert held(node) == ALL


FILES = ("manifest", "head", "rows", "lock", "current", "turn", "times-emptied", "standing", "checked")


@pytest.mark.parametrize("file", FILES)
def test_a_folder_in_the_place_of_a_file_is_cleared_away(node: Node, gallery: Path, file: str) -> None:
    note_round(gallery, CheckRound(stamp()))
    path = next(gallery.rglob(file))
    path.unlink()
    (path / "within").mkdir(parents=True)
    restore_galleries(node)
    check_galleries(node)
    assert held(node) == ALL
    assert matcher.Gallery(gallery).verify() == ()
    assert last_round(gallery) is not None
    assert not (path / "within").exists() or file == "standing"


@pytest.mark.parametrize("lost", ["the manifest", "all of it"])
def test_a_gallery_that_was_lost_is_whole_for_no_worker(node: Node, gallery: Path, lost: str) -> None:
    make_gallery_whole(node, BREECH_FACE)
    assert node.galleries.is_whole(BREECH_FACE)
    if lost == "all of it":
        shutil.rmtree(gallery)
    else:
        next(gallery.rglob("manifest")).unlink()
    other = Galleries(node.settings.galleries)
    with other.changing(BREECH_FACE) as writer:
        assert len(writer) == 0
    assert not node.galleries.is_whole(BREECH_FACE)
    make_gallery_whole(node, BREECH_FACE)
    assert held(node) == ALL


@pytest.mark.parametrize("began", ["2026-1\x7f-01T00:00:00Z", "2026-11-01T00:00:00", "2999-01-01T00:00:00Z", ""])
def test_a_round_that_began_at_no_time_or_in_the_future_is_not_waited_for(
    node: Node, gallery: Path, began: str
) -> None:
    note_round(gallery, CheckRound(began, (), stamp()))
    check_galleries(node)
    done = last_round(gallery)
    assert done is not None
    assert done.began != began
    assert done.ended is not None
    assert len(done.shards) == 1


def test_of_what_no_record_has_no_byte_stays_when_an_older_gallery_is_put_back(node: Node, gallery: Path) -> None:
    scan = matcher.Prepared.from_bytes(
        next(node.settings.prepared.glob(f"??/*.{BREECH_FACE.digest[:16]}")).read_bytes()
    )
    erased = replace(scan, polar=np.full_like(scan.polar, 77))
    with matcher.GalleryWriter(gallery) as writer:
        name = bytes(24) + (3).to_bytes(8, "big")
        writer.append([(matcher.Reference(name, "9x19", "breech_face", "topography", "RS"), erased)])
    restore_galleries(node)
    stored = b"".join(path.read_bytes() for path in gallery.rglob("*") if path.is_file())
    assert erased.polar.tobytes() not in stored
    assert name not in stored
    assert held(node) == ALL


def test_a_reference_that_is_altered_does_not_stop_the_upkeep(node: Node, gallery: Path) -> None:
    make_gallery_whole(node, BREECH_FACE)
    with node.galleries.changing(BREECH_FACE) as writer:
        writer.remove(writer.references()[:3])
    [blobs] = gallery.glob("*/shard-*/blobs")
    with blobs.open("r+b") as file:
        file.seek(-5, os.SEEK_END)
        file.write(b"struck")
    restore_galleries(node)
    check_galleries(node)
    assert matcher.Gallery(gallery).verify() == ()
    assert len(held(node)) == COUNT - 3


def may_not_be_read(*_: object) -> None:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def test_a_gallery_that_may_not_be_read_is_no_fault_of_the_scan(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "search_gallery", may_not_be_read)
    with pytest.raises(StoreUnavailable, match="Permission denied"):
        correlate_acquisition(node, 1)


def test_what_lies_among_prepared_scans_stops_no_start(node: Node, tmp_path: Path) -> None:
    """A link out of the tree, and names that are no digests."""
    prepared, elsewhere = node.settings.prepared, tmp_path / "elsewhere"
    elsewhere.mkdir()
    for odd in ("README", "x", "lost+found"):
        (prepared / odd).write_bytes(b"odd")
    (prepared / "fe").symlink_to(elsewhere / "not mounted")
    stuck = prepared / f"fe{'0' * 62}.{BREECH_FACE.digest[:16]}"
    stuck.write_bytes(b"waits")
    clear_leftovers(node)
    assert stuck.read_bytes() == b"waits"
    assert (prepared / "README").is_file()
