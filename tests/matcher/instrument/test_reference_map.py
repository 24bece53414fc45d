"""What is kept of a first scan: the same heights come back, and nothing else is believed."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from matcher import DEFAULT_PARAMETERS, ScanRefused, Topography
from matcher.instrument.reference_map import FINEST_UM, ReferenceMap, map_of
from matcher.synthetic.breech_face import draw


@pytest.fixture(scope="module")
def kept() -> ReferenceMap:
    return map_of(draw(4, 1, raw=True), DEFAULT_PARAMETERS)


def test_its_bytes_lose_nothing(kept: ReferenceMap) -> None:
    back = ReferenceMap.from_bytes(kept.to_bytes())
    assert np.array_equal(back.topography.heights_um, kept.topography.heights_um, equal_nan=True)
    assert back.topography.spacing_um == kept.topography.spacing_um
    assert back.to_bytes() == kept.to_bytes()


def test_heights_are_kept_to_a_few_nanometres() -> None:
    scan = draw(4, 1, raw=True)
    kept = map_of(scan, DEFAULT_PARAMETERS)
    assert kept.step_um < 0.02
    assert kept.topography.heights_um.shape == scan.heights_um.shape, "it is no larger than the aperture"
    off = (kept.topography.heights_um - scan.heights_um).astype(np.float64)
    assert np.nanmax(np.abs(off - np.nanmedian(off))) <= kept.step_um


@pytest.mark.slow
def test_a_large_and_fine_scan_is_bounded() -> None:
    """Of a field of 9 x 9 mm in points of 3 um, the surroundings of the mark in points of 6 um."""
    scan = draw(4, 1, raw=True)
    large = np.full((3000, 3000), np.nan, np.float32)
    fine = np.kron(scan.heights_um, np.ones((2, 2), np.float32))
    large[900 : 900 + len(fine), 500 : 500 + len(fine)] = fine
    kept = map_of(Topography(large, (3.125, 3.125)), DEFAULT_PARAMETERS)
    assert max(kept.topography.heights_um.shape) * FINEST_UM < 5000.0
    assert kept.topography.spacing_um == (6.25, 6.25)
    assert len(kept.to_bytes()) < 1_500_000


def test_spikes_make_no_coarse_steps() -> None:
    scan = draw(4, 1, raw=True)
    spiked = scan.heights_um.copy()
    spiked[360, 360] = 40_000.0
    kept = map_of(Topography(spiked, scan.spacing_um), DEFAULT_PARAMETERS)
    assert kept.step_um < 0.02
    assert np.isnan(kept.topography.heights_um[360, 360])


def _packed(rows: int, columns: int, content: bytes, spacing: float = 6.25, step: float = 0.01) -> bytes:
    return struct.pack("<8s2I3d", b"FFPspec1", rows, columns, spacing, spacing, step) + content


DAMAGED = {
    "nothing": b"",
    "another file": b"PK\x03\x04" + bytes(100),
    "cut": lambda good: good[:-40],
    "a flipped byte": lambda good: good[:200] + bytes([good[200] ^ 1]) + good[201:],
    "more than it states": _packed(2, 2, zlib.compress(bytes(10))),
    "less than it states": _packed(2, 2, zlib.compress(bytes(6))),
    "a bomb": _packed(8, 8, zlib.compress(bytes(50_000_000))),
    "a huge size": _packed(2**31, 2**31, zlib.compress(bytes(8))),
    "no size": _packed(0, 4, zlib.compress(b"")),
    "no spacing": _packed(2, 2, zlib.compress(bytes(8)), spacing=0.0),
    "a spacing that is no number": _packed(2, 2, zlib.compress(bytes(8)), spacing=float("nan")),
    "no step": _packed(2, 2, zlib.compress(bytes(8)), step=float("inf")),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_damaged_is_refused(kept: ReferenceMap, name: str) -> None:
    data = DAMAGED[name]
    with pytest.raises(ScanRefused, match="The kept reference") as refused:
        ReferenceMap.from_bytes(data if isinstance(data, bytes) else data(kept.to_bytes()))
    assert refused.value.reason == "reference-damaged"
