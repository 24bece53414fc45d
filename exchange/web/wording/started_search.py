"""Why a node asked its peers by itself about a record, and what became of it: in words."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from exchange.flows.query.start_search import StartedSearch
from exchange.search_triggers import SearchTrigger
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import ngettext

TRIGGERS: Final = {
    SearchTrigger.BORDER: _m("within 80 km of a border"),
    SearchTrigger.SEIZURE: _m("seizure at a border"),
    SearchTrigger.TRAFFICKING: _m("trafficking"),
    SearchTrigger.THREE_FIREARMS: _m("three firearms or more in one case"),
    SearchTrigger.TERRORISM: _m("terrorism"),
}
_BECAUSE: Final = _m("Searched by itself because: %(rules)s")


def because_words(triggers: Collection[SearchTrigger]) -> str:
    """By which rules a record was searched, in one line."""
    return _(_BECAUSE, rules="; ".join(_(TRIGGERS[one]) for one in triggers))


def because_in_english(triggers: Collection[SearchTrigger]) -> str:
    """The same for programs, whatever language is spoken."""
    return _BECAUSE % {"rules": "; ".join(TRIGGERS[one] for one in triggers)}


def outcome_words(started: StartedSearch) -> list[str]:
    """What became of a search that started by itself, a sentence each."""
    told = [ngettext("%(num)s query was signed.", "%(num)s queries were signed.", started.asked)]
    if started.not_allowed:
        told.append(_("Policy lets no scan go to: %(peers)s.", peers=", ".join(started.not_allowed)))
    if started.left_out:
        told.append(
            _(
                "Not asked about every scan, since the most of a day was reached: %(peers)s. A person may ask.",
                peers=", ".join(started.left_out),
            )
        )
    return told
