"""An assessment as PDF/A: what was found, what is recommended, the radar with its table, and each answer beside that of
last time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from exchange.coordination.maturity.assessment import Assessment, FindingKind, Recommendation
from exchange.coordination.maturity.assessment_words import (
    DASH,
    FINDING_TITLES,
    answer_evidence,
    answer_words,
    assessment_notes,
    finding_words,
    moved_words,
    place_words,
    priority_words,
    recommendation_words,
    share_words,
    told_words,
    who_and_when,
)
from exchange.coordination.maturity.maturity_snapshot import MaturityPath
from exchange.coordination.maturity.practice_definitions import State
from exchange.coordination.maturity.questionnaire import standards
from exchange.coordination.maturity.radar import RadarSpoke, radar
from exchange.coordination.outside_words import fact_words
from exchange.web.languages import gettext as _
from exchange.web.languages import term
from exchange.web.report.blocks import (
    Block,
    bullets,
    drawn,
    heading,
    pairs,
    paragraph,
    quiet,
    shared_columns,
    stage,
)
from exchange.web.report.render import paper_data, set_pdf

_MOST_FINDINGS: Final = 12
"""Of one kind; the tables behind hold them all."""


def render_assessment(found: Assessment) -> bytes:
    """The PDF in the language that is spoken; the same assessment gives the same bytes."""
    return set_pdf(_data(found))


def radar_of(found: Assessment) -> str:
    spokes = [
        RadarSpoke(
            _(item.now.area.title), item.now.rated.share, item.before.rated.share if item.before is not None else None
        )
        for item in found.areas
    ]
    return radar(spokes, now=str(found.half), before=str(found.before.half) if found.before is not None else None)


def _data(found: Assessment) -> dict[str, Any]:
    given = found.given
    return paper_data(
        _("Assessment of %(jurisdiction)s, %(half)s", jurisdiction=place_words(found), half=found.half),
        _("Capacity to examine ballistic evidence and to exchange it across borders"),
        given.assessor or "ffp",
        given.assessed_on or date.fromisoformat(found.half.start[:10]),
        [
            *_who(found),
            *_summary(found),
            *_picture(found),
            *_findings(found),
            *_recommendations(found),
            *_areas(found),
            *_node(found),
            *_path(found.path),
            *_norms(found),
        ],
    )


def _who(found: Assessment) -> Iterator[Block]:
    given = found.given
    yield pairs(
        (_("Assessed by"), given.assessor or _("not stated")),
        (_("On"), given.assessed_on.isoformat() if given.assessed_on is not None else _("not stated")),
        (_("Half-year"), str(found.half)),
        (_("Last time"), str(found.before.half) if found.before is not None else _("there was none")),
        (_("Node"), _node_words(found)),
    )
    if given.remarks:
        yield paragraph(given.remarks)


def _node_words(found: Assessment) -> str:
    if found.snapshot is None:
        return _("No signed snapshot of a node: all answers are the assessor's.")
    return _("The signed snapshot of the node %(node)s answers what it proves.", node=found.snapshot.snapshot.node_id)


def _summary(found: Assessment) -> Iterator[Block]:
    high = sum(item.priority == 1 for item in found.recommended.made)
    yield stage(
        _(
            "Of what good answers would earn, %(share)s was earned. %(told)s questions are answered. %(high)s "
            "recommendations have high priority.",
            share=share_words(found.whole.share),
            told=told_words(found.whole),
            high=high,
        )
    )
    yield bullets(*assessment_notes())


def _picture(found: Assessment) -> Iterator[Block]:
    yield heading(_("The areas"), 1)
    caption = _("Each spoke is an area, from 0 in the middle to 100 at its end. The table has the same figures.")
    yield drawn(caption, radar_of(found))
    rows = [
        [
            _(item.now.area.title),
            share_words(item.now.rated.share),
            share_words(item.before.rated.share) if item.before is not None else DASH,
            moved_words(item.now.rated, item.before.rated if item.before is not None else None),
            told_words(item.now.rated),
        ]
        for item in found.areas
    ]
    before = share_words(found.whole_before.share) if found.whole_before is not None else DASH
    whole = found.whole
    rows.append([_("All"), share_words(whole.share), before, moved_words(whole, found.whole_before), told_words(whole)])
    head = [_("Area"), _("Now"), _("Last time"), _("Change in points"), _("Answered")]
    yield shared_columns(head, rows, (2.2, 0.8, 0.9, 1.1, 0.9), (1, 2, 3, 4))


def _findings(found: Assessment) -> Iterator[Block]:
    by_area = {item.now.area.id: item for item in found.areas}
    yield heading(_("Findings"), 1)
    told = found.findings
    if not told:
        yield paragraph(_("Nothing fell back, nothing is missing, and each question is answered."))
    for kind in FindingKind:
        items = [item for item in told if item.kind is kind]
        if items:
            yield heading(_(FINDING_TITLES[kind]), 2)
            lines = [finding_words(item, by_area[item.area.area.id]) for item in items[:_MOST_FINDINGS]]
            if len(items) > len(lines):
                lines.append(_("%(count)s more stand in the tables.", count=len(items) - len(lines)))
            yield bullets(*lines)


def _recommendations(found: Assessment) -> Iterator[Block]:
    yield heading(_("Recommendations"), 1)
    made, left = found.recommended.made, found.recommended.left_out
    if not made:
        yield paragraph(_("Nothing is recommended."))
    else:
        yield quiet(
            _("In the order of their priority. High: without it the exchange, or what rests on it, does not hold.")
        )
        rows = [
            [str(number), priority_words(item.priority), _advice(item), who_and_when(item)]
            for number, item in enumerate(made, 1)
        ]
        head = [_("No."), _("Priority"), _("Recommendation"), _("Who, by when")]
        yield shared_columns(head, rows, (0.35, 0.7, 4, 1.4), (0,))
    if left:
        yield heading(_("Not recommended, and why"), 2)
        yield bullets(*(f"{recommendation_words(item)} {item.because}" for item in left))


def _advice(item: Recommendation) -> str:
    text = recommendation_words(item)
    return f"{text}\n{item.because}" if item.because else text


def _areas(found: Assessment) -> Iterator[Block]:
    yield heading(_("Each answer beside that of last time"), 1)
    head = [_("Question"), _("Last time"), _("Now"), _("Evidence and day")]
    for item in found.areas:
        share = share_words(item.now.rated.share)
        yield heading(f"{_(item.now.area.title)}: {share}", 2)
        rows = [
            [
                f"{_(answer.question.text)}\n{_('Good: %(what)s', what=_(answer.question.good))}",
                *(answer_words(item.answer_before(answer)), answer_words(answer), answer_evidence(answer)),
            ]
            for answer in item.now.answers
        ]
        yield shared_columns(head, rows, (1.25, 0.7, 0.7, 1.35))


def _node(found: Assessment) -> Iterator[Block]:
    snapshot = found.snapshot
    if snapshot is not None:
        yield heading(_("The node's signed snapshot"), 1)
        yield pairs(
            (_("Node"), snapshot.snapshot.node_id),
            (_("Level reached"), f"{snapshot.snapshot.reached} / {len(snapshot.snapshot.levels)}"),
            (_("Signed by"), term(snapshot.kept_by, "role")),
            (_("Statement"), snapshot.statement_id),
            (_("SHA-256 of the snapshot"), snapshot.sha256),
            (_("Fingerprint of the node"), snapshot.fingerprint),
        )
        yield paragraph(
            _("The fingerprint is the one that the assessor knows.")
            if snapshot.confirmed
            else _(
                "Nobody compared the fingerprint yet: ask the node's operator by telephone, and write it into the file "
                "of the assessment."
            )
        )
    if found.left:
        yield heading(_("Files that were not read"), 2)
        yield bullets(*(f"{item.name}: {item.why}" for item in found.left))


def _path(path: MaturityPath) -> Iterator[Block]:
    if len(path.halves) < 2:
        return
    yield heading(_("The path of the node"), 1)
    levels = {half: DASH if level is None else str(level) for half, level in path.levels.items()}
    yield pairs(*((str(half), _("Level %(level)s", level=level)) for half, level in levels.items()))
    marks = {State.HOLDS: _("met"), State.DOES_NOT_HOLD: _("not met"), State.NO_DATA: _("no data")}
    halves = path.halves[-4:]
    rows = [
        [
            _(item.title),
            *(marks[item.states[half]] if half in item.states else DASH for half in halves),
            _("fell back") if item.fell_back else DASH if item.since is None else str(item.since),
        ]
        for item in path.practices
    ]
    head = [_("Practice"), *map(str, halves), _("Holds since")]
    yield shared_columns(head, rows, (3.2, *(0.8 for _half in halves), 0.9))


def _norms(found: Assessment) -> Iterator[Block]:
    named = {
        answer.question.standard for answer in found.answers if answer.question.standard is not None
    } & standards().keys()
    if named:
        yield heading(_("Norms that are named"), 1)
        yield bullets(*(fact_words(standards()[name]) for name in sorted(named)))
