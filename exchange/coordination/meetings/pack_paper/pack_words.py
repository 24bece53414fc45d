"""The words of a meeting pack that several of its sections need: figures, bands, sides, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from exchange.coordination.half_year.figure_words import unit_of, words
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.small_counts import Figure
from exchange.coordination.meetings.meeting_words import office_role_word
from exchange.coordination.meetings.pack.pack import Missing, MissingPart, OverdueWork, Pack, PackFigures
from exchange.coordination.meetings.pack.pack_inputs_document import OverdueBand, PackAction
from exchange.coordination.region.regional_lines import total_words
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import term

_MISSING: Final = {  # of files that came; whether a head approved more than was sent, no file says
    MissingPart.SIDE: _m("%(side)s sent nothing: neither a report nor inputs of the pack."),
    MissingPart.REPORT: _m("%(side)s sent no report of %(half)s."),
    MissingPart.INPUTS: _m("%(side)s sent no inputs of the pack: actions, meetings, overdue work, law and maturity."),
    MissingPart.EXACT: _m("%(side)s gave its public edition alone: the exact figures are without it."),
    MissingPart.HALF_BEFORE: _m("There is no report of %(before)s: nothing is compared with the half-year before."),
    MissingPart.BASELINE: _m("There is no earlier report: this half-year is the baseline, and nothing is compared."),
    MissingPart.SNAPSHOT: _m("%(side)s has kept no snapshot of maturity of %(half)s."),
    MissingPart.SNAPSHOT_BEFORE: _m(
        "%(side)s has kept no snapshot of maturity of %(before)s: what changed since is not known."
    ),
    MissingPart.LAW: _m("%(side)s has entered no article of its law."),
    MissingPart.ANNEX: _m("%(side)s sent no incident annex of %(half)s with its report."),
    MissingPart.MEETINGS: _m("%(side)s has entered no meeting and no training of %(half)s."),
}
_NOT_APPROVED_HERE: Final = {
    MissingPart.REPORT: _m("The report of %(half)s is not approved: its figures are a draft, as of %(day)s."),
    MissingPart.INPUTS: _m("The head has not approved what this pack is made of: it is a draft, as of %(day)s."),
    MissingPart.ANNEX: _m("%(side)s has approved no incident annex of %(half)s."),
}


def name_of_side(code: str) -> str:
    return term(code, "jurisdiction")


def side_names(codes: Iterable[str]) -> str:
    return ", ".join(name_of_side(code) for code in codes)


def missing_words(item: Missing, pack: Pack) -> str:
    """A whole sentence."""
    said = _MISSING[item.part] if pack.is_regional else _NOT_APPROVED_HERE.get(item.part, _MISSING[item.part])
    return _(
        said,
        side=name_of_side(item.jurisdiction) if item.jurisdiction is not None else "",
        half=pack.half,
        before=pack.half.before(),
        day=pack.as_of.isoformat(),
    )


def overdue_words(item: OverdueWork) -> str:
    if item.count is not None:
        return str(item.count)
    match item.band:
        case OverdueBand.NONE:
            return "0"
        case OverdueBand.SOME:
            return f"1–{item.smallest - 1}"
        case OverdueBand.MANY:
            return _("%(count)s or more", count=item.smallest)
        case OverdueBand.NO_DATA:
            return _("no data")


def now_words(figures: PackFigures, name: str) -> str:
    """A figure of the half-year; of the region with how many sides it is of, where some have no data of it."""
    figure, unit = figures.now[name], unit_of(name)
    return words(figure, unit) if figures.regional is None else total_words(figures.regional, name, figure, unit)


def has_figure(figure: Figure | None) -> bool:
    """It is a number or a range."""
    return figure is not None and figure.low is not None


def owner_words(action: PackAction) -> str:
    return _("%(side)s, %(role)s", side=name_of_side(action.owner), role=office_role_word(action.owner_role))


def is_carried_on(action: PackAction, half: Half) -> bool:
    """A meeting of an earlier half-year agreed on it."""
    return action.met_on < date.fromisoformat(half.start[:10])
