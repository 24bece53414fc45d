"""What the articles of one side say of one direction and one other side, on one day: pure, no input or output.

Of the rules that speak of a kind of exhibit those that name the other side go before those that speak of all; of what
is left the strictest holds. So the picture never shows more than every article allows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from schemas import LawArticle, LawRule
from schemas.law import LawDirection
from schemas.vocabulary import ExhibitKind, Jurisdiction, SharingRule

TOLD_KINDS: Final = (ExhibitKind.CRIME_SCENE, ExhibitKind.TEST_FIRE, ExhibitKind.SEIZED, ExhibitKind.REPLICA)
"""The kinds of exhibits by which a direction is judged. What is unknown is under the rules for all."""


class LawState(StrEnum):
    """What the law says of one direction, as far as it was entered."""

    ALLOWED = "allowed"
    NEEDS_APPROVAL = "needs_approval"
    BLOCKED = "blocked"
    DIFFERS = "differs"
    """From one kind of exhibit to another."""
    NOT_ENTERED = "not_entered"


_STRICTEST: Final = (SharingRule.BLOCKED, SharingRule.NEEDS_APPROVAL, SharingRule.ALLOWED)


@dataclass(frozen=True)
class Ruling:
    """One rule of one article."""

    article: LawArticle
    rule: LawRule


def in_force(article: LawArticle, day: date) -> bool:
    return article.in_force_since <= day and (article.in_force_until is None or day <= article.in_force_until)


def rulings(
    articles: Iterable[LawArticle], direction: LawDirection, other: Jurisdiction, day: date
) -> tuple[Ruling, ...]:
    """What speaks of a direction and another side, in the order of the compendium."""
    return tuple(
        Ruling(article, rule)
        for article in articles
        if in_force(article, day)
        for rule in article.rules
        if rule.direction is direction and (rule.jurisdictions is None or other in rule.jurisdictions)
    )


def state_of_kind(found: Sequence[Ruling], kind: ExhibitKind) -> LawState:
    """Of rulings that speak of one direction and one side, what they say of one kind of exhibit."""
    speaking = [ruling.rule for ruling in found if ruling.rule.kinds is None or kind in ruling.rule.kinds]
    naming = [rule for rule in speaking if rule.jurisdictions is not None]
    said = {rule.rule for rule in naming or speaking}
    strictest = next((rule for rule in _STRICTEST if rule in said), None)
    return LawState.NOT_ENTERED if strictest is None else LawState(strictest.value)


def states_by_kind(found: Sequence[Ruling]) -> Mapping[ExhibitKind, LawState]:
    return {kind: state_of_kind(found, kind) for kind in TOLD_KINDS}


def state_of_rulings(found: Sequence[Ruling]) -> LawState:
    """What they say of all kinds of exhibits, where they say one thing of all."""
    states = set(states_by_kind(found).values())
    return states.pop() if len(states) == 1 else LawState.DIFFERS


def law_state(articles: Iterable[LawArticle], direction: LawDirection, other: Jurisdiction, day: date) -> LawState:
    return state_of_rulings(rulings(articles, direction, other, day))
