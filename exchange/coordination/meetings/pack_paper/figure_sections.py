"""The sections that tell figures: how they changed, what is overdue between whom, and how available the nodes were."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from exchange.coordination.half_year.figure_definitions import AVAILABILITY, COUNTS, GAPS, STAGES
from exchange.coordination.half_year.figure_words import public_notes, unit_of, words
from exchange.coordination.half_year.small_counts import NO_DATA, RESTRICTED, Figure, Told
from exchange.coordination.meetings.pack.pack import OverdueWork, Pack, PackFigures
from exchange.coordination.meetings.pack_paper.pack_drawings import PACK_SHADES, bars_over_periods, square_map
from exchange.coordination.meetings.pack_paper.pack_words import (
    figure_title,
    has_figure,
    name_of_side,
    now_words,
    overdue_words,
)
from exchange.coordination.meetings.pack_paper.paper_sections import PackPicture, PackSection, PackTable
from exchange.coordination.region.regional import RegionalReport
from exchange.coordination.region.regional_lines import (
    change_words,
    difference_words,
    past_words,
    sides_below,
    sides_notes,
)
from exchange.coordination.region_files.file_kinds import sides_key
from exchange.web.languages import gettext as _
from exchange.web.languages import ngettext

READ_FIRST: Final = (
    "leads_across",
    "leads",
    "confirmed_hits_across",
    "confirmed_hits",
    "feedback_rate",
    "dissemination_median_h",
    "confirmation_median_h",
    "exhibits_entered",
    "exhibits_searched",
    "exhibits_shared",
)
"""What a meeting reads first; the other figures follow in their order."""
DRAWN: Final = ("exhibits_entered", "exhibits_shared", "leads_across", "confirmed_hits_across")
"""Those of them that the edition has."""
TOLD_ELSEWHERE: Final = (
    "overdue_first_reviews",
    "overdue_verifications",
    "overdue_answers",
    "overdue_approvals",
    *GAPS,
)
"""They have sections of their own."""
_MOST_PERIODS: Final = 5


def told_names(figures: PackFigures) -> list[str]:
    """Of the figures of which this pack tells anything, in the order in which they are read."""
    order = [*READ_FIRST, *COUNTS, *(f"{name}_median_h" for name in STAGES)]
    names = dict.fromkeys([*order, *figures.now])
    known = (*READ_FIRST, *COUNTS, *(f"{name}_median_h" for name in STAGES))
    told = [name for name in names if name in known and figures.now.get(name, RESTRICTED).told is not Told.RESTRICTED]
    return [name for name in told if name not in TOLD_ELSEWHERE]


def figures_section(pack: Pack) -> PackSection:
    title = _("Key figures, and how they changed")
    figures = pack.figures
    if figures is None:
        return PackSection(
            title, [_("No side sent an approved report of %(half)s: there are no figures.", half=pack.half)]
        )
    before, baseline = figures.of(pack.half.before()), figures.baseline
    head = [_("Figure"), str(pack.half)]
    if before is not None:
        head += [str(before.period), _("Change")]
    if baseline is not None and baseline is not before:
        head += [_("Baseline %(half)s", half=baseline.period), _("Since the baseline")]
    rows = []
    for name in told_names(figures):
        now, unit = figures.now[name], unit_of(name)
        row = [figure_title(name), now_words(figures, name)]
        for past in [before] if before is baseline or baseline is None else [before, baseline]:
            if past is not None:
                was = past.figures.get(name)
                row += (
                    ["–", "–"]
                    if was is None
                    else [
                        past_words(figures.sides, past.sides, name, was, unit),
                        change_words((figures.sides, now), (past.sides, was), name, unit),
                    ]
                )
        rows.append(row)
    shares = [3.4, *(1.1 for _column in head[1:])]
    table = PackTable("key-figures", None, head, rows, shares, range(1, len(head)))
    return PackSection(
        title, figure_notes(pack, figures), _figure_pictures(pack, figures), [table], _differences(figures)
    )


def figure_notes(pack: Pack, figures: PackFigures) -> list[str]:
    """What a reader must know before the first figure."""
    found = []
    if pack.restricted:
        found.append(_("The counts are exact. They stand in this pack because the heads released them for it."))
    else:
        found += public_notes(pack.smallest)
    if figures.baseline is not None and figures.baseline is figures.of(pack.half.before()):
        found.append(_("%(half)s is the half-year before, and the baseline.", half=figures.baseline.period))
    if figures.regional is not None:
        found += sides_notes(figures.regional)
    if not figures.approved:
        found.append(_("The report is not approved: these figures are a draft, and may change."))
    return found


def _differences(figures: PackFigures) -> list[str]:
    return [difference_words(item) for item in figures.regional.differences] if figures.regional is not None else []


def _figure_pictures(pack: Pack, figures: PackFigures) -> list[PackPicture]:
    drawn = [name for name in DRAWN if name in figures.now]
    panels = []
    for name in drawn:
        past = figures.earlier[-(_MOST_PERIODS - 1) :]
        periods = [*(item.period for item in past), str(pack.half)]
        bars = [found.get(name, NO_DATA) for found in (*(item.figures for item in past), figures.now)]
        below = sides_below([*(item.sides for item in past), figures.sides], name)
        panels.append((figure_title(name), list(zip(periods, bars, below, strict=True))))
    found = []
    if any(has_figure(figure) for _title, bars in panels for _period, figure, _below in bars):
        caption = _("The main figures by half-year. A pale part is how much higher the count may be.")
        found.append(PackPicture("periods", caption, bars_over_periods(panels)))
    if figures.regional is not None and pack.restricted and len(figures.regional.jurisdictions) > 1:
        caption = _("Confirmed hits by pair of sides; in the diagonal, within one side. The darker, the more.")
        found.append(PackPicture("confirmed", caption, _pairs(figures.regional, "confirmed_hits")))
        caption = _("Leads by pair of sides; in the diagonal, within one side. The darker, the more.")
        found.append(PackPicture("leads", caption, _pairs(figures.regional, "leads")))
    return found


def _pairs(report: RegionalReport, name: str) -> bytes:
    codes, row = report.jurisdictions, report.row(name)
    figures = {
        (line, column): row.cells.get(one if one == other else sides_key(one, other), NO_DATA)
        for line, one in enumerate(codes)
        for column, other in enumerate(codes)
    }
    most = max([1.0, *(_middle(figure) for figure in figures.values())])
    cells = {
        place: (words(figure, "count"), math.ceil(_middle(figure) / most * (len(PACK_SHADES) - 1)))
        for place, figure in figures.items()
    }
    names = [name_of_side(code) for code in codes]
    return square_map(names, names, cells)


def _middle(figure: Figure) -> float:
    return ((figure.low or 0) + (figure.high or 0)) / 2


def overdue_section(pack: Pack) -> PackSection:
    """By pair and direction: who keeps whom waiting."""
    title = _("Overdue work by pair")
    if not pack.overdue:
        return PackSection(title, [_("No side told what is overdue.")])
    found: dict[tuple[str, str], dict[str, OverdueWork]] = {}
    for item in pack.overdue:
        found.setdefault((item.one, item.other), {})[item.kind] = item
    late = {key: kinds for key, kinds in found.items() if any(item.is_some for item in kinds.values())}
    rows = [
        [
            name_of_side(one),
            name_of_side(other),
            *(
                overdue_words(kinds[kind]) if kind in kinds else _("no data")
                for kind in ("overdue_answers", "overdue_approvals")
            ),
        ]
        for (one, other), kinds in sorted(late.items())
    ]
    head = [_("Who keeps waiting"), _("Who waits"), _("Steps on hits"), _("Decisions on release")]
    table = PackTable("overdue", None, head, rows, (1.6, 1.6, 1, 1), (2, 3))
    quiet = len(found) - len(late)
    notes = [
        _(
            "A step on a hit is overdue when the other side waits for it beyond the term; a decision on release, when "
            "the head has not decided in time what may go to the other side. Both as they stand at the end of the "
            "half-year."
        ),
    ]
    if not pack.restricted:
        notes.append(
            _(
                "Told is whether there are none, fewer than %(count)s, or that many and more: an exact number would "
                "tell of cases.",
                count=pack.smallest,
            )
        )
    if not pack.is_regional:
        notes.append(_("What partners keep this side waiting for, they tell the regional meeting."))
    after = []
    if quiet:
        said = ngettext(
            "In %(num)s other direction between two sides nothing is overdue.",
            "In %(num)s other directions between two sides nothing is overdue.",
            quiet,
        )
        after.append(said)
    return PackSection(title, notes, _overdue_picture(found), [table] if rows else [], after)


def _overdue_picture(found: dict[tuple[str, str], dict[str, OverdueWork]]) -> list[PackPicture]:
    ones, others = (sorted({key[end] for key in found}) for end in (0, 1))
    cells: dict[tuple[int, int], tuple[str, int]] = {}
    for (one, other), kinds in found.items():
        item = kinds.get("overdue_answers")
        if item is not None:
            cells[ones.index(one), others.index(other)] = overdue_words(item), _overdue_shade(item)
    caption = _("Overdue steps on hits: the side of the row keeps the side of the column waiting.")
    drawn = square_map([name_of_side(code) for code in ones], [name_of_side(code) for code in others], cells)
    return [PackPicture("overdue", caption, drawn)]


def _overdue_shade(item: OverdueWork) -> int:
    if not item.is_some:
        return 0
    if item.count is not None:
        return min(len(PACK_SHADES) - 1, 1 + item.count // 2)
    return 2 if item.band == "some" else 4


def availability_section(pack: Pack) -> PackSection:
    title = _(AVAILABILITY.title)
    if not pack.availability:
        return PackSection(title, [_("No approved report tells it.")])
    rows = [
        [name_of_side(item.jurisdiction), item.node, words(item.own, "share"), words(item.seen, "share")]
        for item in pack.availability
    ]
    head = [_("Jurisdiction"), _("Node"), _("By itself"), _("As partners saw it")]
    table = PackTable("availability", None, head, rows, (1.6, 1.2, 1, 1), (2, 3))
    return PackSection(title, [_(AVAILABILITY.text)], tables=[table])


def gap_table(figures: PackFigures | None, columns: Sequence[str]) -> PackTable | None:
    """Exhibits that their owner meant for a partner and that the law keeps, by reason and direction; they stand in
    restricted editions alone."""
    rows = []
    if figures is not None and figures.regional is not None and figures.regional.edition == "restricted":
        for name in GAPS:
            for key, cell in figures.regional.row(name).cells.items():
                if _some(cell):
                    one, _arrow, other = key.partition(">")
                    whose = (
                        _("%(one)s to %(other)s", one=name_of_side(one), other=name_of_side(other))
                        if other
                        else name_of_side(one)
                    )
                    rows.append((_(GAPS[name].title), whose, words(cell, "count")))
    if not rows:
        return None
    return PackTable("law-held-back", _("Exhibits that the law keeps from a partner"), columns, rows, (2, 2, 1), (2,))


def _some(figure: Figure) -> bool:
    """There is one at least; a range from 0 on tells nothing."""
    return has_figure(figure) and bool(figure.low)
