"""By which rules a node asks its peers by itself about an exhibit, as with IBIN's triggers; and which it fits."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator

from schemas.exhibit import Exhibit
from schemas.place import fold_place
from schemas.vocabulary import Answer, FirearmOrigin, OffenceCategory

FEWEST_FIREARMS: Final = 3
"""From so many firearms in one case on the rule of that name fits."""


class SearchTrigger(StrEnum):
    """A rule that a node may have in force. Each speaks of what the record states, and of nothing that it leaves
    open."""

    BORDER = "border"
    """It happened within 80 km of a border."""
    SEIZURE = "seizure"
    """It was seized at a border, or the firearm that fired it was."""
    TRAFFICKING = "trafficking"
    THREE_FIREARMS = "three_firearms"
    """Its case knows three firearms or more."""
    TERRORISM = "terrorism"


def _each_once(triggers: tuple[SearchTrigger, ...]) -> tuple[SearchTrigger, ...]:
    if len(set(triggers)) != len(triggers):
        raise ValueError("a rule is named twice")
    return triggers


SearchTriggers = Annotated[tuple[SearchTrigger, ...], AfterValidator(_each_once)]


def triggers_fitting(
    exhibit: Exhibit, case: Iterable[Exhibit], in_force: Collection[SearchTrigger]
) -> tuple[SearchTrigger, ...]:
    """The rules in force that an exhibit fits, in the order of ``SearchTrigger``. ``case``: the exhibits of its case,
    itself among them; read only where ``THREE_FIREARMS`` is in force."""
    return tuple(trigger for trigger in SearchTrigger if trigger in in_force and _fits(trigger, exhibit, case))


def _fits(trigger: SearchTrigger, exhibit: Exhibit, case: Iterable[Exhibit]) -> bool:
    match trigger:
        case SearchTrigger.BORDER:
            return exhibit.within_80_km_of_border is Answer.YES
        case SearchTrigger.SEIZURE:
            seized = exhibit.firearm is not None and exhibit.firearm.origin is FirearmOrigin.BORDER_SEIZURE
            return seized or exhibit.offence is OffenceCategory.BORDER_SEIZURE
        case SearchTrigger.TRAFFICKING:
            return exhibit.offence is OffenceCategory.TRAFFICKING
        case SearchTrigger.THREE_FIREARMS:
            return count_firearms(case) >= FEWEST_FIREARMS
        case SearchTrigger.TERRORISM:
            return exhibit.offence is OffenceCategory.TERRORISM


def count_firearms(case: Iterable[Exhibit]) -> int:
    """How many firearms the exhibits of a case tell apart, at least.

    Each that a test fire names is one. A suspected make and model is another where no named firearm is of it, in
    whatever spelling of case and accents. A make alone tells no firearms apart.
    """
    named, models, suspected = set[str](), set[tuple[str, str]](), set[tuple[str, str]]()
    for exhibit in case:
        firearm, suspicion = exhibit.firearm, exhibit.suspected_firearm
        if firearm is not None:
            named.add(firearm.firearm_id)
            models |= _model(firearm.make, firearm.model)
        if suspicion is not None:
            suspected |= _model(suspicion.make, suspicion.model)
    return len(named) + len(suspected - models)


def _model(make: str | None, model: str | None) -> set[tuple[str, str]]:
    return set() if make is None or model is None else {(fold_place(make), fold_place(model))}
