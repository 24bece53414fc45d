"""Made-up incidents by seed: a table as it is imported, what it comes to, and which of its rows are wrong."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from dataclasses import dataclass

from exchange.coordination.incidents.incident_vocabulary import (
    POSSESSION,
    AgeBand,
    HarmOutcome,
    IncidentCell,
    IncidentCounts,
    Offence,
    PersonCell,
    PersonRole,
    Sex,
    WeaponKind,
)
from exchange.coordination.incidents.read_incident_table import INCIDENT_COLUMNS, RowRefusal

SECRET = "Zyx-Qwv-0101999"
"""Stands in wrong cells and in columns that nobody asked for: it may turn up nowhere."""
AGES = {
    AgeBand.TO_18: ("0", "17", "18", "0-18"),
    AgeBand.TO_35: ("19", "35", "19-35", "19 – 35"),
    AgeBand.TO_60: ("36", "60", "36-60"),
    AgeBand.OVER_60: ("61", "99", "61+"),
    AgeBand.UNKNOWN: ("", "unknown", "not reported"),
}
SEXES = {Sex.FEMALE: ("female", "F", "Women"), Sex.MALE: ("male", "M", "Men"), Sex.UNKNOWN: ("", "unknown")}


@dataclass(frozen=True)
class MadeUpTable:
    """``wrong``: number, column and reason of each wrong row, in order."""

    data: bytes
    counts: IncidentCounts
    wrong: list[tuple[int, str, RowRefusal]]
    rows: int


def made_up_table(
    seed: int, incidents: int, wrong: int, *, delimiter: str = ";", encoding: str = "utf-8"
) -> MadeUpTable:
    """A table of so many incidents, with so many wrong rows between the right ones, and a column that nobody reads."""
    drawn = random.Random(seed)
    lines: list[tuple[dict[str, str], tuple[str, RowRefusal] | None]] = []
    persons, counted = Counter[PersonCell](), Counter[IncidentCell]()
    for number in range(incidents):
        lines += [(cells, None) for cells in _incident(drawn, f"K-{number}/26", persons, counted)]
    for number in range(wrong):
        lines.insert(drawn.randrange(len(lines) + 1), _wrong(drawn, number))
    written = io.StringIO(newline="")
    table = csv.writer(written, delimiter=delimiter)
    table.writerow([*(name.upper() for name in INCIDENT_COLUMNS), "Remark"])
    found = []
    for number, (cells, why) in enumerate(lines, start=2):
        if why is not None:
            found.append((number, *why))
        remark = SECRET + (f' said{delimiter} "twice"\r\nand went on' if number % 97 == 0 else "")
        table.writerow([*(cells.get(name, "") for name in INCIDENT_COLUMNS), remark])
    return MadeUpTable(
        written.getvalue().encode(encoding), IncidentCounts(dict(persons), dict(counted)), found, len(lines)
    )


def random_counts(drawn: random.Random, incidents: int) -> IncidentCounts:
    """What a half-year of so many incidents comes to."""
    persons, counted = Counter[PersonCell](), Counter[IncidentCell]()
    for number in range(incidents):
        _incident(drawn, str(number), persons, counted)
    return IncidentCounts(dict(persons), dict(counted))


def _incident(
    drawn: random.Random, name: str, persons: Counter[PersonCell], counted: Counter[IncidentCell]
) -> list[dict[str, str]]:
    offence = drawn.choices(list(Offence), [1, 8, 6, 7, 4, 5, 8, 12, 20, 6, 3, 2, 3, 2])[0]
    weapon = drawn.choices(list(WeaponKind), [3, 1, 8, 2, 30, 5, 5, 6, 4, 2, 1, 9])[0]
    if drawn.random() < 0.15:
        outcome = drawn.choice((HarmOutcome.NOT_INJURED, HarmOutcome.UNKNOWN))
        counted[IncidentCell(offence, outcome, weapon)] += 1
        told = "" if outcome is HarmOutcome.UNKNOWN else "no injury"
        return [_cells(name, "2026-09-30", "nobody", "", "", offence, told, weapon)]
    lines, outcomes = [], []
    for _ in range(drawn.randint(1, 4)):
        role = drawn.choices(list(PersonRole), [5, 4, 1])[0]
        sex = drawn.choices(list(Sex), [2, 6, 1])[0]
        age = drawn.choices(list(AgeBand), [2, 8, 5, 1, 3])[0]
        hurt = [0, 0, 1, 0] if offence in POSSESSION or offence is Offence.THREAT else [2, 4, 4, 1]
        outcome = drawn.choices(list(HarmOutcome), hurt)[0]
        outcomes.append(outcome)
        persons[PersonCell(role, sex, age, offence, outcome, weapon)] += 1
        day = drawn.choice(("2026-07-01", "31.12.2026", "1. 8. 2026.", ""))
        spelled = drawn.choice(SEXES[sex]), drawn.choice(AGES[age])
        lines.append(_cells(name, day, role, *spelled, offence, outcome, weapon))
    gravest = next(outcome for outcome in HarmOutcome if outcome in outcomes)
    counted[IncidentCell(offence, gravest, weapon)] += 1
    return lines


def _cells(*cells: str) -> dict[str, str]:
    return dict(zip(INCIDENT_COLUMNS, map(str, cells), strict=True))


def _wrong(drawn: random.Random, number: int) -> tuple[dict[str, str], tuple[str, RowRefusal]]:
    good = _cells(f"W-{number}", "2026-10-10", "victim", "male", "30", "robbery", "injured", "pistol")
    changes, column, why = drawn.choice(
        [
            ({"incident": ""}, "incident", RowRefusal.MISSING),
            ({"role": ""}, "role", RowRefusal.MISSING),
            ({"offence": ""}, "offence", RowRefusal.MISSING),
            ({"role": SECRET}, "role", RowRefusal.UNKNOWN_WORD),
            ({"sex": SECRET}, "sex", RowRefusal.UNKNOWN_WORD),
            ({"weapon": SECRET}, "weapon", RowRefusal.UNKNOWN_WORD),
            ({"outcome": SECRET}, "outcome", RowRefusal.UNKNOWN_WORD),
            ({"offence": SECRET}, "offence", RowRefusal.UNKNOWN_WORD),
            ({"age": SECRET}, "age", RowRefusal.UNKNOWN_WORD),
            ({"age": "1935"}, "age", RowRefusal.NO_AGE),
            ({"age": "20-30"}, "age", RowRefusal.NO_AGE),
            ({"age": "121"}, "age", RowRefusal.NO_AGE),
            ({"sex": SECRET * 20}, "sex", RowRefusal.TOO_LONG),
            ({"date": SECRET}, "date", RowRefusal.NO_DATE),
            ({"date": "2026-02-30"}, "date", RowRefusal.NO_DATE),
            ({"date": "2026-06-30"}, "date", RowRefusal.OUTSIDE_HALF),
            ({"role": "nobody"}, "role", RowRefusal.CONTRADICTS),
            ({"role": "nobody", "sex": "", "age": ""}, "outcome", RowRefusal.CONTRADICTS),
        ]
    )
    return good | changes, (column, why)
