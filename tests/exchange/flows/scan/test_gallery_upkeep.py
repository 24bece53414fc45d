"""Galleries are filled and read again in steps: killed at any moment, what was done is kept and not done twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import matcher
from exchange.errors import StoreUnavailable
from exchange.flows.node.gallery_standing import CheckRound, GalleryStanding, last_round
from exchange.flows.node.node import Node, create_node, opened
from exchange.flows.operate.status import node_status
from exchange.flows.scan import gallery_upkeep
from exchange.flows.scan.gallery_check import check_galleries
from exchange.flows.scan.gallery_upkeep import make_gallery_whole, restore_galleries
from exchange.flows.scan.prepared_scans import acquisition_id_of
from matcher.gallery import growing
from schemas.vocabulary import Jurisdiction
from tests.load.archive import Archive, drawn

pytestmark = pytest.mark.slow

BREECH_FACE = matcher.DEFAULT_PARAMETERS
NAME = "breech_face, height"
COUNT, STEP, SHARD = 300, 32, 64

RUN = f"""
import sys
from pathlib import Path
from exchange.flows.node.node import opened
from exchange.flows.scan import gallery_upkeep
from matcher.gallery import growing

gallery_upkeep.STEP, growing.CAPACITY = {STEP}, {SHARD}
with opened(Path(sys.argv[1])) as node:
    print("begun", flush=True)
    gallery_upkeep.restore_galleries(node)
print("whole", flush=True)
"""


@pytest.fixture(scope="module")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a node whose records are all prepared, and whose galleries are not made."""
    folder = tmp_path_factory.mktemp("upkeep")
    create_node(folder / "rs", jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    with opened(folder / "rs") as node:
        Archive(node, (), ["ex1"]).add_own(COUNT, [drawn(folder / "scans", firearm) for firearm in range(4)])
    return folder / "rs"


@pytest.fixture
def home(filled_home: Path, tmp_path: Path) -> Path:
    shutil.copytree(filled_home, tmp_path / "rs", copy_function=os.link)
    for name in ("node.db", "ffp.db"):
        if (filled_home / name).exists():
            (tmp_path / "rs" / name).unlink()
            shutil.copy2(filled_home / name, tmp_path / "rs" / name)
    return tmp_path / "rs"


@pytest.fixture
def node(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    monkeypatch.setattr(gallery_upkeep, "STEP", STEP)
    monkeypatch.setattr(growing, "CAPACITY", SHARD)
    with opened(home) as found:
        yield found


def held(node: Node) -> list[int]:
    gallery = matcher.Gallery(node.galleries.folder(BREECH_FACE))
    return sorted(acquisition_id_of(name) for name in gallery.references())


def standing(node: Node) -> GalleryStanding:
    return next(one for one in node.galleries.standing() if one.gallery == NAME)


def last(node: Node) -> CheckRound | None:
    return last_round(node.galleries.folder(BREECH_FACE))


def rows_ever(node: Node) -> int:
    """Of the shards there are, with what was removed from them."""
    folder = node.galleries.folder(BREECH_FACE)
    return sum(growing.Shard(path).head()[0] for path in folder.glob("*/shard-*"))


def test_a_filling_that_is_killed_goes_on_where_it_stopped(home: Path) -> None:
    chance, kills, seen = random.Random(5), 0, [0]
    for _ in range(60):
        with subprocess.Popen([sys.executable, "-c", RUN, str(home)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            time.sleep(chance.uniform(0.0, 0.4))
            process.send_signal(signal.SIGKILL)
            whole = "whole" in process.stdout.read()
        with opened(home) as node:
            if node.galleries.standing():
                told = standing(node)
                seen.append(told.references)
                assert told.of is None or told.of >= COUNT
        if whole:
            break
        kills += 1
        if kills > 5 and seen[-1] == COUNT:
            break
    assert seen == sorted(seen), "nothing is lost"
    with opened(home) as node:
        restore_galleries(node)
        assert held(node) == list(range(1, COUNT + 1))
        assert rows_ever(node) == COUNT, "nothing was put in twice"
        assert matcher.Gallery(node.galleries.folder(BREECH_FACE)).verify() == ()
        assert standing(node).of is None
    print(f"\nkilled {kills} times, at {seen}")


def test_how_far_it_is_is_told_while_it_is_filled(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    assert node.galleries.standing() == ()
    told: list[str] = []
    append = gallery_upkeep.append

    def telling(*arguments: object) -> None:
        append(*arguments)  # type: ignore[arg-type]  # as they are
        told.append(standing(node).in_words)
        assert node_status(node).galleries == node.galleries.standing()

    monkeypatch.setattr(gallery_upkeep, "append", telling)
    make_gallery_whole(node, BREECH_FACE)
    assert told[:2] == [f"{NAME}: {STEP} of {COUNT}, being filled", f"{NAME}: {2 * STEP} of {COUNT}, being filled"]
    assert len(told) == -(-COUNT // STEP)
    assert standing(node).in_words == f"{NAME}: {COUNT}"


def test_a_step_that_fails_is_done_again(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    append, tries = gallery_upkeep.append, [0]

    def failing(*arguments: object) -> None:
        tries[0] += 1
        if tries[0] == 3:
            raise OSError(28, "No space left on device")
        append(*arguments)  # type: ignore[arg-type]  # as they are

    monkeypatch.setattr(gallery_upkeep, "append", failing)
    with pytest.raises(StoreUnavailable, match="No space left"):
        make_gallery_whole(node, BREECH_FACE)
    assert not node.galleries.is_whole(BREECH_FACE)
    assert standing(node).references == 2 * STEP
    make_gallery_whole(node, BREECH_FACE)
    assert held(node) == list(range(1, COUNT + 1))


def test_two_processes_fill_it_together(node: Node) -> None:
    """One step each in turn; what the other has put in is not put in again."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN, str(node.settings.home)], stdout=subprocess.PIPE, text=True
    ) as two:
        restore_galleries(node)
        assert two.stdout is not None
        assert "whole" in two.stdout.read()
    assert held(node) == list(range(1, COUNT + 1))
    assert rows_ever(node) == COUNT


def test_all_shards_are_read_again_and_what_is_damaged_is_made_again(home: Path, node: Node) -> None:
    make_gallery_whole(node, BREECH_FACE)
    check_galleries(node)
    first = last(node)
    assert first is not None
    assert (len(first.shards), first.ended) == (1, None)
    shards = matcher.Gallery(node.galleries.folder(BREECH_FACE)).shards()
    struck = next(node.galleries.folder(BREECH_FACE).glob(f"*/{shards[2]}/blobs"))
    with struck.open("r+b") as file:
        file.write(b"struck")
    node.galleries.close()
    with opened(home) as again:  # another process goes on
        for _ in shards[1:]:
            assert standing(again).checked < len(shards)
            check_galleries(again)
        done = last(again)
        assert done is not None
        assert done.began == first.began
        assert done.ended is not None
        assert held(again) == list(range(1, COUNT + 1))
        assert matcher.Gallery(again.galleries.folder(BREECH_FACE)).verify() == ()
        check_galleries(again)
        assert last(again) == done, "until the week is over"
        (again.galleries.folder(BREECH_FACE) / "checked").write_bytes(b"{")
        check_galleries(again)
        assert last(again) != done
