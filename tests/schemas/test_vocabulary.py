"""The closed vocabularies are complete, and Kosovo* is never printed without its asterisk."""

from __future__ import annotations

from enum import StrEnum

import pytest

from schemas.vocabulary import (
    KOSOVO_FOOTNOTE,
    Answer,
    BreechFaceClass,
    CaseMaterial,
    Cast,
    ExhibitKind,
    FiringPinAperture,
    FiringPinClass,
    FiringPinType,
    HandlingCode,
    Jurisdiction,
    Lighting,
    Modality,
    PrimerMaterial,
    RegionOfInterest,
    SourceGrade,
)

EITHER = {"unknown", "not_examined"}


@pytest.mark.parametrize(
    ("vocabulary", "words"),
    [
        (
            RegionOfInterest,
            "breech_face firing_pin_impression aperture_shear ejector_mark extractor_mark firing_pin_drag chamber_mark",
        ),
        (FiringPinType, "centrefire rimfire"),
        (FiringPinClass, "circular elliptical hemispherical rectangular other"),
        (FiringPinAperture, "circular rectangular teardrop other"),
        (BreechFaceClass, "arched circular cross_hatch granular parallel smooth other"),
        (PrimerMaterial, "brass copper nickel steel other"),
        (CaseMaterial, "aluminium brass nickel steel other"),
        (Cast, "negative positive no"),
        (ExhibitKind, "crime_scene test_fire seized replica"),
        (Answer, "yes no"),
    ],
)
def test_characteristics_are_complete(vocabulary: type[StrEnum], words: str) -> None:
    assert {word.value for word in vocabulary} == set(words.split()) | EITHER


@pytest.mark.parametrize(
    ("vocabulary", "words"),
    [
        (Modality, "topography reflectance"),
        (Lighting, "ring side none unknown"),
        (HandlingCode, "H0 H1 H2 H3"),
        (SourceGrade, "A B C X"),
        (Jurisdiction, "AL BA ME MD MK RS UA XK"),
    ],
)
def test_others_are_complete(vocabulary: type[StrEnum], words: str) -> None:
    assert {word.value for word in vocabulary} == set(words.split())


def test_kosovo_carries_its_asterisk_and_the_footnote_its_words() -> None:
    assert Jurisdiction.XK.display_name == "Kosovo*"
    assert KOSOVO_FOOTNOTE == (
        "* References to Kosovo shall be understood to be in the context of Security Council resolution 1244 (1999)."
    )


def test_every_jurisdiction_has_a_name_and_only_one_an_asterisk() -> None:
    names = [jurisdiction.display_name for jurisdiction in Jurisdiction]
    assert len(set(names)) == len(Jurisdiction)
    assert [name for name in names if "*" in name] == ["Kosovo*"]
