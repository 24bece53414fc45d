"""The words of pages and papers about meetings: attendance, agreed actions, and what waits for the head's signature,
with the page where the head signs."""

from __future__ import annotations

from datetime import date
from typing import Final

from exchange.coordination.approved_rows import ApprovedKind
from exchange.coordination.half_year.half_years import Year
from exchange.coordination.meetings.meeting_vocabulary import AttendeeSex, Institution
from exchange.coordination.meetings.pack.approve_inputs import WaitingForHead
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import term
from exchange.web.languages.days import day_words, due_day
from exchange.web.pages.extended import DutyLine
from schemas.vocabulary import ActionState, MeetingKind, OfficeRole

INSTITUTIONS: Final = {
    Institution.FOCAL_POINT: _m("Firearms Focal Point"),
    Institution.LABORATORY: _m("Forensic laboratory"),
    Institution.POLICE: _m("Police"),
    Institution.BORDER_CUSTOMS: _m("Border police or customs"),
    Institution.PROSECUTION: _m("Prosecution"),
    Institution.COURT: _m("Court"),
    Institution.MINISTRY: _m("Ministry"),
    Institution.REGIONAL_BODY: _m("Regional body"),
    Institution.INTERNATIONAL: _m("International organisation"),
    Institution.OTHER: _m("Another institution"),
}
SEXES: Final = {AttendeeSex.WOMEN: _m("Women"), AttendeeSex.MEN: _m("Men"), AttendeeSex.NOT_STATED: _m("Not stated")}


def meeting_word(kind: MeetingKind) -> str:
    return term(kind, "meeting_kind")


def office_role_word(role: OfficeRole) -> str:
    return term(role, "office_role")


def institution_word(institution: Institution) -> str:
    return _(INSTITUTIONS[institution])


def sex_word(sex: AttendeeSex) -> str:
    return _(SEXES[sex])


def action_state_word(state: ActionState) -> str:
    return term(state, "action_state")


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
