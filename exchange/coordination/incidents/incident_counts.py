"""The counts of a half-year: of persons by six properties, of incidents by three. No row is a person or an incident."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from exchange.coordination.incidents.incident_vocabulary import (
    POSSESSION,
    IncidentCell,
    Offence,
    PersonCell,
    PersonRole,
    WeaponKind,
)

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
