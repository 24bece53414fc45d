"""The words of the questions for investigators: what is asked, what may be answered, and why one is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from exchange.coordination.exercises.exercise_documents import SetItem
from exchange.coordination.exercises.exercise_questions import QUESTIONS
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages.days import moment


@dataclass(frozen=True)
class QuestionWords:
    """``options``: none where they are moments."""

    text: str
    why: str
    options: Mapping[str, str] = field(default_factory=dict)


QUESTION_WORDS: Final[Mapping[str, QuestionWords]] = {
    "score_of_lead": QuestionWords(
        _m("The page of a hit says: stage lead, score 0.93, 39 of 48 cells agree. What may you write into your file?"),
        _m(
            "A score ranks candidates and identifies nothing. A lead says that examiners, on a screen, hold an "
            "association possible. It becomes more when the exhibits were compared."
        ),
        {
            "possible": _m("Two examiners hold an association possible; the exhibits were not compared yet."),
            "proven": _m("Both cartridge cases come from one firearm."),
            "share": _m("The firearm is the same with a certainty that the score says."),
        },
    ),
    "confirmed_hit": QuestionWords(
        _m("What makes a confirmed hit of a lead?"),
        _m(
            "Confirmed means: both exhibits under one microscope, two examiners, and what both sides signed. No score "
            "and no second look at a screen replaces that."
        ),
        {
            "under_microscope": _m("Both exhibits under one microscope, two examiners, and both sides sign."),
            "second_screen": _m("A second examiner who says the same on the screen."),
            "high_score": _m("A score above every known pair of different firearms."),
        },
    ),
    "no_candidate": QuestionWords(
        _m("Your query comes back from a partner: no candidate. What does that say?"),
        _m(
            "Among what you may search there, nothing stood out. What is not entered, not shared with you, or printed "
            "poorly was not found either."
        ),
        {
            "nothing_stood_out": _m("Among what you may search there, nothing stood out."),
            "never_there": _m("The firearm was never used there."),
            "refused": _m("The partner refused to search."),
        },
    ),
    "evidence_abroad": QuestionWords(
        _m(
            "A hit with another jurisdiction is confirmed. The prosecutor wants to use it in court. What is the "
            "next step?"
        ),
        _m(
            "What the exchange shows is for finding. Evidence goes by mutual legal assistance; its reference is kept "
            "with the hit, so that both sides see where it stands."
        ),
        {
            "legal_assistance": _m("A request for mutual legal assistance, with its reference on the page of the hit."),
            "print_it": _m("Print the report of the pair and hand it to the court."),
            "attach_picture": _m("Attach the picture with the lit cells to the indictment."),
        },
    ),
    "candidate_of_query": QuestionWords(
        _m("A query comes back: one candidate, band middle. You need to see the exhibit. What is the next step?"),
        _m(
            "Step one tells that there is something, without an image and without a case. Step two asks for the "
            "record, "
            "with your purpose; the owner's head decides."
        ),
        {
            "request_release": _m("Ask for its release, with your purpose; the head of the other side decides."),
            "by_mail": _m("Ask the other laboratory to send the scan by e-mail."),
            "ask_again": _m("Ask the same query again until the band is high."),
        },
    ),
    "overdue_answer": QuestionWords(
        _m("The other side owes an answer to a lead, and its deadline was three days ago. What is the next step?"),
        _m(
            "Write on the page of the hit: both sides have it there, with its day. A hit is not closed because "
            "somebody "
            "is late, and late answers are counted in the half-year."
        ),
        {
            "write_there": _m("Write to the other side on the page of the hit, and tell your head."),
            "close_it": _m("Close the hit as eliminated."),
            "wait": _m("Wait until the half-year's report shows it."),
        },
    ),
    "no_inquiry": QuestionWords(
        _m(
            "A colleague asks you to look whether a certain pistol was ever seen abroad. There is no inquiry. "
            "What do you do?"
        ),
        _m(
            "Each search needs a purpose that the law knows and a legal basis, and is written down with both. "
            "Curiosity is "
            "none, and another case's number makes it a false entry."
        ),
        {
            "do_not_search": _m("I do not search: there is neither purpose nor legal basis."),
            "as_prevention": _m("I search with the purpose prevention, which always fits."),
            "under_own_case": _m("I search under the number of a case of mine."),
        },
    ),
    "handling_h1": QuestionWords(
        _m("A partner's record has the handling code H1. Your prosecutor wants it in a proceeding. What do you do?"),
        _m(
            "H1: not for use in judicial proceedings without the owner's permission. The code goes wherever the "
            "record goes."
        ),
        {
            "ask_owner": _m("I ask the owner for permission first."),
            "use_it": _m("I hand it over: a partner shared it with us."),
            "without_code": _m("I hand over a copy without the code."),
        },
    ),
    "first_review": QuestionWords(
        _m(
            "A scan was correlated on %(moment)s. Until when is the first look at its candidates due, with the "
            "settings as delivered?"
        ),
        _m(
            "24 hours from the correlation, unless the node's settings say otherwise. The first page shows it "
            "as a deadline."
        ),
    ),
    "dissemination": QuestionWords(
        _m(
            "An examiner concluded on %(moment)s. Until when must the other jurisdiction have the lead, with "
            "the settings as delivered?"
        ),
        _m("48 hours from the conclusion; the second examiner has 24 of them, and verifies blind."),
    ),
    "verifier": QuestionWords(
        _m("A second examiner is to verify a pair. What may you tell that person of it?"),
        _m(
            "Whoever verifies sees the exhibits and nothing that anybody or anything holds of them. Some pairs "
            "are sent "
            "that nobody holds for a lead, so that being asked tells nothing either."
        ),
        {
            "nothing": _m("Nothing: neither score, nor conclusion, nor that there is a lead."),
            "score_alone": _m("The score alone: a machine made it."),
            "first_conclusion": _m("What the first examiner concluded, so that both look at the same place."),
        },
    ),
    "level_search": QuestionWords(
        _m("A partner's record has the level search. What of it does your side get by a query?"),
        _m(
            "A random handle and a band: no image, no case, no day. The record itself comes in step two, when "
            "its owner approves."
        ),
        {
            "handle_and_band": _m("A random handle and a band, and nothing else."),
            "scan_alone": _m("The scan, without the case."),
            "case_alone": _m("The case, without the scan."),
        },
    ),
    "own_search": QuestionWords(
        _m("You searched, with purpose and legal basis. Who can see afterwards that you did?"),
        _m(
            "The audit log of your node: who, what, when, why. Head and auditor read it; a partner learns what "
            "it answered."
        ),
        {
            "head_and_auditor": _m("The head and the auditor of my own side, in the audit log."),
            "nobody": _m("Nobody: searches are not kept."),
            "all_partners": _m("Everybody at all partners."),
        },
    ),
}
"""By the names of the questions."""


def question_words(item: SetItem) -> str:
    words = QUESTION_WORDS[item.question or ""]
    return _(words.text, moment=moment(item.moment)) if item.moment is not None else _(words.text)


def option_words(item: SetItem, option: str) -> str:
    """A sentence, or the moment that the option means."""
    question = QUESTIONS[item.question or ""]
    if question.hours is not None and isinstance(item.moment, datetime):
        return moment(item.moment + timedelta(hours=question.hours[option]))
    return _(QUESTION_WORDS[item.question or ""].options[option])


def why_question(item: SetItem) -> str:
    return _(QUESTION_WORDS[item.question or ""].why)
