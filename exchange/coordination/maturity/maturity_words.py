"""How the steps of a jurisdiction's way in stand, in words: the state, and why a step is not proven."""

from __future__ import annotations

from typing import Final

from exchange.coordination.maturity.checklist import StepStanding
from exchange.coordination.maturity.look_at_node import SeenStep, Why
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import term
from schemas.vocabulary import OnboardingState, OnboardingStep, Role

STEP_MARKS: Final = {
    OnboardingState.OPEN: "○",
    OnboardingState.DONE: "◐",
    OnboardingState.PROVEN: "●",
    OnboardingState.NOT_POSSIBLE: "–",
}
"""By their shape alone: an empty ring, a half-full one, a full one, a dash."""
AGAIN: Final = "↺"
"""Before the mark of a step that stood once and is open again."""
_REASONS: Final = {
    Why.NO_POLICY: _m("No policy with lines is in force at this node."),
    Why.NO_LINE: _m("The policy in force has no line for: %(names)s."),
    Why.LINE_OVERDUE: _m("A line of the policy is past its review, for: %(names)s."),
    Why.NO_PARTNER: _m("No partner is enrolled with whom a record could be exchanged."),
    Why.NO_ROOT: _m("No trust root is installed at this node."),
    Why.ROOT_NOT_BELIEVED: _m("The trust root that is installed cannot be believed. Run ffp root verify."),
    Why.ROOT_EXPIRED: _m("The trust root that is installed has expired."),
    Why.NOT_IN_ROOT: _m("The trust root names no node of: %(names)s."),
    Why.NO_TLS: _m("The node's address is not one of TLS (https)."),
    Why.NO_HEAD: _m("No head of the node's log was signed yet."),
    Why.FAULTS: _m("An examination of the node found faults in: %(names)s. Run ffp doctor."),
    Why.NOT_ENROLLED: _m("No node of it is enrolled at this node."),
    Why.SILENT: _m("It did not answer in the last 24 hours: %(names)s."),
    Why.ALARM: _m("An alarm stands against: %(names)s."),
    Why.NEEDS_A_FILE: _m("A file of findings shows it; no node sees that by itself."),
    Why.NO_DRILL: _m("No restore of a backup was verified at this node."),
    Why.DRILL_OLD: _m("The last verified restore is too old. Drill again."),
    Why.DRILL_FAILED: _m("The last restore that was tried was not verified."),
    Why.NOTHING_ARRIVED: _m("No record that says that it is synthetic arrived from there."),
    Why.NOTHING_TAKEN: _m("No partner took a record of this node that says that it is synthetic."),
    Why.NO_REPORT: _m("No report of a half-year is approved."),
    Why.NOT_SEEN_FROM_HERE: _m("This node cannot see it."),
}

_REASONS_SEEN_FROM: Final = {
    Why.NO_POLICY: _m("At %(here)s no policy with lines is in force."),
    Why.NO_LINE: _m("The policy in force at %(here)s has no line for: %(names)s."),
    Why.LINE_OVERDUE: _m("At %(here)s a line of the policy is past its review, for: %(names)s."),
    Why.NO_ROOT: _m("At %(here)s no trust root is installed."),
    Why.ROOT_NOT_BELIEVED: _m("The trust root that is installed at %(here)s cannot be believed."),
    Why.ROOT_EXPIRED: _m("The trust root that is installed at %(here)s has expired."),
    Why.NOT_IN_ROOT: _m("The trust root that is installed at %(here)s names no node of: %(names)s."),
    Why.NOT_ENROLLED: _m("At %(here)s no node of it is enrolled."),
    Why.NO_PARTNER: _m("At %(here)s no node of it is enrolled with which a record could be exchanged."),
    Why.SILENT: _m("It did not answer %(here)s in the last 24 hours: %(names)s."),
    Why.ALARM: _m("At %(here)s an alarm stands against: %(names)s."),
    Why.NOTHING_ARRIVED: _m("No record that says that it is synthetic arrived from there at %(here)s."),
    Why.NOTHING_TAKEN: _m("Nobody there took a record of %(here)s that says that it is synthetic."),
    Why.NOT_SEEN_FROM_HERE: _m("It cannot be seen from %(here)s."),
}
"""Of another jurisdiction: "this node" would be read as that one's."""


def step_word(step: OnboardingStep) -> str:
    return term(step, "onboarding_step")


def state_word(state: OnboardingState) -> str:
    return term(state, "onboarding_state")


def mark_of(standing: StepStanding) -> str:
    return (AGAIN if standing.was else "") + STEP_MARKS[standing.line.state]


def by_word(role: Role) -> str:
    """Who took a step: a role, or the node itself."""
    return _("the node itself") if role is Role.NODE else term(role, "short_role")


def why_words(seen: SeenStep, here: str | None = None) -> str:
    """Why a step is not proven, in one sentence. Names are codes of jurisdictions, nodes or checks. ``here``: of
    another jurisdiction's step, the node that looks at it."""
    if seen.why is None:
        return ""
    values = {"names": ", ".join(term(name, "jurisdiction") if len(name) == 2 else name for name in seen.names)}
    if here is not None and seen.why in _REASONS_SEEN_FROM:
        return _(_REASONS_SEEN_FROM[seen.why], here=here, **values)
    return _(_REASONS[seen.why], **values) if seen.names else _(_REASONS[seen.why])


def standing_words(standing: StepStanding) -> list[str]:
    """What is said of a step beside its state: until when it stood, the day and the role, and the line of a person."""
    line, said = standing.line, list[str]()
    if standing.was is not None:
        said.append(_("It stood on %(day)s and is to be shown again.", day=standing.was))
    if line.on is not None and line.by is not None:
        said.append(_("%(day)s, by: %(role)s", day=line.on, role=by_word(line.by)))
    return said
