"""The lines of the regional report, each figure beside its definition, goal and number: for page, PDF and table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from exchange.flows.monitoring.definitions import AVAILABILITY, COUNTS, FEEDBACK_RATE, GAPS, HELD, STAGES, Definition
from exchange.flows.monitoring.small_counts import Figure
from exchange.flows.region.earlier_claims import Claim
from exchange.flows.region.indicators import Indicator
from exchange.flows.region.kinds import CREDIT, DEFINITIONS, FIRST_SIGNED
from exchange.flows.region.regional import RegionalEarlier, RegionalReport, RegionalRow, SideDifference
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import ngettext, term
from exchange.web.wording.figures import change, words

ORDER: Final = (
    "leads",
    "confirmed_hits",
    FIRST_SIGNED,
    *(name for name in DEFINITIONS if name not in ("leads", "confirmed_hits", FIRST_SIGNED)),
)
"""What a coordinator reads first stands first."""
REGION_SENTENCES: Final = (
    _m(
        "A hit across a border is told by both sides and is one hit of the region. It counts in the half-year of the "
        "side that tells it first, and never again. Where only one side tells it, it counts, and is told as a "
        "difference."
    ),
    _m("Leads, by who signed the first hit"),
    _m(
        "Of the leads across a border: of how many the node of this jurisdiction signed the first hit. Each lead "
        "stands here once."
    ),
)


@dataclass(frozen=True)
class RegionalLine:
    """``cells``: whose, and how much. ``trend``: the baseline, the period before, and the change since the baseline."""

    id: str
    definition: Definition
    number: Indicator
    unit: str
    total: str
    across: str | None
    cells: tuple[tuple[str, str], ...]
    trend: tuple[str, ...]


def regional_lines(report: RegionalReport) -> list[RegionalLine]:
    """In the order in which they are read; figures of which this edition tells nothing are left out."""
    rows = {row.id: row for row in report.rows}
    found = [_line(report, rows[name], DEFINITIONS[name], "count") for name in ORDER if name in rows]
    found.append(_line(report, report.rate, FEEDBACK_RATE, "share"))
    return [line for line in found if line.total != words_of_restricted() or line.cells]


def words_of_restricted() -> str:
    return _("restricted")


def stage_lines(report: RegionalReport) -> list[RegionalLine]:
    """Of the times: ``cells`` has the 90th percentile, and how many spans there were, where that is told."""
    found = []
    for stage in report.stages:
        cells = [(_("90th percentile"), words(stage.most, "hours"))]
        if stage.spans is not None:
            cells.append((_("How many"), str(stage.spans)))
        trend = trend_words(report.earlier, f"{stage.id}_median_h", stage.median, "hours")
        numbers = report.indicators[stage.id]
        found.append(
            RegionalLine(
                stage.id, STAGES[stage.id], numbers, "hours", words(stage.median, "hours"), None, tuple(cells), trend
            )
        )
    return [line for line in found if line.total != words_of_restricted()]


def past_periods(report: RegionalReport) -> list[str]:
    """Headings of the trend."""
    past = _past(report.earlier)
    titles = (_m("Baseline %(half)s"), _m("Before, %(half)s"))
    named = [_(title, half=item.period) for title, item in zip(titles, past, strict=False)]
    return [*named, _("Since the baseline")] if named else []


def number_words(number: Indicator) -> str:
    """Goal and number, and whether anybody held them against their source. A goal in a coordinator's own words stays as
    it is."""
    goal = _("Goal %(number)s", number=number.goal)
    if number.goal_text:
        goal = _("Goal %(number)s: %(aim)s", number=number.goal, aim=_(number.goal_text))
    kpi = number.kpi_2030 or number.kpi_2024
    entered = _("KPI %(number)s", number=kpi) if kpi else _("KPI number not entered")
    return f"{goal}; {entered}; {_('verified') if number.verified else _('unverified')}"


def key_words(key: str) -> str:
    """Whose a cell is."""
    if ">" in key:
        one, other = key.split(">")
        return _("%(one)s to %(other)s", one=term(one, "jurisdiction"), other=term(other, "jurisdiction"))
    if "-" in key:
        one, other = key.split("-")
        return _("%(one)s and %(other)s", one=term(one, "jurisdiction"), other=term(other, "jurisdiction"))
    return term(key, "jurisdiction")


def difference_words(item: SideDifference) -> str:
    """A sentence or two."""
    if item.claim is not None:
        return _claim_words(item, item.claim)
    told = "; ".join(f"{term(code, 'jurisdiction')}: {words(figure, 'count')}" for code, figure in item.told.items())
    said = _(
        "%(figure)s in %(period)s: the two sides do not tell the same (%(told)s).",
        figure=_(DEFINITIONS[item.id].title),
        period=item.period,
        told=told,
    )
    alone = [
        ngettext(
            "%(num)s is told by %(jurisdiction)s alone.",
            "%(num)s are told by %(jurisdiction)s alone.",
            count,
            jurisdiction=term(code, "jurisdiction"),
        )
        for code, count in item.alone.items()
    ]
    return " ".join([said, *alone])


def _claim_words(item: SideDifference, claim: Claim) -> str:
    ((code, figure),) = item.told.items()
    said = _(
        "%(figure)s in %(period)s: %(jurisdiction)s tells %(count)s as of an earlier half-year, and its own report of "
        "then does not have them.",
        figure=_(DEFINITIONS[item.id].title),
        period=item.period,
        jurisdiction=term(code, "jurisdiction"),
        count=words(figure, "count"),
    )
    if claim is Claim.DISBELIEVED:
        counted = _("They count in the half-year in which they are told first.")
        return f"{said} {counted}"
    why = _("Hits that were told without an id, or that are told no more, may explain that: they count as of then.")
    return f"{said} {why}"


def regional_notes(report: RegionalReport) -> list[str]:
    """What a reader must know before the first figure."""
    exact = report.edition == "restricted"
    found = [_(CREDIT)]
    if exact:
        found.append(
            _("This edition has exact counts. It is for the named recipient alone, and for the stated purpose.")
        )
    else:
        found.append(
            _(
                "This edition is made of what the nodes' public editions tell, and tells nothing that they do not. "
                "Counts of fewer than %(smallest)s are told as ranges.",
                smallest=report.smallest,
            )
        )
    without = [item for item in report.reports if not item.exact]
    if exact and without:
        names = ", ".join(term(item.jurisdiction, "jurisdiction") for item in without)
        found.append(_("Without exact figures, and so not in these sums: %(names)s.", names=names))
    if len({item.smallest for item in report.reports}) > 1:
        found.append(_("The nodes hold back counts below different bounds: what one holds back, another may tell."))
    return found


def all_definitions() -> list[Definition]:
    return [*COUNTS.values(), *GAPS.values(), *HELD.values(), *STAGES.values(), AVAILABILITY, FEEDBACK_RATE]


def _line(report: RegionalReport, row: RegionalRow, definition: Definition, unit: str) -> RegionalLine:
    restricted = words_of_restricted()
    said = [(key, words(figure, unit)) for key, figure in row.cells.items()]
    return RegionalLine(
        id=row.id,
        definition=definition,
        number=report.indicators[row.id],
        unit=unit,
        total=words(row.total, unit),
        across=words(row.across, unit) if row.across is not None else None,
        cells=tuple((key_words(key), figure) for key, figure in said if figure != restricted),
        trend=trend_words(report.earlier, row.id, row.total, unit),
    )


def trend_words(earlier: Sequence[RegionalEarlier], name: str, now: Figure, unit: str) -> tuple[str, ...]:
    past = _past(earlier)
    if not past:
        return ()
    before = [item.figures.get(name) for item in past]
    moved = "–" if before[0] is None else change(now, before[0], unit)
    return (*("–" if figure is None else words(figure, unit) for figure in before), moved)


def _past(earlier: Sequence[RegionalEarlier]) -> list[RegionalEarlier]:
    return list(earlier[:1]) + list(earlier[1:][-1:])
