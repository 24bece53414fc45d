"""What is kept of each half-year or year for the head to approve, and what of it was approved: one statement, and no
document is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Select, func, literal, select, union_all
from sqlalchemy.orm import Session

from exchange.coordination.half_year.report_tables import MonitoringEditionRow, MonitoringReportRow
from exchange.coordination.incidents.incident_tables import IncidentAnnexRow, IncidentEntryRow
from exchange.coordination.maturity.snapshot_tables import MaturitySnapshotRow
from exchange.coordination.meetings.meeting_tables import MeetingRow, PackInputsRow


class KeptKind(StrEnum):
    REPORT = "report"
    EDITIONS = "editions"
    """Of a report that was approved in two of them."""
    COUNTS = "counts"
    """Of incidents, as they hold now."""
    ANNEX = "annex"
    SNAPSHOT = "snapshot"
    INPUTS = "inputs"
    MEETINGS = "meetings"
    """Of one day."""


@dataclass(frozen=True)
class KeptForHead:
    """``of``: the half-year or year; of meetings their day. ``at``: when it was approved, or changed last; empty of
    editions."""

    kind: KeptKind
    of: str
    at: str


def kept_for_head(session: Session, half: str, first_day: str) -> Sequence[KeptForHead]:
    """Reports and annexes of all half-years; of snapshots, inputs and meetings those of ``half``, which begins on
    ``first_day``, and of later ones: the rest can be signed no more."""
    entered = select(IncidentEntryRow.half, func.max(IncidentEntryRow.made_at)).where(IncidentEntryRow.taken)
    held = select(MeetingRow.held_on, func.max(MeetingRow.changed_at)).where(MeetingRow.held_on >= first_day)
    snapshots = select(MaturitySnapshotRow.half, MaturitySnapshotRow.kept_at).where(MaturitySnapshotRow.half >= half)
    inputs = select(PackInputsRow.half, PackInputsRow.approved_at).where(PackInputsRow.half >= half)
    parts: dict[KeptKind, Select[str, str]] = {
        KeptKind.REPORT: select(MonitoringReportRow.half, MonitoringReportRow.approved_at),
        KeptKind.EDITIONS: select(MonitoringEditionRow.period, literal("")),
        KeptKind.COUNTS: entered.group_by(IncidentEntryRow.half),
        KeptKind.ANNEX: select(IncidentAnnexRow.half, IncidentAnnexRow.approved_at),
        KeptKind.SNAPSHOT: snapshots,
        KeptKind.INPUTS: inputs,
        KeptKind.MEETINGS: held.group_by(MeetingRow.held_on),
    }
    found = union_all(*(part.add_columns(literal(str(kind))) for kind, part in parts.items()))
    return [KeptForHead(KeptKind(kind), of, at) for of, at, kind in session.execute(found)]
