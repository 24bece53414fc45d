"""What of the half-years waits for the head, in words, with the page on which it is signed."""

from __future__ import annotations

from datetime import date

from exchange.coordination.approved_rows import ApprovedKind
from exchange.coordination.half_year.half_years import Year
from exchange.coordination.meetings.pack.waiting_approvals import WaitingForHead
from exchange.web.languages import gettext as _
from exchange.web.languages.days import day_words, due_day
from exchange.web.pages.extended import DutyLine


def waiting_line(item: WaitingForHead) -> DutyLine:
    hint = _("waits since %(day)s", day=day_words(date.fromisoformat(item.since[:10]), short=True))
    if item.until is not None:
        hint += " · " + _("From %(day)s on the node keeps it by itself.", day=due_day(item.until))
    return DutyLine(_said(item), _page(item), hint)


def _said(item: WaitingForHead) -> str:
    match item.what:
        case ApprovedKind.REPORT if isinstance(item.period, Year):
            return _("Approve the report of the year %(year)s", year=item.period)
        case ApprovedKind.REPORT:
            return _("Approve the report of %(half)s", half=item.period)
        case ApprovedKind.ANNEX if item.to_correct:
            return _("Correct the counts of incidents of %(half)s, and approve the annex", half=item.period)
        case ApprovedKind.ANNEX:
            return _("Approve the incident annex of %(half)s", half=item.period)
        case ApprovedKind.SNAPSHOT:
            return _("Keep the snapshot of maturity of %(half)s", half=item.period)
        case ApprovedKind.INPUTS if item.again:
            return _("Approve once more what goes into the meeting pack of %(half)s: it has changed", half=item.period)
        case ApprovedKind.INPUTS:
            return _("Approve what goes into the meeting pack of %(half)s", half=item.period)


def _page(item: WaitingForHead) -> str:
    match item.what:
        case ApprovedKind.REPORT:
            return f"/app/monitoring/{item.period}"
        case ApprovedKind.ANNEX:
            return f"/app/incidents/{item.period}"
        case ApprovedKind.SNAPSHOT:
            return "/app/maturity#path"
        case ApprovedKind.INPUTS:
            return f"/app/meetings/pack/{item.period}#approve"
