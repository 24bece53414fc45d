"""What an examiner may say of an exhibit: the rules that bind a field, and those that bind several."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from matcher.mark.region_grid import MOST_CELLS
from schemas import Calibre, ClassCharacteristics, DateRange, Exhibit, Handling, Measurement, RegionMask
from schemas.exhibit import MAX_MASK_CELLS, CaseReference, Day, ShortText
from schemas.vocabulary import Answer, BreechFaceClass, DatePrecision, FiringPinClass

SHORT_TEXT: TypeAdapter[str] = TypeAdapter(ShortText)
DAY: TypeAdapter[date] = TypeAdapter(Day)
TOPOGRAPHY = {"roi": "breech_face", "modality": "topography"}
PHOTOGRAPH = {"roi": "breech_face", "modality": "reflectance", "lateral_resolution_um": 2.53}


def test_what_is_not_stated_is_not_examined_or_unknown() -> None:
    exhibit = Exhibit.model_validate({"kind": "crime_scene", "calibre": "9x19"})
    assert exhibit.calibre is Calibre.LUGER_9MM
    assert exhibit.classes.breech_face == (BreechFaceClass.NOT_EXAMINED,)
    assert exhibit.classes.firing_pin_class is FiringPinClass.NOT_EXAMINED
    assert exhibit.converted_weapon is Answer.UNKNOWN
    assert exhibit.occurred == DateRange(earliest=None, latest=None, precision=DatePrecision.UNKNOWN)


def test_an_exhibit_is_frozen() -> None:
    exhibit = Exhibit.model_validate({"kind": "crime_scene", "calibre": "9x19"})
    with pytest.raises(ValidationError, match="frozen"):
        exhibit.calibre = Calibre.ACP_45  # type: ignore[misc]  # the assignment is what is tested


@pytest.mark.parametrize("field", ["serial_number", "person", "address", "name"])
def test_a_field_that_the_contract_does_not_know_is_refused(field: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Exhibit.model_validate({"kind": "crime_scene", "calibre": "9x19", field: "x"})


@pytest.mark.parametrize("text", ["Niš", "Подгорица", "Shkodër", "PPU 9mm LUGER", "a", "x" * 120, "c = a + b; 100 %"])
def test_text_that_is_taken(text: str) -> None:
    assert SHORT_TEXT.validate_python(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " a",
        "a ",
        "x" * 121,
        "a\nb",
        "a\tb",
        "a\rb",
        "a\x00b",
        "a\x1b[31mb",
        "a\x7fb",
        "a\x85b",
        "a\u00a0b",  # no-break space
        "a\u00adb",  # soft hyphen
        "a\u200bb",  # zero-width space
        "a\u200eb",  # left-to-right mark
        "a\u202eb",  # right-to-left override
        "a\u2028b",  # line separator
        "a\u2066b",  # left-to-right isolate
        "a\ufeffb",  # byte-order mark
        "a\ue000b",  # private use
        "a\U000e0041b",  # tag
    ],
)
def test_text_that_hides_or_reorders_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        SHORT_TEXT.validate_python(text)


@given(st.text(max_size=40))
def test_text_is_taken_unchanged_or_refused(text: str) -> None:
    if text and text.isprintable() and text == text.strip():
        assert SHORT_TEXT.validate_python(text) == text
    else:
        with pytest.raises(ValidationError):
            SHORT_TEXT.validate_python(text)


@pytest.mark.parametrize("reference", ["RS-2026-0001", "K.12/26", "a", "A" * 64])
def test_case_references_that_are_taken(reference: str) -> None:
    assert TypeAdapter(CaseReference).validate_python(reference) == reference


@pytest.mark.parametrize("reference", ["", "-1", "a b", "../../etc", "a\n", "š", "A" * 65, "<b>", "a;b"])
def test_case_references_that_are_refused(reference: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(CaseReference).validate_python(reference)


def test_a_day_has_one_spelling() -> None:
    assert DAY.validate_json('"2026-03-01"', strict=True) == date(2026, 3, 1)


@pytest.mark.parametrize(
    "text",
    [
        '"2026-3-1"',
        '"20260301"',
        '"2026-02-30"',
        '"2026-03-01T00:00:00"',
        '"1772323200"',
        "1772323200",
        '"2026-03-01 "',
        "null",
    ],
)
def test_other_days_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        DAY.validate_json(text, strict=True)


@pytest.mark.parametrize(
    ("earliest", "latest"), [(None, None), ("2026-03-01", None), (None, "2026-03-01"), ("2026-03-01", "2026-03-01")]
)
def test_dates_in_order(earliest: str | None, latest: str | None) -> None:
    DateRange.model_validate({"earliest": earliest, "latest": latest})


def test_dates_in_disorder_are_refused() -> None:
    with pytest.raises(ValidationError, match="earliest date lies after the latest"):
        DateRange.model_validate({"earliest": "2026-03-02", "latest": "2026-03-01"})


@pytest.mark.parametrize("classes", [["arched"], ["arched", "granular"], ["unknown"], ["not_examined"]])
def test_breech_face_classes_that_are_taken(classes: list[str]) -> None:
    assert ClassCharacteristics.model_validate({"breech_face": classes}).breech_face == tuple(classes)


@pytest.mark.parametrize("classes", [[], ["arched", "arched"], ["arched", "unknown"], ["not_examined", "arched"]])
def test_breech_face_classes_that_contradict_each_other(classes: list[str]) -> None:
    with pytest.raises(ValidationError):
        ClassCharacteristics.model_validate({"breech_face": classes})


@pytest.mark.parametrize("hour", [1, 12, None])
def test_clock_hours(hour: int | None) -> None:
    assert ClassCharacteristics.model_validate({"ejector_hour": hour}).ejector_hour == hour


@pytest.mark.parametrize("hour", [0, 13, -1, 2.5])
def test_hours_that_no_clock_has(hour: float) -> None:
    with pytest.raises(ValidationError):
        ClassCharacteristics.model_validate({"extractor_hour": hour})


@pytest.mark.parametrize(
    "fields",
    [
        TOPOGRAPHY,
        TOPOGRAPHY | {"lighting": "none", "lateral_resolution_um": 3.125, "captured_by": "examiner"},
        PHOTOGRAPH,
        PHOTOGRAPH | {"lighting": "side", "light_hour": 3},
        PHOTOGRAPH | {"lighting": "side"},
    ],
)
def test_measurements_that_are_taken(fields: dict[str, Any]) -> None:
    Measurement.model_validate(fields)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        (PHOTOGRAPH | {"lateral_resolution_um": None}, "photograph needs lateral_resolution_um"),
        (PHOTOGRAPH | {"lateral_resolution_um": 0}, "greater than"),
        (PHOTOGRAPH | {"lateral_resolution_um": -2.53}, "greater than"),
        (PHOTOGRAPH | {"lateral_resolution_um": 2.53e-6}, "greater than"),  # metres where micrometres are wanted
        (PHOTOGRAPH | {"lateral_resolution_um": 2530}, "less than"),
        (PHOTOGRAPH | {"lateral_resolution_um": float("nan")}, "finite"),
        (PHOTOGRAPH | {"lateral_resolution_um": float("inf")}, "finite"),
        (PHOTOGRAPH | {"light_hour": 3}, "side light only"),
        (PHOTOGRAPH | {"lighting": "ring", "light_hour": 3}, "side light only"),
        (TOPOGRAPHY | {"numerical_aperture": 1.7}, "less than"),
        (TOPOGRAPHY | {"captured_by": "Inspector Test"}, "Input should be"),
        (TOPOGRAPHY | {"roi": "bullet"}, "Input should be"),
    ],
)
def test_measurements_that_are_refused(fields: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        Measurement.model_validate(fields)


@pytest.mark.parametrize("code", ["H0", "H1", "H2"])
def test_h3_and_only_h3_states_its_restriction(code: str) -> None:
    Handling.model_validate({"code": code})
    Handling.model_validate({"code": "H3", "restriction": "Not to be shown to the press."})
    with pytest.raises(ValidationError, match="H3, and only H3"):
        Handling.model_validate({"code": code, "restriction": "Not to be shown to the press."})
    with pytest.raises(ValidationError, match="H3, and only H3"):
        Handling.model_validate({"code": "H3"})


@pytest.mark.parametrize("grade", [0, 5])
def test_information_grades_go_from_one_to_four(grade: int) -> None:
    with pytest.raises(ValidationError):
        Handling.model_validate({"code": "H0", "information_grade": grade})


@given(rows=st.integers(1, MAX_MASK_CELLS), columns=st.integers(1, MAX_MASK_CELLS), data=st.data())
def test_a_region_has_one_spelling(rows: int, columns: int, data: st.DataObject) -> None:
    cells = rows * columns
    number = data.draw(st.integers(1, (1 << cells) - 1))
    packed = (number << (-cells % 8)).to_bytes(-(-cells // 8), "big")
    mask = RegionMask.of(rows, columns, packed)
    assert mask.packed == packed
    assert RegionMask.model_validate_json(mask.model_dump_json()) == mask
    for wrong in (packed + b"\0", packed[:-1], bytes(len(packed))):
        with pytest.raises(ValidationError):
            RegionMask.of(rows, columns, wrong)
    if cells % 8:
        with pytest.raises(ValidationError, match="behind the last cell"):
            RegionMask.of(rows, columns, packed[:-1] + bytes([packed[-1] | 1]))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"bits": "dkZ="}, "canonical"),
        ({"bits": "dkY"}, "Base64"),
        ({"bits": "dk_="}, "pattern"),
        ({"bits": "dkY=\n"}, "pattern"),
        ({"rows": 0}, "greater than"),
        ({"columns": MAX_MASK_CELLS + 1}, "less than"),
        ({"rows": 3.0}, "int"),
        ({"note": ""}, "Extra inputs"),
    ],
)
def test_a_region_that_is_spelt_otherwise_is_refused(changes: dict[str, Any], why: str) -> None:
    fields = {"rows": 3, "columns": 5, "bits": "dkY="} | changes
    with pytest.raises(ValidationError, match=why):
        TypeAdapter(RegionMask).validate_python(fields, strict=True)


def test_the_digest_of_a_region_tells_shapes_apart() -> None:
    assert RegionMask.of(2, 4, b"\xf0").digest != RegionMask.of(4, 2, b"\xf0").digest
    assert RegionMask.of(2, 4, b"\xf0").digest == RegionMask.of(2, 4, b"\xf0").digest


def test_what_the_brush_offers_the_contract_takes() -> None:
    assert MOST_CELLS <= MAX_MASK_CELLS
