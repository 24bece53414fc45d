"""Paths of tiles and the hashes that they hold, against the examples of the specification."""

from __future__ import annotations

import bisect
import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.errors import NotFound
from exchange.log import merkle
from exchange.log.tiles import Tile, parse_path, tiles_of


def widest(size: int) -> list[Tile]:
    """The widest existing tile at every place of a log, level by level, as far as they exist."""
    tiles = []
    for level in range(4):
        for index in itertools.count():
            width = bisect.bisect_left(
                range(1, 257), True, key=lambda wide: not Tile(level, index, wide).exists_in(size)
            )
            if width == 0:
                break
            tiles.append(Tile(level, index, width))
    return tiles


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 999), "tile/0/999"),
        (Tile(0, 1000), "tile/0/x001/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(1, 1234067, 112), "tile/1/x001/x234/067.p/112"),
        (Tile(2, 0, 1), "tile/2/000.p/1"),
        (Tile(63, 5, 255), "tile/63/005.p/255"),
    ],
)
def test_paths_are_those_of_the_specification(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert parse_path(path) == tile


@given(st.builds(Tile, st.integers(0, 63), st.integers(0, merkle.MAX_SIZE // 256), st.integers(1, 256)))
def test_every_tile_is_found_under_its_path(tile: Tile) -> None:
    assert parse_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/1234067",
        "tile/0/x000/000",
        "tile/0/x000/x001/000",
        "tile/0/001/234",
        "tile/0/x001/x234",
        "tile/0/x001/x234/x067",
        "tile/0/X001/234",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/-01",
        "tile/0/+01",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/1000",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000/",
        "tile/0/000\n",
        " tile/0/000",
        "/tile/0/000",
        "tile/0/../000",
        "tile/0/٠٠٠",
        "tile/entries/000",
        "tile/0/" + "x999/" * 6 + "999",
        "tile/0/" + "x001/" * 2000 + "000",
    ],
)
def test_every_other_path_is_refused(path: str) -> None:
    with pytest.raises(NotFound):
        parse_path(path)


@given(st.text(alphabet="tile/0123x.p", max_size=24).map(lambda tail: "tile/0/" + tail))
def test_what_is_accepted_is_spelt_as_it_is_served(path: str) -> None:
    try:
        tile = parse_path(path)
    except NotFound:
        return
    assert tile.path == path


@pytest.mark.parametrize("numbers", [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 2**55, 1), (0, 0, 0), (0, 0, 257)])
def test_no_log_has_such_a_tile(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(NotFound):
        Tile(*numbers)


def test_a_log_of_70000_leaves_has_the_tiles_that_the_specification_counts() -> None:
    counted = Counter((tile.level, tile.width) for tile in tiles_of(70_000))
    assert counted == {(0, 256): 273, (0, 112): 1, (1, 256): 1, (1, 17): 1, (2, 1): 1}


@pytest.mark.parametrize(
    ("size", "widths"),
    [(0, []), (1, [(0, 1)]), (255, [(0, 255)]), (256, [(0, 256), (1, 1)]), (257, [(0, 256), (0, 1), (1, 1)])],
)
def test_tiles_of_small_logs(size: int, widths: list[tuple[int, int]]) -> None:
    assert [(tile.level, tile.width) for tile in tiles_of(size)] == widths


@given(st.integers(0, 5_000))
def test_the_tiles_of_a_log_hold_exactly_its_complete_subtrees_of_every_eighth_level(size: int) -> None:
    tiles = list(tiles_of(size))
    assert tiles == widest(size)
    for level in range(4):
        held = [node for tile in tiles if tile.level == level for node in tile.nodes]
        assert held == [(8 * level, index) for index in range(size >> 8 * level)]


def test_the_hashes_of_a_tile_are_nodes_of_the_tree() -> None:
    assert Tile(0, 3, 2).nodes == [(0, 768), (0, 769)]
    assert Tile(1, 0, 3).nodes == [(8, 0), (8, 1), (8, 2)]
    assert Tile(2, 1).nodes[-1] == (16, 511)


def test_a_root_can_be_computed_from_the_tiles_alone() -> None:
    rows: dict[tuple[int, int], bytes] = {}
    size = 700
    for index in range(size):
        leaf = merkle.leaf_hash(index.to_bytes(2, "big"))
        rows.update({(level, at): value for level, at, value in merkle.appended(index, leaf, lambda *node: rows[node])})
    served = {node: rows[node] for tile in tiles_of(size) for node in tile.nodes}

    def from_tiles(level: int, index: int) -> bytes:
        if (level, index) in served:
            return served[level, index]
        return merkle.node_hash(from_tiles(level - 1, 2 * index), from_tiles(level - 1, 2 * index + 1))

    assert merkle.root(size, from_tiles) == merkle.root(size, lambda *node: rows[node])
