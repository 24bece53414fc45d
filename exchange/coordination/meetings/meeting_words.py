"""Words of meetings, of who attended, and of what was agreed on."""

from __future__ import annotations

from typing import Final

from exchange.coordination.meetings.meeting_vocabulary import AttendeeSex, Institution
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import term
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
