"""What an examiner knows of one exhibit and of each measurement of it. Everything not stated is *not examined*."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.calibre import Calibre, fold_calibre
from schemas.errors import ContractError
from schemas.vocabulary import (
    Answer,
    BreechFaceClass,
    CaseMaterial,
    Cast,
    DatePrecision,
    ExhibitKind,
    FiringPinAperture,
    FiringPinClass,
    FiringPinType,
    HandlingCode,
    Lighting,
    Modality,
    OffenceCategory,
    PrimerMaterial,
    RegionOfInterest,
    Role,
    SourceGrade,
)


class Contract(BaseModel):
    """Base of everything on the wire: frozen, and a field that the contract does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _calibre(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return fold_calibre(value)
    except ContractError as error:
        raise PydanticCustomError("unknown_calibre", "{explanation}", {"explanation": str(error)}) from error


def _iso_day(value: object) -> object:
    """A day has one spelling: Pydantic would also take seconds since 1970, even from a string."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("a day is written YYYY-MM-DD")
    return date.fromisoformat(value)


def _plain_text(text: str) -> str:
    """One line without control or format characters: these can hide or reorder what a person reads."""
    if not text.isprintable() or text != text.strip():
        raise ValueError("text must be one line of printable characters, with no space at either end")
    return text


Day = Annotated[date, BeforeValidator(_iso_day)]
FoldedCalibre = Annotated[Calibre, BeforeValidator(_calibre)]
ShortText = Annotated[
    str,
    Field(min_length=1, max_length=120, description="One line of printable characters, with no space at either end."),
    AfterValidator(_plain_text),
]
ClockHour = Annotated[int, Field(ge=1, le=12)]
Sha256Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
CaseReference = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$")]


class DateRange(Contract):
    """When it happened, as far as known; both ends inclusive, the earliest not after the latest."""

    earliest: Day | None = None
    latest: Day | None = None
    precision: DatePrecision = DatePrecision.UNKNOWN

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.earliest and self.latest and self.earliest > self.latest:
            raise ValueError("the earliest date lies after the latest")
        return self


class ClassCharacteristics(Contract):
    """What a whole make and model shares. Ejector and extractor positions are clock hours as seen with the
    headstamp upright; None where not examined or not to be told."""

    firing_pin_type: FiringPinType = FiringPinType.NOT_EXAMINED
    firing_pin_class: FiringPinClass = FiringPinClass.NOT_EXAMINED
    firing_pin_aperture: FiringPinAperture = FiringPinAperture.NOT_EXAMINED
    breech_face: tuple[BreechFaceClass, ...] = Field(default=(BreechFaceClass.NOT_EXAMINED,), min_length=1)
    ejector_hour: ClockHour | None = None
    extractor_hour: ClockHour | None = None

    @model_validator(mode="after")
    def _classes_agree(self) -> Self:
        if len(set(self.breech_face)) != len(self.breech_face):
            raise ValueError("a breech face class is named twice")
        alone = {BreechFaceClass.UNKNOWN, BreechFaceClass.NOT_EXAMINED}
        if len(self.breech_face) > 1 and alone & set(self.breech_face):
            raise ValueError("'unknown' and 'not_examined' stand alone among the breech face classes")
        return self


class SuspectedFirearm(Contract):
    """Make and model as suspected, never a serial number; ``basis`` says what the suspicion rests on."""

    make: ShortText
    model: ShortText | None = None
    basis: ShortText


class Exhibit(Contract):
    """One cartridge case. Places are a municipality or a coarse grid; precise places stay at home."""

    kind: ExhibitKind
    calibre: FoldedCalibre
    classes: ClassCharacteristics = ClassCharacteristics()
    primer_material: PrimerMaterial = PrimerMaterial.NOT_EXAMINED
    primer_lacquered: Answer = Answer.NOT_EXAMINED
    case_material: CaseMaterial = CaseMaterial.NOT_EXAMINED
    cast: Cast = Cast.NO
    headstamp: ShortText | None = None
    cartridge_maker: ShortText | None = None
    cartridge_lot: ShortText | None = None
    suspected_firearm: SuspectedFirearm | None = None
    converted_weapon: Answer = Answer.UNKNOWN
    offence: OffenceCategory = OffenceCategory.UNKNOWN
    occurred: DateRange = DateRange()
    municipality: ShortText | None = None
    within_80_km_of_border: Answer = Answer.UNKNOWN


class Instrument(Contract):
    maker: ShortText
    model: ShortText
    serial: ShortText | None = None
    software: ShortText | None = None


class Measurement(Contract):
    """How one region was measured. Resolutions in micrometres; ``lateral_resolution_um`` is the pixel size of a
    photograph, which needs it, and for a topography only a statement beside what the file itself says. ``light_hour``
    goes with side light only. Who captured it is a role, never a name."""

    roi: RegionOfInterest
    modality: Modality
    instrument: Instrument | None = None
    lateral_resolution_um: Annotated[float, Field(gt=0.01, le=100)] | None = None
    vertical_resolution_um: Annotated[float, Field(gt=0, le=100)] | None = None
    objective_magnification: Annotated[float, Field(gt=0, le=1000)] | None = None
    numerical_aperture: Annotated[float, Field(gt=0, le=1.6)] | None = None
    lighting: Lighting = Lighting.UNKNOWN
    light_hour: ClockHour | None = None
    unmodified: Answer = Answer.UNKNOWN
    captured_by: Role | None = None

    @model_validator(mode="after")
    def _photograph_has_a_scale(self) -> Self:
        if self.modality is Modality.REFLECTANCE and self.lateral_resolution_um is None:
            raise ValueError("a photograph needs lateral_resolution_um, its micrometres per pixel")
        if self.light_hour is not None and self.lighting is not Lighting.SIDE:
            raise ValueError("light_hour goes with side light only")
        return self


class Handling(Contract):
    """Europol's handling code, and the grading of source (A, B, C, X) and information (1 to 4). H3, and only H3,
    states its restriction in words."""

    code: HandlingCode
    restriction: ShortText | None = None
    source_grade: SourceGrade | None = None
    information_grade: Annotated[int, Field(ge=1, le=4)] | None = None

    @model_validator(mode="after")
    def _restriction_in_words(self) -> Self:
        if (self.code is HandlingCode.H3) != (self.restriction is not None):
            raise ValueError("H3, and only H3, states its restriction in words")
        return self
