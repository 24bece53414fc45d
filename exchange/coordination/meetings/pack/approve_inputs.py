"""The inputs of a meeting pack at their node: shown, approved by the head, and given away with what proves that.

Unlike a report they may be approved while their half-year lasts, since its meetings are held before it ends; and more
than once, since who attended is known only afterwards. What was approved last counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.coordination.approved_document import (
    ApprovedDocument,
    approve_document,
    approved_file,
    digest_of,
    find_approval,
)
from exchange.coordination.approved_rows import ApprovedKind, ApprovedRow, Editions
from exchange.coordination.draft_steps import DraftStepRow
from exchange.coordination.half_year.counted import begun_at
from exchange.coordination.half_year.half_year_report import halves_since
from exchange.coordination.half_year.half_years import Half, Period, Year
from exchange.coordination.incidents.enter_incidents import INCIDENT_COUNTS, entered
from exchange.coordination.maturity.keep_snapshot import KEPT_AFTER_DAYS, last_half
from exchange.coordination.meetings.held_meetings import meetings_of
from exchange.coordination.meetings.meeting_tables import MeetingRow
from exchange.coordination.meetings.pack.make_inputs import HalfFigures, held_in, make_inputs
from exchange.coordination.meetings.pack.pack_inputs_document import PackInputs, read_inputs, write_inputs
from exchange.errors import Conflict, NotFound
from exchange.flows.node.node import Node
from schemas import Maker

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


_NO_DAY: Final = date(2018, 1, 1)


@dataclass(frozen=True)
class InputsDraft:
    """What would be approved now."""

    inputs: PackInputs
    data: bytes

    @property
    def sha256(self) -> str:
        return digest_of(self.data)


@dataclass(frozen=True)
class ApprovedInputs:
    inputs: PackInputs
    data: bytes
    approval: ApprovedDocument

    def still(self, now: PackInputs) -> bool:
        """They say what the node would say now, but for the day."""
        return self.inputs.model_copy(update={"as_of": _NO_DAY}) == now.model_copy(update={"as_of": _NO_DAY})


def draft_inputs(node: Node, half: Half, figures: HalfFigures | None = None) -> InputsDraft:
    """``figures``: where the caller has them. Raises NotFound for a half-year that has not begun."""
    inputs = make_inputs(node, half, figures)
    return InputsDraft(inputs, write_inputs(inputs))


def approve_inputs(node: Node, maker: Maker, half: Half, sha256: str, because: str) -> str:
    """Approve what was shown, whose digest is ``sha256``. Returns the statement's id.

    Raises Conflict, code "other-figures" where the inputs are others by now, "nothing-to-change" where these are
    approved already; NotFound; InvalidInput; Forbidden.
    """
    found = draft_inputs(node, half)
    if found.sha256 != sha256:
        raise Conflict("The inputs are others by now. Read them again, then approve.", code="other-figures")
    before = approved_inputs(node, half)
    if before is not None and before.approval.sha256 == sha256:
        raise Conflict("These inputs are approved already; nothing was signed.", code="nothing-to-change")
    read_inputs(found.data)  # what nobody could read is not approved

    approved = approve_document(node, maker, ApprovedKind.INPUTS, str(half), Editions(found.data), because, again=True)
    return approved.approval


def approved_inputs(node: Node, half: Half) -> ApprovedInputs | None:
    """As the head approved them last; None while that was not done."""
    with node.store.read() as session:
        found = find_approval(session, ApprovedKind.INPUTS, str(half))
    if found is None:
        return None
    data = found.editions.manifest
    return ApprovedInputs(read_inputs(data), data, found)


def signed_inputs(node: Node, half: Half) -> bytes:
    """The approved inputs as a file for the coordinator, verified without any node.

    Raises NotFound, code "not-approved"; Conflict, code "head-not-signed", for a second after the approval, or while
    the node does not run.
    """
    found = approved_inputs(node, half)
    if found is None:
        raise NotFound(f"The inputs of the meeting pack of {half} are not approved.", code="not-approved")
    return approved_file(node, found.approval.approval, found.data)
