"""What of the half-years waits for the head's signature: reports, incident annexes, the snapshot of maturity, and what
the node gives to the meeting pack. For the page that the head opens first: nothing is counted anew for it.

    waiting = waiting_approvals(node)    # two statements; more where an annex waits, or what was approved may differ

What cannot be approved yet is not in it: nothing of a half-year that lasts, and no year one of whose half-years is not
approved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.coordination.approved_rows import ApprovedKind, ApprovedRow
from exchange.coordination.draft_steps import DraftStepRow
from exchange.coordination.half_year.counted import begun_at
from exchange.coordination.half_year.half_year_report import halves_since
from exchange.coordination.half_year.half_years import Half, Period, Year
from exchange.coordination.incidents.enter_incidents import INCIDENT_COUNTS, entered
from exchange.coordination.maturity.keep_snapshot import KEPT_AFTER_DAYS, last_half
from exchange.coordination.meetings.held_meetings import meetings_of
from exchange.coordination.meetings.meeting_tables import MeetingRow
from exchange.coordination.meetings.pack.approve_inputs import approved_inputs
from exchange.coordination.meetings.pack.make_inputs import held_in
from exchange.coordination.meetings.pack.pack_inputs_document import PackInputs
from exchange.flows.node.node import Node

_MEETINGS: Final = "meetings"
_Kept = Mapping[str, Mapping[str, str]]
"""When each was approved or changed last, by half-year or year; of meetings by day."""


def _kept_for_head(session: Session, first_day: str) -> _Kept:
    """``first_day``: from when on meetings can still be told of."""
    approved = select(ApprovedRow.kind, ApprovedRow.period, ApprovedRow.approved_at)
    counts = select(DraftStepRow.draft, DraftStepRow.of, func.max(DraftStepRow.made_at))
    counts = counts.where(DraftStepRow.draft == INCIDENT_COUNTS).group_by(DraftStepRow.draft, DraftStepRow.of)
    held = select(literal(_MEETINGS), MeetingRow.held_on, func.max(MeetingRow.changed_at))
    held = held.where(MeetingRow.held_on >= first_day).group_by(MeetingRow.held_on)
    kept: dict[str, dict[str, str]] = {kind: {} for kind in (*ApprovedKind, INCIDENT_COUNTS, _MEETINGS)}
    for kind, of, at in session.execute(union_all(approved, counts, held)):
        kept[kind][of] = at
    return kept


@dataclass(frozen=True)
class WaitingForHead:
    """``since``: from when on it can be signed. ``until``: from then on the node does it by itself. ``again``: what was
    approved is not what would be approved now. ``to_correct``: counts of it contradict each other, and are corrected
    first."""

    what: ApprovedKind
    period: Period
    since: str
    until: str | None = None
    again: bool = False
    to_correct: bool = False


def waiting_approvals(node: Node) -> list[WaitingForHead]:
    """The newest half-year first; of one in the order in which it is signed."""
    last = last_half()
    with node.store.read() as session:
        began = begun_at(session, node.node_id)
        kept = _kept_for_head(session, last.start[:10])
    over = halves_since(began)[1:]
    found = [*_reports(kept, over), *_annexes(node, kept)]
    if last in over:
        found += [*_snapshot(kept, last), *_inputs(node, kept, last)]
    order = list(ApprovedKind)
    found.sort(key=lambda item: (order.index(item.what), isinstance(item.period, Year)))
    return sorted(found, key=lambda item: item.period.end, reverse=True)


def _reports(kept: _Kept, over: Sequence[Half]) -> Iterator[WaitingForHead]:
    """A year waits once each of its half-years is approved."""
    approved = kept[ApprovedKind.REPORT]
    for half in over:
        if str(half) not in approved:
            yield WaitingForHead(ApprovedKind.REPORT, half, half.end)
    for year in (Year(half.year) for half in over if half.number == 2):
        parts = [str(half) for half in over if half.year == year.year]
        if str(year) not in approved and all(part in approved for part in parts):
            yield WaitingForHead(ApprovedKind.REPORT, year, max(year.end, *(approved[part] for part in parts)))


def _annexes(node: Node, kept: _Kept) -> Iterator[WaitingForHead]:
    """Where counts are entered: without any, there is nothing to approve."""
    for text in kept[INCIDENT_COUNTS].keys() - kept[ApprovedKind.ANNEX].keys():
        half = Half.parse(text)
        if half.end <= stamp():
            current = entered(node, half).current
            to_correct = current is not None and bool(current.counts.without_incident())
            yield WaitingForHead(ApprovedKind.ANNEX, half, half.end, to_correct=to_correct)


def _snapshot(kept: _Kept, last: Half) -> Iterator[WaitingForHead]:
    if str(last) not in kept[ApprovedKind.SNAPSHOT]:
        until = stamp(datetime.fromisoformat(last.end) + timedelta(days=KEPT_AFTER_DAYS))
        yield WaitingForHead(ApprovedKind.SNAPSHOT, last, last.end, until=until)


def _inputs(node: Node, kept: _Kept, last: Half) -> Iterator[WaitingForHead]:
    """Of the half-year that ended last; and once more where a report, a snapshot or a meeting came after they were
    approved, also of the half-year that lasts."""
    for half in (last.after(), last):
        at = kept[ApprovedKind.INPUTS].get(str(half))
        if at is None:
            if half == last:
                yield WaitingForHead(ApprovedKind.INPUTS, half, half.end)
            continue
        later = [moment for moment in _moments(kept, half) if moment > at]
        before = approved_inputs(node, half) if later else None
        if before is not None and _differs(node, kept, half, before.inputs):
            yield WaitingForHead(ApprovedKind.INPUTS, half, min(later), again=True)


def _moments(kept: _Kept, half: Half) -> Iterator[str]:
    """When something of which the inputs tell was approved, or entered last."""
    for kind in (ApprovedKind.REPORT, ApprovedKind.SNAPSHOT):
        if str(half) in kept[kind]:
            yield kept[kind][str(half)]
    yield from (at for day, at in kept[_MEETINGS].items() if half.holds(f"{day}T12"))


def _differs(node: Node, kept: _Kept, half: Half, inputs: PackInputs) -> bool:
    if str(half) in kept[ApprovedKind.REPORT] and inputs.report is None:
        return True
    if str(half) in kept[ApprovedKind.SNAPSHOT] and inputs.maturity_of(half) is None:
        return True
    told = [(item.kind, item.held_on, item.title, item.people) for item in inputs.meetings]
    held = [(item.kind, item.held_on, item.title, item.people) for item in meetings_of(node, half)]
    return told != held or held_in(node, half) != inputs.held
