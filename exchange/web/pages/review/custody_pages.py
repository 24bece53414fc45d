"""Exhibits that travel, on the page of a hit: where each is, who signed for it, and a form for each step that this side
may sign now, the next one first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from exchange.errors import InvalidInput
from exchange.flows.hits.history import Link
from exchange.flows.hits.stage import Entry
from exchange.flows.hits.vocabulary import Custody, local_day
from exchange.flows.node.node import Node
from exchange.flows.review.custody_steps import SignableStep, signable_steps
from exchange.flows.review.records import StoredRecord
from exchange.flows.review.statements import Spoke
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.pages.layout import Visitor
from exchange.web.pages.review.review_pages import remark_of, speak_as
from exchange.web.wording.custody_words import discrepancy_words, exhibit_where
from exchange.web.wording.sentences import no_effect
from schemas import PhysicalComparison
from schemas.vocabulary import Answer, ComparisonStep


@dataclass(frozen=True)
class CustodyLine:
    """One signed step, with its statement and its custody discrepancies."""

    entry: Entry
    said: PhysicalComparison
    discrepancies: tuple[str, ...]


@dataclass(frozen=True)
class CustodyShown:
    """One exhibit that travels: its steps in order, and where it is, in words."""

    custody: Custody
    where: str
    lines: tuple[CustodyLine, ...]


@dataclass(frozen=True)
class StepForm:
    """A step that this side may sign. ``exhibit`` names it, where its record is here. No seal is filled in: who signs
    has read it."""

    may: SignableStep
    exhibit: StoredRecord | None
    on: date

    @property
    def name(self) -> str:
        """By which a page tells this form from its others."""
        return form_name(self.may.step, self.may.record)

    @property
    def refused(self) -> str | None:
        return None if self.may.refused is None else no_effect(self.may.refused)

    @property
    def expected(self) -> str | None:
        """The seal that an exhibit which arrives left under."""
        return self.may.left_under if self.may.step is ComparisonStep.RECEIVED else None


def form_name(step: str, record: str) -> str:
    return f"{step}-{record[:12]}"


def custody_shown(link: Link, name_of: Callable[[str], str]) -> list[CustodyShown]:
    """Each exhibit of a hit that travels, or has."""
    entries = {entry.statement_id: entry for entry in link.history}
    return [
        CustodyShown(one, exhibit_where(one, name_of), tuple(_line(entries[name], one) for name in one.steps))
        for one in link.progress.custody
    ]


def step_forms(node: Node, who: Visitor, link: Link) -> list[StepForm]:
    """What this side may sign now of the exhibits, what is next first."""
    steps = signable_steps(node, who.caller.maker, link)
    return [_form(link, may) for may in sorted(steps, key=lambda may: not may.is_next)]


def sign_step(node: Node, who: Visitor, link: Link, fields: Mapping[str, str]) -> Spoke:
    """Sign the step that the form states. If the seal differs from the one under which the exhibit left, the form is
    shown once more with that seal in ``other_seal``; sending it again confirms the seal. Raises InvalidInput,
    Conflict."""
    try:
        step = ComparisonStep(fields.get("step", ""))
    except ValueError as error:
        raise InvalidInput("Send, receive or return an exhibit.", code="invalid-field") from error
    received, seal = step is ComparisonStep.RECEIVED, fields.get("seal", "").strip()
    return speak_as(
        node,
        who,
        "physical-comparison",
        fields.get("other_seal") == seal,
        hit=link.lead_id,
        step=step,
        record=fields.get("record"),
        on=fields.get("on"),
        seal=seal,
        place=fields.get("place", "").strip(),
        seal_whole=fields.get("seal_whole") if received else None,
        answers=fields.get("answers"),
        remark=remark_of(dict(fields)),
    )


def find_wrong_field(step: StepForm, fields: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the name of the first wrong field of the form and a sentence about it, or None."""
    for name in step.may.fields:
        if not fields.get(name, "").strip():
            return name, _(MISSING[name])
    try:
        day = date.fromisoformat(fields["on"])
    except ValueError:
        return "on", _(MISSING["on"])
    if day > local_day():
        return "on", _("The day has not come. Sign this step when it has happened.")
    if len(fields["seal"].strip()) > MOST_SEAL:
        return "seal", _("A seal has at most %(most)s characters.", most=MOST_SEAL)
    if "seal_whole" in step.may.fields and fields["seal_whole"] not in set(Answer):
        return "seal_whole", _(MISSING["seal_whole"])
    return None


MISSING: Final = {
    "on": _m("Name the day on which it happened."),
    "seal": _m("Name the seal as it stands on the packing."),
    "place": _m("Say where it arrived: the laboratory, or the town."),
    "seal_whole": _m("Say whether the seal was whole."),
}
MOST_SEAL: Final = 32


def _line(entry: Entry, custody: Custody) -> CustodyLine:
    if not isinstance(entry.statement, PhysicalComparison):
        raise TypeError("no step of custody")
    return CustodyLine(entry, entry.statement, discrepancy_words(custody, entry.statement_id))


def _form(link: Link, may: SignableStep) -> StepForm:
    exhibit = next((row for row in link.records if row is not None and row.statement_id == may.record), None)
    return StepForm(may, exhibit, local_day())
