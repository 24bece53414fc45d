"""Enter the counts of a half-year: sheet by sheet, or from a table after a dry run. Nothing is entered into an annex
that was approved.

Each change makes a state of its own beside the one before, so that it can be undone; when the annex is approved, the
states before are erased.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.incidents.csv_lines import ByteSource, TableEncoding
from exchange.coordination.incidents.incident_counts import MAX_COUNT, IncidentCounts
from exchange.coordination.incidents.incident_tables import (
    CellCount,
    IncidentEntryRow,
    add_entry,
    approved_annex,
    counts_of,
    proposed_entry,
    remove_entry,
    taken_entries,
)
from exchange.coordination.incidents.incident_vocabulary import (
    AgeBand,
    HarmOutcome,
    IncidentCell,
    Offence,
    PersonCell,
    PersonRole,
    Sex,
    WeaponKind,
)
from exchange.coordination.incidents.read_incident_table import (
    RefusedRow,
    RowRefusal,
    TableReading,
    read_incident_table,
)
from exchange.errors import Conflict, InvalidInput, NotFound
from exchange.flows.node.node import Node
from exchange.log.audit_entry import SUPERVISION, Act, Actor, Deed
from exchange.store.log.audit import add_deeds

SheetPlace = tuple[Offence, HarmOutcome, WeaponKind]
TYPED: Final = "typed"
IMPORTED: Final = "imported"
KEPT_STATES: Final = 20
"""Of one half-year: so many changes can be undone."""
_SALT_BYTES: Final = 32


@dataclass(frozen=True)
class EntryReport:
    """What a table came to besides its counts, as the dry run says it."""

    rows: int = 0
    refused: Sequence[RefusedRow] = ()
    left_out: int = 0
    empty: Mapping[str, int] | None = None


@dataclass(frozen=True)
class CountsEntry:
    """A state of the counts of a half-year."""

    number: int
    half: Half
    way: str
    salt: str
    made_by: str
    made_at: str
    counts: IncidentCounts
    report: EntryReport


@dataclass(frozen=True)
class Entered:
    """What is entered of a half-year: the state that holds, the import that is proposed, how many changes can be
    undone, and whether the annex is approved."""

    current: CountsEntry | None
    proposed: CountsEntry | None
    undoable: int
    approved: bool


@dataclass(frozen=True)
class Sheet:
    """The counts of one offence, outcome and weapon kind: incidents, and persons by role, sex and age band."""

    offence: Offence
    outcome: HarmOutcome
    weapon: WeaponKind
    incidents: int
    persons: Mapping[tuple[PersonRole, Sex, AgeBand], int]

    @property
    def person_total(self) -> int:
        return sum(self.persons.values())


def entered(node: Node, half: Half) -> Entered:
    with node.store.read() as session:
        taken = taken_entries(session, str(half))
        proposed = proposed_entry(session, str(half))
        return Entered(
            current=_entry(session, taken[0]) if taken else None,
            proposed=_entry(session, proposed) if proposed is not None else None,
            undoable=len(taken),
            approved=approved_annex(session, str(half)) is not None,
        )


def propose_import(
    node: Node, by: Actor, half: Half, source: ByteSource, encoding: TableEncoding = TableEncoding.AUTO
) -> CountsEntry:
    """Read a table and keep what it came to, to be looked at and then taken. An earlier proposal goes.

    Raises InvalidInput, TooLarge, Conflict.
    """
    _check_begun(half)
    read = read_incident_table(source, half, encoding)
    row = _row(half, IMPORTED, by, taken=False, rows=read.rows, report=_report_json(read))
    with node.store.write() as session:
        _check_open(session, half)
        _forget_proposal(session, half)
        number = add_entry(session, row, _cells(read.counts))
        _audit(session, by, half, "import tried")
        found = session.get(IncidentEntryRow, number)
        if found is None:
            raise NotFound("The import is gone.")
        return _entry(session, found)


def take_import(node: Node, by: Actor, half: Half, number: int) -> None:
    """Let the proposed import hold, in place of all that was entered of the half-year. Raises Conflict, NotFound."""
    with node.store.write() as session:
        _check_open(session, half)
        row = proposed_entry(session, str(half))
        if row is None or row.entry_id != number:
            raise NotFound("There is no such import to be taken.")
        row.taken = True
        session.flush()
        _forget_old(session, half)
        _audit(session, by, half, "import taken")


def leave_import(node: Node, by: Actor, half: Half, number: int) -> None:
    """Forget the proposed import. Raises NotFound."""
    with node.store.write() as session:
        row = proposed_entry(session, str(half))
        if row is None or row.entry_id != number:
            raise NotFound("There is no such import to be left.")
        _forget_proposal(session, half)
        _audit(session, by, half, "import left")


def save_sheet(node: Node, by: Actor, half: Half, sheet: Sheet, seen: int) -> None:
    """Put the counts of one sheet in the place of those that it had. ``seen``: the number of the state that the form
    showed, 0 for none. Raises InvalidInput; Conflict where somebody changed the counts since."""
    _check_begun(half)
    for count in (sheet.incidents, *sheet.persons.values()):
        if not 0 <= count <= MAX_COUNT:
            raise InvalidInput(f"A count is a whole number from 0 to {MAX_COUNT}.", code="invalid-field")
    with node.store.write() as session:
        _check_open(session, half)
        taken = taken_entries(session, str(half))
        if (taken[0].entry_id if taken else 0) != seen:
            raise Conflict("Somebody changed these counts since they were shown. Look at them again.", code="changed")
        before = _counts(counts_of(session, taken[0].entry_id)) if taken else IncidentCounts()
        add_entry(session, _row(half, TYPED, by, taken=True), _cells(_with_sheet(before, sheet)))
        _forget_old(session, half)
        _audit(session, by, half, "sheet saved")


def undo_change(node: Node, by: Actor, half: Half, number: int) -> None:
    """Go back to the state before. Raises Conflict, NotFound."""
    with node.store.write() as session:
        _check_open(session, half)
        taken = taken_entries(session, str(half))
        if not taken:
            raise NotFound(f"Nothing is entered of {half}.")
        if taken[0].entry_id != number:
            raise Conflict("Somebody changed these counts since they were shown. Look at them again.", code="changed")
        remove_entry(session, taken[0])
        _audit(session, by, half, "undone")


def settle(session: Session, half: Half) -> None:
    """Of a half-year that is approved, erase all states but the one that was approved. Needs a write transaction."""
    _forget_proposal(session, half)
    for number, row in enumerate(taken_entries(session, str(half))):
        if number:
            remove_entry(session, row)
        else:
            row.report = "{}"


def sheet_of(counts: IncidentCounts, offence: Offence, outcome: HarmOutcome, weapon: WeaponKind) -> Sheet:
    persons = {
        (cell.role, cell.sex, cell.age): count
        for cell, count in counts.persons.items()
        if _sheet_place(cell) == (offence, outcome, weapon)
    }
    return Sheet(offence, outcome, weapon, counts.incidents.get(IncidentCell(offence, outcome, weapon), 0), persons)


def sheets_of(counts: IncidentCounts) -> list[Sheet]:
    """Those that count anything, in the order of the vocabularies."""
    found = {_sheet_place(cell) for cell in counts.incidents} | {_sheet_place(cell) for cell in counts.persons}
    offences, outcomes, weapons = list(Offence), list(HarmOutcome), list(WeaponKind)
    places = sorted(found, key=lambda at: (offences.index(at[0]), outcomes.index(at[1]), weapons.index(at[2])))
    return [sheet_of(counts, *at) for at in places]


def _sheet_place(cell: PersonCell | IncidentCell) -> SheetPlace:
    return cell.offence, cell.outcome, cell.weapon


def _with_sheet(before: IncidentCounts, sheet: Sheet) -> IncidentCounts:
    at = (sheet.offence, sheet.outcome, sheet.weapon)
    persons = {cell: count for cell, count in before.persons.items() if (cell.offence, cell.outcome, cell.weapon) != at}
    persons |= {PersonCell(*who, *at): count for who, count in sheet.persons.items() if count}
    incidents = {cell: count for cell, count in before.incidents.items() if cell != at}
    if sheet.incidents:
        incidents[IncidentCell(*at)] = sheet.incidents
    return IncidentCounts(persons, incidents)


def _cells(counts: IncidentCounts) -> list[CellCount]:
    persons = [
        CellCount(str(role), str(sex), str(age), str(offence), str(outcome), str(weapon), count)
        for (role, sex, age, offence, outcome, weapon), count in counts.persons.items()
    ]
    incidents = [
        CellCount("", "", "", str(offence), str(outcome), str(weapon), count)
        for (offence, outcome, weapon), count in counts.incidents.items()
    ]
    return persons + incidents


def _counts(cells: Sequence[CellCount]) -> IncidentCounts:
    persons, incidents = dict[PersonCell, int](), dict[IncidentCell, int]()
    for cell in cells:
        at = (Offence(cell.offence), HarmOutcome(cell.outcome), WeaponKind(cell.weapon))
        if cell.role:
            persons[PersonCell(PersonRole(cell.role), Sex(cell.sex), AgeBand(cell.age), *at)] = cell.count
        else:
            incidents[IncidentCell(*at)] = cell.count
    return IncidentCounts(persons, incidents)


def _entry(session: Session, row: IncidentEntryRow) -> CountsEntry:
    said: dict[str, Any] = json.loads(row.report)
    refused = [RefusedRow(number, column, RowRefusal(reason)) for number, column, reason in said.get("refused", ())]
    return CountsEntry(
        number=row.entry_id,
        half=Half.parse(row.half),
        way=row.way,
        salt=row.salt,
        made_by=row.made_by,
        made_at=row.made_at,
        counts=_counts(counts_of(session, row.entry_id)),
        report=EntryReport(row.rows, refused, said.get("left_out", 0), said.get("empty", {})),
    )


def _report_json(read: TableReading) -> str:
    refused = [(row.number, row.column, row.reason) for row in read.refused]
    return json.dumps({"refused": refused, "left_out": read.left_out, "empty": dict(read.empty)})


def _row(half: Half, way: str, by: Actor, *, taken: bool, rows: int = 0, report: str = "{}") -> IncidentEntryRow:
    return IncidentEntryRow(
        half=str(half),
        way=way,
        taken=taken,
        salt=secrets.token_hex(_SALT_BYTES),
        made_by=by.name,
        made_at=stamp(),
        rows=rows,
        report=report,
    )


def _check_begun(half: Half) -> None:
    if half.start > stamp():
        raise NotFound(f"The half-year {half} has not begun.")


def _check_open(session: Session, half: Half) -> None:
    if approved_annex(session, str(half)) is not None:
        raise Conflict(f"The incident annex of {half} is approved: its counts stay as they are.", code="decided")


def _forget_proposal(session: Session, half: Half) -> None:
    while (row := proposed_entry(session, str(half))) is not None:
        remove_entry(session, row)
        session.flush()


def _forget_old(session: Session, half: Half) -> None:
    for row in taken_entries(session, str(half))[KEPT_STATES:]:
        remove_entry(session, row)


def _audit(session: Session, by: Actor, half: Half, what: str) -> None:
    """Who changed the counts of which half-year, and never to what."""
    add_deeds(session, [Deed(by, Act.CHANGE_INCIDENTS, 1, asked=f"{half} {what}", purpose=SUPERVISION)])
