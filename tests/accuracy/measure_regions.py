"""Measures where marks are found: ``python -m tests.accuracy.measure_regions [FOLDER]``, a minute.

Raw scans against the masks that a laboratory made of the same exhibits by hand, then drawn scans against the true mark.
The tables of docs/segmentation.md are what this prints. In FOLDER each raw scan is drawn with both masks: red the
laboratory's, green what was found.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from matcher import DEFAULT_PARAMETERS, Comparison, Topography, compare, prepare, read_topography
from matcher.draw.quality_picture import draw_surface
from matcher.mark.level import LevelledMark, level_mark
from matcher.numeric.plane import Mask
from tests.matcher.mark.test_find_mark import SCENES, agreement
from tests.matcher.synthetic.scene import draw_scene

RAW = ("1-1", "1-2", "2-1")
FIREARMS = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class FoundRegion:
    """The mark found on a raw scan, and the laboratory's mask laid on it, both on the mark's grid.

    ``overlap``: intersection over union; ``outside``: share of what was found that the mask leaves out; ``missed``:
    share of the mask that was not found; ``comparison``: the levelled scan, moved onto the raw one.
    """

    raw: Topography
    mark: LevelledMark
    found: Mask
    given: Mask
    comparison: Comparison

    @property
    def overlap(self) -> float:
        return float((self.found & self.given).sum() / (self.found | self.given).sum())

    @property
    def outside(self) -> float:
        return float((self.found & ~self.given).sum() / self.found.sum())

    @property
    def missed(self) -> float:
        return float((self.given & ~self.found).sum() / self.given.sum())


def against_the_laboratorys(data: Path, name: str) -> FoundRegion:
    """What is found on a raw scan, beside the laboratory's mask of the same exhibit.

    1. Register the levelled scan to the raw one by their heights.
    2. Find the mark on the raw scan.
    3. Lay the mask on it. Single missing points count as measured in both.
    """
    # 1.
    given = read_topography(data / "fadul" / f"Fadul {name}.x3p")
    raw = read_topography(data / "fadul-raw" / f"Fadul {name} raw.x3p")
    comparison = compare(prepare(given), prepare(raw))

    # 2.
    mark = level_mark(raw, DEFAULT_PARAMETERS)

    # 3.
    laid = _laid_on(comparison, _closed(np.isfinite(given.heights_um)), given.spacing_um, mark)
    return FoundRegion(raw, mark, _closed(mark.weights > 0), laid, comparison)


def _closed(mask: Mask) -> Mask:
    return np.asarray(cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0)


def _laid_on(comparison: Comparison, mask: Mask, spacing_um: tuple[float, float], mark: LevelledMark) -> Mask:
    """The mask of scan a, at the points of the mark of scan b."""
    rows, columns = mark.weights.shape
    expected = np.add(comparison.centre_b_um, comparison.shift_um)
    dy = (mark.origin_um[0] + np.arange(rows) * mark.spacing_um[0] - expected[0])[:, None]
    dx = (mark.origin_um[1] + np.arange(columns) * mark.spacing_um[1] - expected[1])[None, :]
    cosine, sine = np.cos(np.deg2rad(comparison.rotation_deg)), np.sin(np.deg2rad(comparison.rotation_deg))
    y = (cosine * dy - sine * dx + comparison.centre_a_um[0]) / spacing_um[0]
    x = (cosine * dx + sine * dy + comparison.centre_a_um[1]) / spacing_um[1]
    laid = cv2.remap(mask.astype(np.float32), x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
    return np.asarray(laid > 0.5)


def draw_region(region: FoundRegion, path: Path) -> None:
    panel, um_a_pixel = draw_surface(region.raw)
    picture = np.array(panel)
    (oy, ox), (sy, sx) = region.mark.origin_um, region.mark.spacing_um
    to_mark = np.array([[um_a_pixel / sx, 0.0, -ox / sx], [0.0, um_a_pixel / sy, -oy / sy]])
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    for mask, colour in ((region.given, (255, 70, 70)), (region.found, (94, 220, 172))):
        on_panel = cv2.warpAffine(mask.view(np.uint8), to_mark, panel.size, flags=flags)
        contours, _ = cv2.findContours(on_panel, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, contours, -1, colour, 2)
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def main() -> None:
    cv2.setNumThreads(1)
    print("| raw scan | overlap | outside the mask | missed | score of the registration |\n|---|---|---|---|---|")
    for name in RAW:
        region = against_the_laboratorys(Path(os.environ["FFP_DATA"]), name)
        figures = f"{region.overlap:.3f} | {region.outside:.1%} | {region.missed:.1%} | {region.comparison.score:.3f}"
        print(f"| {name} | {figures} |", flush=True)
        if len(sys.argv) > 1:
            draw_region(region, Path(sys.argv[1]) / f"region {name}.png")
    print("\n| scene | overlap | leaked | lost |\n|---|---|---|---|")
    for kind, drawn in SCENES.items():
        scenes = [draw_scene(firearm, 1, drawn) for firearm in FIREARMS]
        agreed = [agreement(scene, level_mark(scene.topography, DEFAULT_PARAMETERS)) for scene in scenes]
        overlap, leaked, lost = np.mean([(one.overlap, one.leaked, one.lost) for one in agreed], axis=0)
        print(f"| {kind} | {overlap:.2f} | {leaked:.1%} | {lost:.1%} |", flush=True)


if __name__ == "__main__":
    main()
