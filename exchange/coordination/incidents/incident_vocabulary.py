"""What the incident annex counts by: six vocabularies, each with *unknown*, the cells that they make, and the
counts of one half-year in them.

An incident has one offence, one weapon kind and one outcome; a person in it has a role, a sex, an age band and an
outcome of their own, and the offence and the weapon kind of the incident.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar


class PersonRole(StrEnum):
    VICTIM = "victim"
    PERPETRATOR = "perpetrator"
    UNKNOWN = "unknown"


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"
    UNKNOWN = "unknown"


class AgeBand(StrEnum):
    TO_18 = "0-18"
    TO_35 = "19-35"
    TO_60 = "36-60"
    OVER_60 = "61+"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, years: int) -> AgeBand:
        """That which an age in whole years lies in."""
        if years <= 18:
            return cls.TO_18
        if years <= 35:
            return cls.TO_35
        return cls.TO_60 if years <= 60 else cls.OVER_60


class Offence(StrEnum):
    """Where several hold, the first of this order."""

    TERRORISM = "terrorism"
    DOMESTIC_VIOLENCE = "domestic_violence"
    HOMICIDE = "homicide"
    """Also attempted: what became of it is the outcome."""
    ROBBERY = "robbery"
    TRAFFICKING = "trafficking"
    BORDER_SEIZURE = "border_seizure"
    PUBLIC_DISPUTE = "public_dispute"
    THREAT = "threat"
    ILLICIT_POSSESSION = "illicit_possession"
    CELEBRATORY_FIRE = "celebratory_fire"
    SUICIDE = "suicide"
    """Also attempted."""
    ACCIDENT = "accident"
    OTHER = "other"
    UNKNOWN = "unknown"


POSSESSION: Final = frozenset({Offence.TRAFFICKING, Offence.BORDER_SEIZURE, Offence.ILLICIT_POSSESSION})
"""Offences in which a weapon is had; in the others it is used or shown."""


class HarmOutcome(StrEnum):
    """Of a person what became of them; of an incident the gravest of these that is known, in this order."""

    KILLED = "killed"
    INJURED = "injured"
    NOT_INJURED = "not_injured"
    UNKNOWN = "unknown"


class WeaponKind(StrEnum):
    """The kinds of firearm of the exchange, and explosives. Where several were used, the first of this order."""

    EXPLOSIVE = "explosive"
    MACHINE_GUN = "machine_gun"
    ASSAULT_RIFLE = "assault_rifle"
    SUBMACHINE_GUN = "submachine_gun"
    PISTOL = "pistol"
    REVOLVER = "revolver"
    RIFLE = "rifle"
    SHOTGUN = "shotgun"
    ALARM = "alarm"
    IMPROVISED = "improvised"
    OTHER = "other"
    UNKNOWN = "unknown"


class PersonCell(NamedTuple):
    role: PersonRole
    sex: Sex
    age: AgeBand
    offence: Offence
    outcome: HarmOutcome
    weapon: WeaponKind


class IncidentCell(NamedTuple):
    offence: Offence
    outcome: HarmOutcome
    weapon: WeaponKind


DIMENSIONS: Final[Mapping[str, type[StrEnum]]] = {
    "role": PersonRole,
    "sex": Sex,
    "age": AgeBand,
    "offence": Offence,
    "outcome": HarmOutcome,
    "weapon": WeaponKind,
}
"""By their names, which are the columns of a table that is imported and the fields of the JSON."""


_C = TypeVar("_C", PersonCell, IncidentCell)

MAX_COUNT: Final = 99_999
"""In one cell: more than a jurisdiction has in a half-year."""


@dataclass(frozen=True)
class IncidentCounts:
    """Cells without a count are left out: they are 0."""

    persons: Mapping[PersonCell, int] = field(default_factory=dict)
    incidents: Mapping[IncidentCell, int] = field(default_factory=dict)

    @property
    def incident_total(self) -> int:
        return sum(self.incidents.values())

    @property
    def person_total(self) -> int:
        return sum(self.persons.values())

    def persons_of(self, role: PersonRole) -> int:
        return sum(count for cell, count in self.persons.items() if cell.role is role)

    def persons_by(self, role: PersonRole, names: Collection[str]) -> dict[tuple[str, ...], int]:
        """The persons of one role by some of their properties."""
        return _summed({cell: count for cell, count in self.persons.items() if cell.role is role}, names)

    def incidents_by(self, names: Collection[str], *, possession: bool) -> dict[tuple[str, ...], int]:
        """The incidents in which a weapon was had, or those in which one was used, by some of their properties."""
        chosen = {cell: count for cell, count in self.incidents.items() if (cell.offence in POSSESSION) == possession}
        return _summed(chosen, names)

    def without_incident(self) -> set[tuple[Offence, WeaponKind]]:
        """Offences and weapon kinds of persons of which no incident is counted: one of both counts is wrong."""
        counted = {(cell.offence, cell.weapon) for cell, count in self.incidents.items() if count}
        return {(cell.offence, cell.weapon) for cell, count in self.persons.items() if count} - counted


def _summed(cells: Mapping[_C, int], names: Collection[str]) -> dict[tuple[str, ...], int]:
    found: dict[tuple[str, ...], int] = {}
    for cell, count in cells.items():
        at = tuple(str(getattr(cell, name)) for name in names)
        found[at] = found.get(at, 0) + count
    return found
