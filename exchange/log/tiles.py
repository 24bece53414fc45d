"""Tiles (C2SP tlog-tiles): the hashes of a log as static files, from which a peer computes any proof itself.

A tile of level L holds up to 256 consecutive hashes of tree level 8 * L. It is served under
`tile/<L>/<N>[.p/<W>]`: N its index in groups of three digits, W its width when it is not full. Bundles of entries are
not served: the leaf data is the SHA-256 of an envelope, and the envelopes themselves go to entitled peers alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from exchange.errors import NotFound
from exchange.log import merkle

TILE_WIDTH: Final = 256
_LEVELS_A_TILE: Final = 8
_MAX_LEVEL: Final = 63
_MAX_INDEX: Final = merkle.MAX_SIZE // TILE_WIDTH
_PATH: Final = re.compile(
    r"tile/(?P<level>0|[1-9][0-9]?)"
    r"/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True)
class Tile:
    """The tile `index` of `level`, with `width` hashes: 1 to 255 in a partial tile, 256 in a full one.

    Raises NotFound when no tile can have these numbers.
    """

    level: int
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if not (0 <= self.level <= _MAX_LEVEL and 0 <= self.index <= _MAX_INDEX and 1 <= self.width <= TILE_WIDTH):
            raise NotFound(f"no log has a tile {self.level}/{self.index} of width {self.width}")

    @property
    def path(self) -> str:
        """`tile/<L>/<N>[.p/<W>]`; index 1234067 is written x001/x234/067."""
        digits = str(self.index)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        index = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{self.level}/{index}{partial}"

    @property
    def nodes(self) -> list[tuple[int, int]]:
        """(level, index) in the tree (see `merkle`) of each hash that the tile holds, in order."""
        first = self.index * TILE_WIDTH
        return [(self.level * _LEVELS_A_TILE, first + offset) for offset in range(self.width)]

    def exists_in(self, size: int) -> bool:
        """Whether a log of `size` leaves has all hashes of this tile."""
        return self.index * TILE_WIDTH + self.width <= size >> self.level * _LEVELS_A_TILE


def tiles_of(size: int) -> Iterator[Tile]:
    """The tiles of a log of `size` leaves, each at its full width, level by level, the full ones of a level first."""
    for level in range(_MAX_LEVEL + 1):
        full, rest = divmod(size >> level * _LEVELS_A_TILE, TILE_WIDTH)
        if not full and not rest:
            return
        yield from (Tile(level, index) for index in range(full))
        if rest:
            yield Tile(level, full, rest)


def parse_path(path: str) -> Tile:
    """The tile under this path. Raises NotFound for every other spelling of it, as for what is no tile's path."""
    parts = _PATH.fullmatch(path)
    if parts is None:
        raise NotFound("this is no path of a tile")
    index = int(parts["index"].replace("x", "").replace("/", ""))
    tile = Tile(int(parts["level"]), index, int(parts["width"] or TILE_WIDTH))
    if tile.path != path:
        raise NotFound(f"this tile is served under {tile.path} alone")
    return tile
