"""What an assessment says in the reader's language: answers, areas, priorities, findings."""

from __future__ import annotations

from typing import Final

from exchange.coordination.maturity.answers import NOT_APPLICABLE, NOT_KNOWN
from exchange.coordination.maturity.assessment import (
    Answered,
    Assessment,
    AssessmentFinding,
    ComparedArea,
    FindingKind,
    Rated,
    Recommendation,
)
from exchange.coordination.maturity.questionnaire import AnswerKind, AssessmentQuestion
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import ngettext, spoken, term

_DEGREES: Final = {"yes": _m("yes"), "partly": _m("partly"), "no": _m("no")}
_PRIORITIES: Final = {1: _m("high"), 2: _m("medium"), 3: _m("low")}
_OF_NOBODY: Final = {NOT_KNOWN: _m("not known"), NOT_APPLICABLE: _m("does not apply")}
DASH: Final = "–"


def answer_words(answer: Answered | None) -> str:
    """What was answered; a dash where nobody did."""
    if answer is None or answer.value is None:
        return DASH
    if isinstance(answer.value, str):
        return _word(answer.question, answer.value)
    number = spoken().number(answer.value, 0 if answer.value.is_integer() else 1)
    if answer.question.kind is AnswerKind.MONTHS:
        if answer.value.is_integer():
            return ngettext("%(num)s month", "%(num)s months", int(answer.value))
        return _("%(number)s months", number=number)
    if answer.share is not None:
        return _("%(number)s, that is %(share)s", number=number, share=share_words(answer.share))
    return number


def _word(question: AssessmentQuestion, value: str) -> str:
    if value in _OF_NOBODY:
        return _(_OF_NOBODY[value])
    if question.kind is AnswerKind.DEGREE:
        return _(_DEGREES.get(value, value))
    titles = {choice.word: choice.title for choice in question.choices}
    return _(titles[value]) if value in titles else value


def answer_evidence(answer: Answered) -> str:
    """The evidence with its day, and whether the node's snapshot answers in its place or says otherwise."""
    found = [answer.evidence] if answer.evidence else []
    if answer.proof is not None:
        practices = "; ".join(_(practice.title) for practice in answer.proof.practices)
        if answer.by_node:
            found.append(_("The node's signed snapshot answers it. It asks: %(practices)s.", practices=practices))
        elif answer.differs:
            found.append(
                _(
                    "The node's signed snapshot says: %(answer)s. It asks: %(practices)s.",
                    answer=_word(answer.question, answer.proof.answer),
                    practices=practices,
                )
            )
    if answer.told and answer.on is not None:
        found.append(answer.on.isoformat())
    return "\n".join(found) or DASH


def share_words(share: float | None) -> str:
    return _("no data") if share is None else f"{spoken().number(share * 100)} %"


def moved_words(now: Rated, before: Rated | None) -> str:
    """By how many points an area moved since last time."""
    if before is None or before.share is None or now.share is None:
        return DASH
    moved = round(now.share * 100) - round(before.share * 100)
    if not moved:
        return "±0"
    return ("+" if moved > 0 else "−") + spoken().number(abs(moved))


def told_words(rated: Rated) -> str:
    return _("%(told)s of %(asked)s", told=rated.told, asked=rated.asked)


def priority_words(priority: int) -> str:
    return _(_PRIORITIES[priority])


def recommendation_words(item: Recommendation) -> str:
    """The text; what an assessor wrote stays in the assessor's language."""
    return item.text if item.own_words else _(item.text)


def who_and_when(item: Recommendation) -> str:
    if item.by is None:
        return item.owner or DASH
    if not item.owner:
        return _("by %(day)s", day=item.by)
    return _("%(owner)s, by %(day)s", owner=item.owner, day=item.by)


def finding_words(item: AssessmentFinding, compared: ComparedArea) -> str:
    """One finding in one sentence."""
    answer, question = item.answer, _(item.answer.question.text)
    now, before = answer_words(answer), answer_words(compared.answer_before(answer))
    match item.kind:
        case FindingKind.FELL_BACK:
            return _("%(question)s Now: %(now)s. Last time: %(before)s.", question=question, now=now, before=before)
        case FindingKind.BETTER:
            return _("%(question)s Now: %(now)s. Last time: %(before)s.", question=question, now=now, before=before)
        case FindingKind.LITTLE:
            good = _(answer.question.good)
            return _("%(question)s Now: %(now)s. Good would be: %(good)s", question=question, now=now, good=good)
        case FindingKind.DIFFERS:
            proof = answer.proof.answer if answer.proof is not None else ""
            node = _word(answer.question, proof)
            return _("%(question)s The assessor: %(now)s. The node: %(node)s.", question=question, now=now, node=node)
        case FindingKind.OF_BEFORE:
            return _("%(question)s The evidence is of %(day)s.", question=question, day=answer.on)
        case FindingKind.NOT_TOLD:
            return question


FINDING_TITLES: Final = {
    FindingKind.FELL_BACK: _m("What fell back"),
    FindingKind.LITTLE: _m("What is missing"),
    FindingKind.DIFFERS: _m("Where the assessor and the node differ"),
    FindingKind.BETTER: _m("What is better than last time"),
    FindingKind.OF_BEFORE: _m("What was not looked at in this half-year"),
    FindingKind.NOT_TOLD: _m("What nobody knows yet"),
}


def place_words(found: Assessment) -> str:
    return term(found.jurisdiction, "jurisdiction")


def assessment_notes() -> list[str]:
    """What a reader must know before the first figure."""
    return [
        _(
            "The percentages say how much of what good answers would earn was earned, by points and weights that are "
            "set by reason: no document of the field defines them. They are for comparing one area, and one half-year, "
            "with another; jurisdictions are not ranked by them. An area of which less than half is answered, by the "
            "weights, has none."
        ),
        _("What nobody answered is no data. It counts neither for nor against, and is not zero."),
    ]
