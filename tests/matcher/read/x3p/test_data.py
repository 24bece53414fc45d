"""Stored points: number types, text, valid-points lists, sizes and checksums."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from matcher.read.x3p import read_x3p

MakeX3p = Callable[..., Path]
Refusal = Callable[..., str]


def about_median_um(heights_m: NDArray[np.float64]) -> NDArray[np.float32]:
    return ((heights_m - np.nanmedian(heights_m)) * 1e6).astype(np.float32)


@pytest.mark.parametrize("as_text", [False, True], ids=["binary", "text"])
@pytest.mark.parametrize(
    ("z_type", "increment", "rtol"), [("I", 2e-10, 1e-4), ("L", 2e-15, 1e-6), ("F", None, 1e-6), ("D", None, 0)]
)
def test_number_types(
    make_x3p: MakeX3p,
    wave_m: NDArray[np.float64],
    z_type: str,
    increment: float | None,
    rtol: float,
    as_text: bool,
) -> None:
    stored = wave_m if increment is None else np.rint(wave_m / increment)
    path = make_x3p(stored, z_type=z_type, dz=repr(increment or 1), as_text=as_text)
    read = read_x3p(path)
    np.testing.assert_allclose(read.heights_um, about_median_um(wave_m), rtol=0, atol=rtol * 3)
    assert read.warnings == ()


def test_an_offset_of_the_height_axis_plays_no_part(make_x3p: MakeX3p, wave_m: NDArray[np.float64]) -> None:
    path = make_x3p(
        np.rint(wave_m / 2e-10),
        z_type="I",
        dz="2e-10",
        edit_xml=lambda xml: xml.replace("<Offset>0</Offset></CZ>", "<Offset>0.002</Offset></CZ>"),
    )
    np.testing.assert_allclose(read_x3p(path).heights_um, about_median_um(wave_m), atol=2e-4)


def test_a_large_offset_costs_no_precision(make_x3p: MakeX3p, wave_m: NDArray[np.float64]) -> None:
    """Absolute stage heights: 40 mm in float32 micrometres would leave steps of 4 nm."""
    read = read_x3p(make_x3p(0.04 + wave_m))
    np.testing.assert_allclose(read.heights_um, about_median_um(wave_m), atol=1e-5)


def test_lateral_axes_declared_as_integers_keep_their_real_increment(make_x3p: MakeX3p) -> None:
    assert read_x3p(make_x3p(x_type="L", y_type="L", dx="2.5e-6")).spacing_um == (3.0, 2.5)


def test_integers_without_increment(make_x3p: MakeX3p, refusal: Refusal, wave_m: NDArray[np.float64]) -> None:
    counts = np.rint(wave_m / 2e-10)
    for increment in ("", "0", "-1e-10", "1e400"):
        assert refusal(make_x3p(counts, z_type="I", dz=increment)) == "implausible-units"


@pytest.mark.parametrize("empty", ["<Datum></Datum>", "<Datum/>", "<Datum> </Datum>", "<Datum>;;</Datum>"])
def test_an_empty_datum_is_a_missing_point(make_x3p: MakeX3p, empty: str) -> None:
    def emptied(xml: str) -> str:
        if empty == "<Datum>;;</Datum>":
            xml = xml.replace("<Datum>", "<Datum>;;")
        datums = xml.split("</Datum>")
        datums[14] = datums[14][: datums[14].index("<Datum>")] + empty.removesuffix("</Datum>")
        separator = "" if empty == "<Datum/>" else "</Datum>"
        return "</Datum>".join(datums[:14]) + "</Datum>" + datums[14] + separator + "</Datum>".join(datums[15:])

    read = read_x3p(make_x3p(as_text=True, edit_xml=emptied))
    assert np.argwhere(np.isnan(read.heights_um)).tolist() == [[1, 2]]


@pytest.mark.parametrize("datum", ["1_0", "x", "1;2", "1;2;3;4", "1;2;3", "1,5", "--1"])
def test_datums_that_are_no_heights(make_x3p: MakeX3p, refusal: Refusal, datum: str) -> None:
    path = make_x3p(as_text=True, edit_xml=lambda xml: xml.replace("<Datum>", f"<Datum>{datum}</Datum><Datum>", 1))
    assert refusal(path) == "main-xml-invalid"


def test_text_points_that_do_not_fit_the_dimensions(make_x3p: MakeX3p, refusal: Refusal) -> None:
    for replacement in ("", "<Datum>0</Datum><Datum>0</Datum>"):
        path = make_x3p(as_text=True, edit_xml=lambda xml, new=replacement: xml.replace("<Datum>1e-07</Datum>", new))
        assert refusal(path) == "data-size-differs"
    assert refusal(make_x3p(as_text=True), xml_points=107) == "dimensions-out-of-range"


def test_no_points_at_all(make_x3p: MakeX3p, refusal: Refusal) -> None:
    assert refusal(make_x3p(points="")) == "data-missing"
    assert refusal(make_x3p(points="<DataList></DataList>")) == "data-missing"
    assert refusal(make_x3p(points="<DataLink><PointDataLink/></DataLink>", edit_entries=only_xml)) == "data-missing"


def only_xml(entries: dict[str, bytes]) -> dict[str, bytes]:
    return {"main.xml": entries["main.xml"]}


def test_a_valid_points_list_over_finite_values(make_x3p: MakeX3p, wave_m: NDArray[np.float64]) -> None:
    valid = np.ones(wave_m.shape, bool)
    valid[0, 3] = valid[2, 5] = valid[8, 11] = False
    stored = np.where(valid, wave_m, 123.0)
    read = read_x3p(make_x3p(stored, valid=valid))
    np.testing.assert_array_equal(np.isnan(read.heights_um), ~valid)
    np.testing.assert_allclose(read.heights_um, about_median_um(np.where(valid, wave_m, np.nan)), atol=1e-6)
    assert read.warnings == ()


def test_a_valid_points_list_of_the_wrong_size(make_x3p: MakeX3p, refusal: Refusal) -> None:
    assert refusal(make_x3p(valid=np.ones((9, 20), bool))) == "data-size-differs"


def test_the_first_of_several_layers(make_x3p: MakeX3p, wave_m: NDArray[np.float64]) -> None:
    for as_text in (False, True):
        read = read_x3p(make_x3p(np.stack([wave_m, wave_m[::-1], -wave_m]), as_text=as_text))
        np.testing.assert_array_equal(read.heights_um, about_median_um(wave_m))
        assert any("3 layers" in warning for warning in read.warnings)


@pytest.mark.parametrize("change", [lambda data: data[:-8], lambda data: data + bytes(8), lambda data: b""])
def test_data_that_do_not_fit_the_dimensions(
    make_x3p: MakeX3p, refusal: Refusal, change: Callable[[bytes], bytes]
) -> None:
    path = make_x3p(edit_entries=lambda e: e | {"bindata/data.bin": change(e["bindata/data.bin"])})
    assert refusal(path) == "data-size-differs"


def test_more_bytes_than_any_scan(make_x3p: MakeX3p, refusal: Refusal) -> None:
    assert refusal(make_x3p(), data_bytes=9 * 12 * 8 - 1) == "dimensions-out-of-range"


def test_a_misspelt_link_is_followed_when_only_one_entry_fits(make_x3p: MakeX3p, refusal: Refusal) -> None:
    def misspelt(xml: str) -> str:
        return xml.replace("<PointDataLink>bindata/data.bin", "<PointDataLink>bindat/data.bin")

    read = read_x3p(make_x3p(edit_xml=misspelt))
    assert read.coverage == 1
    assert any("not there" in warning for warning in read.warnings)
    twins = make_x3p(edit_xml=misspelt, edit_entries=lambda e: e | {"other.bin": bytes(9 * 12 * 8)})
    assert refusal(twins) == "data-missing"


def flip(name: str, place: int) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    def flipped(entries: dict[str, bytes]) -> dict[str, bytes]:
        content = bytearray(entries[name])
        content[place] ^= 1
        return entries | {name: bytes(content)}

    return flipped


@pytest.mark.parametrize(
    ("name", "place"), [("bindata/data.bin", 77), ("bindata/valid.bin", 3), ("main.xml", 20), ("md5checksum.hex", 5)]
)
def test_checksums_notice_one_bit(make_x3p: MakeX3p, refusal: Refusal, name: str, place: int) -> None:
    def in_comment(xml: str) -> str:
        return xml.replace("<p:ISO", f"<!--{'-'.join('a' * 40)}--><p:ISO", 1)

    place = 60 if name == "main.xml" else place
    path = make_x3p(valid=np.ones((9, 12), bool), edit_xml=in_comment, edit_entries=flip(name, place))
    assert refusal(path) == "checksum-differs"


@pytest.mark.parametrize(
    "edit",
    [
        lambda e: e | {"md5checksum.hex": e["md5checksum.hex"].upper().replace(b"MAIN.XML", b"main.xml")},
        lambda e: e | {"md5checksum.hex": e["md5checksum.hex"].split()[0]},
        lambda e: e | {"md5checksum.hex": e["md5checksum.hex"].replace(b" *", b"*") + b"\r\n"},
        lambda e: e | {"md5checksum.hex": e["md5checksum.hex"].split()[0] + b"\r\n"},
    ],
    ids=["uppercase", "no-file-name", "no-space", "crlf"],
)
def test_spellings_of_a_checksum(make_x3p: MakeX3p, edit: Callable[[dict[str, bytes]], dict[str, bytes]]) -> None:
    assert read_x3p(make_x3p(edit_entries=edit)).warnings == ()


def test_uppercase_md5_of_the_data(make_x3p: MakeX3p) -> None:
    def upper(xml: str) -> str:
        head, mark, tail = xml.partition("<MD5ChecksumPointData>")
        return head + mark + tail[:32].upper() + tail[32:]

    assert read_x3p(make_x3p(edit_xml=upper)).warnings == ()


def test_missing_checksums_are_mentioned(make_x3p: MakeX3p) -> None:
    def without(entries: dict[str, bytes]) -> dict[str, bytes]:
        return {name: data for name, data in entries.items() if name != "md5checksum.hex"}

    def unstated(xml: str) -> str:
        head, mark, tail = xml.partition("<MD5ChecksumPointData>")
        return head + mark + tail[32:]

    assert read_x3p(make_x3p(edit_entries=without)).warnings == (
        "main.xml carries no checksum: damage would not have been noticed.",
    )
    empty = make_x3p(edit_entries=lambda e: e | {"md5checksum.hex": b" \n"})
    assert "main.xml carries no checksum" in read_x3p(empty).warnings[0]
    assert read_x3p(make_x3p(edit_xml=unstated)).warnings == (
        "bindata/data.bin carries no checksum: damage would not have been noticed.",
    )
