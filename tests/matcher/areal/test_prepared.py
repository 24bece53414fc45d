from __future__ import annotations

import hashlib
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher import (
    DEFAULT_PARAMETERS,
    MatcherError,
    NotComparable,
    Parameters,
    Prepared,
    ScanRefused,
    Topography,
    compare,
    prepare,
)
from matcher.areal.comparison import ComparisonView, register_pair
from matcher.numeric.packed import PackedGrid


def read_or_reason(data: bytes) -> Prepared | str:
    """All of it: the grids too, which are unpacked when first asked for."""
    try:
        scan = Prepared.from_bytes(data)
        assert scan.coarse.shape == scan.coarse_weights.shape
        assert scan.fine.shape == scan.fine_weights.shape
    except ScanRefused as error:
        return error.reason
    return scan


def test_bytes_there_and_back_give_the_same_scores_to_the_last_bit(
    prepared: dict[tuple[int, int], Prepared],
) -> None:
    one, other = prepared[0, 0], prepared[0, 1]
    again = Prepared.from_bytes(one.to_bytes())
    assert again.digest == one.digest
    assert again.to_bytes() == one.to_bytes()
    assert compare(again, other) == compare(one, other)
    for name in ("coarse", "coarse_weights", "fine", "fine_weights", "descriptor"):
        np.testing.assert_array_equal(getattr(again, name), getattr(one, name))
    assert (again.centre_um, again.parameters_digest) == (one.centre_um, one.parameters_digest)


def test_a_prepared_scan_is_small_and_cannot_be_written_to(prepared: dict[tuple[int, int], Prepared]) -> None:
    scan = prepared[0, 0]
    assert len(scan.to_bytes()) < 120_000
    with pytest.raises(ValueError, match="read-only"):
        scan.coarse[0, 0] = 1


def test_preparing_again_gives_the_same_content(
    scans: dict[tuple[int, int], Topography], prepared: dict[tuple[int, int], Prepared]
) -> None:
    assert prepare(scans[1, 0]).to_bytes() == prepared[1, 0].to_bytes()


@given(data=st.data())
def test_damaged_bytes_are_refused_never_believed(
    prepared: dict[tuple[int, int], Prepared], data: st.DataObject
) -> None:
    good = prepared[0, 0].to_bytes()
    place = data.draw(st.integers(0, len(good) - 1))
    flipped = bytearray(good)
    flipped[place] ^= 1 << data.draw(st.integers(0, 7))
    for bad in (bytes(flipped), good[:place], good + b"\0"):
        read = read_or_reason(bad)
        if isinstance(read, Prepared):  # a zlib stream has a few bits without meaning
            assert read.digest == prepared[0, 0].digest
            np.testing.assert_array_equal(read.fine, prepared[0, 0].fine)
            np.testing.assert_array_equal(read.coarse_weights, prepared[0, 0].coarse_weights)
        else:
            assert read == "prepared-scan-damaged"


def test_a_grid_whose_lengths_contradict_its_bits_is_refused_although_its_digest_agrees() -> None:
    weights = np.zeros((160, 160), np.uint8)
    weights[10:20, 10:20] = 200
    good = PackedGrid.pack(np.ones((160, 160), np.int8), weights)
    np.testing.assert_array_equal(good.weights, weights)
    np.testing.assert_array_equal(good.heights, weights > 0)
    bits = np.packbits(weights > 0).tobytes() + b"\xff" * 13
    for row, values in ((bits, b"\1" * 199), (bits[:-1], b"\1" * 200), (bits + b"\0", b"\1" * 200), (b"", b"")):
        bad = PackedGrid(zlib.compress(row) + values, hashlib.sha256(row + values).digest(), 160)
        with pytest.raises(ScanRefused, match="prepare it again"):
            _ = bad.heights


def test_the_coarse_stage_reads_nothing_of_the_fine_grid(prepared: dict[tuple[int, int], Prepared]) -> None:
    scan, other = prepared[0, 0], prepared[0, 1]
    without_fine = scan.to_bytes()
    without_fine = without_fine[: -len(scan.fine_grid.data)] + bytes(len(scan.fine_grid.data))
    read = Prepared.from_bytes(memoryview(without_fine))
    registration = register_pair(ComparisonView(read, DEFAULT_PARAMETERS), ComparisonView(other, DEFAULT_PARAMETERS))
    assert registration == register_pair(
        ComparisonView(scan, DEFAULT_PARAMETERS), ComparisonView(other, DEFAULT_PARAMETERS)
    )
    with pytest.raises(ScanRefused, match="prepare it again"):
        compare(read, other)


def test_nothing_longer_than_a_prepared_scan_is_looked_at() -> None:
    with pytest.raises(ScanRefused):
        Prepared.from_bytes(b"FFPprep3" + bytes(10_000_000))


def test_scans_of_other_parameters_are_not_compared(
    scans: dict[tuple[int, int], Topography], prepared: dict[tuple[int, int], Prepared]
) -> None:
    other = prepare(scans[0, 1], Parameters(max_shift_um=400.0))
    with pytest.raises(NotComparable, match="prepare it again"):
        compare(prepared[0, 0], other)
    assert issubclass(NotComparable, MatcherError)
