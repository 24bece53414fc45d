"""The facts of one day: three incidents of two cases, seven exhibits of three firearms, two held firearms with three
test fires each, and the steps by which one pair becomes a hit that both sides confirm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from exchange.flows.hits.vocabulary import LOCAL
from schemas.vocabulary import ExhibitKind, Jurisdiction

CALIBRE: Final = "9 mm Luger"
RETENTION: Final = "2036-12-31"
HANDLING: Final = "H1"
A, B, C, D, E = range(1, 6)
"""The drawn firearms: A fired in both jurisdictions."""


@dataclass(frozen=True)
class HeldByLaboratory:
    """A firearm in the laboratory's store; its serial number stays there."""

    firearm_id: str
    make: str
    model: str
    serial_number: str

    @property
    def stated(self) -> dict[str, str]:
        """What its test fires say of it."""
        return {
            "firearm_id": self.firearm_id,
            "kind": "pistol",
            "calibre": CALIBRE,
            "make": self.make,
            "model": self.model,
            "converted": "no",
            "origin": "seized",
        }


@dataclass(frozen=True)
class DayExhibit:
    """One cartridge case; ``drawn``: the seeds of the firearm and of the shot. ``fired_by``: of a test fire alone."""

    case_reference: str
    incident: str | None
    item: str
    seal: str
    drawn: tuple[int, int]
    fired_by: HeldByLaboratory | None = None

    @property
    def kind(self) -> ExhibitKind:
        return ExhibitKind.CRIME_SCENE if self.fired_by is None else ExhibitKind.TEST_FIRE

    @property
    def name(self) -> str:
        """As lists name it."""
        incident = f", incident {self.incident}" if self.incident else ""
        return f"{self.case_reference}{incident}, item {self.item}"


@dataclass(frozen=True)
class SideOfTheDay:
    """What one laboratory has on its bench that day."""

    jurisdiction: Jurisdiction
    partner: Jurisdiction
    case_reference: str
    exhibits: tuple[DayExhibit, ...]
    firearm: HeldByLaboratory
    test_fires: tuple[DayExhibit, ...]

    @property
    def entered(self) -> tuple[DayExhibit, ...]:
        return (*self.exhibits, *self.test_fires)

    @property
    def node_id(self) -> str:
        return f"ffp-{self.jurisdiction.lower()}"


def _case(reference: str, *items: tuple[str, str, tuple[int, int]]) -> tuple[DayExhibit, ...]:
    """By incident, seal and scan; items are numbered through."""
    return tuple(
        DayExhibit(reference, incident, str(number), seal, drawn)
        for number, (incident, seal, drawn) in enumerate(items, start=1)
    )


def _test_fires(reference: str, firearm: HeldByLaboratory, seed: int) -> tuple[DayExhibit, ...]:
    return tuple(
        DayExhibit(reference, None, f"T{shot}", f"{firearm.firearm_id}/{shot}", (seed, shot), firearm)
        for shot in (1, 2, 3)
    )


F_RS: Final = HeldByLaboratory("F-RS-1", "Zastava", "CZ 99", "synthetic 470011")
F_MK: Final = HeldByLaboratory("F-MK-1", "Crvena Zastava", "M 70", "synthetic 990022")
RS_DAY: Final = SideOfTheDay(
    Jurisdiction.RS,
    Jurisdiction.MK,
    "RS-2026-101",
    _case(
        "RS-2026-101",
        ("1", "RS 1001", (A, 1)),
        ("1", "RS 1002", (A, 2)),
        ("2", "RS 1003", (B, 1)),
        ("2", "RS 1004", (B, 2)),
    ),
    F_RS,
    _test_fires("RS-2026-T9", F_RS, D),
)
MK_DAY: Final = SideOfTheDay(
    Jurisdiction.MK,
    Jurisdiction.RS,
    "MK-2026-55",
    _case("MK-2026-55", ("1", "MK 2001", (A, 3)), ("1", "MK 2002", (A, 4)), ("1", "MK 2003", (C, 1))),
    F_MK,
    _test_fires("MK-2026-T3", F_MK, E),
)
DAYS: Final = (RS_DAY, MK_DAY)

OURS, THEIRS = RS_DAY.exhibits[0], MK_DAY.exhibits[0]
"""The two that become the hit."""
SEAL_OUT, SEAL_HOME = "MK 7001", "RS 8001"
TOWN_OF_RS, TOWN_OF_MK = "Beograd", "Skopje"


def today() -> str:
    """By the clock that days of comparisons go by."""
    return str(datetime.now(LOCAL).date())
