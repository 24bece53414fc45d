"""All that the compendium's report says, put together at one moment. Nothing of it is counted for the report alone.
What changed between two editions, article by article; and in one half-year, of each side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from exchange.clock import stamp
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.law.compendium import Compendium, compendia, compendia_in, newest_edition
from exchange.coordination.law.pair_of_law import LawState, PairOfLaw, in_force, law_state, pair_of_law
from exchange.coordination.law.provisions import eu_provisions
from exchange.coordination.outside_words import OutsideFact
from exchange.errors import InvalidInput, NotFound
from exchange.flows.node.node import Node
from schemas import LawArticle
from schemas.law import LawDirection
from schemas.vocabulary import Jurisdiction


class ArticleAct(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    ENDED = "ended"
    """It is in force no longer, or will not be from a day on; it stays in the compendium."""
    REMOVED = "removed"
    """It stands in the compendium no longer: it was entered in error, or is of no interest any more."""


@dataclass(frozen=True)
class ArticleChange:
    """``fields``: which of them differ, where the article was there before and is still."""

    what: ArticleAct
    article: LawArticle
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class LawChanges:
    """Of one side in one half-year. ``first``: it had published nothing before. ``at``: when the last edition came."""

    compendium: Compendium
    first: bool
    at: str | None
    changes: tuple[ArticleChange, ...]


def article_changes(before: Iterable[LawArticle], after: Iterable[LawArticle]) -> tuple[ArticleChange, ...]:
    """In the order of the later edition; what stands there no longer comes last."""
    old = {article.article_id: article for article in before}
    new = {article.article_id: article for article in after}
    found = [_change(old.get(name), article) for name, article in new.items()]
    removed = [ArticleChange(ArticleAct.REMOVED, article) for name, article in old.items() if name not in new]
    return (*(change for change in found if change is not None), *removed)


def changes_in_half(node: Node, half: Half) -> tuple[LawChanges, ...]:
    """Of each side what changed from the begin of a half-year to its end or, while it lasts, to now. Raises
    NotFound."""
    if half.start > stamp():
        raise NotFound(f"The half-year {half} has not begun.")
    found = []
    with node.store.read() as session:
        for item in compendia_in(session, node):
            before = newest_edition(session, item.node_id, half.start)
            after = newest_edition(session, item.node_id, half.end)
            changed = article_changes(before.articles if before else (), after.articles if after else ())
            last = after.at if after is not None and half.holds(after.at) else None
            found.append(LawChanges(item, before is None and after is not None, last, changed))
    return tuple(found)


def _change(before: LawArticle | None, after: LawArticle) -> ArticleChange | None:
    if before is None:
        return ArticleChange(ArticleAct.ADDED, after)
    fields = tuple(name for name in LawArticle.model_fields if getattr(before, name) != getattr(after, name))
    if not fields:
        return None
    ended = "in_force_until" in fields and after.in_force_until is not None
    return ArticleChange(ArticleAct.ENDED if ended else ArticleAct.CHANGED, after, fields)


@dataclass(frozen=True)
class LawMatrix:
    """By direction, side whose law it is, and other side."""

    sides: tuple[Jurisdiction, ...]
    states: Mapping[LawDirection, Mapping[Jurisdiction, Mapping[Jurisdiction, LawState]]]

    def counted(self, direction: LawDirection, state: LawState) -> int:
        return sum(said is state for row in self.states[direction].values() for said in row.values())


def law_matrix(laws: Sequence[Compendium], day: date) -> LawMatrix:
    sides = tuple(sorted(law.jurisdiction for law in laws))
    by_side = {law.jurisdiction: law for law in laws}
    return LawMatrix(
        sides,
        {
            direction: {
                side: {
                    other: law_state(by_side[side].articles, direction, other, day) for other in sides if other != side
                }
                for side in sides
            }
            for direction in LawDirection
        },
    )


@dataclass(frozen=True)
class ConcordanceRow:
    """``fact`` is None of a provision that only a later release knows."""

    provision: str
    fact: OutsideFact | None
    answers: Mapping[Jurisdiction, tuple[LawArticle, ...]]


@dataclass(frozen=True)
class Concordance:
    """``in_words``: articles that answer what no id names, or say more of it in their own words."""

    rows: tuple[ConcordanceRow, ...]
    in_words: Mapping[Jurisdiction, tuple[LawArticle, ...]]


def concordance(laws: Sequence[Compendium], day: date) -> Concordance:
    """Of the articles that are in force on a day; each known provision has a row, whether anybody answers it or not."""
    valid = {law.jurisdiction: [item for item in law.articles if in_force(item, day)] for law in laws}
    named = {name for articles in valid.values() for article in articles for name in article.provisions}
    known = eu_provisions()
    rows = [
        ConcordanceRow(name, known.get(name), {code: _answering(articles, name) for code, articles in valid.items()})
        for name in (*known, *sorted(named - known.keys()))
    ]
    in_words = {
        code: tuple(article for article in articles if article.provision_words is not None)
        for code, articles in valid.items()
    }
    return Concordance(tuple(rows), in_words)


def _answering(articles: Sequence[LawArticle], provision: str) -> tuple[LawArticle, ...]:
    return tuple(article for article in articles if provision in article.provisions)


@dataclass(frozen=True)
class LawReport:
    """The law as it stood at the moment ``at``, with the changes of the half-year ``half``."""

    at: str
    here: Jurisdiction
    node_id: str
    laws: tuple[Compendium, ...]
    matrix: LawMatrix
    concordance: Concordance
    half: Half
    changes: tuple[LawChanges, ...]

    @property
    def day(self) -> date:
        return date.fromisoformat(self.at[:10])

    def law_of(self, jurisdiction: Jurisdiction) -> Compendium:
        """Raises NotFound for a jurisdiction of no enrolled partner."""
        for law in self.laws:
            if law.jurisdiction == jurisdiction:
                return law
        raise NotFound(f"{jurisdiction} is no partner of this node.")

    def pair(self, one: Jurisdiction, other: Jurisdiction) -> PairOfLaw:
        """Raises NotFound; InvalidInput for one side alone."""
        if one == other:
            raise InvalidInput("A pair is of two sides.", code="invalid-field")
        return pair_of_law(self.law_of(one), self.law_of(other), self.day)


def law_report(node: Node, half: Half | None = None) -> LawReport:
    """Return a report on the law as it stands now and on its changes in ``half``; without ``half``, in the current
    half-year. Raises NotFound for a half-year that has not begun."""
    at = stamp()
    laws = compendia(node)
    day = date.fromisoformat(at[:10])
    wanted = half or Half.of(datetime.fromisoformat(at))
    return LawReport(
        at=at,
        here=Jurisdiction(node.settings.jurisdiction),
        node_id=node.node_id,
        laws=laws,
        matrix=law_matrix(laws, day),
        concordance=concordance(laws, day),
        half=wanted,
        changes=changes_in_half(node, wanted),
    )
