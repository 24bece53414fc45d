"""What an examiner knows of one exhibit and of each measurement of it. Everything not stated is *not examined*."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from datetime import date
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
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
    FirearmKind,
    FirearmOrigin,
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


def added_later() -> Any:
    """Declare an optional field that a later contract version than the first adds: where it is unset, it is left out of
    the payload. ``schemas.versions.ADDED`` states the version.

    A node that reads the earlier version alone refuses a field that it does not know, even an empty one. Fields of the
    first version are always written, where they are unset as ``null``: the bytes, and so the id, of a record stay.
    """
    return Field(default=None, exclude_if=lambda value: value is None)


def plain_line(text: str) -> str:
    """One line without control or format characters: these can hide or reorder what a person reads."""
    if not text.isprintable() or text != text.strip():
        raise ValueError("text must be one line of printable characters, with no space at either end")
    return text


_OF_ITEM_NUMBERS = "0-9A-Za-zÂâÇçËëÎîĂăĆćČčĐđŠšŽžȘșȚț\u0400-\u045fҐґ№ .,:/_()#+–—-"


def _of_item_numbers(text: str) -> str:
    other = re.search(f"[^{_OF_ITEM_NUMBERS}]", text)
    if other is not None:
        raise ValueError(
            f"an item number has no character U+{ord(other[0]):04X}. Allowed are Latin and Cyrillic letters of the "
            "region's languages, digits, spaces and . , : / _ ( ) # + - №"
        )
    return text


def _beside_calibre(words: str | None, info: ValidationInfo) -> str | None:
    """``other``, and nothing else, is named in words: what the list of calibres has no designation for."""
    if "calibre" in info.data and (info.data["calibre"] is Calibre.OTHER) != (words is not None):
        raise ValueError("the calibre 'other', and only 'other', is named in calibre_words")
    return words


Day = Annotated[date, BeforeValidator(_iso_day)]
FoldedCalibre = Annotated[Calibre, BeforeValidator(_calibre)]
ShortText = Annotated[
    str,
    Field(min_length=1, max_length=120, description="One line of printable characters, with no space at either end."),
    AfterValidator(plain_line),
]
ClockHour = Annotated[int, Field(ge=1, le=12)]
Sha256Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
CalibreWords = Annotated[ShortText | None, AfterValidator(_beside_calibre)]
"""It stands behind the field ``calibre``, and goes with ``other`` alone."""
CaseReference = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$")]
IncidentReference = CaseReference
"""Of one incident within its case: whoever reads it must not learn more by it than by the case's."""
FirearmId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$")]
"""A pseudonym that the issuer gave a firearm: never its serial number."""
ItemNumber = Annotated[
    str,
    Field(
        min_length=1,
        max_length=32,
        description="One line, with no space at either end, of the characters in the pattern.",
        json_schema_extra={"pattern": f"^[{_OF_ITEM_NUMBERS}]+$"},
    ),
    AfterValidator(plain_line),
    AfterValidator(_of_item_numbers),
]
"""The number of an exhibit within its case, as the laboratory wrote it on the bag: ``3``, ``K-2/1``. It has only the
letters of the region's languages. Other letters that look alike would make another exhibit."""

MAX_MASK_CELLS = 128
"""On either side: of a primer's 4 mm a cell is 31 um, half of what is taken off a mark's rim."""
_MAX_BITS_LENGTH = 4 * -(-(MAX_MASK_CELLS**2 // 8) // 3)


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


class Firearm(Contract):
    """A firearm that an issuer holds or held. ``firearm_id`` is the issuer's pseudonym of it: test fires that name the
    same one come from the same firearm. Its serial number stays at home, and goes in a disclosure. ``calibre`` is what
    it fires as it came in, with its words where it is ``other``."""

    firearm_id: FirearmId
    kind: FirearmKind
    calibre: FoldedCalibre
    calibre_words: CalibreWords = Field(default=None, validate_default=True)
    make: ShortText | None = None
    model: ShortText | None = None
    converted: Answer = Answer.UNKNOWN
    origin: FirearmOrigin = FirearmOrigin.UNKNOWN


class Exhibit(Contract):
    """One cartridge case. Places are a municipality or a coarse grid; precise places stay at home.

    ``calibre_words`` goes with the calibre ``other`` alone. ``item`` is its number within the case, ``seal`` that of
    its bag, ``incident`` the one of its case that it is of. A test fire names the ``firearm`` that fired it, and
    suspects none.
    """

    kind: ExhibitKind
    calibre: FoldedCalibre
    calibre_words: CalibreWords = Field(default=None, validate_default=True)
    item: ItemNumber | None = None
    seal: ItemNumber | None = None
    incident: IncidentReference | None = None
    firearm: Firearm | None = None
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

    @field_validator("firearm")
    @classmethod
    def _of_a_test_fire(cls, firearm: Firearm | None, info: ValidationInfo) -> Firearm | None:
        if firearm is not None and info.data.get("kind", ExhibitKind.TEST_FIRE) is not ExhibitKind.TEST_FIRE:
            raise ValueError("only a test fire names the firearm that fired it; of any other it is suspected")
        return firearm

    @field_validator("suspected_firearm")
    @classmethod
    def _suspects_what_it_does_not_know(
        cls, suspected: SuspectedFirearm | None, info: ValidationInfo
    ) -> SuspectedFirearm | None:
        if suspected is not None and info.data.get("firearm") is not None:
            raise ValueError("a test fire names the firearm that fired it, and suspects none")
        return suspected


class Instrument(Contract):
    maker: ShortText
    model: ShortText
    serial: ShortText | None = None
    software: ShortText | None = None


class InstrumentCheck(Contract):
    """The last check of an instrument on a reference specimen that it had passed when a record was made.

    The issuer's node says it of itself: it compared the specimen's scan with the first one of the same instrument, of
    the software that the record states. ``warning``: it passed with a warning. ``digest``: SHA-256 of the check's
    document, which the issuer keeps and shows on request.
    """

    specimen: ShortText
    checked_on: Day
    warning: bool
    digest: Sha256Hex


class RegionMask(Contract):
    """The region of interest as an examiner marked it by hand, in cells that cover the whole scan.

    Of a scan of H x W points, point (y, x) lies in the cell of row floor((2 y + 1) rows / 2 H) and of column
    floor((2 x + 1) columns / 2 W). Row 0 holds the scan's first row: of an x3p the one with the smallest y, whichever
    way y points, of a photograph the top one as the picture is shown. ``bits``: one a cell, row after row without a
    gap, in each byte the most significant first, 1 inside the region; unused bits of the last byte are 0; Base64
    (RFC 4648, 4). There is one spelling of a region: any other is refused.
    """

    rows: Annotated[int, Field(ge=1, le=MAX_MASK_CELLS)]
    columns: Annotated[int, Field(ge=1, le=MAX_MASK_CELLS)]
    bits: Annotated[str, Field(max_length=_MAX_BITS_LENGTH, pattern=r"^[A-Za-z0-9+/]+={0,2}$")]

    @model_validator(mode="after")
    def _canonical(self) -> Self:
        cells = self.rows * self.columns
        try:
            packed = base64.b64decode(self.bits, validate=True)
        except binascii.Error as error:
            raise ValueError("the bits are not Base64") from error
        if base64.b64encode(packed).decode() != self.bits:
            raise ValueError("the bits are in another than the canonical spelling of Base64")
        if len(packed) != -(-cells // 8):
            raise ValueError(f"{self.rows} x {self.columns} cells take {-(-cells // 8)} bytes, and {len(packed)} came")
        if packed[-1] & ((1 << (-cells % 8)) - 1):
            raise ValueError("a bit is set behind the last cell")
        if not any(packed):
            raise ValueError("no cell is in the region")
        return self

    @classmethod
    def of(cls, rows: int, columns: int, packed: bytes) -> Self:
        return cls(rows=rows, columns=columns, bits=base64.b64encode(packed).decode())

    @property
    def packed(self) -> bytes:
        """The bits as bytes."""
        return base64.b64decode(self.bits)

    @property
    def digest(self) -> str:
        """SHA-256 of rows, columns (two bytes each, big-endian) and bits: names what is made of a scan with it."""
        shape = self.rows.to_bytes(2, "big") + self.columns.to_bytes(2, "big")
        return hashlib.sha256(shape + self.packed).hexdigest()


class Measurement(Contract):
    """How one region was measured. Resolutions in micrometres; ``lateral_resolution_um`` is the pixel size of a
    photograph, which needs it, and for a topography only a statement beside what the file itself says. ``light_hour``
    goes with side light only. Who captured it is a role, never a name. ``region_mask`` is there where an examiner
    marked the region by hand, and then stands in the place of what a matcher would find."""

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
    region_mask: RegionMask | None = None

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
