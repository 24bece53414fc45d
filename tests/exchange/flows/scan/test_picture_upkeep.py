"""Pictures that an earlier release drew are drawn anew and cleared; kept heights stay within their bound."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from exchange.flows.node.node import Node
from exchange.flows.scan import picture_upkeep
from exchange.flows.scan.heights import Form, Wanted, heights, heights_path, kept_heights, shown_of
from exchange.flows.scan.picture_upkeep import PictureUpkeep, clear_heights
from exchange.flows.scan.scan_thumbnail import drawn_thumbnail, find_scan, picture_paths, thumbnail_paths
from schemas.vocabulary import Jurisdiction
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.rest.test_terms import eventually

pytestmark = pytest.mark.slow


@pytest.fixture
def node(start_node: Callable[..., RunningNode]) -> RunningNode:
    return start_node(Jurisdiction.RS)


@pytest.fixture
def correlated(node: RunningNode, scans: dict[str, Path]) -> Callable[[str], str]:
    """Submits a scan, and waits until it was compared."""

    def submitted(scan: str) -> str:
        answer = node.submit(scans[scan], case_reference=f"RS-UPKEEP-{scan}")
        assert answer.status_code == 201, answer.text
        record: str = answer.json()["statement_id"]
        eventually(lambda: find_scan(node.node, record, 0).acquisition.state == "correlated")
        return record

    return submitted


def drawn(upkeep: PictureUpkeep) -> None:
    for _ in range(50):
        if not upkeep.step():
            return
    raise AssertionError("it does not come to an end")


def test_those_of_an_earlier_release_are_drawn_anew_and_go(node: RunningNode, correlated: Callable[[str], str]) -> None:
    scan = find_scan(node.node, correlated("1-1"), 0).acquisition
    paths = thumbnail_paths(node.node, scan)
    before = {size: path.read_bytes() for size, path in paths.items()}
    for path in paths.values():
        path.unlink()
    old = next(iter(paths.values())).with_name(f"{scan.sha256}.thumbnail-1.surface.webp")
    old.write_bytes(b"black")
    drawn(PictureUpkeep(node.node))
    assert {size: path.read_bytes() for size, path in paths.items()} == before
    assert not old.exists()


def test_what_cannot_be_drawn_holds_up_nothing(node: RunningNode, correlated: Callable[[str], str]) -> None:
    broken, whole = (find_scan(node.node, correlated(name), 0).acquisition for name in ("1-2", "2-1"))
    for scan in (broken, whole):
        for path in thumbnail_paths(node.node, scan).values():
            path.unlink(missing_ok=True)
    blob = node.node.blobs.path(broken.sha256)
    content = blob.read_bytes()
    blob.chmod(0o600)
    blob.write_bytes(b"PK and rubbish")
    try:
        drawn(PictureUpkeep(node.node))
    finally:
        blob.write_bytes(content)
    assert not any(path.exists() for path in thumbnail_paths(node.node, broken).values())
    assert all(path.is_file() for path in thumbnail_paths(node.node, whole).values())


def test_heights_are_made_with_the_scan_and_kept_within_their_bound(
    node: RunningNode, correlated: Callable[[str], str]
) -> None:
    scan = find_scan(node.node, correlated("2-2"), 0).acquisition
    shown = shown_of(node.node, scan, Wanted(Form.FILTERED))
    path = heights_path(node.node, shown)
    assert path is not None
    made = kept_heights(node.node, shown)
    assert made is not None, "when it was prepared"
    path.unlink()
    assert kept_heights(node.node, shown) is None
    assert heights(node.node, shown) == kept_heights(node.node, shown) == made

    raw = shown_of(node.node, scan, Wanted(Form.RAW))
    heights(node.node, raw)
    small = shown_of(node.node, scan, Wanted(Form.RAW, most=100))
    heights(node.node, small)
    assert heights_path(node.node, small) is None, "of these there are too many"
    other = path.with_name(path.name.replace(".heights-", ".heights-0"))
    other.write_bytes(b"of another release")
    os.utime(path, (1, 1))
    kept = sum(one.stat().st_size for one in path.parent.glob("*.heights-*"))
    assert clear_heights(bounded(node.node, kept - 1)) == 2
    assert not other.exists()
    assert not path.exists(), "not looked at for longest"
    assert kept_heights(node.node, raw) is not None
    none = bounded(node.node, 0)
    assert kept_heights(none, raw) is None
    clear_heights(none)
    assert not list(node.node.settings.prepared.glob("??/*.heights-*"))


def bounded(node: Node, most: int) -> Node:
    return replace(node, settings=node.settings.model_copy(update={"heights_kept_bytes": most}))


def test_pictures_leave_the_disk_to_what_cannot_be_made_again(
    node: RunningNode, correlated: Callable[[str], str]
) -> None:
    """Below the reserve none is kept, and below twice the reserve no heights; those that were kept go."""
    found = find_scan(node.node, correlated("3-1"), 0)
    scan, paths = found.acquisition, thumbnail_paths(node.node, found.acquisition)
    free = shutil.disk_usage(node.node.settings.prepared).free
    full, short = reserving(node.node, 2 * free), reserving(node.node, free * 3 // 4)
    shown = shown_of(node.node, scan, Wanted(Form.FILTERED))
    path = heights_path(node.node, shown)
    assert path is not None
    assert path.is_file()
    assert clear_heights(node.node) == 0
    assert clear_heights(short) >= 1
    assert not path.exists()
    assert heights(short, shown)
    assert not path.exists()
    assert picture_paths(short, scan).heights is None
    assert picture_paths(short, scan).thumbnails == paths

    for picture in paths.values():
        picture.unlink()
    upkeep = PictureUpkeep(full)
    assert upkeep.step() is False, "it goes on when there is room"
    assert drawn_thumbnail(full, found), "who looks sees it nevertheless"
    assert not any(picture.exists() for picture in paths.values())
    assert picture_paths(full, scan).thumbnails == {}
    assert heights(node.node, shown) == kept_heights(node.node, shown)
    drawn(PictureUpkeep(short))
    assert all(picture.is_file() for picture in paths.values())


def test_a_step_that_found_no_room_has_passed_over_nothing(node: RunningNode, correlated: Callable[[str], str]) -> None:
    scan = find_scan(node.node, correlated("3-2"), 0).acquisition
    for picture in thumbnail_paths(node.node, scan).values():
        picture.unlink()
    upkeep = PictureUpkeep(node.node)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(picture_upkeep, "room_for_pictures", lambda _node: False)
        assert upkeep.step() is False
    drawn(upkeep)
    assert all(picture.is_file() for picture in thumbnail_paths(node.node, scan).values())


def reserving(node: Node, reserve: int) -> Node:
    return replace(node, settings=node.settings.model_copy(update={"min_free_bytes": reserve}))
