"""Enter the counts of a half-year: sheet by sheet, or from a table after a dry run. Nothing is entered into an annex
that was approved.

Each change makes a state of its own beside the one before, so that it can be undone; when the annex is approved, the
states before are erased.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.coordination.approved_rows import ApprovedKind, find_approved_row
from exchange.coordination.draft_steps import DraftStepRow, add_step, draft_steps, drop_steps
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.incidents.incident_vocabulary import (
    MAX_COUNT,
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
from exchange.coordination.incidents.read_incident_table import (
    ByteSource,
    RefusedRow,
    TableEncoding,
    TableReading,
    read_incident_table,
)
from exchange.errors import Conflict, InvalidInput, NotFound
from exchange.flows.node.node import Node
from exchange.log.audit_entry import SUPERVISION, Act, Actor, Deed
from exchange.store.log.audit import add_deeds

SheetPlace = tuple[Offence, HarmOutcome, WeaponKind]
INCIDENT_COUNTS: Final = "incidents"
"""The name of the draft of a half-year's counts."""
PROPOSAL: Final = "incidents proposed"
"""The name of the draft of a table that was read and not accepted yet."""
TYPED: Final = "typed"
IMPORTED: Final = "imported"
KEPT_STATES: Final = 20
"""Of one half-year: so many changes can be undone."""
_SALT_BYTES: Final = 32


class _Content(BaseModel):
    """A state of the counts as it is stored. ``salt`` is drawn at random for this state. Without it, the counts that
    the public edition holds back could be found by trying which ones give the digest of the exact edition."""

    salt: str
    persons: list[tuple[PersonCell, int]]
    incidents: list[tuple[IncidentCell, int]]
    rows: int
    refused: list[RefusedRow]
    left_out: int
    empty: dict[str, int]


@dataclass(frozen=True)
class CountsEntry:
    """A state of the counts of a half-year. ``read``: the result of reading a table; for a state that was typed in, the
    counts alone."""

    number: int
    way: str
    salt: str
    made_by: str
    made_at: str
    read: TableReading

    @property
    def counts(self) -> IncidentCounts:
        return self.read.counts


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
        states, proposed = draft_steps(session, INCIDENT_COUNTS, str(half)), draft_steps(session, PROPOSAL, str(half))
        return Entered(
            current=_entry(states[0]) if states else None,
            proposed=_entry(proposed[0]) if proposed else None,
            undoable=len(states),
            approved=find_approved_row(session, ApprovedKind.ANNEX, str(half)) is not None,
        )


def halves_entered(session: Session) -> set[str]:
    return set(session.scalars(select(DraftStepRow.of).where(DraftStepRow.draft == INCIDENT_COUNTS).distinct()))


def propose_import(
    node: Node, by: Actor, half: Half, source: ByteSource, encoding: TableEncoding = TableEncoding.AUTO
) -> CountsEntry:
    """Read a table and keep what it came to, to be looked at and then taken. An earlier proposal goes.

    Raises InvalidInput, TooLarge, Conflict.
    """
    _check_begun(half)
    read = read_incident_table(source, half, encoding)
    with node.store.write() as session:
        _check_open(session, half)
        row = add_step(session, PROPOSAL, IMPORTED, _content(read), by.name, of=str(half))
        _audit(session, by, half, "import tried")
        return _entry(row)


def take_import(node: Node, by: Actor, half: Half, number: int) -> int:
    """Accept the proposed import: it replaces all counts entered for the half-year. Returns the number of the new
    state. Raises Conflict, NotFound."""
    with node.store.write() as session:
        _check_open(session, half)
        row = _proposal(session, half, number)
        taken = add_step(session, INCIDENT_COUNTS, row.act, row.content, by.name, of=str(half), most=KEPT_STATES)
        drop_steps(session, [row])
        _audit(session, by, half, "import taken")
        return taken.step


def leave_import(node: Node, by: Actor, half: Half, number: int) -> None:
    """Forget the proposed import. Raises NotFound."""
    with node.store.write() as session:
        drop_steps(session, [_proposal(session, half, number)])
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
        states = draft_steps(session, INCIDENT_COUNTS, str(half))
        _check_seen(states[0].step if states else 0, seen)
        before = _entry(states[0]).counts if states else IncidentCounts()
        content = _content(TableReading(_with_sheet(before, sheet)))
        add_step(session, INCIDENT_COUNTS, TYPED, content, by.name, of=str(half), most=KEPT_STATES)
        _audit(session, by, half, "sheet saved")


def undo_change(node: Node, by: Actor, half: Half, number: int) -> None:
    """Go back to the state before. Raises Conflict, NotFound."""
    with node.store.write() as session:
        _check_open(session, half)
        states = draft_steps(session, INCIDENT_COUNTS, str(half))
        if not states:
            raise NotFound(f"Nothing is entered of {half}.")
        _check_seen(states[0].step, number)
        drop_steps(session, states[:1])
        _audit(session, by, half, "undone")


def settle(session: Session, half: Half) -> None:
    """Of a half-year that is approved, erase all states but the one that was approved. Needs a write transaction."""
    approved, *others = draft_steps(session, INCIDENT_COUNTS, str(half))
    drop_steps(session, [*others, *draft_steps(session, PROPOSAL, str(half))])
    entry = _entry(approved)
    approved.content = _content(TableReading(entry.counts), entry.salt)


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


def _content(read: TableReading, salt: str | None = None) -> str:
    persons = [(cell, count) for cell, count in read.counts.persons.items() if count]
    incidents = [(cell, count) for cell, count in read.counts.incidents.items() if count]
    found = vars(read) | {"persons": persons, "incidents": incidents}
    return _Content(salt=salt or secrets.token_hex(_SALT_BYTES), **found).model_dump_json()


def _entry(row: DraftStepRow) -> CountsEntry:
    kept = _Content.model_validate_json(row.content)
    counts = IncidentCounts(dict(kept.persons), dict(kept.incidents))
    read = TableReading(counts, kept.rows, kept.refused, kept.left_out, kept.empty)
    return CountsEntry(row.step, row.act, kept.salt, row.made_by, row.made_at, read)


def _proposal(session: Session, half: Half, number: int) -> DraftStepRow:
    for row in draft_steps(session, PROPOSAL, str(half)):
        if row.step == number:
            return row
    raise NotFound("There is no such import: it was taken, left, or replaced by another one.")


def _check_begun(half: Half) -> None:
    if half.start > stamp():
        raise NotFound(f"The half-year {half} has not begun.")


def _check_open(session: Session, half: Half) -> None:
    if find_approved_row(session, ApprovedKind.ANNEX, str(half)) is not None:
        raise Conflict(f"The incident annex of {half} is approved: its counts stay as they are.", code="decided")


def _check_seen(now: int, seen: int) -> None:
    if now != seen:
        raise Conflict("Somebody changed these counts since they were shown. Look at them again.", code="changed")


def _audit(session: Session, by: Actor, half: Half, what: str) -> None:
    """Who changed the counts of which half-year, and never to what."""
    add_deeds(session, [Deed(by, Act.CHANGE_INCIDENTS, 1, asked=f"{half} {what}", purpose=SUPERVISION)])
