"""The table of the conditions by which records are searched, for the store, the REST route and the search page.

A condition is one line of ``RecordFilter``: the name of its REST parameter and of its field on the page, its type with
its bounds, what REST tells of it, what the page calls it, and where a signed record states what it must equal. A new
condition takes this line, the column of its name in ``RecordRow``, and the migration that adds the column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from exchange.calibre_pairs import OwnCalibrePair, calibres_beside
from exchange.errors import InvalidInput
from schemas import ContractError, fold_calibre
from schemas.exhibit import ClockHour
from schemas.vocabulary import BreechFaceClass, ExhibitKind, FiringPinAperture, FiringPinClass, Jurisdiction


@dataclass(frozen=True)
class Condition:
    """``label``: what the search page calls the condition, in English. ``equals``: where a signed record states the
    value that must equal what is asked, and that the column of the condition's name holds. None: the store has code
    for the condition (``store/entry/records.py``)."""

    label: str
    equals: str | None = None


class RecordFilter(BaseModel):
    """The conditions, in the order of the search page. All that are asked must hold; None does not restrict."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calibre: Annotated[
        str | None,
        Field(max_length=40, description="Any synonym; compatible calibres too."),
        Condition("Calibre"),
    ] = None
    jurisdiction: Annotated[Jurisdiction | None, Condition("Jurisdiction", equals="jurisdiction")] = None
    kind: Annotated[ExhibitKind | None, Condition("Exhibit", equals="exhibit.kind")] = None
    case_reference: Annotated[
        str | None, Field(max_length=64), Condition("Case reference", equals="case_reference")
    ] = None
    municipality: Annotated[
        str | None,
        Field(min_length=1, max_length=120, description="In either script, or a part of its name."),
        Condition("Municipality"),
    ] = None
    earliest: Annotated[
        date | None, Field(description="Occurred on this day or later."), Condition("Occurred from")
    ] = None
    latest: Annotated[
        date | None, Field(description="Occurred on this day or earlier."), Condition("Occurred until")
    ] = None
    breech_face: Annotated[BreechFaceClass | None, Condition("Breech face class")] = None
    firing_pin_class: Annotated[
        FiringPinClass | None, Condition("Firing pin class", equals="exhibit.classes.firing_pin_class")
    ] = None
    firing_pin_aperture: Annotated[
        FiringPinAperture | None, Condition("Firing pin aperture", equals="exhibit.classes.firing_pin_aperture")
    ] = None
    ejector_hour: Annotated[
        ClockHour | None, Condition("Ejector, clock hour", equals="exhibit.classes.ejector_hour")
    ] = None
    extractor_hour: Annotated[
        ClockHour | None, Condition("Extractor, clock hour", equals="exhibit.classes.extractor_hour")
    ] = None

    def asked(self) -> dict[str, Any]:
        """The values asked for, by condition."""
        values = {name: getattr(self, name) for name in CONDITIONS}
        return {name: value for name, value in values.items() if value is not None}


CONDITIONS: Final[Mapping[str, Condition]] = {
    name: next(item for item in field.metadata if isinstance(item, Condition))
    for name, field in RecordFilter.model_fields.items()
}


def calibres_of(calibre: str, own: Iterable[OwnCalibrePair] = ()) -> frozenset[str]:
    """Those that an exhibit of this calibre may be compared with; ``own``: by the laboratory's pairs too. Raises
    InvalidInput for one that is not known."""
    try:
        return calibres_beside(fold_calibre(calibre), own)
    except ContractError as error:
        raise InvalidInput(str(error), code=error.reason, problems=(("calibre", str(error)),)) from error
