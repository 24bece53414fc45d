"""The sections that tell figures: how they changed, what is overdue between whom, and how available the nodes were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from exchange.coordination.half_year.figure_definitions import AVAILABILITY, COUNTS, GAPS, STAGES
from exchange.coordination.half_year.figure_words import public_notes, unit_of, words
from exchange.coordination.half_year.small_counts import RESTRICTED, Figure, Told
from exchange.coordination.meetings.pack.pack import OverdueWork, Pack, PackFigures
from exchange.coordination.meetings.pack_paper.pack_words import (
    has_figure,
    name_of_side,
    now_words,
    overdue_words,
)
from exchange.coordination.region.region_paper import pair_chart, period_chart
from exchange.coordination.region.regional_lines import (
    change_words,
    difference_words,
    figure_title,
    past_words,
    sides_notes,
)
from exchange.web.languages import gettext as _
from exchange.web.languages import ngettext
from exchange.web.report.blocks import Block, bullets, chart, heading, section, shared_columns
from exchange.web.report.charts import SHADES, squares

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
TOLD_ELSEWHERE: Final = (
    "overdue_first_reviews",
    "overdue_verifications",
    "overdue_answers",
    "overdue_approvals",
    *GAPS,
)
"""They have sections of their own."""


def told_names(figures: PackFigures) -> list[str]:
    """Of the figures of which this pack tells anything, in the order in which they are read."""
    order = [*READ_FIRST, *COUNTS, *(f"{name}_median_h" for name in STAGES)]
    names = dict.fromkeys([*order, *figures.now])
    known = (*READ_FIRST, *COUNTS, *(f"{name}_median_h" for name in STAGES))
    told = [name for name in names if name in known and figures.now.get(name, RESTRICTED).told is not Told.RESTRICTED]
    return [name for name in told if name not in TOLD_ELSEWHERE]


def figures_section(pack: Pack) -> list[Block]:
    title = _("Key figures, and how they changed")
    figures = pack.figures
    if figures is None:
        return section(title, [_("No side sent an approved report of %(half)s: there are no figures.", half=pack.half)])
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
    table = shared_columns(head, rows, shares, range(1, len(head)), "key-figures")
    differences = [difference_words(item) for item in figures.regional.differences] if figures.regional else []
    after = [bullets(*differences)] if differences else []
    return section(title, figure_notes(pack, figures), *_figure_charts(pack, figures), table, *after)


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


def _figure_charts(pack: Pack, figures: PackFigures) -> Iterator[Block]:
    over_time = period_chart(_("Over the half-years"), figures.points(pack.half))
    if over_time is not None:
        yield chart(over_time, _("The main figures by half-year. A pale part is how much higher the count may be."))
    if figures.regional is not None and pack.restricted and len(figures.regional.jurisdictions) > 1:
        caption = _("Confirmed hits by pair of sides; in the diagonal, within one side. The darker, the more.")
        yield chart(pair_chart(figures.regional, "confirmed_hits"), caption)
        caption = _("Leads by pair of sides; in the diagonal, within one side. The darker, the more.")
        yield chart(pair_chart(figures.regional, "leads"), caption)


def overdue_section(pack: Pack) -> list[Block]:
    """By pair and direction: who keeps whom waiting."""
    title = _("Overdue work by pair")
    if not pack.overdue:
        return section(title, [_("No side told what is overdue.")])
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
    after = [shared_columns(head, rows, (1.6, 1.6, 1, 1), (2, 3), "overdue")] if rows else []
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
    if quiet:
        said = ngettext(
            "In %(num)s other direction between two sides nothing is overdue.",
            "In %(num)s other directions between two sides nothing is overdue.",
            quiet,
        )
        after.append(bullets(said))
    return section(title, notes, _overdue_chart(title, found), *after)


def _overdue_chart(title: str, found: dict[tuple[str, str], dict[str, OverdueWork]]) -> Block:
    ones, others = (sorted({key[end] for key in found}) for end in (0, 1))
    cells: dict[tuple[int, int], tuple[str, int]] = {}
    for (one, other), kinds in found.items():
        item = kinds.get("overdue_answers")
        if item is not None:
            cells[ones.index(one), others.index(other)] = overdue_words(item), _overdue_shade(item)
    caption = _("Overdue steps on hits: the side of the row keeps the side of the column waiting.")
    drawn = squares(title, [name_of_side(code) for code in ones], [name_of_side(code) for code in others], cells)
    return chart(drawn, caption)


def _overdue_shade(item: OverdueWork) -> int:
    if not item.is_some:
        return 0
    if item.count is not None:
        return min(SHADES, 1 + item.count // 2)
    return 2 if item.band == "some" else 4


def availability_section(pack: Pack) -> list[Block]:
    title = _(AVAILABILITY.title)
    if not pack.availability:
        return section(title, [_("No approved report tells it.")])
    rows = [
        [name_of_side(item.jurisdiction), item.node, words(item.own, "share"), words(item.seen, "share")]
        for item in pack.availability
    ]
    head = [_("Jurisdiction"), _("Node"), _("By itself"), _("As partners saw it")]
    table = shared_columns(head, rows, (1.6, 1.2, 1, 1), (2, 3), "availability")
    return section(title, [_(AVAILABILITY.text)], table)


def gap_table(figures: PackFigures | None, columns: Sequence[str]) -> list[Block]:
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
        return []
    title = _("Exhibits that the law keeps from a partner")
    return [heading(title, 2), shared_columns(columns, rows, (2, 2, 1), (2,), "law-held-back")]


def _some(figure: Figure) -> bool:
    """There is one at least; a range from 0 on tells nothing."""
    return has_figure(figure) and bool(figure.low)
