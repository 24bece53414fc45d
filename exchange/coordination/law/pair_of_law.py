"""Two sides beside each other: what the law of each says of giving to the other, asking it and receiving from it, and
what is missing on which side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from exchange.coordination.law.compendium import Compendium
from exchange.coordination.law.rulings import LawState, Ruling, in_force, rulings, state_of_rulings, states_by_kind
from schemas import LawArticle
from schemas.law import LawDirection
from schemas.vocabulary import ExhibitKind, Jurisdiction


class LackOfLaw(StrEnum):
    """What is missing in one side's law, or in what it entered of it."""

    NOTHING_ENTERED = "nothing_entered"
    DIRECTION_NOT_ENTERED = "direction_not_entered"
    KIND_NOT_ENTERED = "kind_not_entered"
    """Of some kinds of exhibits the articles say nothing."""
    ONE_SIDED = "one_sided"
    """This side's law does not allow what the other side's law allows of the same exchange."""
    NO_ENGLISH = "no_english"
    NO_PROVISION = "no_provision"
    REVIEW_OVERDUE = "review_overdue"


@dataclass(frozen=True)
class SideSays:
    """What the law of ``side`` says of one direction towards ``other``."""

    side: Jurisdiction
    other: Jurisdiction
    direction: LawDirection
    state: LawState
    by_kind: Mapping[ExhibitKind, LawState]
    rulings: tuple[Ruling, ...]

    @property
    def articles(self) -> tuple[LawArticle, ...]:
        """Each once."""
        return tuple({ruling.article.article_id: ruling.article for ruling in self.rulings}.values())


@dataclass(frozen=True)
class OneWay:
    """All that is said of what goes from ``giver`` to ``receiver``: that the giver gives, that the receiver receives,
    and that it asks for it."""

    giver: Jurisdiction
    receiver: Jurisdiction
    give: SideSays
    receive: SideSays
    ask: SideSays

    @property
    def said(self) -> tuple[SideSays, SideSays, SideSays]:
        return (self.give, self.receive, self.ask)


@dataclass(frozen=True)
class LackFound:
    """``direction`` or ``article_id``, whichever it is about."""

    side: Jurisdiction
    lack: LackOfLaw
    direction: LawDirection | None = None
    article_id: str | None = None


@dataclass(frozen=True)
class PairOfLaw:
    """``there``: from ``one`` to ``other``; ``back``: from ``other`` to ``one``."""

    one: Compendium
    other: Compendium
    there: OneWay
    back: OneWay
    lacks: tuple[LackFound, ...]

    def lacks_of(self, side: str) -> tuple[LackFound, ...]:
        return tuple(lack for lack in self.lacks if lack.side == side)


def side_says(law: Compendium, direction: LawDirection, other: Jurisdiction, day: date) -> SideSays:
    found = rulings(law.articles, direction, other, day)
    return SideSays(law.jurisdiction, other, direction, state_of_rulings(found), states_by_kind(found), found)


def pair_of_law(one: Compendium, other: Compendium, day: date) -> PairOfLaw:
    there, back = _one_way(one, other, day), _one_way(other, one, day)
    lacks = [lack for law in (one, other) for lack in _lacks(law, (there, back), day)]
    return PairOfLaw(one, other, there, back, tuple(lacks))


def _one_way(giver: Compendium, receiver: Compendium, day: date) -> OneWay:
    return OneWay(
        giver.jurisdiction,
        receiver.jurisdiction,
        side_says(giver, LawDirection.GIVE, receiver.jurisdiction, day),
        side_says(receiver, LawDirection.RECEIVE, giver.jurisdiction, day),
        side_says(receiver, LawDirection.ASK, giver.jurisdiction, day),
    )


def _lacks(law: Compendium, ways: tuple[OneWay, OneWay], day: date) -> Iterator[LackFound]:
    side = law.jurisdiction
    if not law.is_entered:
        yield LackFound(side, LackOfLaw.NOTHING_ENTERED)
        return
    said = [item for way in ways for item in way.said if item.side == side]
    for item in said:
        if item.state is LawState.NOT_ENTERED:
            yield LackFound(side, LackOfLaw.DIRECTION_NOT_ENTERED, item.direction)
        elif LawState.NOT_ENTERED in item.by_kind.values():
            yield LackFound(side, LackOfLaw.KIND_NOT_ENTERED, item.direction)
    for way in ways:
        if _differ(way.give, way.receive):
            stricter = min((way.give, way.receive), key=lambda item: _OPENNESS[item.state])
            if stricter.side == side:
                yield LackFound(side, LackOfLaw.ONE_SIDED, stricter.direction)
    speaking = {article.article_id: article for item in said for article in item.articles}
    for name, article in speaking.items():
        if article.text_en is None or (article.title_en is None and article.language != "en"):
            yield LackFound(side, LackOfLaw.NO_ENGLISH, article_id=name)
        if not article.provisions and article.provision_words is None:
            yield LackFound(side, LackOfLaw.NO_PROVISION, article_id=name)
        if in_force(article, day) and article.review_by < day:
            yield LackFound(side, LackOfLaw.REVIEW_OVERDUE, article_id=name)


_OPENNESS = {
    LawState.BLOCKED: 0,
    LawState.NEEDS_APPROVAL: 1,
    LawState.DIFFERS: 2,
    LawState.ALLOWED: 3,
    LawState.NOT_ENTERED: 4,
}


def _differ(give: SideSays, receive: SideSays) -> bool:
    """Both sides speak of it, and not alike."""
    return LawState.NOT_ENTERED not in (give.state, receive.state) and give.by_kind != receive.by_kind
