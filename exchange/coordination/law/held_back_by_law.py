"""What each article holds back: exhibits that a line of this node's policy keeps from a partner, as the monitoring
counts its gap, by the article that the line names. Exact, of the half-year that lasts; the figures stay in the node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from exchange.clock import stamp
from exchange.coordination.half_year.gap import Gap, legal_gap
from exchange.coordination.half_year.half_year_rows import rows_of
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.small_counts import Figure, exact
from exchange.coordination.law.policy_links import articles_named
from exchange.flows.node.node import Node
from schemas import LawArticle
from schemas.vocabulary import Jurisdiction

KEPT_BY_NO_LINE = "no_line"
"""The reason where the policy has no line for a partner and kind of exhibit, and so no article."""


@dataclass(frozen=True)
class HeldByArticle:
    """``reason``: as the monitoring's gap names it. ``words``: those of the policy's line; None where there is none.
    ``named``: the articles of the compendium that they name."""

    partner: Jurisdiction
    reason: str
    words: str | None
    named: tuple[str, ...]
    figure: Figure


@dataclass(frozen=True)
class HeldBack:
    half: Half
    lines: tuple[HeldByArticle, ...]

    def towards(self, partner: str) -> tuple[HeldByArticle, ...]:
        return tuple(line for line in self.lines if line.partner == partner)


def held_back_now(node: Node, articles: Sequence[LawArticle]) -> HeldBack:
    """For the node's own people. ``articles``: those of its compendium."""
    half = Half.of(datetime.fromisoformat(stamp()))
    with node.store.read() as session:
        rows = rows_of(session, node, half)
        gap = legal_gap(session, rows)
    counts: dict[tuple[str, str, str | None], int] = {
        (partner, KEPT_BY_NO_LINE, None): gap.counts[KEPT_BY_NO_LINE].get(partner) or 0 for partner in rows.columns
    }
    counts |= _by_line(gap)
    figures = {key: exact(count) for key, count in counts.items()}
    return HeldBack(half, _lines(figures, articles))


def _by_line(gap: Gap) -> dict[tuple[str, str, str | None], int]:
    """Each line that may keep something, with what it keeps by now; and what else keeps something."""
    lines: dict[tuple[str, str, str | None], int] = {}
    for line in gap.lines:
        reason = "review_overdue" if line.overdue else str(line.basis.rule)
        lines[str(line.basis.jurisdiction), reason, line.basis.article] = 0
    return lines | dict(gap.by_article)


def _lines(
    figures: Mapping[tuple[str, str, str | None], Figure], articles: Sequence[LawArticle]
) -> tuple[HeldByArticle, ...]:
    known = {article.article_id for article in articles}
    return tuple(
        HeldByArticle(Jurisdiction(partner), reason, words, tuple(articles_named(words or "", known)), figure)
        for (partner, reason, words), figure in figures.items()
    )
