"""What each article holds back: exhibits that a line of this node's policy keeps from a partner, as the monitoring
counts its gap, by the article that the line names.

Two editions. For the node's own people: exact, of the half-year that lasts, up to now. For everybody else: what the
last approved monitoring report tells, and nothing beside it. A count of another moment, put beside the report's, would
tell by their difference what the report holds back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from exchange.clock import stamp
from exchange.flows.law.policy_links import articles_named
from exchange.flows.monitoring.document import Document
from exchange.flows.monitoring.gap import Gap, legal_gap
from exchange.flows.monitoring.half_years import Half
from exchange.flows.monitoring.report import find_approved, halves
from exchange.flows.monitoring.rows import rows_of
from exchange.flows.monitoring.small_counts import HELD_BACK, NO_DATA, Figure, Told, exact
from exchange.flows.node.node import Node
from exchange.log.audit_entry import SUPERVISION, Act, Actor, Deed
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
    """Of one half-year. ``exact``: with exact figures, which stay in the node; else ``approval`` is the statement that
    released the report."""

    half: Half
    exact: bool
    lines: tuple[HeldByArticle, ...]
    approval: str | None = None

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
    return HeldBack(half, exact=True, lines=_lines(figures, articles))


def held_back_told(node: Node, articles: Sequence[LawArticle]) -> HeldBack | None:
    """For everybody else; None while no report is approved."""
    half = next((half for half, approved in halves(node) if approved), None)
    found = find_approved(node, half) if half is not None else None
    if half is None or found is None:
        return None
    lines = _lines(told_by_article(found.document), articles)
    return HeldBack(half, exact=False, lines=lines, approval=found.approval)


def note_figures(node: Node, reader: Actor, held: HeldBack, pair: str) -> None:
    """That somebody took figures of the approved report with the page of a pair. Raises NotAudited."""
    subjects = (held.approval,) if held.approval is not None else ()
    asked = f"{held.half} law {pair}"
    node.audit.note(Deed(reader, Act.READ_MONITORING, 1, subjects, asked=asked, purpose=SUPERVISION))


def told_by_article(document: Document) -> dict[tuple[str, str, str | None], Figure]:
    """What an approved report tells of each article, by partner, reason, and the words of the policy's line.

    The report tells the count of each reason. An article that alone stands behind a reason has that count. Of several
    nothing is told: that one of them is not 0 would narrow a range that the report tells.
    """
    behind: dict[tuple[str, str], set[str]] = defaultdict(set)
    for line in document.bases:
        behind[line.partner, line.rule].add(line.article)
    told: dict[tuple[str, str, str | None], Figure] = {}
    for partner in document.partners:
        told[partner, KEPT_BY_NO_LINE, None] = _cell(document, KEPT_BY_NO_LINE, partner)
    for (partner, reason), articles in behind.items():
        of_all = _cell(document, reason, partner)
        of_each = of_all if len(articles) == 1 or of_all in (exact(0), NO_DATA) else HELD_BACK
        told |= {(partner, reason, words): of_each for words in sorted(articles)}
    return told


def is_nothing(figure: Figure) -> bool:
    return figure.told is Told.EXACT and not figure.high


def _cell(document: Document, reason: str, partner: str) -> Figure:
    row = document.gaps.get(reason)
    return NO_DATA if row is None else row.cells.get(partner, NO_DATA)


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
