"""A certificate of exercises as PDF/A: which set, what was answered, by skill and one by one. The name is written by
hand: this software learns none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from exchange.coordination.exercises.attempts import Attempt, SkillResult
from exchange.coordination.exercises.exercise_vocabulary import OUTCOMES_OF, ExerciseUse
from exchange.coordination.exercises.exercise_words import (
    answered_words,
    audience_word,
    outcome_word,
    result_cells,
    right_words,
    skill_word,
    use_word,
)
from exchange.web.languages import gettext as _
from exchange.web.languages import term
from exchange.web.report.blocks import Block, bullets, heading, pairs, shared_columns, stage
from exchange.web.report.render_report import paper_data, set_pdf

_LINE = "_" * 44


def render_certificate(attempt: Attempt, on: date, laboratory: str | None) -> bytes:
    """The PDF in the language that is spoken, for an attempt whose answers may be seen; ``on``: the day of the paper.
    The same attempt gives the same bytes on one day."""
    document = attempt.kept.document
    title = f"{audience_word(document.audience)}: {use_word(attempt.kept.use)}"
    return set_pdf(paper_data(_("Certificate of exercises"), title, "ffp", on, _blocks(attempt, on, laboratory)))


def _blocks(attempt: Attempt, on: date, laboratory: str | None) -> Iterator[Block]:
    document = attempt.kept.document
    yield stage(_("All exhibits of these exercises are made up: drawn marks of firearms that do not exist."))
    yield pairs(
        (_("Name, written by hand"), _LINE),
        (_("Trainer, written by hand"), _LINE),
        (_("Day of this paper"), on.isoformat()),
        (_("Jurisdiction of the node"), term(attempt.jurisdiction, "jurisdiction")),
        *(((_("Laboratory"), laboratory),) if laboratory else ()),
        (_("Set"), document.set_id),
        (_("Seal of the answers (SHA-256)"), document.seal),
        (_("Drawn by"), f"{document.recipe}, matcher {document.matcher}"),
        (_("Answered"), _("%(answered)s of %(all)s", answered=len(attempt.given), all=len(document.items))),
    )
    yield bullets(*_limits(attempt))
    yield heading(_("By skill"), 1)
    yield _skills(attempt.results(), attempt)
    yield heading(_("One by one"), 1)
    yield _exercises(attempt)


def _limits(attempt: Attempt) -> Iterator[str]:
    yield _(
        "It says what was answered on this set on one occasion. It says nothing of competence beyond that, and nothing "
        "of casework."
    )
    yield _("A set is too small for a rate of errors: nobody may compute one from it.")
    if attempt.kept.use is ExerciseUse.PRACTICE:
        yield _("Practice: the answer stood beside each exercise after it was given, and a set may be done again.")
    elif attempt.kept.document.guessable:
        yield _("The set was drawn from a seed that can be guessed: it was not blind.")
    else:
        yield _(
            "Proficiency set: what is right was sealed before it was handed out, and opened after the last answer was "
            "given."
        )


def _skills(results: Sequence[SkillResult], attempt: Attempt) -> Block:
    outcomes = OUTCOMES_OF[attempt.kept.document.audience]
    head = [_("Skill"), _("Answered"), *map(outcome_word, outcomes)]
    rows = [
        [skill_word(line.skill), str(line.answered), *(str(count) for count in result_cells(line, outcomes))]
        for line in results
    ]
    # as wide as its longest word
    shares = [max(*map(len, title.split()), 9) / 10 for title in head[1:]]
    return shared_columns(head, rows, (2.0, *shares), range(1, len(head)))


def _exercises(attempt: Attempt) -> Block:
    rows = []
    for item in attempt.kept.document.items:
        answer, said, outcome = (
            attempt.kept.answer(item.number),
            attempt.given.get(item.number),
            attempt.outcome(item.number),
        )
        if answer is None:
            continue
        rows.append(
            [
                str(item.number),
                skill_word(answer.skill),
                answered_words(item, said) if said else _("not answered"),
                right_words(item, answer),
                outcome_word(outcome) if outcome else "-",
            ]
        )
    head = [_("No."), _("Skill"), _("Answered"), _("What is true"), _("Outcome")]
    return shared_columns(head, rows, (0.4, 1.3, 2.4, 1.6, 1.1), (0,))
