"""Digital Surf's sur: plain and compressed, and what is no surface."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest

from matcher import Topography
from matcher.read.formats.surface import Y_DIRECTION
from tests.matcher.read.formats.conftest import al3d, assert_is_surface, sur, surface

Read = Callable[..., Topography]
Refusal = Callable[..., str]
SHORT = struct.Struct("<h")


@pytest.mark.parametrize("bits", [16, 32])
@pytest.mark.parametrize("streams", [0, 1, 3])
def test_a_surface(read: Read, bits: int, streams: int) -> None:
    topography = read(sur(bits=bits, streams=streams, comment=b"Un commentaire", private=b"\0" * 77))
    assert_is_surface(topography, surface(), atol=5.1e-4)
    assert topography.spacing_um == pytest.approx((2.5, 1.25), rel=1e-6)
    assert topography.instrument is None
    assert topography.warnings == (Y_DIRECTION,)


def test_the_longest_comment(read: Read) -> None:
    assert_is_surface(read(sur(comment=b"x" * 65_535)), surface(), atol=5.1e-4)


@pytest.mark.parametrize("micro", [b"\xb5m", "µm".encode(), "μm".encode(), b"um"])
@pytest.mark.parametrize(("z_unit", "count"), [(b"nm", 0.5), (b"mm", 5e-7), (b"m", 5e-10)])
def test_units(read: Read, micro: bytes, z_unit: bytes, count: float) -> None:
    scale = {b"nm": 1e-9, b"mm": 1e-3, b"m": 1.0}[z_unit]
    whole = sur(units=(micro, b"mm", b"nm"), spacing=(1.25, 2.5e-3, 0.5), patch={212: z_unit.ljust(16, b"\0")})
    whole = whole[:128] + struct.pack("<f", count) + whole[132:]
    assert count * scale == pytest.approx(0.5e-9)
    topography = read(whole)
    assert_is_surface(topography, surface(), atol=5.1e-4)
    assert topography.spacing_um == pytest.approx((2.5, 1.25), rel=1e-6)


@pytest.mark.parametrize("unit", [b"", b"V", b"counts", b"\xff\xfe", b"s"])
@pytest.mark.parametrize("axis", [180, 196, 212])
def test_units_that_are_no_length(refusal: Refusal, unit: bytes, axis: int) -> None:
    assert refusal(sur(patch={axis: unit.ljust(16, b"\0")})) == "units-unknown"


def test_saturated_points_are_missing(read: Read) -> None:
    z = surface()
    z[0, 0], z[8, 8] = np.nanmin(z) - 0.0005, np.nanmax(z) + 0.0005  # one count below and above
    whole = sur(z)
    lowest, highest = struct.unpack_from("<ii", whole, 100)
    whole = whole[:100] + struct.pack("<ii", lowest + 1, highest - 1) + whole[108:]
    read_back = read(whole)
    assert np.isnan(read_back.heights_um[0, 0])
    assert np.isnan(read_back.heights_um[8, 8])


def test_without_special_points_every_count_is_a_height(read: Read) -> None:
    topography = read(sur(patch={86: SHORT.pack(0)}))
    assert topography.coverage == 1
    assert any("outside of the range" in warning for warning in topography.warnings)


@pytest.mark.parametrize("kind", [2, 5, 8, 13, 16])
def test_kinds_that_begin_with_a_surface(read: Read, kind: int) -> None:
    topography = read(sur(patch={14: SHORT.pack(4), 18: SHORT.pack(kind)}, behind=sur()))
    assert_is_surface(topography, surface(), atol=5.1e-4)
    assert any("4 objects" in warning for warning in topography.warnings)


def test_a_surface_called_a_profile(read: Read) -> None:
    topography = read(sur(patch={18: SHORT.pack(1)}))
    assert_is_surface(topography, surface(), atol=5.1e-4)
    assert any("profile" in warning for warning in topography.warnings)


@pytest.mark.parametrize("kind", [0, 3, 4, 6, 10, 11, 12, 18, 20, 21, -1])
def test_kinds_that_are_no_surface(refusal: Refusal, kind: int) -> None:
    assert refusal(sur(patch={18: SHORT.pack(kind)})) == "not-a-surface"


def test_a_map_of_spectra_is_no_surface(refusal: Refusal) -> None:
    assert refusal(sur(patch={94: struct.pack("<I", 1024)})) == "not-a-surface"


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        ({290: SHORT.pack(1)}, "inverted"),
        ({290: SHORT.pack(2)}, "inverted"),
        ({276: struct.pack("<3f", 1000, 1, 1)}, "other units"),
        ({100: struct.pack("<i", 100)}, "outside of the range"),
    ],
)
def test_what_is_doubtful_is_said(read: Read, patch: dict[int, bytes], said: str) -> None:
    assert any(said in warning for warning in read(sur(patch=patch)).warnings)


def test_bytes_behind_the_surface_are_mentioned(read: Read) -> None:
    assert any(warning.startswith("17 bytes behind") for warning in read(sur(behind=b"x" * 17)).warnings)


@pytest.mark.parametrize(
    ("patch", "reason"),
    [
        ({12: SHORT.pack(257)}, "byte-order-not-supported"),
        ({98: SHORT.pack(8)}, "header-invalid"),
        ({98: SHORT.pack(-32)}, "header-invalid"),
        ({108: struct.pack("<i", 0)}, "dimensions-out-of-range"),
        ({108: struct.pack("<i", -13)}, "dimensions-out-of-range"),
        ({108: struct.pack("<i", 2**31 - 1)}, "dimensions-out-of-range"),
        ({112: struct.pack("<i", 1)}, "profile-not-surface"),
        ({112: struct.pack("<ii", 10, 130)}, "truncated"),
        ({116: struct.pack("<i", 116)}, "header-invalid"),
        ({120: struct.pack("<f", 0)}, "spacing-out-of-range"),
        ({120: struct.pack("<f", float("nan"))}, "spacing-out-of-range"),
        ({124: struct.pack("<f", -2.5)}, "spacing-out-of-range"),
        ({120: struct.pack("<ff", 1000, 1000)}, "implausible-units"),
        ({128: struct.pack("<f", 0)}, "implausible-units"),
        ({128: struct.pack("<f", float("nan"))}, "implausible-units"),
        ({128: struct.pack("<f", 1e30)}, "implausible-units"),
        ({334: struct.pack("<H", 10)}, "truncated"),
    ],
)
def test_headers_that_cannot_be(refusal: Refusal, patch: dict[int, bytes], reason: str) -> None:
    assert refusal(sur(patch=patch)) == reason


def test_every_cut_is_noticed(refusal: Refusal) -> None:
    for whole in (sur(), sur(streams=2)):
        reasons = {refusal(whole[:length]) for length in range(0, len(whole), 3)}
        assert reasons == {"empty-file", "not-an-x3p", "truncated"}


def test_every_flipped_byte_of_compressed_points_is_noticed(refusal: Refusal) -> None:
    whole = sur(streams=1)
    for place in range(512 + 12, len(whole)):
        changed = whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :]
        assert refusal(changed) == "data-damaged"


@pytest.mark.parametrize(
    ("directory", "reason"),
    [
        (struct.pack("<III", 0, 468, 100), "header-invalid"),
        (struct.pack("<III", 2**32 - 1, 468, 100), "header-invalid"),
        (struct.pack("<III", 1000, 468, 100), "truncated"),
        (struct.pack("<III", 1, 467, 100), "data-size-differs"),
        (struct.pack("<III", 1, 2**32 - 1, 100), "data-size-differs"),
        (struct.pack("<III", 1, 468, 2**32 - 1), "truncated"),
        (struct.pack("<III", 1, 468, 0), "data-damaged"),
    ],
)
def test_directories_of_streams_that_lie(refusal: Refusal, directory: bytes, reason: str) -> None:
    whole = sur(streams=1)
    assert struct.unpack_from("<II", whole, 512) == (1, 9 * 13 * 4)
    assert refusal(whole[:512] + directory + whole[524:]) == reason


@pytest.mark.slow
def test_a_bomb_that_fits_its_dimensions(refusal: Refusal) -> None:
    assert refusal(sur(np.arange(2600.0) // 2600 + np.zeros((2000, 1)), streams=1)) == "compression-ratio"


def test_the_format_is_told_from_the_content(read: Read) -> None:
    assert read(al3d()).instrument == "Alicona"
    assert read(sur()).instrument is None
