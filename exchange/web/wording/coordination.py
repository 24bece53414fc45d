"""Words of meetings, of who attended, and of what was agreed on."""

from __future__ import annotations

from typing import Final

from exchange.flows.coordination.vocabulary import AttendeeSex, Institution
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from schemas.vocabulary import ActionState, MeetingKind, OfficeRole

MEETINGS: Final = {
    MeetingKind.LOCAL: _m("Local coordination meeting"),
    MeetingKind.REGIONAL: _m("Regional coordination meeting"),
    MeetingKind.TRAINING: _m("Training"),
}
OFFICE_ROLES: Final = {
    OfficeRole.HEAD: _m("Head of a Firearms Focal Point"),
    OfficeRole.EXAMINER: _m("Ballistics examiner"),
    OfficeRole.INVESTIGATOR: _m("Investigator"),
    OfficeRole.OPERATOR: _m("Operator of a node"),
    OfficeRole.PROSECUTOR: _m("Prosecutor"),
    OfficeRole.LEGAL_OFFICER: _m("Legal officer"),
    OfficeRole.POLICY_OFFICER: _m("Policy officer"),
    OfficeRole.COORDINATOR: _m("Coordinator"),
    OfficeRole.TRAINER: _m("Trainer"),
    OfficeRole.OTHER: _m("Another role"),
}
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
ACTION_STATES: Final = {
    ActionState.OPEN: _m("Open"),
    ActionState.DONE: _m("Done"),
    ActionState.DROPPED: _m("Dropped"),
}


def meeting_word(kind: MeetingKind) -> str:
    return _(MEETINGS[kind])


def office_role_word(role: OfficeRole) -> str:
    return _(OFFICE_ROLES[role])


def institution_word(institution: Institution) -> str:
    return _(INSTITUTIONS[institution])


def sex_word(sex: AttendeeSex) -> str:
    return _(SEXES[sex])


def action_state_word(state: ActionState) -> str:
    return _(ACTION_STATES[state])
