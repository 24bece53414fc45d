"""What the form of an assessment says beside a field: why something typed is not kept, and what is doubtful."""

from __future__ import annotations

from typing import Final

from exchange.flows.assessment.problems import AnswerProblem, ProblemKind
from exchange.flows.assessment.questionnaire import questionnaire
from exchange.flows.assessment.typed import FieldFault, TypedFault
from exchange.flows.entry.free_text import Doubt
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m

_FAULTS: Final = {
    TypedFault.TOO_LONG: _m("Not kept: this text is too long. Shorten it."),
    TypedFault.ONE_LINE: _m("Not kept: write it in one line."),
    TypedFault.CHARACTER: _m("Not kept: it holds a character that no text needs. Type it anew."),
    TypedFault.NO_DAY: _m("Not kept: this is no day. Write it as 2026-11-20."),
    TypedFault.BOTH: _m("Not kept: write an answer or choose one beside it, not both."),
    TypedFault.MEANWHILE: _m(
        "Not kept: the file says otherwise by now, since another window or program changed it. What you typed stands "
        "here. Press Save to put it in the place of what the file says, or load the page anew."
    ),
    TypedFault.NOT_ITS_NAME: _m("Not kept: this cannot be the name of a jurisdiction."),
    TypedFault.NO_PRIORITY: _m("Choose one of the list."),
    TypedFault.NO_REASON: _m("Say why it is left out."),
    TypedFault.NO_TEXT: _m("Write what is recommended, or empty the whole row."),
    ProblemKind.TO_COME: _m("Not kept: this day has not come."),
    ProblemKind.NOT_WORDS: _m("Not kept: answer in words."),
    ProblemKind.NOT_WHOLE: _m("Not kept: answer with a whole number."),
    ProblemKind.NOT_MONTHS: _m("Not kept: answer with a number of months."),
    ProblemKind.NOT_OFFERED: _m("Not kept: choose one of the answers."),
}
_PROBLEMS: Final = {
    ProblemKind.NO_NAME: _m("Say what the jurisdiction is called in English."),
    ProblemKind.NO_ASSESSOR: _m("Say who assessed: a role, no name."),
    ProblemKind.NO_DAY: _m("Say on which day it was made."),
    ProblemKind.TO_COME: _m("The file names a day that has not come."),
    ProblemKind.NO_QUESTION: _m("The file answers a question that there is not."),
    ProblemKind.NOT_WORDS: _m("The file has a number where words are asked for."),
    ProblemKind.NOT_WHOLE: _m("The file has no whole number here."),
    ProblemKind.NOT_MONTHS: _m("The file has no number of months here."),
    ProblemKind.NOT_OFFERED: _m("The file has an answer that is not offered."),
    ProblemKind.NO_EVIDENCE: _m("Say what you saw, as evidence."),
    ProblemKind.OF_BEFORE: _m("This day lies before the half-year. Look again, or keep the day: the paper tells it."),
    ProblemKind.OF_RECOMMENDATION: _m("The file has a recommendation that is not whole."),
}
_PERSONS: Final = {
    Doubt.E_MAIL: _m("It may hold an e-mail address of a person. Write roles and counts, no names."),
    Doubt.IDENTITY_NUMBER: _m("It may hold an identity number of a person. Write roles and counts, no names."),
    Doubt.TELEPHONE: _m("It may hold a telephone number of a person. Write roles and counts, no names."),
    Doubt.ADDRESS: _m("It may hold an address of a person. Write roles and counts, no names."),
    Doubt.NAME: _m("It may hold the name of a person. Write roles and counts, no names."),
}


def fault_words(fault: FieldFault) -> str:
    """Why what was typed into a field is not kept, and what to do."""
    if fault.kind is ProblemKind.MORE_THAN_WHOLE:
        return _("Not kept: it is more than the answer to: %(question)s", question=_question(fault.named))
    return _(_FAULTS[fault.kind])


def problem_words(problem: AnswerProblem) -> str:
    """What is wrong with what the file says, or doubtful; empty where it is only not answered yet."""
    match problem.kind:
        case ProblemKind.NOT_ANSWERED:
            return ""
        case ProblemKind.MORE_THAN_WHOLE:
            return _("This is more than the answer to: %(question)s", question=_question(problem.named))
        case ProblemKind.PERSON:
            return _(_PERSONS[Doubt(problem.named)])
        case _:
            return _(_PROBLEMS[problem.kind])


def _question(name: str) -> str:
    return _(questionnaire().by_id[name].text)
