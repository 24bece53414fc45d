"""main.xml as instruments and scripts really write it, and as nobody may write it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from matcher.read.x3p import read_x3p

MakeX3p = Callable[..., Path]
Refusal = Callable[..., str]


def without_namespace(xml: str) -> str:
    return xml.replace('p:ISO5436_2 xmlns:p="http://www.opengps.eu/2008/ISO5436_2"', "ISO5436_2").replace("</p:", "</")


def children_reversed(xml: str) -> str:
    head, *records, tail = re.split(r"(?=<Record\d>)|(?=</p:ISO)", xml)
    first, _, last = re.findall(r"<C[XYZ]>.*?</C[XYZ]>", records[0])
    records[0] = records[0].replace(first, "@").replace(last, first).replace("@", last)
    return head + "".join(records[::-1]) + tail


@pytest.mark.parametrize(
    "edit",
    [
        lambda xml: "\ufeff" + xml,
        lambda xml: xml.replace("\n", "\r\n"),
        lambda xml: xml.replace("<Record1>", "<!-- made by hand --><Record1>"),
        lambda xml: xml.partition("?>")[2].lstrip(),
        lambda xml: without_namespace(xml),
        lambda xml: without_namespace(xml).replace("ISO5436_2", "ISO5436"),
        lambda xml: xml.replace("opengps.eu/2008/ISO5436_2", "opengps.eu/2017/ISO25178_72"),
        lambda xml: xml.replace("ISO5436 - 2000", "ISO5436 – 2000"),
        lambda xml: xml.replace("ISO5436 - 2000", "ISO5436-2000"),
        lambda xml: xml.replace("ISO5436 - 2000", "ISO 5436-2 - 2012"),
        lambda xml: xml.replace("ISO5436 - 2000", "ISO25178 - 72:2017/Amd1:2020"),
        lambda xml: xml.replace("<Revision>ISO5436 - 2000</Revision>", ""),
        lambda xml: xml.replace("3e-6", "3.000000e-006"),
        lambda xml: xml.replace("<Offset>0</Offset>", "<Offset/>"),
        lambda xml: xml.replace("<Offset>0</Offset>", ""),
        lambda xml: xml.replace("<Increment>1</Increment>", "<Increment></Increment>"),
        lambda xml: xml.replace("<Increment>1</Increment>", ""),
        lambda xml: xml.replace("<CalibrationDate>2024-05-06T07:08:09Z", "<CalibrationDate>N/A"),
        lambda xml: xml.replace("<CalibrationDate>2024-05-06T07:08:09Z</CalibrationDate>", ""),
        lambda xml: xml.replace("<ChecksumFile>md5checksum.hex</ChecksumFile>", "<ChecksumFile/>"),
        lambda xml: xml.replace("<Record4><ChecksumFile>md5checksum.hex</ChecksumFile></Record4>", ""),
        lambda xml: xml.replace("<SizeX>12</SizeX>", "<SizeX>\n 12 </SizeX>"),
        lambda xml: xml.replace("<SizeZ>1</SizeZ>", ""),
        lambda xml: xml.replace("<FeatureType>SUR", "<FeatureType> sur "),
        lambda xml: xml.replace("<Axes>", "<Axes><Origin>NW</Origin>"),
        lambda xml: xml.replace("</p:", "<VendorSpecificID>http://www.example.org/lab</VendorSpecificID></p:"),
        children_reversed,
        lambda xml: xml.encode("utf-16").replace(b"U\0T\0F\0-\x008\0", b"U\0T\0F\0-\x001\x006\0"),
        lambda xml: xml.replace("UTF-8", "ISO-8859-1").replace("somebody", "Jérôme").encode("latin-1"),
    ],
)
def test_spellings_that_mean_the_same(make_x3p: MakeX3p, edit: Callable[[str], str | bytes]) -> None:
    plain = read_x3p(make_x3p())
    read = read_x3p(make_x3p(edit_xml=edit))
    np.testing.assert_array_equal(read.heights_um, plain.heights_um)
    assert read.spacing_um == plain.spacing_um == (3.0, 3.0)
    assert read.warnings == ()


def test_the_edits_above_do_change_the_document(make_x3p: MakeX3p) -> None:
    seen: list[str] = []
    make_x3p(edit_xml=lambda xml: seen.append(children_reversed(xml)) or without_namespace(xml))
    assert seen[0].index("<Record4>") < seen[0].index("<Record1>")
    assert seen[0].index("<CZ>") < seen[0].index("<CX>")


@pytest.mark.parametrize(
    ("maker", "model", "read"),
    [
        ("Maker", "M1", "Maker M1"),
        ("  Maker\n  AG ", "M1", "Maker AG M1"),
        ("unknown", "N/A", None),
        ("", "M1", "M1"),
        ("Ma\u202eker", "M\u00e91", "Maker M\u00e91"),
        ("M" * 5000, "", "M" * 200),
    ],
)
def test_instrument(make_x3p: MakeX3p, maker: str, model: str, read: str | None) -> None:
    def named(xml: str) -> str:
        return xml.replace(">Maker<", f">{maker}<").replace(">M1<", f">{model}<")

    assert read_x3p(make_x3p(edit_xml=named)).instrument == read


BOMB = """<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY c "&a;&a;&a;&a;"><!ENTITY d "&c;&c;&c;&c;">]>"""
EXTERNAL = """<!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/passwd">]>"""


@pytest.mark.parametrize("declaration", [BOMB, EXTERNAL, '<!DOCTYPE b SYSTEM "http://example.org/b.dtd">'])
def test_document_types_and_entities(make_x3p: MakeX3p, refusal: Refusal, declaration: str) -> None:
    path = make_x3p(edit_xml=lambda xml: xml.replace("<p:ISO", declaration + "<p:ISO").replace("somebody", "&a;"))
    assert refusal(path) == "dtd-forbidden"


@pytest.mark.parametrize(
    "edit",
    [
        lambda xml: xml[:-5],
        lambda xml: xml.replace("somebody", "a & b"),
        lambda xml: xml.replace("somebody", "\x00"),
        lambda xml: xml.replace("UTF-8", "EBCDIC-NONE"),
        lambda xml: xml.replace("UTF-8", "shift-jis"),
        lambda xml: xml.replace("somebody", "\xe9").encode("latin-1"),
        lambda xml: "",
        lambda xml: xml.replace("ISO5436_2", "html"),
        lambda xml: xml.replace("somebody", "<a>" * 50 + "</a>" * 50),
        lambda xml: xml.replace("somebody", "<a/>" * 5000),
        lambda xml: xml.replace("3e-6", "3,0e-6"),
        lambda xml: xml.replace("3e-6", "3e-6 m"),
        lambda xml: xml.replace("3e-6", "0x1p-18"),
        lambda xml: xml.replace("3e-6", "nan"),
        lambda xml: xml.replace("<Offset>0", "<Offset>zero"),
        lambda xml: xml.replace("<SizeX>12", "<SizeX>12.0"),
        lambda xml: xml.replace("<SizeX>12", "<SizeX>١٢"),
        lambda xml: xml.replace("<SizeX>12</SizeX>", ""),
        lambda xml: xml.replace("<SizeX>12</SizeX>", "<SizeX>12</SizeX><SizeX>13</SizeX>"),
        lambda xml: xml.replace("<AxisType>I", "<AxisType>X"),
        lambda xml: xml.replace("<DataType>D", "<DataType>Q"),
        lambda xml: xml.replace("<Axes>", "<Axes><Rotation><r11>1</r11></Rotation>"),
        lambda xml: xml.replace("<DataLink>", "<DataList><Datum>1</Datum></DataList><DataLink>"),
        lambda xml: xml.replace("<Record2>", "<Datum>1</Datum><Record2>"),
    ],
)
def test_documents_that_cannot_be_trusted(
    make_x3p: MakeX3p, refusal: Refusal, edit: Callable[[str], str | bytes]
) -> None:
    assert refusal(make_x3p(edit_xml=edit)) == "main-xml-invalid"


@pytest.mark.parametrize("filling", ["a{}='1' ", "<!--{}-->"])
def test_more_header_than_any_scan_has(make_x3p: MakeX3p, refusal: Refusal, filling: str) -> None:
    """Six million attributes, or as many comments, would cost seconds and gigabytes."""
    filled = "".join(filling.format(n) for n in range(20_000))
    text = f"<b {filled}/>" if "=" in filling else filled
    path = make_x3p(edit_xml=lambda xml: xml.replace("<Record2>", text + "<Record2>"))
    assert refusal(path, xml_header_bytes=10_000) == "main-xml-invalid"
    if "=" not in filling:
        assert read_x3p(path).coverage == 1


@pytest.mark.parametrize(
    "size", ["0", "-1", "-12", "20001", "999999999", "99999999999999999999", "9" * 5000, "-" + "9" * 5000]
)
@pytest.mark.parametrize("side", ["SizeX", "SizeY", "SizeZ"])
def test_dimensions_huge_zero_negative(make_x3p: MakeX3p, refusal: Refusal, side: str, size: str) -> None:
    path = make_x3p(edit_xml=lambda xml: re.sub(f"<{side}>\\d+", f"<{side}>{size}", xml))
    assert refusal(path) == "dimensions-out-of-range"


def test_sides_in_range_with_too_many_points(make_x3p: MakeX3p, refusal: Refusal) -> None:
    path = make_x3p(edit_xml=lambda xml: re.sub(r"(<Size[XY]>)\d+", r"\g<1>19999", xml))
    assert refusal(path) == "dimensions-out-of-range"


@pytest.mark.parametrize(("feature", "reason"), [("PRF", "profile-not-surface"), ("VOL", "feature-type-unknown")])
def test_features_that_are_no_surface(make_x3p: MakeX3p, refusal: Refusal, feature: str, reason: str) -> None:
    assert refusal(make_x3p(feature=feature)) == reason
    assert refusal(make_x3p(edit_xml=lambda xml: xml.replace("<FeatureType>SUR</FeatureType>", ""))) == (
        "feature-type-unknown"
    )


@pytest.mark.parametrize("shape", [(1, 12), (12, 1)])
def test_a_surface_of_one_line_is_a_profile(make_x3p: MakeX3p, refusal: Refusal, shape: tuple[int, int]) -> None:
    assert refusal(make_x3p(np.linspace(0, 1e-5, 12).reshape(shape))) == "profile-not-surface"
