"""What is typed becomes what REST would take, and a record becomes what is typed."""

from __future__ import annotations

import json

import pytest

from exchange.flows.entry.draft_form import (
    MAX_TYPED,
    FileOf,
    fields_of,
    fields_of_file,
    known_fields,
    placed,
    submission_of,
)
from exchange.flows.entry.draft_scans import region_of
from schemas import CONTRACT_VERSION, Acquisition, Record, parse_submission
from schemas.vocabulary import Modality, RegionOfInterest

FILE = "ab" * 16
OTHER = "cd" * 16
TYPED = {
    "case_reference": "RS-1",
    "exhibit.kind": "crime_scene",
    "exhibit.calibre": "9x19",
    "exhibit.classes.breech_face.arched": "yes",
    "exhibit.classes.breech_face.granular": "yes",
    "exhibit.classes.ejector_hour": "8",
    "exhibit.occurred.earliest": "2026-03-01",
    "exhibit.occurred.precision": "day",
    "handling.code": "H3",
    "handling.restriction": "Ask first",
    "handling.information_grade": "2",
    "level": "full",
    "audience.MK": "yes",
    "audience.group-west": "yes",
    "retention_until": "2036-01-01",
    f"file.{FILE}.roi": "breech_face",
    f"file.{FILE}.lateral_resolution_um": "2,53",
    f"file.{FILE}.lighting": "side",
    f"file.{FILE}.light_hour": "10",
}
PHOTOGRAPH = [FileOf(FILE, Modality.REFLECTANCE)]


def test_a_form_is_read_as_strictly_as_rest() -> None:
    submission = parse_submission(submission_of(TYPED, PHOTOGRAPH, None))
    assert submission.exhibit.calibre == "9 mm Luger"
    assert submission.exhibit.classes.breech_face == ("arched", "granular")
    assert submission.exhibit.classes.ejector_hour == 8
    assert submission.audience == ("MK", "group-west")
    assert submission.handling.information_grade == 2
    (scan,) = submission.acquisitions
    assert (scan.file, scan.lateral_resolution_um, scan.light_hour) == (FILE, 2.53, 10)


def test_a_record_fills_the_form_from_which_it_came() -> None:
    content = json.loads(submission_of(TYPED, PHOTOGRAPH, None))
    (scan,) = content.pop("acquisitions")
    scan.pop("file")
    blob = {"sha256": "0" * 64, "size": 1, "media_type": "image/png"}
    maker = {"pseudonym": "e-1", "role": "examiner", "signed_in": "token"}
    issued = {"contract": CONTRACT_VERSION, "type": "record", "nonce": "0" * 64, "issuer": "ffp-rs", "made_by": maker}
    record = Record.model_validate_json(
        json.dumps(issued | {"jurisdiction": "RS", **content, "acquisitions": [scan | {"blob": blob}]})
    )
    (acquisition,) = record.acquisitions
    assert isinstance(acquisition, Acquisition)
    again = fields_of(record) | fields_of_file(acquisition, FILE)
    first = parse_submission(submission_of(TYPED, PHOTOGRAPH, None))
    assert parse_submission(submission_of(again, PHOTOGRAPH, None)) == first


def test_a_topography_states_no_light() -> None:
    submission = parse_submission(submission_of(TYPED, [FileOf(FILE, Modality.TOPOGRAPHY)], None))
    assert submission.acquisitions[0].lighting == "none"
    assert submission.acquisitions[0].light_hour is None


def test_only_what_the_form_has_is_kept_on_one_bounded_line() -> None:
    sent = {
        "exhibit.headstamp": f" a\n b {'c' * 1000}",
        "exhibit.kind": "",
        "csrf": "0",
        "act": "save",
        "exhibit": "x",
        "exhibit.__class__": "x",
        f"file.{FILE}.roi": "breech_face",
        f"file.{FILE}.blob": "x",
        f"file.{OTHER}.roi": "breech_face",
        "file.../../x.roi": "x",
    }
    kept = known_fields(sent, [FILE])
    assert set(kept) == {"exhibit.headstamp", f"file.{FILE}.roi"}
    assert kept["exhibit.headstamp"].startswith("a b ccc")
    assert len(kept["exhibit.headstamp"]) == MAX_TYPED


def test_each_fault_is_shown_beside_its_field() -> None:
    found = placed(
        [
            ("exhibit.calibre", "unknown"),
            ("acquisitions.0.light_hour", "Input should be less than or equal to 12"),
            ("acquisitions.0", "a photograph needs a scale"),
            ("handling", "H3 states its restriction"),
            ("exhibit.classes.breech_face.1", "no such class"),
            ("audience.0", "nobody"),
            ("exhibit.suspected_firearm.basis", "Field required"),
            ("statement", "two acquisitions name the same scan"),
            ("acquisitions.7.roi", "none"),
        ],
        PHOTOGRAPH,
    )
    assert found == {
        "exhibit.calibre": "unknown",
        f"file.{FILE}.light_hour": "Input should be less than or equal to 12",
        f"file.{FILE}.lateral_resolution_um": "a photograph needs a scale",
        "handling.restriction": "H3 states its restriction",
        "exhibit.classes.breech_face": "no such class",
        "audience": "nobody",
        "exhibit.suspected_firearm.basis": "Field required",
        "": "two acquisitions name the same scan",
        "files": "none",
    }


@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("case12_BF.x3p", RegionOfInterest.BREECH_FACE),
        ("NBIDE R BF 118.png", RegionOfInterest.BREECH_FACE),
        ("breech-face.x3p", RegionOfInterest.BREECH_FACE),
        ("12 FP.x3p", RegionOfInterest.FIRING_PIN_IMPRESSION),
        ("firing pin drag 3.x3p", RegionOfInterest.FIRING_PIN_DRAG),
        ("aperture_shear_1.x3p", RegionOfInterest.APERTURE_SHEAR),
        ("0815-ejector.tif", RegionOfInterest.EJECTOR_MARK),
        ("extractor 2.x3p", RegionOfInterest.EXTRACTOR_MARK),
        ("Fadul 1-1.x3p", None),
    ],
)
def test_the_region_is_guessed_from_the_name(name: str, region: RegionOfInterest | None) -> None:
    assert region_of(name) is region
