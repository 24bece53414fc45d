"""The table of the conditions by which records are searched, for the store, the REST route and the search page.

A condition is one line of ``RecordFilter``: the name of its REST parameter and of its field on the page, its type with
its bounds, what REST tells of it, what the page calls it, and of which fields of a signed record it asks. A new
condition takes this line, the column of its name in the row that it asks (``AskedRows``), and the migration that adds
the column. Each field of a record has a condition: a test goes through the contract.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from exchange.calibre_pairs import OwnCalibrePair, calibres_beside
from exchange.errors import InvalidInput
from schemas import ContractError, fold_calibre
from schemas.exhibit import ClockHour, Sha256Hex
from schemas.jurisdiction import Jurisdiction
from schemas.record import ScanMediaType
from schemas.statement_base import NodeId
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
    ReleaseLevel,
    Role,
    SourceGrade,
)


class How(StrEnum):
    """How what is asked is held against the column. ``PART``: a part of the text, ``WORDS``: whole words of it, in
    either script, case, with or without diacritics. ``AMONG``: one of the values that the record states."""

    EQUALS = "equals"
    PART = "part"
    WORDS = "words"
    AMONG = "among"
    AT_MOST = "at_most"
    OWN = "own"
    """The store has code for it."""


class AskedRows(StrEnum):
    """Whose column of the condition's name is asked: the record's row, the row of what is only searched by, its
    scans'."""

    RECORD = "record"
    DETAIL = "record_detail"
    SCANS = "acquisition"


class ConditionGroup(StrEnum):
    """Which conditions stand together on the search page; the first ones are always open."""

    USUAL = "Usual conditions"
    EXHIBIT = "Exhibit and cartridge"
    CLASSES = "Class characteristics"
    FIREARM = "Firearm"
    SCANS = "Scans"
    TERMS = "Terms"
    FIELDS = "Fields that are empty or not"


class YesOrNo(StrEnum):
    """Of what a node knows, where an examiner's ``Answer`` knows more words."""

    YES = "yes"
    NO = "no"


@dataclass(frozen=True)
class Condition:
    """``label``: what the search page calls the condition, in English. ``states``: the fields of a signed record that
    it asks of, each with all beneath it."""

    label: str
    states: tuple[str, ...] = ()
    how: How = How.EQUALS
    rows: AskedRows = AskedRows.DETAIL
    group: ConditionGroup = ConditionGroup.USUAL


def _stated(
    label: str, states: str, group: ConditionGroup = ConditionGroup.USUAL, rows: AskedRows = AskedRows.DETAIL
) -> Condition:
    """One value of one field."""
    return Condition(label, (states,), How.EQUALS, rows, group)


def _text(label: str, *states: str, group: ConditionGroup = ConditionGroup.EXHIBIT) -> Condition:
    return Condition(label, states, How.PART, AskedRows.DETAIL, group)


def _scan(label: str, field: str, how: How = How.EQUALS, rows: AskedRows = AskedRows.SCANS) -> Condition:
    return Condition(label, (f"acquisitions.{field}",), how, rows, ConditionGroup.SCANS)


def _known(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in FIELDS_OF_RECORDS:
            raise ValueError(f"there is no field {name[:40]!r}; there are {', '.join(FIELDS_OF_RECORDS)}")
    return tuple(dict.fromkeys(names))


_TEXT: Final = Field(min_length=1, max_length=120, description="A part of it, however it is written.")
_EXHIBIT, _CLASSES, _FIREARM, _TERMS = (
    ConditionGroup.EXHIBIT,
    ConditionGroup.CLASSES,
    ConditionGroup.FIREARM,
    ConditionGroup.TERMS,
)
_RECORD: Final = AskedRows.RECORD
Text = Annotated[str | None, _TEXT]
PositiveNumber = Annotated[float | None, Field(gt=0, le=1000)]
InformationGrade = Annotated[int, Field(ge=1, le=4)]
FieldNames = Annotated[tuple[str, ...], Field(max_length=20), AfterValidator(_known)]


class RecordFilter(BaseModel):
    """The conditions, in the order of the search page. All that are asked must hold; None does not restrict."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calibre: Annotated[
        str | None,
        Field(max_length=40, description="Any synonym; compatible calibres too."),
        Condition("Calibre", ("exhibit.calibre",), How.OWN, _RECORD),
    ] = None
    jurisdiction: Annotated[Jurisdiction | None, _stated("Jurisdiction", "jurisdiction", rows=_RECORD)] = None
    kind: Annotated[ExhibitKind | None, _stated("Exhibit", "exhibit.kind", rows=_RECORD)] = None
    case_reference: Annotated[
        str | None,
        Field(max_length=64, description="The case's own, where there is such a case; else a part of it."),
        Condition("Case reference", ("case_reference",), How.OWN, _RECORD),
    ] = None
    item: Annotated[
        str | None,
        Field(min_length=1, max_length=32, description="Whole words of it: 3 finds K-3, and not 13."),
        Condition("Item", ("exhibit.item",), How.WORDS),
    ] = None
    offence: Annotated[OffenceCategory | None, _stated("Offence", "exhibit.offence")] = None
    municipality: Annotated[
        str | None,
        Field(min_length=1, max_length=120, description="In either script, or a part of its name."),
        Condition("Municipality", ("exhibit.municipality",), How.OWN, _RECORD),
    ] = None
    earliest: Annotated[
        date | None,
        Field(description="Occurred on this day or later."),
        Condition("Occurred from", ("exhibit.occurred.earliest",), How.OWN, _RECORD),
    ] = None
    latest: Annotated[
        date | None,
        Field(description="Occurred on this day or earlier."),
        Condition("Occurred until", ("exhibit.occurred.latest",), How.OWN, _RECORD),
    ] = None

    incident: Annotated[
        str | None,
        Field(min_length=1, max_length=64, description="Whole words of it."),
        Condition("Incident", ("exhibit.incident",), How.WORDS, group=_EXHIBIT),
    ] = None
    seal: Annotated[Text, _text("Seal", "exhibit.seal")] = None
    calibre_words: Annotated[
        Text, _text("Calibre in words", "exhibit.calibre_words", "exhibit.firearm.calibre_words")
    ] = None
    headstamp: Annotated[Text, _text("Headstamp", "exhibit.headstamp")] = None
    cartridge_maker: Annotated[Text, _text("Cartridge maker", "exhibit.cartridge_maker")] = None
    cartridge_lot: Annotated[Text, _text("Cartridge lot", "exhibit.cartridge_lot")] = None
    case_material: Annotated[CaseMaterial | None, _stated("Case material", "exhibit.case_material", _EXHIBIT)] = None
    primer_material: Annotated[
        PrimerMaterial | None, _stated("Primer material", "exhibit.primer_material", _EXHIBIT)
    ] = None
    primer_lacquered: Annotated[Answer | None, _stated("Primer lacquered", "exhibit.primer_lacquered", _EXHIBIT)] = None
    cast: Annotated[Cast | None, _stated("Cast", "exhibit.cast", _EXHIBIT)] = None
    within_80_km_of_border: Annotated[
        Answer | None, _stated("Within 80 km of a border", "exhibit.within_80_km_of_border", _EXHIBIT)
    ] = None
    precision: Annotated[DatePrecision | None, _stated("Date known to the", "exhibit.occurred.precision", _EXHIBIT)] = (
        None
    )

    breech_face: Annotated[
        BreechFaceClass | None,
        Condition("Breech face class", ("exhibit.classes.breech_face",), How.OWN, _RECORD, _CLASSES),
    ] = None
    firing_pin_type: Annotated[
        FiringPinType | None, _stated("Firing pin type", "exhibit.classes.firing_pin_type", _CLASSES)
    ] = None
    firing_pin_class: Annotated[
        FiringPinClass | None, _stated("Firing pin class", "exhibit.classes.firing_pin_class", _CLASSES, _RECORD)
    ] = None
    firing_pin_aperture: Annotated[
        FiringPinAperture | None,
        _stated("Firing pin aperture", "exhibit.classes.firing_pin_aperture", _CLASSES, _RECORD),
    ] = None
    ejector_hour: Annotated[
        ClockHour | None, _stated("Ejector, clock hour", "exhibit.classes.ejector_hour", _CLASSES, _RECORD)
    ] = None
    extractor_hour: Annotated[
        ClockHour | None, _stated("Extractor, clock hour", "exhibit.classes.extractor_hour", _CLASSES, _RECORD)
    ] = None

    make: Annotated[Text, _text("Make", "exhibit.suspected_firearm.make", "exhibit.firearm.make", group=_FIREARM)] = (
        None
    )
    model: Annotated[
        Text, _text("Model", "exhibit.suspected_firearm.model", "exhibit.firearm.model", group=_FIREARM)
    ] = None
    basis: Annotated[Text, _text("What the suspicion rests on", "exhibit.suspected_firearm.basis", group=_FIREARM)] = (
        None
    )
    converted: Annotated[
        Answer | None,
        Condition(
            "Converted",
            ("exhibit.converted_weapon", "exhibit.firearm.converted"),
            How.AMONG,
            AskedRows.DETAIL,
            _FIREARM,
        ),
    ] = None
    firearm: Annotated[Text, _text("Firearm held", "exhibit.firearm.firearm_id", group=_FIREARM)] = None
    firearm_kind: Annotated[FirearmKind | None, _stated("Kind of firearm held", "exhibit.firearm.kind", _FIREARM)] = (
        None
    )
    firearm_calibre: Annotated[
        str | None,
        Field(max_length=40, description="Any synonym; compatible calibres too."),
        Condition("Calibre of the firearm held", ("exhibit.firearm.calibre",), How.OWN, AskedRows.DETAIL, _FIREARM),
    ] = None
    origin: Annotated[FirearmOrigin | None, _stated("How the firearm came in", "exhibit.firearm.origin", _FIREARM)] = (
        None
    )

    roi: Annotated[RegionOfInterest | None, _scan("Region", "roi")] = None
    modality: Annotated[Modality | None, _scan("Modality", "modality")] = None
    instrument: Annotated[
        str | None,
        Field(min_length=1, max_length=120, description="A part of maker, model, serial number and software."),
        _scan("Instrument", "instrument", How.PART, AskedRows.DETAIL),
    ] = None
    lateral_resolution_um: Annotated[
        PositiveNumber,
        Field(description="At most so many micrometres a point."),
        _scan("Points apart, at most µm", "lateral_resolution_um", How.AT_MOST),
    ] = None
    vertical_resolution_um: Annotated[
        PositiveNumber,
        Field(description="At most so many micrometres, of the finest scan."),
        _scan("Vertical resolution, at most µm", "vertical_resolution_um", How.AT_MOST, AskedRows.DETAIL),
    ] = None
    objective_magnification: Annotated[
        PositiveNumber, _scan("Magnification", "objective_magnification", How.AMONG, AskedRows.DETAIL)
    ] = None
    numerical_aperture: Annotated[
        PositiveNumber, _scan("Numerical aperture", "numerical_aperture", How.AMONG, AskedRows.DETAIL)
    ] = None
    lighting: Annotated[Lighting | None, _scan("Light", "lighting")] = None
    light_hour: Annotated[ClockHour | None, _scan("Light from, clock hour", "light_hour")] = None
    unmodified: Annotated[Answer | None, _scan("Unmodified", "unmodified", How.AMONG, AskedRows.DETAIL)] = None
    captured_by: Annotated[Role | None, _scan("Captured by", "captured_by", How.AMONG, AskedRows.DETAIL)] = None
    region_mask: Annotated[YesOrNo | None, _scan("Region marked by hand", "region_mask", How.OWN)] = None
    specimen: Annotated[
        Text, _scan("Checked on the specimen", "instrument_check.specimen", How.PART, AskedRows.DETAIL)
    ] = None
    checked_on: Annotated[
        date | None,
        Field(description="The instrument's last check was on this day or earlier."),
        _scan("Instrument last checked until", "instrument_check.checked_on", How.AT_MOST, AskedRows.DETAIL),
    ] = None
    check_warning: Annotated[
        YesOrNo | None, _scan("Checked with a warning", "instrument_check.warning", How.AMONG, AskedRows.DETAIL)
    ] = None
    media_type: Annotated[ScanMediaType | None, _scan("Kind of file", "blob.media_type")] = None
    sha256: Annotated[Sha256Hex | None, _scan("SHA-256 of a scan", "blob.sha256")] = None

    issuer: Annotated[NodeId | None, _stated("Node", "issuer", _TERMS, _RECORD)] = None
    level: Annotated[ReleaseLevel | None, _stated("Release", "level", _TERMS, _RECORD)] = None
    audience: Annotated[
        str | None,
        Field(max_length=40, description="A jurisdiction or a group that the record names itself."),
        Condition("Shared with", ("audience",), How.OWN, _RECORD, _TERMS),
    ] = None
    handling: Annotated[HandlingCode | None, _stated("Handling", "handling.code", _TERMS, _RECORD)] = None
    restriction: Annotated[Text, _text("Restriction in words", "handling.restriction", group=_TERMS)] = None
    source_grade: Annotated[SourceGrade | None, _stated("Source grade", "handling.source_grade", _TERMS)] = None
    information_grade: Annotated[
        InformationGrade | None, _stated("Information grade", "handling.information_grade", _TERMS)
    ] = None
    retention_until: Annotated[
        date | None,
        Field(description="Kept until this day or earlier."),
        Condition("Kept until", ("retention_until",), How.AT_MOST, _RECORD, _TERMS),
    ] = None
    supersedes: Annotated[Sha256Hex | None, _stated("Amends the record", "supersedes", _TERMS)] = None

    empty: Annotated[
        FieldNames,
        Field(description="Fields, named as here, of which the record states nothing, 'unknown' or 'not examined'."),
        Condition("Nothing is stated of", how=How.OWN, group=ConditionGroup.FIELDS),
    ] = ()
    filled: Annotated[
        FieldNames,
        Field(description="Fields, named as here, of which the record states something."),
        Condition("Something is stated of", how=How.OWN, group=ConditionGroup.FIELDS),
    ] = ()

    def asked(self) -> dict[str, Any]:
        """The values asked for, by condition."""
        values = {name: getattr(self, name) for name in CONDITIONS}
        return {name: value for name, value in values.items() if value is not None and value != ()}


CONDITIONS: Final[Mapping[str, Condition]] = {
    name: next(item for item in field.metadata if isinstance(item, Condition))
    for name, field in RecordFilter.model_fields.items()
}
FIELDS_OF_RECORDS: Final = tuple(name for name, condition in CONDITIONS.items() if condition.states)
"""What ``empty`` and ``filled`` may name."""


def calibres_of(calibre: str, own: Iterable[OwnCalibrePair] = (), *, asked_by: str = "calibre") -> frozenset[str]:
    """Those that an exhibit of this calibre may be compared with; ``own``: by the laboratory's pairs too. Raises
    InvalidInput for one that is not known."""
    try:
        return calibres_beside(fold_calibre(calibre), own)
    except ContractError as error:
        raise InvalidInput(str(error), code=error.reason, problems=((asked_by, str(error)),)) from error
