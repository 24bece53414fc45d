"""The mid-term paper as PDF/A: under each criterion what assessments, snapshots and monitoring reports say to it, and
what the evaluators answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from exchange.coordination.half_year.figure_definitions import COUNTS, STAGES
from exchange.coordination.half_year.figure_words import unit_of, words
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.small_counts import NO_DATA, Figure
from exchange.coordination.maturity.answers import EvaluationFile
from exchange.coordination.maturity.assessment import Assessment, Rated, assessment_of, rated
from exchange.coordination.maturity.assessment_folder import read_folder
from exchange.coordination.maturity.assessment_words import (
    DASH,
    answer_words,
    assessment_notes,
    moved_words,
    recommendation_words,
    share_words,
    told_words,
)
from exchange.coordination.maturity.questionnaire import (
    AssessmentQuestion,
    Criterion,
    CriterionHeading,
    headings,
    questionnaire,
)
from exchange.coordination.outside_words import fact_words
from exchange.errors import InvalidInput
from exchange.web.languages import gettext as _
from exchange.web.languages import term
from exchange.web.report.blocks import Block, bullets, heading, pairs, paragraph, quiet, shared_columns, stage
from exchange.web.report.render_report import paper_data, set_pdf

MOST_FOLDERS: Final = 32

FIGURES: Final[Mapping[Criterion, tuple[str, ...]]] = {
    Criterion.RELEVANCE: ("exhibits_entered",),
    Criterion.EFFICIENCY: ("search_median_h", "first_review_median_h", "decision_median_h"),
}
"""Which public figures of a node's monitoring report speak to a criterion. Hits are published of the region alone."""


@dataclass(frozen=True)
class ReportedFigure:
    """A figure of the first and of the last monitoring report in a jurisdiction's folder."""

    name: str
    jurisdiction: str
    first: Figure | None
    last: Figure | None


@dataclass(frozen=True)
class Midterm:
    """``first`` and ``last``: the half-years of the earliest and of the latest assessment of all."""

    assessments: tuple[Assessment, ...]
    first: Half
    last: Half
    evaluation: EvaluationFile

    @property
    def jurisdictions(self) -> tuple[str, ...]:
        return tuple(found.jurisdiction for found in self.assessments)


def midterm(folders: Sequence[Path], evaluation: EvaluationFile | None = None) -> Midterm:
    """The last assessment of each folder beside its first. Raises InvalidInput for two folders of one jurisdiction, and
    what ``read_folder`` and ``assessment_of`` raise."""
    if not 1 <= len(folders) <= MOST_FOLDERS:
        raise InvalidInput(f"Name from 1 to {MOST_FOLDERS} folders of assessments.")
    found, names = list[Assessment](), dict[str, str]()
    for path in folders:
        folder = read_folder(path)
        if (other := names.get(folder.jurisdiction)) is not None:
            raise InvalidInput(f"{other} and {folder.name} are both of {folder.jurisdiction}; name one of them.")
        names[folder.jurisdiction] = folder.name
        found.append(assessment_of(folder, since_the_first=True))
    halves = [item.half for item in found] + [item.before.half for item in found if item.before is not None]
    return Midterm(tuple(found), min(halves), max(halves), evaluation or EvaluationFile())


def questions_under(criterion: Criterion) -> list[AssessmentQuestion]:
    areas = questionnaire().areas
    return [asked for area in areas for asked in area.questions if area.criterion_of(asked) is criterion]


def rated_under(found: Assessment, criterion: Criterion) -> tuple[Rated, Rated | None]:
    """Return what a jurisdiction's answers under a criterion earn now and earned at first."""
    asked = questions_under(criterion)
    then = [area.before for area in found.areas if area.before is not None]
    first = rated(answer for area in then for answer in area.answers if answer.question in asked)
    return rated(answer for answer in found.answers if answer.question in asked), first if then else None


def figures_under(criterion: Criterion, found: Sequence[Assessment]) -> list[ReportedFigure]:
    """Only of those that have reports; a figure that no report has is not told."""
    made = []
    for name in FIGURES.get(criterion, ()):
        values = [
            ReportedFigure(
                name, item.jurisdiction, item.reports[0].figures.get(name), item.reports[-1].figures.get(name)
            )
            for item in found
            if item.reports
        ]
        if any(value.last is not None for value in values):
            made += values
    return made


def render_midterm(found: Midterm) -> bytes:
    """The PDF in the language that is spoken; the same files give the same bytes."""
    return set_pdf(_data(found))


def _data(found: Midterm) -> dict[str, Any]:
    evaluation = found.evaluation
    days = [item.given.assessed_on for item in found.assessments if item.given.assessed_on is not None]
    dated = evaluation.finished_on or max(days, default=date.fromisoformat(found.last.start[:10]))
    return paper_data(
        _("Mid-term evaluation"),
        _("Exchange of ballistic information, %(first)s to %(last)s", first=found.first, last=found.last),
        evaluation.evaluators or "ffp",
        dated,
        [
            *_who(found),
            *_summary(evaluation),
            *_sources(found),
            *(block for item in headings() for block in _criterion(found, item)),
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


def _criterion(found: Midterm, about: CriterionHeading) -> Iterator[Block]:
    asked = questions_under(about.criterion)
    yield heading(_(about.fact.text), 1)
    yield quiet(_(about.asks))
    if asked:
        yield heading(_("What the assessments say"), 2)
        yield _shares(found, about.criterion)
        yield shared_columns(
            [_("Question"), _("Answers")],
            [[_(question.text), by_answer(question, found.assessments)] for question in asked],
            (1, 1.2),
        )
    if about.criterion is Criterion.SUSTAINABILITY:
        yield from _maturity(found)
    yield from _figures(figures_under(about.criterion, found.assessments))
    ids = {question.id for question in asked}
    advised = [
        f"{term(item.jurisdiction, 'jurisdiction')}: {recommendation_words(advice)}"
        for item in found.assessments
        for advice in item.recommended.made
        if advice.priority == 1 and advice.question in ids
    ]
    if advised:
        yield heading(_("Recommended with high priority"), 2)
        yield bullets(*advised)
    yield from _answers(found.evaluation, about)


def _shares(found: Midterm, criterion: Criterion) -> Block:
    rows = []
    for item in found.assessments:
        now, first = rated_under(item, criterion)
        then = share_words(first.share) if first is not None else DASH
        place = term(item.jurisdiction, "jurisdiction")
        rows.append([place, then, share_words(now.share), moved_words(now, first), told_words(now)])
    head = [_("Jurisdiction"), _("At first"), _("Now"), _("Change in points"), _("Answered")]
    return shared_columns(head, rows, (2, 0.8, 0.8, 1.1, 0.9), (1, 2, 3, 4))


def by_answer(question: AssessmentQuestion, found: Sequence[Assessment]) -> str:
    """Each answer once, with the jurisdictions that gave it."""
    places: dict[str, list[str]] = {}
    for item in found:
        answer = next(answer for answer in item.answers if answer.question is question)
        said = answer_words(answer) if answer.value is not None else _("no data")
        places.setdefault(said, []).append(term(item.jurisdiction, "jurisdiction"))
    return "\n".join(f"{said}: {', '.join(named)}" for said, named in places.items())


def _maturity(found: Midterm) -> Iterator[Block]:
    """The levels of nodes speak to whether it lasts."""
    yield heading(_("What the nodes' signed snapshots say"), 2)
    rows = []
    for item in found.assessments:
        levels = [f"{half}: {DASH if level is None else level}" for half, level in item.path.levels.items()]
        fell = "; ".join(_(practice.title) for practice in item.path.fell_back)
        rows.append([term(item.jurisdiction, "jurisdiction"), "\n".join(levels) or _("no data"), fell or DASH])
    head = [_("Jurisdiction"), _("Level reached"), _("What fell back")]
    yield shared_columns(head, rows, (1.2, 1, 2.4))


def _figures(reported: Sequence[ReportedFigure]) -> Iterator[Block]:
    yield heading(_("What the monitoring reports say"), 2)
    if not reported:
        yield paragraph(_("No data: no monitoring report that was released speaks to it."))
        return
    rows = [
        [
            _figure_title(item.name),
            term(item.jurisdiction, "jurisdiction"),
            *(words(figure or NO_DATA, unit_of(item.name)) for figure in (item.first, item.last)),
        ]
        for item in reported
    ]
    head = [_("Figure"), _("Jurisdiction"), _("First report"), _("Last report")]
    yield shared_columns(head, rows, (2, 1.4, 0.9, 0.9), (2, 3))


def _figure_title(name: str) -> str:
    """Of one of ``FIGURES``."""
    if name in COUNTS:
        return _(COUNTS[name].title)
    return _("%(stage)s, median in hours", stage=_(STAGES[name.removesuffix("_median_h")].title))


def _answers(evaluation: EvaluationFile, about: CriterionHeading) -> Iterator[Block]:
    yield heading(_("What the evaluators answer"), 2)
    rows = []
    for question in about.questions:
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
    yield bullets(*dict.fromkeys(fact_words(item.fact) for item in headings()))
    left = [f"{item.given.file}: {file.name}: {file.why}" for item in found.assessments for file in item.left]
    if left:
        yield heading(_("Files that were not read"), 2)
        yield bullets(*left)
