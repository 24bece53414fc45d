"""Pages: how far this focal point has come, the partners of this node, and the checklist of one that joins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path
from starlette.responses import RedirectResponse, Response

from exchange.coordination.form_fields import LineDoubts, with_doubts, word_in
from exchange.coordination.half_year.figure_words import words
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.maturity.checklist import (
    StepChange,
    StepStanding,
    checklist_of,
    sign_checklist,
    who_stands_where,
)
from exchange.coordination.maturity.keep_snapshot import (
    half_to_keep,
    keep_snapshot,
    kept_snapshots,
    last_half,
    maturity_path,
)
from exchange.coordination.maturity.look_at_node import SeenStep, Why
from exchange.coordination.maturity.practice_definitions import STEP_GUIDES, Evidence
from exchange.coordination.maturity.practices_here import maturity_of
from exchange.errors import InvalidInput
from exchange.flows.sync.progress import sync_status
from exchange.flows.sync.sync_partners import exchange_standing
from exchange.web.access.caller import OpenNode
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import term
from exchange.web.languages.days import local_time
from exchange.web.pages.layout import Heading, SentForm, SignedIn, Visitor, only, page
from exchange.web.pages.query.query_pages import line_of
from schemas.vocabulary import Jurisdiction, OnboardingState, OnboardingStep, Role

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


router = APIRouter()

Looking = Annotated[Visitor, Depends(only(Role.HEAD, Role.OPERATOR, Role.AUDITOR))]
DAY_CHARACTERS = len("2026-11-27")


@router.get("/maturity")
def maturity_page(node: OpenNode, who: Looking) -> Response:
    return page(
        "maturity",
        who,
        found=maturity_of(node),
        evidence=evidence_words,
        path=maturity_path(node),
        kept={kept.snapshot.half: kept for kept in kept_snapshots(node)},
        last=last_half(),
        to_keep=half_to_keep(node) if who.caller.role is Role.HEAD else None,
    )


@router.post("/maturity")
def keep_maturity_snapshot(node: OpenNode, who: Heading, fields: SentForm) -> Response:
    """Sign what each practice shows now as the snapshot of the half-year that ended last."""
    keep_snapshot(node, who.caller.maker, Half.parse(fields.get("half", "")))
    return RedirectResponse("/app/maturity#path", 303)


def evidence_words(proof: Evidence, time_words: Callable[[str], str] = local_time) -> list[str]:
    """Return the figure or the date behind a practice, and the nodes and partners concerned, in the reader's language.

    ``time_words`` writes a moment: as an element of a page, or as plain text.
    """
    said = [] if proof.figure is None else [words(proof.figure, proof.unit)]
    if proof.at is not None:
        said.append(proof.at if len(proof.at) == DAY_CHARACTERS else time_words(proof.at))
    return [*said, *proof.names, *(term(code, "jurisdiction") for code in proof.partners)]


_IN_NUMBERS = frozenset({Role.HEAD, Role.OPERATOR, Role.AUDITOR})
"""Who is told how much is on each lane."""


@router.get("/region")
def region_page(node: OpenNode, who: SignedIn) -> Response:
    in_numbers = who.caller.role in _IN_NUMBERS
    return page(
        "region",
        who,
        peers=sync_status(node),
        exchange=exchange_standing(node),
        in_numbers=in_numbers,
        standing=who_stands_where(node),
        steps=list(OnboardingStep),
        marks=STEP_MARKS,
        again=AGAIN,
        mark_of=mark_of,
        step_word=step_word,
        state_word=state_word,
    )


JurisdictionInPath = Annotated[Jurisdiction, Path()]
Leading = Annotated[Visitor, Depends(only(Role.HEAD, Role.OPERATOR))]
BY_PEOPLE = (OnboardingState.DONE, OnboardingState.NOT_POSSIBLE, OnboardingState.OPEN)


@router.get("/onboarding/{code}")
def onboarding(node: OpenNode, who: SignedIn, code: JurisdictionInPath, doubt: LineDoubts = ()) -> Response:
    """As this node sees it; and, where another node keeps the list that counts, as that one says."""
    found = checklist_of(node, code)
    counts = next((row for row in who_stands_where(node) if row.jurisdiction == code), None)
    elsewhere = counts if counts is not None and counts.issuer not in (None, node.node_id) else None
    may_say = who.caller.role in (Role.HEAD, Role.OPERATOR)
    return page(
        "onboarding",
        who,
        found=found,
        elsewhere=elsewhere,
        here=None if code == node.settings.jurisdiction else node.node_id,
        guides=STEP_GUIDES,
        may_say=may_say,
        states=BY_PEOPLE,
        mark_of=mark_of,
        step_word=step_word,
        state_word=state_word,
        standing_words=standing_words,
        why_words=why_words,
        doubts=doubt,
    )


@router.post("/onboarding/{code}")
def say_step(node: OpenNode, who: Leading, code: JurisdictionInPath, fields: SentForm) -> Response:
    """Sign the list, with what is said of one step or of none."""
    if fields.get("act") not in ("sign", "say"):
        raise InvalidInput("Choose one of the list.", code="invalid-field")
    remark, said = None, dict[OnboardingStep, StepChange]()
    if fields["act"] == "say":
        step, state = word_in(fields, "step", OnboardingStep), word_in(fields, "state", OnboardingState)
        remark = line_of(fields, "remark") if fields.get("remark", "").strip() else None
        said = {step: StepChange(state, remark=remark)}
    sign_checklist(node, who.caller.maker, code, said)
    return RedirectResponse(with_doubts(f"/app/onboarding/{code}", node, remark or ""), 303)
