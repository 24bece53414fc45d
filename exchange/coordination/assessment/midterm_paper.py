"""The mid-term paper as PDF/A: under each criterion what assessments, snapshots and monitoring reports say to it, and
what the evaluators answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from exchange.coordination.assessment.assessment_paper import paper, set_paper
from exchange.coordination.assessment.assessment_words import (
    DASH,
    answer_words,
    assessment_notes,
    moved_words,
    recommendation_words,
    share_words,
    told_words,
)
from exchange.coordination.assessment.evaluation_answers import EvaluationFile
from exchange.coordination.assessment.midterm import AnswersByQuestion, CriterionFindings, Midterm, ReportedFigure
from exchange.coordination.half_year.figure_definitions import COUNTS, FEEDBACK_RATE, GAPS, STAGES
from exchange.coordination.half_year.figure_words import unit_of, words
from exchange.coordination.half_year.small_counts import NO_DATA
from exchange.coordination.outside_words import fact_words
from exchange.web.languages import gettext as _
from exchange.web.languages import term
from exchange.web.report.blocks import Block, bullets, heading, pairs, paragraph, quiet, shared_columns, stage


def render_midterm(found: Midterm) -> bytes:
    """The PDF in the language that is spoken; the same files give the same bytes."""
    return set_paper(_data(found), {})


def _data(found: Midterm) -> dict[str, Any]:
    evaluation = found.evaluation
    days = [item.given.assessed_on for item in found.assessments if item.given.assessed_on is not None]
    dated = evaluation.finished_on or max(days, default=date.fromisoformat(found.last.start[:10]))
    return paper(
        _("Mid-term evaluation"),
        _("Exchange of ballistic information, %(first)s to %(last)s", first=found.first, last=found.last),
        evaluation.evaluators or "ffp",
        dated,
        [
            *_who(found),
            *_summary(evaluation),
            *_sources(found),
            *(block for findings in found.findings for block in _criterion(found, findings)),
            *_conclusions(evaluation),
            *_origins(found),
        ],
    )


def _who(found: Midterm) -> Iterator[Block]:
    evaluation = found.evaluation
    yield pairs(
        (_("Evaluated by"), evaluation.evaluators or _("not stated")),
        (_("Finished on"), evaluation.finished_on.isoformat() if evaluation.finished_on else _("not stated")),
        (_("Period"), evaluation.period or f"{found.first} – {found.last}"),
        (_("Jurisdictions"), ", ".join(term(code, "jurisdiction") for code in found.jurisdictions)),
    )


def _summary(evaluation: EvaluationFile) -> Iterator[Block]:
    yield heading(_("Summary"), 1)
    if evaluation.summary:
        yield stage(evaluation.summary)
    else:
        yield paragraph(_("The evaluators have not written one yet."))
    yield bullets(*assessment_notes())


def _sources(found: Midterm) -> Iterator[Block]:
    yield heading(_("What it rests on"), 1)
    rows = [
        [
            term(item.jurisdiction, "jurisdiction"),
            ", ".join(str(given.half) for given in (item.before, item.given) if given is not None),
            ", ".join(map(str, item.path.halves)) or DASH,
            ", ".join(str(report.half) for report in item.reports) or DASH,
            told_words(item.whole),
        ]
        for item in found.assessments
    ]
    head = [
        _("Jurisdiction"),
        _("Assessments"),
        _("Snapshots of maturity"),
        _("Monitoring reports"),
        _("Answered"),
    ]
    yield shared_columns(head, rows, (1.3, 1, 1.2, 1.2, 0.8), (4,))


def _criterion(found: Midterm, findings: CriterionFindings) -> Iterator[Block]:
    yield heading(_(findings.heading.fact.text), 1)
    yield quiet(_(findings.heading.asks))
    if findings.questions:
        yield heading(_("What the assessments say"), 2)
        yield from _shares(findings)
        yield shared_columns(
            [_("Question"), _("Answers")],
            [[_(item.question.text), by_answer(item)] for item in findings.questions],
            (1, 1.2),
        )
    yield from _maturity(found, findings)
    yield from _figures(findings)
    if findings.recommendations:
        yield heading(_("Recommended with high priority"), 2)
        yield bullets(
            *(
                f"{term(place, 'jurisdiction')}: {recommendation_words(item)}"
                for place, item in findings.recommendations
            )
        )
    yield from _answers(found.evaluation, findings)


def _shares(findings: CriterionFindings) -> Iterator[Block]:
    rows = [
        [
            term(item.jurisdiction, "jurisdiction"),
            share_words(item.first.share) if item.first is not None else DASH,
            share_words(item.now.share),
            moved_words(item.now, item.first),
            told_words(item.now),
        ]
        for item in findings.shares
    ]
    head = [_("Jurisdiction"), _("At first"), _("Now"), _("Change in points"), _("Answered")]
    yield shared_columns(head, rows, (2, 0.8, 0.8, 1.1, 0.9), (1, 2, 3, 4))


def by_answer(item: AnswersByQuestion) -> str:
    """Each answer once, with the jurisdictions that gave it."""
    places: dict[str, list[str]] = {}
    for code, answer in item.answers:
        said = answer_words(answer) if answer.value is not None else _("no data")
        places.setdefault(said, []).append(term(code, "jurisdiction"))
    return "\n".join(f"{said}: {', '.join(named)}" for said, named in places.items())


def _maturity(found: Midterm, findings: CriterionFindings) -> Iterator[Block]:
    """The levels of nodes speak to whether it lasts."""
    if findings.heading.criterion != "sustainability":
        return
    yield heading(_("What the nodes' signed snapshots say"), 2)
    rows = []
    for item in found.assessments:
        levels = [f"{half}: {DASH if level is None else level}" for half, level in item.path.levels.items()]
        fell = "; ".join(_(practice.title) for practice in item.path.fell_back)
        rows.append([term(item.jurisdiction, "jurisdiction"), "\n".join(levels) or _("no data"), fell or DASH])
    head = [_("Jurisdiction"), _("Level reached"), _("What fell back")]
    yield shared_columns(head, rows, (1.2, 1, 2.4))


def _figures(findings: CriterionFindings) -> Iterator[Block]:
    yield heading(_("What the monitoring reports say"), 2)
    if not findings.figures:
        yield paragraph(_("No data: no monitoring report that was released speaks to it."))
        return
    rows = [
        [
            _figure_title(item),
            term(place, "jurisdiction"),
            words(first or NO_DATA, unit_of(item.name)),
            words(last or NO_DATA, unit_of(item.name)),
        ]
        for item in findings.figures
        for place, first, last in item.values
    ]
    head = [_("Figure"), _("Jurisdiction"), _("First report"), _("Last report")]
    yield shared_columns(head, rows, (2, 1.4, 0.9, 0.9), (2, 3))


def _figure_title(item: ReportedFigure) -> str:
    if item.name == "feedback_rate":
        return _(FEEDBACK_RATE.title)
    stage_name = item.name.removesuffix("_median_h")
    if stage_name != item.name and stage_name in STAGES:
        return _("%(stage)s, median in hours", stage=_(STAGES[stage_name].title))
    definition = COUNTS.get(item.name) or GAPS.get(item.name)
    return _(definition.title) if definition is not None else item.name


def _answers(evaluation: EvaluationFile, findings: CriterionFindings) -> Iterator[Block]:
    yield heading(_("What the evaluators answer"), 2)
    rows = []
    for question in findings.heading.questions:
        given = evaluation.answers.get(question.id)
        said = given.answer if given is not None and given.answer else _("not answered yet")
        rows.append([_(question.text), said, given.evidence if given is not None and given.evidence else DASH])
    yield shared_columns([_("Question"), _("Answer"), _("Evidence")], rows, (1, 1.5, 1))


def _conclusions(evaluation: EvaluationFile) -> Iterator[Block]:
    yield heading(_("Conclusions of the evaluators"), 1)
    if evaluation.conclusions:
        yield bullets(*evaluation.conclusions)
    else:
        yield paragraph(_("The evaluators have not drawn any yet."))


def _origins(found: Midterm) -> Iterator[Block]:
    yield heading(_("Where the headings come from"), 1)
    yield bullets(*dict.fromkeys(fact_words(item.heading.fact) for item in found.findings))
    left = [f"{item.given.name}: {file.name}: {file.why}" for item in found.assessments for file in item.left]
    if left:
        yield heading(_("Files that were not read"), 2)
        yield bullets(*left)
