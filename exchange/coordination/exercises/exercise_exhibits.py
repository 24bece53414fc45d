"""What the pages show of an exercise's two exhibits: heights for the comparison viewer and, once it was answered, the
picture with lit cells. Made in the node's worker processes and kept in the folder; nothing enters the node's own store.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import matcher
from exchange.coordination.exercises.exercise_folder import KeptSet, exhibit_files
from exchange.errors import NotFound
from exchange.flows.node.node import Node
from exchange.flows.scan.encode_heights import MOST_DRAWN, ShownHeights, encoded_heights
from exchange.flows.scan.heights import Form
from exchange.flows.scan.inspect import write_whole

SIDES: Final = ("a", "b")


def exercise_heights(node: Node, kept: KeptSet, number: int, side: str, form: Form) -> bytes:
    """As ``matcher.draw.display`` encodes them, gzipped. Raises NotFound of a question, ComputeFailed."""
    scans = list(exhibit_files(kept, number))
    if side not in SIDES or not scans:
        raise NotFound("There is no such exhibit.")
    path, sha256 = scans[SIDES.index(side)]
    pipeline = matcher.DEFAULT_PARAMETERS.digest if form is Form.FILTERED else None
    shown = ShownHeights(path, sha256, MOST_DRAWN, photograph=False, um_per_pixel=None, pipeline=pipeline)
    drawn = kept.path / "drawn" / shown.file_name
    return _kept(drawn) or _keep(drawn, node.compute.run(encoded_heights, shown))


def exercise_picture(node: Node, kept: KeptSet, number: int) -> bytes:
    """Both exhibits in one registered frame under one light, the cells that agree lit: PNG. For whoever has answered.

    Raises NotFound of a question, ComputeFailed.
    """
    scans = [path for path, _ in exhibit_files(kept, number)]
    if len(scans) != len(SIDES):
        raise NotFound("There is no such picture.")
    drawn = kept.path / "drawn" / f"{number:02d}.png"
    return _kept(drawn) or _keep(drawn, node.compute.run(draw_exercise, *scans))


def draw_exercise(one: Path, other: Path) -> bytes:
    """In a worker process: compared anew, so that the picture is that of the comparison in the answers."""
    from matcher.draw.draw_pair import draw_pair

    first, second = matcher.read_topography(one), matcher.read_topography(other)
    comparison = matcher.compare(matcher.prepare(first), matcher.prepare(second))
    return draw_pair(first, second, comparison, matcher.DEFAULT_PARAMETERS)


def _kept(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() and path.stat().st_size else None


def _keep(path: Path, content: bytes) -> bytes:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_whole(content, path)
    return content
