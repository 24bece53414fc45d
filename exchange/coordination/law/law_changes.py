"""What changed between two editions of a compendium, article by article; and in one half-year, of each side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from exchange.clock import stamp
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.law.compendium import Compendium, compendia_in, newest_edition
from exchange.errors import NotFound
from exchange.flows.node.node import Node
from schemas import LawArticle


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
