"""What is typed into the form of a draft, by dotted names of the contract, and the submission that it makes.

``exhibit.kind`` stands for a value, ``audience.RS`` and ``exhibit.classes.breech_face.arched`` for a ticked box,
``file.<id>.roi`` for what is said of one file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from exchange.flows.node.region_masks import mask_digest
from exchange.store.tables.draft_tables import DraftFileRow
from schemas import Record, RegionMask
from schemas.exhibit import Contract
from schemas.record import Acquisition
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

MAX_TYPED = 400
"""Characters of one field that a draft keeps: more than the contract takes, so that nothing typed is lost at once."""
TICKED = "yes"

CHOICES: dict[str, type[StrEnum]] = {
    "exhibit.kind": ExhibitKind,
    "exhibit.firearm.kind": FirearmKind,
    "exhibit.firearm.converted": Answer,
    "exhibit.firearm.origin": FirearmOrigin,
    "exhibit.classes.firing_pin_type": FiringPinType,
    "exhibit.classes.firing_pin_class": FiringPinClass,
    "exhibit.classes.firing_pin_aperture": FiringPinAperture,
    "exhibit.primer_material": PrimerMaterial,
    "exhibit.primer_lacquered": Answer,
    "exhibit.case_material": CaseMaterial,
    "exhibit.cast": Cast,
    "exhibit.converted_weapon": Answer,
    "exhibit.offence": OffenceCategory,
    "exhibit.occurred.precision": DatePrecision,
    "exhibit.within_80_km_of_border": Answer,
    "handling.code": HandlingCode,
    "handling.source_grade": SourceGrade,
    "level": ReleaseLevel,
}
FILE_CHOICES: dict[str, type[StrEnum]] = {
    "roi": RegionOfInterest,
    "lighting": Lighting,
    "unmodified": Answer,
    "captured_by": Role,
}
TEXTS = (
    "case_reference",
    "exhibit.incident",
    "exhibit.item",
    "exhibit.seal",
    "exhibit.calibre",
    "exhibit.calibre_words",
    "exhibit.firearm.firearm_id",
    "exhibit.firearm.make",
    "exhibit.firearm.model",
    "exhibit.firearm.calibre",
    "exhibit.firearm.calibre_words",
    "exhibit.headstamp",
    "exhibit.cartridge_maker",
    "exhibit.cartridge_lot",
    "exhibit.suspected_firearm.make",
    "exhibit.suspected_firearm.model",
    "exhibit.suspected_firearm.basis",
    "exhibit.municipality",
    "handling.restriction",
)
FREE_TEXTS = tuple(name for name in TEXTS if not name.endswith(".calibre"))
"""In which people may write what tells of a person."""
FILE_TEXTS = ("instrument.maker", "instrument.model", "instrument.serial", "instrument.software")
DATES = ("exhibit.occurred.earliest", "exhibit.occurred.latest", "retention_until")
WHOLE = ("exhibit.classes.ejector_hour", "exhibit.classes.extractor_hour", "handling.information_grade")
FILE_WHOLE = ("light_hour",)
FILE_NUMBERS = ("lateral_resolution_um", "vertical_resolution_um", "objective_magnification", "numerical_aperture")
BOXES: dict[str, tuple[StrEnum, ...]] = {
    "exhibit.classes.breech_face": tuple(BreechFaceClass),
    "audience": (),
}
"""Of which several go; whom an audience may name, the node knows."""
_OWN = {*CHOICES, *TEXTS, *DATES, *WHOLE}
_OF_FILE = {*FILE_CHOICES, *FILE_TEXTS, *FILE_WHOLE, *FILE_NUMBERS}
_FILE = re.compile(r"^file\.([0-9a-f]{32})\.(.+)$")
_BOX = re.compile(r"^(exhibit\.classes\.breech_face|audience)\.([A-Za-z0-9_-]{2,40})$")
_PLACED = {
    "exhibit": "exhibit.calibre_words",
    "handling": "handling.restriction",
    "exhibit.occurred": "exhibit.occurred.earliest",
    "exhibit.firearm": "exhibit.firearm.firearm_id",
    "exhibit.suspected_firearm": "exhibit.suspected_firearm.make",
}
"""Where a fault of a whole group is shown."""


@dataclass(frozen=True)
class FileOf:
    """A file as the submission names it: the part is its id. ``mask``: its region as marked by hand."""

    file_id: str
    modality: Modality
    mask: RegionMask | None = None


def known_fields(sent: Mapping[str, str], files: Iterable[str]) -> dict[str, str]:
    """Of a form what this form has, each value on one line and bounded. Everything else is dropped."""
    mine = set(files)
    found = {}
    for name, value in sent.items():
        of_file = _FILE.match(name)
        known = name in _OWN or _BOX.match(name) or (of_file and of_file[1] in mine and of_file[2] in _OF_FILE)
        text = " ".join(value.split())[:MAX_TYPED]
        if known and text:
            found[name] = text
    return found


def of_file(fields: Mapping[str, str], file_id: str) -> dict[str, str]:
    """What is said of one file, without the prefix."""
    prefix = f"file.{file_id}."
    return {name.removeprefix(prefix): value for name, value in fields.items() if name.startswith(prefix)}


def marked_in(file: DraftFileRow, said: Mapping[str, str]) -> RegionMask | None:
    """The region that was marked by hand on a file, if it is the region of interest that is stated of it."""
    if file.region_mask is None or file.region_roi != said.get("roi"):
        return None
    return RegionMask.model_validate_json(file.region_mask)


def is_stale(file: DraftFileRow, said: Mapping[str, str]) -> bool:
    """Whether a scan was read with another region than is marked now: its verdict is not of this one."""
    reading = json.loads(file.reading) if file.reading else {}
    return "report" in reading and reading.get("mended") != mask_digest(marked_in(file, said))


def is_box(name: str) -> bool:
    """Whether a field is a box that is ticked or not."""
    return _BOX.match(name) is not None


def ticked(fields: Mapping[str, str], group: str) -> list[str]:
    return [name.removeprefix(f"{group}.") for name in fields if (box := _BOX.match(name)) and box[1] == group]


def submission_of(fields: Mapping[str, str], files: Sequence[FileOf], supersedes: str | None) -> bytes:
    """The metadata that ``POST /v1/records`` would have, to be read as strictly."""
    made: dict[str, Any] = {"exhibit": {}, "handling": {}}
    for name, value in fields.items():
        if name in _OWN:
            _put(made, name, _valued(name, value, WHOLE, ()))
    if classes := ticked(fields, "exhibit.classes.breech_face"):
        _put(made, "exhibit.classes.breech_face", classes)
    made["audience"] = ticked(fields, "audience")
    made["acquisitions"] = [_acquisition(of_file(fields, each.file_id), each) for each in files]
    if supersedes is not None:
        made["supersedes"] = supersedes
    return json.dumps(made).encode()


def fields_of(record: Record) -> dict[str, str]:
    """The form filled from a record: everything but its acquisitions."""
    content: dict[str, Any] = {"exhibit": _plain(record.exhibit), "handling": _plain(record.handling)}
    content |= {"case_reference": record.case_reference, "level": record.level.value}
    content["retention_until"] = record.retention_until.isoformat()
    content["audience"] = [str(name) for name in record.audience]
    return dict(_flat(content))


def fields_of_file(acquisition: Acquisition, file_id: str) -> dict[str, str]:
    beside = {"blob", "modality", "region_mask", "instrument_check"}
    content = {name: value for name, value in _plain(acquisition).items() if name not in beside}
    return {f"file.{file_id}.{name}": value for name, value in _flat(content)}


def placed(problems: Iterable[tuple[str, str]], files: Sequence[FileOf]) -> dict[str, str]:
    """The contract's faults by the field beside which each is shown; by "" what belongs to no field."""
    found: dict[str, str] = {}
    for where, what in problems:
        found.setdefault(_field_of(where, files), what)
    return found


def _field_of(where: str, files: Sequence[FileOf]) -> str:
    steps = where.split(".")
    if steps[0] == "acquisitions":
        if len(steps) == 1 or not steps[1].isdecimal() or int(steps[1]) >= len(files):
            return "files"
        inside = ".".join(steps[2:]) or "lateral_resolution_um"
        return f"file.{files[int(steps[1])].file_id}.{inside}"
    for group in BOXES:
        if where == group or where.startswith(f"{group}."):
            return group
    if any(where == each.file_id for each in files):
        return f"file.{where}.roi"
    name = _PLACED.get(where, where)
    if name in _OWN:
        return name
    return next((field for field in sorted(_OWN) if field.startswith(f"{name}.")), "")


def _acquisition(said: Mapping[str, str], file: FileOf) -> dict[str, Any]:
    made: dict[str, Any] = {"file": file.file_id, "modality": file.modality.value}
    if file.modality is Modality.TOPOGRAPHY:
        said = {name: value for name, value in said.items() if name != "light_hour"} | {"lighting": Lighting.NONE}
    for name, value in said.items():
        _put(made, name, _valued(name, value, FILE_WHOLE, FILE_NUMBERS))
    if file.mask is not None:
        made["region_mask"] = _plain(file.mask)
    return made


def _valued(name: str, value: str, whole: Sequence[str], numbers: Sequence[str]) -> Any:
    """A number where one is meant and was written; else the text, which the contract then refuses by its place."""
    if name in whole and value.isdecimal():
        return int(value)
    if name in numbers:
        try:
            return float(value.replace(",", "."))
        except ValueError:
            return value
    return value


def _put(made: dict[str, Any], name: str, value: Any) -> None:
    *groups, last = name.split(".")
    for group in groups:
        made = made.setdefault(group, {})
    made[last] = value


def _plain(part: Contract) -> dict[str, Any]:
    return part.model_dump(mode="json", exclude_none=True)


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for name, value in content.items():
        match value:
            case dict():
                yield from _flat(value, f"{prefix}{name}.")
            case list():
                yield from ((f"{prefix}{name}.{item}", TICKED) for item in value)
            case _:
                yield f"{prefix}{name}", str(value)
