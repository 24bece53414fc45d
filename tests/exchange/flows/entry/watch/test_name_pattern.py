"""What a name states by a template: in one way, in none, or refused as ambiguous; and what a template may be."""

from __future__ import annotations

import time

import pytest

from exchange.errors import InvalidInput
from exchange.flows.entry.import_table import ColumnMap
from exchange.flows.entry.watch.name_pattern import NamePattern

MAPPING = ColumnMap(columns={"Item": "exhibit", "Case": "case_reference"}, values={"roi": {"BF": "breech_face"}})
WHOLE = "{case_reference}_{item?}_{roi}_{number}"


@pytest.mark.parametrize(
    ("template", "stem", "stated"),
    [
        (WHOLE, "RS-1_E2_BF_003", {"case_reference": "RS-1", "exhibit": "E2", "roi": "breech_face"}),
        (WHOLE, "RS-1_E2_breech_face_3", {"case_reference": "RS-1", "exhibit": "E2", "roi": "breech_face"}),
        (WHOLE, "RS-1_breech_face_3", {"case_reference": "RS-1", "roi": "breech_face"}),
        (WHOLE, "RS-1__Breech Face_3", {"case_reference": "RS-1", "roi": "breech_face"}),
        ("{case} - {roi}", "RS 1 - firing pin impression", {"case_reference": "RS 1", "roi": "firing_pin_impression"}),
        ("{roi}", "aperture_shear", {"roi": "aperture_shear"}),
        ("scan {case}.{number?}", "scan RS-1", {"case_reference": "RS-1"}),
        ("{case}_{roi}", "RS-1_XY", {"case_reference": "RS-1", "roi": "XY"}),  # the contract says what is wrong
    ],
)
def test_a_name_states_what_the_template_says(template: str, stem: str, stated: dict[str, str]) -> None:
    assert NamePattern.of(template, MAPPING).read(stem) == stated


@pytest.mark.parametrize(
    ("template", "stem", "told"),
    [
        (WHOLE, "scan001", "does not fit"),
        (WHOLE, "RS-1_E2_extra_BF_003", "does not fit"),
        ("{case}_{item?}_{exhibit.calibre?}", "RS-1_9x19", "two ways"),
        ("{case}_{roi}", "_BF", "does not fit"),
    ],
)
def test_a_name_that_cannot_be_read_is_refused(template: str, stem: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        NamePattern.of(template, MAPPING).read(stem)


@pytest.mark.parametrize(
    "template",
    [
        "",
        "no place",
        "{roi",
        "roi}",
        "{}",
        "{?}",
        "{{roi}}",
        "{roi}{case}",
        "{roi}_{roi}",
        "{case}_{case_reference}",
        "{file}",
        "{roi}\n",
        "_".join(f"{{{letter}}}" for letter in "abcdefghijklm"),
        "_".join(f"{{{letter}?}}" for letter in "abcde"),
        "x" * 201,
    ],
)
def test_a_template_that_cannot_be_used_is_named(template: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be used"):
        NamePattern.of(template, MAPPING)


def test_no_name_takes_long() -> None:
    """Words of vocabularies with signs in them, over and over: each place is looked at once."""
    template = "{roi}_{exhibit.kind}_{lighting}_{unmodified}_{exhibit.cast?}_{level?}_{captured_by?}_{handling.code?}"
    begun = time.process_time()
    for stem in ("_" * 255, "breech_face" + "_" * 240, "none_" * 51, "yes_no_" * 36):
        with pytest.raises(InvalidInput):
            NamePattern.of(template, MAPPING).read(stem)
    assert time.process_time() - begun < 20
