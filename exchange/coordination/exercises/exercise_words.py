"""The words of exercises: skills, outcomes, and why an answer was what it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from exchange.coordination.exercises.attempts import SkillResult
from exchange.coordination.exercises.draw_set import KnownPairScores, ScorePlace
from exchange.coordination.exercises.exercise_documents import ItemAnswer, SetItem
from exchange.coordination.exercises.exercise_questions import QUESTIONS
from exchange.coordination.exercises.exercise_vocabulary import (
    ExerciseAudience,
    ExerciseOutcome,
    ExerciseSkill,
    ExerciseTruth,
    ExerciseUse,
)
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import term
from exchange.web.languages.days import moment
from schemas.vocabulary import ScreenConclusion


@dataclass(frozen=True)
class QuestionWords:
    """The words of a question. ``options`` is empty if the options are moments in time."""

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
    """The option in words: a sentence, or the moment in time that it means."""
    question = QUESTIONS[item.question or ""]
    if question.hours is not None and isinstance(item.moment, datetime):
        return moment(item.moment + timedelta(hours=question.hours[option]))
    return _(QUESTION_WORDS[item.question or ""].options[option])


def why_question(item: SetItem) -> str:
    return _(QUESTION_WORDS[item.question or ""].why)


SKILL_WORDS: Final = {
    ExerciseSkill.SAME_FIREARM: _m("One firearm, whole marks"),
    ExerciseSkill.DIFFERENT_FIREARMS: _m("Two firearms, whole marks"),
    ExerciseSkill.LOOK_ALIKES: _m("Two firearms that look alike"),
    ExerciseSkill.HALF_MARKS: _m("Half marks"),
    ExerciseSkill.NOISE: _m("Poor marks that show enough"),
    ExerciseSkill.TOO_LITTLE: _m("Marks that show too little"),
    ExerciseSkill.READING_A_HIT: _m("Reading a hit"),
    ExerciseSkill.NEXT_STEP: _m("The next step"),
    ExerciseSkill.PURPOSE_AND_LAW: _m("Purpose and law"),
    ExerciseSkill.DEADLINES: _m("Deadlines"),
    ExerciseSkill.WHO_MAY_SEE: _m("Who may see what"),
}
OUTCOME_WORDS: Final = {
    ExerciseOutcome.RIGHT: _m("Right"),
    ExerciseOutcome.INCONCLUSIVE: _m("Inconclusive"),
    ExerciseOutcome.UNDER_CLAIM: _m("Less than the marks show"),
    ExerciseOutcome.OVER_CLAIM: _m("More than the marks show"),
    ExerciseOutcome.FALSE_ASSOCIATION: _m("False association"),
    ExerciseOutcome.MISSED_ASSOCIATION: _m("Missed association"),
    ExerciseOutcome.WRONG: _m("Not right"),
}
_AUDIENCES: Final = {
    ExerciseAudience.EXAMINER: _m("For examiners"),
    ExerciseAudience.INVESTIGATOR: _m("For investigators"),
}
_USES: Final = {
    ExerciseUse.PRACTICE: _m("Practice"),
    ExerciseUse.PROFICIENCY: _m("Proficiency set"),
}
_TRUTHS: Final = {
    ExerciseTruth.SAME: _m("Both exhibits were drawn as marks of one firearm."),
    ExerciseTruth.DIFFERENT: _m("The exhibits were drawn as marks of two different firearms."),
}
_LOOK_ALIKES: Final = _m(
    "One tool made both breech faces: kind, direction and width of the marks agree, and on a part of the face the tool "
    "left the same subclass marks. The other cells do not agree: individual marks differ."
)
_WHY: Final = {
    ExerciseSkill.SAME_FIREARM: _m("Cells that agree lie all over the mark, each where the others say that it lies."),
    ExerciseSkill.DIFFERENT_FIREARMS: _m(
        "Few cells agree, and they lie here and there: so many agree by chance between any two marks."
    ),
    ExerciseSkill.LOOK_ALIKES: _LOOK_ALIKES,
    ExerciseSkill.HALF_MARKS: _m(
        "A half of one mark is missing. What counts is the half that both show: whether its cells agree all over, or "
        "here and there."
    ),
    ExerciseSkill.NOISE: _m(
        "One print is poor: contact was weak and the primer rough. The cells of the clear parts still tell."
    ),
    ExerciseSkill.TOO_LITTLE: _m(
        "One print shows little more than the primer's own texture. Whatever is true, these marks do not bear it: "
        "inconclusive, or unsuitable for examination."
    ),
}
_OUTCOME_SENTENCES: Final = {
    ExerciseOutcome.RIGHT: _m("Right: the marks bear what you concluded."),
    ExerciseOutcome.INCONCLUSIVE: _m(
        "Cautious: the marks tell the two firearms apart. It is counted by itself, neither right nor wrong: many "
        "laboratories eliminate on class characteristics alone."
    ),
    ExerciseOutcome.UNDER_CLAIM: _m("You concluded less than the marks show."),
    ExerciseOutcome.OVER_CLAIM: _m("You concluded more than the marks show, whatever is true."),
    ExerciseOutcome.FALSE_ASSOCIATION: _m(
        "A false association: in casework it would send exhibits to a comparison for nothing."
    ),
    ExerciseOutcome.MISSED_ASSOCIATION: _m("A missed association: in casework a link would be lost."),
    ExerciseOutcome.WRONG: _m("Not right. Read why, and go on."),
}
STRIP_WIDE: Final = 1000


@dataclass(frozen=True)
class KnownStrip:
    """Scores of known pairs on one line, as places from 0 to ``STRIP_WIDE``; ``here``: that of the exercise."""

    different: Sequence[int]
    look_alikes: Sequence[int]
    same: Sequence[int]
    here: int


def skill_word(skill: ExerciseSkill) -> str:
    return _(SKILL_WORDS[skill])


def outcome_word(outcome: ExerciseOutcome) -> str:
    return _(OUTCOME_WORDS[outcome])


def outcome_sentence(outcome: ExerciseOutcome, question: bool = False) -> str:
    """``question``: of a question, where nothing is concluded."""
    if question and outcome is ExerciseOutcome.RIGHT:
        return _("Right.")
    return _(_OUTCOME_SENTENCES[outcome])


def audience_word(audience: ExerciseAudience) -> str:
    return _(_AUDIENCES[audience])


def use_word(use: ExerciseUse) -> str:
    return _(_USES[use])


def truth_words(truth: ExerciseTruth) -> str:
    return _(_TRUTHS[truth])


def why_pair(skill: ExerciseSkill) -> str:
    return _(_WHY[skill])


def answered_words(item: SetItem, said: str) -> str:
    """An answer as it was shown."""
    if item.question is None:
        return term(ScreenConclusion(said))
    return option_words(item, said)


def right_words(item: SetItem, answer: ItemAnswer) -> str:
    """What is right, in short: of a pair what is true, and whether the marks bear it."""
    if answer.truth is None:
        return option_words(item, answer.right or QUESTIONS[item.question or ""].right)
    true = _("one firearm") if answer.truth is ExerciseTruth.SAME else _("two firearms")
    return true if answer.shows_enough else _("%(truth)s; the marks show too little", truth=true)


def score_place_words(place: ScorePlace) -> list[str]:
    """Where a score stands among those of known pairs."""
    return [
        _(
            "Higher than %(above)s of %(all)s known pairs of different firearms.",
            above=place.above_different,
            all=place.different,
        ),
        _(
            "Higher than %(above)s of %(all)s known pairs of different firearms of one tool.",
            above=place.above_look_alikes,
            all=place.look_alikes,
        ),
        _("Higher than %(above)s of %(all)s known pairs of one firearm.", above=place.above_same, all=place.same),
    ]


def known_strip(score: float, known: KnownPairScores) -> KnownStrip:
    return KnownStrip(
        sorted({_x(one) for one in known.different}),
        sorted({_x(one) for one in known.look_alikes}),
        sorted({_x(one) for one in known.same}),
        _x(score),
    )


def result_cells(result: SkillResult, outcomes: Sequence[ExerciseOutcome]) -> list[int]:
    return [result.outcomes.get(outcome, 0) for outcome in outcomes]


def _x(score: float) -> int:
    return round(STRIP_WIDE * min(max(score, 0.0), 1.0))
