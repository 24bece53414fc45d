"""A few drawn scans, prepared once for all tests of the matcher."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from matcher import Prepared, Topography, prepare
from matcher.synthetic import breech_face


@pytest.fixture(scope="session")
def scans() -> dict[tuple[int, int], Topography]:
    """Three firearms, two shots each: (firearm, shot) to scan."""
    return {(firearm, shot): breech_face.draw(firearm, shot) for firearm in range(3) for shot in range(2)}


@pytest.fixture(scope="session")
def prepared(scans: dict[tuple[int, int], Topography]) -> dict[tuple[int, int], Prepared]:
    return {key: prepare(scan) for key, scan in scans.items()}


@pytest.fixture(scope="session")
def load(prepared: dict[tuple[int, int], Prepared]) -> Callable[[int], Prepared]:
    """The gallery of all prepared scans, by row."""
    gallery = list(prepared.values())
    return gallery.__getitem__
