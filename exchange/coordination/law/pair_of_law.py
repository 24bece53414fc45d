"""What the law of sides says to each other: pure, no input or output.

Of the rules that speak of a kind of exhibit those that name the other side go before those that speak of all; of what
is left the strictest holds. So the picture never shows more than every article allows. Two sides beside each other:
what the law of each says of giving to the other, asking it and receiving from it, and what is missing on which side.

The policy decides, and the compendium informs. A line of the policy names an article by writing its id among its words:
"Cooperation Act, RS-police-27.2"; where the two do not speak of the same, that is said.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from exchange.coordination.law.compendium import Compendium
from schemas import LawArticle, LawRule, LegalBasis
from schemas.law import LawDirection
from schemas.vocabulary import ExhibitKind, Jurisdiction, SharingRule

_NAMED = re.compile(r"(?<![A-Za-z0-9._-])[A-Za-z][A-Za-z0-9]*(?:[._-][A-Za-z0-9]+)+")
"""What has the form of an article's id, and stands by itself."""


class LinkFault(StrEnum):
    LINE_NAMES_NONE = "line_names_none"
    """A line of the policy names no article of the compendium."""
    NOT_IN_FORCE = "not_in_force"
    """It names one that is not in force."""
    OTHER_RULE = "other_rule"
    """The article that it names says something else of this partner and kind of exhibit."""
    NO_LINE = "no_line"
    """An article speaks of giving to these partners, and no line of the policy for them names it."""


@dataclass(frozen=True)
class LinkFinding:
    """Of one partner, or of all of whom an article without a line speaks. ``words``: the line's own, where there is a
    line; ``says``: what the law says, where it says something else."""

    fault: LinkFault
    partners: tuple[Jurisdiction, ...]
    kinds: tuple[ExhibitKind, ...] = ()
    words: str | None = None
    article_id: str | None = None
    says: LawState | None = None


def articles_named(words: str, known: Collection[str]) -> list[str]:
    """The ids among the words of a policy's line, those that the compendium has.

    >>> articles_named("Cooperation Act (RS-police-27.2), second case", {"RS-police-27.2", "RS-police-27"})
    ['RS-police-27.2']
    """
    return [name for name in dict.fromkeys(_NAMED.findall(words)) if name in known]


def link_findings(
    bases: Sequence[LegalBasis], articles: Sequence[LawArticle], partners: Iterable[Jurisdiction], day: date
) -> tuple[LinkFinding, ...]:
    """What a head should mend, in the policy or in the compendium: of each line, then of each article that no line
    names."""
    by_id = {article.article_id: article for article in articles}
    found = [finding for basis in bases for finding in _of_line(basis, by_id, day)]
    return (*found, *_of_articles(bases, articles, partners, day))


def _of_line(basis: LegalBasis, by_id: dict[str, LawArticle], day: date) -> Iterator[LinkFinding]:
    named = [by_id[name] for name in articles_named(basis.article, by_id)]
    if not named:
        yield LinkFinding(LinkFault.LINE_NAMES_NONE, (basis.jurisdiction,), basis.kinds, basis.article)
        return
    for article in named:
        if not in_force(article, day):
            yield LinkFinding(
                LinkFault.NOT_IN_FORCE, (basis.jurisdiction,), basis.kinds, basis.article, article.article_id
            )
            continue
        said = rulings([article], LawDirection.GIVE, basis.jurisdiction, day)
        for kind in basis.kinds:
            says = state_of_kind(said, kind)
            if says.value != basis.rule.value:
                yield LinkFinding(
                    LinkFault.OTHER_RULE, (basis.jurisdiction,), (kind,), basis.article, article.article_id, says
                )


def _of_articles(
    bases: Sequence[LegalBasis], articles: Sequence[LawArticle], partners: Iterable[Jurisdiction], day: date
) -> Iterator[LinkFinding]:
    known = {article.article_id for article in articles}
    lines = {(basis.jurisdiction, name) for basis in bases for name in articles_named(basis.article, known)}
    lacking: dict[str, list[Jurisdiction]] = {}
    for partner in partners:
        speaking = rulings(articles, LawDirection.GIVE, partner, day)
        for name in dict.fromkeys(ruling.article.article_id for ruling in speaking):
            if (partner, name) not in lines:
                lacking.setdefault(name, []).append(partner)
    for name, whom in lacking.items():
        yield LinkFinding(LinkFault.NO_LINE, tuple(whom), article_id=name)


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
    """Return the rules in force for one direction and one other jurisdiction, in the order of the compendium."""
    return tuple(
        Ruling(article, rule)
        for article in articles
        if in_force(article, day)
        for rule in article.rules
        if rule.direction is direction and (rule.jurisdictions is None or other in rule.jurisdictions)
    )


def state_of_kind(found: Sequence[Ruling], kind: ExhibitKind) -> LawState:
    """Return the state of the law for one kind of exhibit, from the rulings of one direction and one jurisdiction."""
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
