"""A sidecar states what a line of the import's table would, in JSON or in CSV."""

from __future__ import annotations

import json

import pytest

from exchange.errors import InvalidInput
from exchange.flows.entry.import_table import ColumnMap, read_mapping
from exchange.flows.entry.watch.sidecar import names_another, read_sidecar

MAPPING = ColumnMap(columns={"Kalibar": "exhibit.calibre"}, values={"exhibit.kind": {"mesto događaja": "crime_scene"}})
STATED = {
    "case_reference": "RS-1",
    "exhibit.calibre": "9x19",
    "exhibit.kind": "crime_scene",
    "exhibit.classes.breech_face": "arched;granular",
    "lateral_resolution_um": "3.5",
    "exhibit.primer_lacquered": "yes",
}


def test_json_and_csv_state_the_same() -> None:
    nested = {
        "case_reference": "RS-1",
        "kalibar": " 9x19 ",
        "exhibit": {"kind": "Mesto događaja", "classes": {"breech_face": ["Arched", "granular"]}},
        "lateral_resolution_um": 3.5,
        "exhibit.primer_lacquered": True,
        "of the station alone": {"x": None, "y": 3},
    }
    line = (
        "case_reference;kalibar;exhibit.kind;exhibit.classes.breech_face;lateral_resolution_um;exhibit.primer_lacquered\n"
        '\nRS-1; 9x19 ;MESTO DOGAĐAJA;"Arched;granular";3.5;Yes\n'
    )
    assert read_sidecar(json.dumps(nested).encode("utf-8-sig"), ".json", MAPPING) == STATED
    assert read_sidecar(line.encode(), ".csv", MAPPING) == STATED


def test_a_vendors_map_is_that_of_the_import() -> None:
    said = {"Study": "RS-1", "Specimen": "3", "Region of Interest": "Breech Face Impression", "Caliber": "9 mm Luger"}
    found = read_sidecar(json.dumps(said).encode(), ".json", read_mapping("nbtrd"))
    assert (found["case_reference"], found["exhibit"], found["roi"]) == ("RS-1", "3", "breech_face")


@pytest.mark.parametrize(
    ("content", "suffix", "told"),
    [
        (b"", ".json", "no JSON"),
        (b'{"roi": "breech_f', ".json", "no JSON"),
        (b'{"roi": "a", "roi": "b"}', ".json", "no JSON"),
        (b'{"light_hour": NaN}', ".json", "no JSON"),
        (b'{"light_hour": ' + b"9" * 10_000 + b"}", ".json", "no JSON"),
        (b"[" * 100_000, ".json", "no JSON"),
        (b"\xff\xfe{\0}\0", ".json", "no JSON"),
        (b"[]", ".json", "no object"),
        (b'{"a": [[1]]}', ".json", "neither a value"),
        (b'{"a":' * 9 + b"1" + b"}" * 9, ".json", "neither a value"),
        (b'{"roi": "a", "ROI": "b"}', ".json", "roi twice"),
        (json.dumps({str(number): 1 for number in range(2_001)}).encode(), ".json", "more than 2000"),
        (b"roi\n", ".csv", "0 lines"),
        (b"roi\na\nb\n", ".csv", "2 lines"),
        (b"", ".csv", "0 lines"),
        (b'roi\n"a', ".csv", "no CSV"),
        (b"roi\n\xff\n", ".csv", "not UTF-8"),
    ],
)
def test_a_sidecar_that_cannot_be_read_is_refused_in_words(content: bytes, suffix: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        read_sidecar(content, suffix, MAPPING)


@pytest.mark.parametrize(
    ("said", "another"),
    [
        (None, False),
        ("a.x3p", False),
        ("A", False),
        (r"C:\scans\a.X3P", False),
        ("b.x3p", True),
        ("../b.x3p", True),
    ],
)
def test_a_sidecar_speaks_of_the_scan_beside_it(said: str | None, another: bool) -> None:
    assert (names_another({} if said is None else {"file": said}, "a.x3p") is not None) is another
