from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matcher import Lighting, Topography, compare_scans, write_topography
from matcher.evaluate.conditions import Conditions
from matcher.evaluate.run_evaluation import evaluate
from matcher.numeric.plane import Mask, blurred, ratio
from matcher.read.photograph import Photograph
from matcher.synthetic import breech_face
from matcher.synthetic.render import photographed, render


def test_what_faces_the_light_is_bright(scans: dict[tuple[int, int], Topography]) -> None:
    """A drawn dome in the mark: its right side is the brighter one under light from the right."""
    scan = scans[0, 0]
    heights = scan.heights_um.copy()
    y, x = np.indices(heights.shape) * scan.spacing_um[0]
    row, column = 90, 280
    assert np.isfinite(heights[row - 40 : row + 40, column - 40 : column + 40]).all()
    dome = 20.0 * np.exp(-((y - row * 6.25) ** 2 + (x - column * 6.25) ** 2) / 2 / 80.0**2)
    domed = Topography((0.02 * heights + dome).astype(np.float32), scan.spacing_um)
    sides = {}
    for name, azimuth in (("right", 0.0), ("below", 90.0)):
        light = render(domed, Lighting("side", azimuth)).brightness
        sides[name] = (
            light[row, column + 13] - light[row, column - 13],
            light[row + 13, column] - light[row - 13, column],
        )
    assert sides["right"][0] > 0.3
    assert sides["below"][1] > 0.3
    assert abs(sides["right"][1]) < 0.15


def test_a_render_is_deterministic_exposed_and_masked(scans: dict[tuple[int, int], Topography]) -> None:
    scan = scans[0, 1]
    one, again = (render(scan, Lighting("ring")) for _ in range(2))
    np.testing.assert_array_equal(one.brightness, again.brightness)
    assert not np.isfinite(one.brightness[np.isnan(scan.heights_um)]).any()
    levels = one.brightness[np.isfinite(one.brightness)] * 255.0
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-3)
    assert np.percentile(levels, [0.5, 99.5]) == pytest.approx([12.75, 242.25], abs=1.0)


def test_only_light_with_a_direction_can_be_drawn(scans: dict[tuple[int, int], Topography]) -> None:
    for lighting in (Lighting("side"), Lighting()):
        with pytest.raises(ValueError, match="azimuth"):
            render(scans[0, 0], lighting)


def test_the_hour_is_noted_within_fifteen_degrees(scans: dict[tuple[int, int], Topography]) -> None:
    noted = [photographed(scans[0, 0], "side", np.random.default_rng(seed)).lighting.azimuth_deg for seed in range(3)]
    for seed, azimuth in enumerate(noted):
        real = np.random.default_rng(seed).uniform(0.0, 360.0)
        assert azimuth is not None
        assert azimuth % 30.0 == 0.0
        assert abs((azimuth - real + 180.0) % 360.0 - 180.0) <= 15.0
    assert photographed(scans[0, 0], "side-unnoted", np.random.default_rng(0)).lighting == Lighting("side")
    assert photographed(scans[0, 0], "ring", np.random.default_rng(0)).lighting == Lighting("ring")


@pytest.mark.slow
def test_stains_glints_defocus_and_uneven_light_leave_the_mark_comparable(
    scans: dict[tuple[int, int], Topography],
) -> None:
    rng = np.random.default_rng(8)
    dirty = {key: spoiled(render(scan, Lighting("side", 40.0)), rng) for key, scan in scans.items() if key[0] < 2}
    same = [compare_scans(dirty[firearm, 0], scans[firearm, 1]).comparison.score for firearm in range(2)]
    other = [compare_scans(dirty[a, 0], scans[b, 1]).comparison.score for a, b in ((0, 1), (1, 0))]
    assert min(same) > max(other)
    assert not np.array_equal(
        dirty[0, 0].brightness, spoiled(render(scans[0, 0], Lighting("side", 40.0)), rng).brightness
    )


@pytest.mark.slow
def test_photographs_compare_with_topographies_either_way_up(scans: dict[tuple[int, int], Topography]) -> None:
    photograph = render(scans[1, 0], Lighting("side", 120.0))
    pair = compare_scans(photograph, scans[1, 1])
    turned = compare_scans(scans[1, 1], photograph.mirrored())
    assert not pair.mirrored
    assert turned.mirrored
    assert turned.comparison.score == pair.comparison.score > 0.6
    assert compare_scans(photograph, scans[2, 1]).comparison.score < 0.5


@pytest.mark.slow
def test_an_evaluation_on_renders(tmp_path: Path) -> None:
    rows = ["scan,firearm"]
    for firearm, shot in ((0, 0), (0, 1), (1, 0), (1, 1)):
        write_topography(breech_face.draw(firearm, shot), tmp_path / f"{firearm}-{shot}.x3p", instrument="drawn")
        rows.append(f"{firearm}-{shot},{firearm}")
    truth = tmp_path / "truth.csv"
    truth.write_text("\n".join(rows) + "\n", encoding="utf-8")
    among = evaluate(tmp_path, truth, Conditions(rotate=2, render="side-unnoted"), with_controls=False)
    against = Conditions(rotate=2, render="side", against="topography")
    across = evaluate(tmp_path, truth, against, with_controls=False)
    assert (among.n_km, among.n_knm) == (2, 4)
    assert (across.n_km, across.n_knm) == (4, 8)
    assert (among.rank1, across.rank1) == (1.0, 1.0)
    assert across.conditions == against


_STAINS, _GLINTS = 25, 12
_STAIN_UM, _GLINT_UM = (30.0, 150.0), (20.0, 60.0)
_DEFOCUS_UM = 8.0
_UNEVEN = 0.4
_NOISE = 0.015


def spoiled(photograph: Photograph, rng: np.random.Generator) -> Photograph:
    """The photograph as a hurried laboratory takes it.

    1. Stains of 30 to 150 um radius that take up to 60 % of the light; glints of 20 to 60 um at full scale.
    2. Defocus: a Gaussian of 8 um deviation.
    3. Light that falls off by 40 % to either side; noise of 1.5 % of full scale; 8 bits again.

    Each alone harms little, all together are too much for ring light (see the figures in the documents).
    """
    # 1.
    brightness, inside = photograph.brightness, np.isfinite(photograph.brightness)
    light = np.where(inside, brightness, np.float32(0))
    high, wide = (points * um for points, um in zip(light.shape, photograph.um_per_pixel, strict=True))
    y = np.arange(light.shape[0], dtype=np.float32)[:, None] * np.float32(photograph.um_per_pixel[0])
    x = np.arange(light.shape[1], dtype=np.float32)[None, :] * np.float32(photograph.um_per_pixel[1])

    def spots(number: int, radii_um: tuple[float, float]) -> Iterator[Mask]:
        for _ in range(number):
            centre = rng.uniform(0.0, high), rng.uniform(0.0, wide)
            yield np.asarray(np.hypot(y - centre[0], x - centre[1]) < rng.uniform(*radii_um))

    for spot in spots(_STAINS, _STAIN_UM):
        light[spot] *= rng.uniform(0.4, 0.9)
    for spot in spots(_GLINTS, _GLINT_UM):
        light[spot] = 1.0

    # 2.
    sigma = (_DEFOCUS_UM / photograph.um_per_pixel[0], _DEFOCUS_UM / photograph.um_per_pixel[1])
    light = ratio(blurred(light * inside, sigma), blurred(inside.astype(np.float32), sigma))

    # 3.
    direction = rng.uniform(0.0, 2.0 * np.pi)
    along = (x / wide - 0.5) * np.cos(direction) + (y / high - 0.5) * np.sin(direction)
    light = light * (1.0 - 2.0 * _UNEVEN * along) / (1.0 + _UNEVEN) + rng.normal(0.0, _NOISE, light.shape)
    rounded = np.rint(np.clip(light, 0.0, 1.0) * 255.0) / 255.0
    own = np.where(inside, rounded, np.nan).astype(np.float32)
    own.flags.writeable = False
    return replace(photograph, brightness=own)
