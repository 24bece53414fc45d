from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher import MatcherError, NotComparable, Parameters, Prepared, ScanRefused, Topography, compare, prepare


def read_or_reason(data: bytes) -> bytes | str:
    try:
        return Prepared.from_bytes(data).digest
    except ScanRefused as error:
        return error.reason


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
        # a zlib stream has a few bits without meaning: what is read in spite of them must be what was written
        assert read in ("prepared-scan-damaged", prepared[0, 0].digest)


def test_nothing_longer_than_a_prepared_scan_is_looked_at() -> None:
    with pytest.raises(ScanRefused):
        Prepared.from_bytes(b"FFPprep1" + bytes(10_000_000))


def test_scans_of_other_parameters_are_not_compared(
    scans: dict[tuple[int, int], Topography], prepared: dict[tuple[int, int], Prepared]
) -> None:
    other = prepare(scans[0, 1], Parameters(max_shift_um=400.0))
    with pytest.raises(NotComparable, match="prepare it again"):
        compare(prepared[0, 0], other)
    assert issubclass(NotComparable, MatcherError)
