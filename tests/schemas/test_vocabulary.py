"""The closed vocabularies are complete."""

from __future__ import annotations

from enum import StrEnum

import pytest

from schemas.vocabulary import (
    KOSOVO_FOOTNOTE,
    AfteConclusion,
    Answer,
    BreechFaceClass,
    CaseMaterial,
    Cast,
    ExhibitKind,
    FiringPinAperture,
    FiringPinClass,
    FiringPinType,
    HandlingCode,
    Lighting,
    Modality,
    PrimerMaterial,
    RegionOfInterest,
    ScreenConclusion,
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
    ],
)
def test_others_are_complete(vocabulary: type[StrEnum], words: str) -> None:
    assert {word.value for word in vocabulary} == set(words.split())


def test_the_footnote_has_its_words() -> None:
    assert KOSOVO_FOOTNOTE == (
        "* References to Kosovo shall be understood to be in the context of Security Council resolution 1244 (1999)."
    )


def test_screen_and_exhibits_share_no_word() -> None:
    """So that a conclusion that is quoted without its basis still says on what it rests."""
    assert not {str(word) for word in ScreenConclusion} & {str(word) for word in AfteConclusion}
