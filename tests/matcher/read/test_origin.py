"""What files say of their making is read from each format, and written into an x3p; nothing is made up."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from matcher import read_topography, write_topography
from matcher.read.origin import Origin, stated, stated_time
from tests.matcher.read.formats.conftest import al3d, plux, sur
from tests.matcher.read.x3p.conftest import build

MOMENT = "2024-05-06T07:08:09+00:00"


def origin_of(content: bytes, folder: Path) -> Origin:
    path = folder / "scan.bin"
    path.write_bytes(content)
    return read_topography(path).origin


def test_x3p(tmp_path: Path) -> None:
    assert origin_of(build(), tmp_path) == Origin(MOMENT, MOMENT, "somebody", "Maker", "M1", "1", "1")


def test_an_x3p_that_says_little_or_says_it_twice(tmp_path: Path) -> None:
    def edit(xml: str) -> str:
        first, _, rest = xml.partition("<CalibrationDate>")
        without = f"{first}<CalibrationDate/>{rest.partition('</CalibrationDate>')[2]}"
        return without.replace("<Date>2024-05-06T07:08:09Z<", "<Date>N/A<").replace(
            "<Creator>somebody</Creator>", "<Creator>one</Creator><Creator>two</Creator>"
        )

    assert origin_of(build(edit_xml=edit), tmp_path) == Origin(None, None, "one", "Maker", "M1", "1", "1")


def test_al3d_says_its_maker_alone(tmp_path: Path) -> None:
    assert origin_of(al3d(), tmp_path) == Origin(manufacturer="Alicona")


def test_sur(tmp_path: Path) -> None:
    made = {306: struct.pack("<6h", 59, 58, 23, 29, 2, 2024)}
    assert origin_of(sur(patch=made), tmp_path) == Origin(measured="2024-02-29T23:58:59", creator="operator")


@pytest.mark.parametrize("made", [(0, 0, 0, 0, 0, 0), (0, 0, 0, 30, 2, 2024), (-1, 0, 0, 1, 1, 2024)])
def test_a_sur_without_a_date(tmp_path: Path, made: tuple[int, ...]) -> None:
    assert origin_of(sur(patch={306: struct.pack("<6h", *made)}), tmp_path).measured is None


def test_plux(tmp_path: Path) -> None:
    expected = Origin("2024-01-02T03:04:05", None, "somebody", "Sensofar", "S lynx")
    assert origin_of(plux(), tmp_path) == expected


@pytest.mark.parametrize("content", [build(), sur(patch={306: struct.pack("<6h", 0, 0, 12, 3, 4, 2023)}), plux()])
def test_what_was_read_is_written(tmp_path: Path, content: bytes) -> None:
    read = origin_of(content, tmp_path)
    write_topography(read_topography(tmp_path / "scan.bin"), tmp_path / "out.x3p")
    assert read_topography(tmp_path / "out.x3p").origin == read


def test_no_date_is_made_up(tmp_path: Path) -> None:
    origin_of(al3d(), tmp_path)
    write_topography(read_topography(tmp_path / "scan.bin"), tmp_path / "out.x3p")
    with zipfile.ZipFile(tmp_path / "out.x3p") as archive:
        xml = archive.read("main.xml")
    assert b"<Date></Date>" in xml
    assert b"<CalibrationDate></CalibrationDate>" in xml
    assert b"1980" not in xml


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-01-01T12:00:00.0+00:00", "2026-01-01T12:00:00+00:00"),
        ("2026-01-01T12:00:00.123456789Z", "2026-01-01T12:00:00.123456+00:00"),
        ("2025-11-11T13:42:44+02:00", "2025-11-11T13:42:44+02:00"),
        ("2025-11-11 13:42:44", "2025-11-11T13:42:44"),
        ("11.11.2025", None),
        ("N/A", None),
        ("", None),
        (None, None),
    ],
)
def test_times(text: str | None, read: str | None) -> None:
    assert stated_time(text) == read


def test_texts() -> None:
    assert stated("  A\n b\u202e ") == "A b"
    assert stated("Not Available") is None
    assert stated("\u202e") is None
    assert len(stated("x" * 5000) or "") == 200
