"""An assessment as PDF/A: what was found, what is recommended, the radar with its table, and each answer beside that of
last time."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from xml.sax.saxutils import escape

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
    printable,
    quiet,
    shared_columns,
    stage,
)
from exchange.web.report.render_report import paper_data, set_pdf

RADAR_WIDE: Final = 680
HIGH: Final = 412
_MIDDLE: Final = (RADAR_WIDE / 2, 193.0)
_RADIUS: Final = 130
_RINGS: Final = (0.25, 0.5, 0.75, 1.0)
_SIZE: Final = 13
_LINE: Final = 15
_LETTERS: Final = 20
"""So many letters of a label stand in one line: half the width beside the rings holds them also in Cyrillic."""
_LINES: Final = 3
_GRID, _TEXT = "#b5bcc4", "#1c2126"
_FONT: Final = "Libertinus Serif"


@dataclass(frozen=True)
class RadarSpoke:
    """``now`` and ``before`` from 0 to 1; None is no data."""

    label: str
    now: float | None
    before: float | None = None


@dataclass(frozen=True)
class _Series:
    """How a half-year is drawn: the stroke of its lines, and the shape of its dots."""

    stroke: str
    dot: str

    def line(self, start: tuple[float, float], end: tuple[float, float]) -> str:
        return _line(start, end, self.stroke)

    def mark(self, point: tuple[float, float]) -> str:
        return self.dot.format(x=point[0], y=point[1], left=point[0] - 4, top=point[1] - 4)


_NOW: Final = _Series(
    'stroke="#0b5c8a" stroke-width="2.4"', '<circle cx="{x:.1f}" cy="{y:.1f}" r="4.2" fill="#0b5c8a"/>'
)
_BEFORE: Final = _Series(
    'stroke="#333333" stroke-width="1.4" stroke-dasharray="6 4"',
    '<rect x="{left:.1f}" y="{top:.1f}" width="8" height="8" fill="#ffffff" stroke="#333333" stroke-width="1.3"/>',
)


def radar(spokes: Sequence[RadarSpoke], *, now: str, before: str | None) -> str:
    """``now`` and ``before`` are the words of the legend; without ``before`` there is no last time. At least three
    spokes."""
    if len(spokes) < 3:
        raise ValueError("a radar has three spokes or more")
    drawn = [
        *_grid(len(spokes)),
        *(_drawn([spoke.before for spoke in spokes], _BEFORE) if before is not None else ()),
        *_filled([spoke.now for spoke in spokes]),
        *_drawn([spoke.now for spoke in spokes], _NOW),
        *(line for place, spoke in enumerate(spokes) for line in _label(spoke.label, place, len(spokes))),
        *_legend(now, before),
    ]
    size = f'viewBox="0 0 {RADAR_WIDE} {HIGH}" width="{RADAR_WIDE}" height="{HIGH}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
    return "\n".join((head, *drawn, "</svg>")) + "\n"


def _grid(count: int) -> Iterator[str]:
    for ring in _RINGS:
        yield _polygon([_at(place, count, ring) for place in range(count)], f'fill="none" stroke="{_GRID}"')
        x, y = _at(0, count, ring)
        yield _text(f"{ring * 100:.0f}", x - 4, y + 4, "end", size=10)
    for place in range(count):
        yield _line(_MIDDLE, _at(place, count, 1), f'stroke="{_GRID}" stroke-width="0.8"')


def _filled(values: Sequence[float | None]) -> Iterator[str]:
    """The area of a half-year of which each spoke is known."""
    known = [_at(place, len(values), value) for place, value in enumerate(values) if value is not None]
    if len(known) == len(values):
        yield _polygon(known, 'fill="#0b5c8a" fill-opacity="0.14" stroke="none"')


def _drawn(values: Sequence[float | None], series: _Series) -> Iterator[str]:
    """A dot on each spoke that is known, and a line to the next one where both are."""
    points = [None if value is None else _at(place, len(values), value) for place, value in enumerate(values)]
    for point, following in zip(points, [*points[1:], points[0]], strict=True):
        if point is not None and following is not None:
            yield series.line(point, following)
    yield from (series.mark(point) for point in points if point is not None)


def _label(label: str, place: int, count: int) -> Iterator[str]:
    x, y = _at(place, count, 1)
    across, down = (x - _MIDDLE[0]) / _RADIUS, (y - _MIDDLE[1]) / _RADIUS
    lines = wrapped(printable(label))
    anchor = "middle" if abs(across) < 0.2 else "start" if across > 0 else "end"
    x += across * 12
    high = len(lines) * _LINE
    top = y + down * 12 - (high if down < -0.9 else 0 if down > 0.9 else high / 2)
    for number, line in enumerate(lines):
        yield _text(line, x, top + (number + 0.8) * _LINE, anchor)


def wrapped(label: str) -> list[str]:
    """In at most three lines; a word that no line holds is broken, and what is left over ends with dots."""
    long = re.compile(rf"(\S{{{_LETTERS - 1}}})(?=\S{{2}})")
    return textwrap.wrap(
        " ".join(long.sub(r"\1- ", label).split()), _LETTERS, max_lines=_LINES, placeholder="…", break_on_hyphens=False
    ) or [""]


def _legend(now: str, before: str | None) -> Iterator[str]:
    x, y = RADAR_WIDE / 2 - (190 if before is not None else 60), HIGH - 14.0
    for series, words in ((_NOW, now), (_BEFORE, before)):
        if words is not None:
            yield series.line((x, y), (x + 36, y))
            yield series.mark((x + 18, y))
            yield _text(printable(words), x + 44, y + 4, "start")
            x += 200


def _line(start: tuple[float, float], end: tuple[float, float], stroke: str) -> str:
    return f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" {stroke}/>'


def _polygon(points: Sequence[tuple[float, float]], style: str) -> str:
    return f'<polygon points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}" {style}/>'


def _text(text: str, x: float, y: float, anchor: str, size: int = _SIZE) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family="{_FONT}" font-size="{size}" fill="{_TEXT}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )


def _at(place: int, count: int, share: float) -> tuple[float, float]:
    """The first spoke stands upright, the others follow clockwise."""
    angle = 2 * math.pi * place / count - math.pi / 2
    return _MIDDLE[0] + share * _RADIUS * math.cos(angle), _MIDDLE[1] + share * _RADIUS * math.sin(angle)


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
                _(answer.question.text) + "\n" + _("Good: %(what)s", what=_(answer.question.good)),
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
