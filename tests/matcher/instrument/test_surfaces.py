"""A specimen must tell one place from another: planes, steps, lines and grids are refused, marks are not."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from matcher import DEFAULT_PARAMETERS, FIRING_PIN_PARAMETERS, ScanNotUsable, Topography, read_topography
from matcher.instrument.reference_map import map_of
from matcher.instrument.surfaces import require_texture
from matcher.synthetic.breech_face import draw

Heights = NDArray[np.float64]
Y, X = np.mgrid[:640, :640] * 6.25
ARTEFACTS: dict[str, tuple[Callable[[], Heights], str]] = {
    "a plane": (lambda: 0.001 * Y, "as noise is"),
    "one step": (lambda: 5.0 * (X > 2000.0), "looks alike"),
    "several steps": (lambda: 5.0 * ((X // 800.0) % 2), "looks alike"),
    "a grid": (lambda: 1.0 * ((np.sin(X / 16.0) > 0.0) & (np.sin(Y / 16.0) > 0.0)), "looks alike"),
    "lines": (lambda: np.sin((X + 0.3 * Y) / 16.0), "looks alike"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ARTEFACTS)
def test_what_looks_alike_wherever_it_is_laid_is_refused(name: str) -> None:
    make, reason = ARTEFACTS[name]
    noisy = make() + np.random.default_rng(0).normal(0.0, 0.01, X.shape)
    kept = map_of(Topography(noisy.astype(np.float32), (6.25, 6.25)), DEFAULT_PARAMETERS)
    with pytest.raises(ScanNotUsable, match=reason):
        require_texture(kept.topography, DEFAULT_PARAMETERS)


@pytest.mark.slow
def test_drawn_marks_of_each_class_are_taken() -> None:
    for firearm in range(8):
        require_texture(map_of(draw(firearm, 1), DEFAULT_PARAMETERS).topography, DEFAULT_PARAMETERS)


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["fadul", "weller"])
def test_real_marks_are_taken(ffp_data: Path, folder: str) -> None:
    rows = list(csv.DictReader((ffp_data / folder / "truth.csv").read_text(encoding="utf-8").splitlines()))
    for row in rows[::5]:
        scan = read_topography(ffp_data / folder / f"{row['scan']}.x3p")
        require_texture(map_of(scan, DEFAULT_PARAMETERS).topography, DEFAULT_PARAMETERS)


@pytest.mark.slow
def test_a_real_firing_pin_impression_is_taken(ffp_data: Path) -> None:
    scan = read_topography(ffp_data / "firing-pin" / "Klein_non_replica_mode.al3d")
    require_texture(map_of(scan, FIRING_PIN_PARAMETERS).topography, FIRING_PIN_PARAMETERS)
