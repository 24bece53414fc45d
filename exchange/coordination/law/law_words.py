"""The law of each side in words: what an article says, what is missing, what changed, where the policy differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from exchange.clock import stamp
from exchange.coordination.half_year.figure_definitions import GAPS
from exchange.coordination.half_year.gap import Gap, legal_gap
from exchange.coordination.half_year.half_year_rows import rows_of
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.small_counts import Figure, exact
from exchange.coordination.law.law_draft import DraftAct, LawDraftStep
from exchange.coordination.law.law_report import ArticleAct, ArticleChange
from exchange.coordination.law.pair_of_law import (
    TOLD_KINDS,
    LackFound,
    LackOfLaw,
    LawState,
    LinkFault,
    LinkFinding,
    SideSays,
    articles_named,
    in_force,
)
from exchange.coordination.law.provisions import eu_provisions, short_provision
from exchange.coordination.outside_words import OutsideFact
from exchange.flows.node.node import Node
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import term
from schemas import LawArticle, LawRule
from schemas.law import LawDirection
from schemas.vocabulary import ExhibitKind, Jurisdiction

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


LAW_MARKS: Final = {
    LawState.ALLOWED: "+",
    LawState.NEEDS_APPROVAL: "?",
    LawState.BLOCKED: "×",
    LawState.DIFFERS: "±",
    LawState.NOT_ENTERED: "·",
}
"""Beside the colour, so that the picture is read without it; each has a shape in the reports' font."""
_STATES: Final = {
    LawState.ALLOWED: _m("allowed"),
    LawState.NEEDS_APPROVAL: _m("needs an approval"),
    LawState.BLOCKED: _m("blocked"),
    LawState.DIFFERS: _m("differs by kind of exhibit"),
    LawState.NOT_ENTERED: _m("not entered"),
}
_DIRECTIONS: Final = {
    LawDirection.GIVE: _m("To give"),
    LawDirection.ASK: _m("To ask"),
    LawDirection.RECEIVE: _m("To receive"),
}
_MATRICES: Final = {
    LawDirection.GIVE: _m("May the side of the row give findings to the side of the column?"),
    LawDirection.ASK: _m("May the side of the row ask the side of the column?"),
    LawDirection.RECEIVE: _m("May the side of the row receive findings from the side of the column?"),
}
_SIDE_SAYS: Final = {
    LawDirection.GIVE: _m("%(side)s gives to %(other)s"),
    LawDirection.ASK: _m("%(side)s asks %(other)s"),
    LawDirection.RECEIVE: _m("%(side)s receives from %(other)s"),
}
_LACKS: Final = {
    LackOfLaw.NOTHING_ENTERED: _m("No article is entered."),
    LackOfLaw.DIRECTION_NOT_ENTERED: _m("No article is entered for this direction: %(direction)s."),
    LackOfLaw.KIND_NOT_ENTERED: _m(
        "For some kinds of exhibits no article is entered for this direction: %(direction)s."
    ),
    LackOfLaw.ONE_SIDED: _m("The law here is stricter than the law of the other side. Direction: %(direction)s."),
    LackOfLaw.NO_ENGLISH: _m("Article %(article)s has no English text."),
    LackOfLaw.NO_PROVISION: _m("Article %(article)s names no provision of the European Union that it answers."),
    LackOfLaw.REVIEW_OVERDUE: _m("The review of article %(article)s is overdue."),
}
_ACTS: Final = {
    ArticleAct.ADDED: _m("added"),
    ArticleAct.CHANGED: _m("changed"),
    ArticleAct.ENDED: _m("ended"),
    ArticleAct.REMOVED: _m("removed"),
}
_STEPS: Final = {
    DraftAct.ADDED: _m("Article %(article)s was added."),
    DraftAct.CHANGED: _m("Article %(article)s was changed."),
    DraftAct.ENDED: _m("An end was set to article %(article)s."),
    DraftAct.REMOVED: _m("Article %(article)s was removed."),
    DraftAct.REPLACED: _m("All articles were replaced by those of a file."),
}
_FIELDS: Final = {
    "article_id": _m("Id"),
    "title": _m("Title of the law"),
    "title_en": _m("Title in English"),
    "article": _m("Article"),
    "language": _m("Language of the original"),
    "text": _m("Text in the original"),
    "text_en": _m("Text in English"),
    "in_force_since": _m("In force since"),
    "in_force_until": _m("In force until"),
    "review_by": _m("Review by"),
    "provisions": _m("Provisions that it answers"),
    "provision_words": _m("Provision in own words"),
    "rules": _m("What it allows"),
}
_FAULTS: Final = {
    LinkFault.LINE_NAMES_NONE: _m("This line of the policy names no article of the compendium: %(words)s"),
    LinkFault.NOT_IN_FORCE: _m("This line of the policy names article %(article)s, which is not in force: %(words)s"),
    LinkFault.OTHER_RULE: _m("The policy and article %(article)s do not say the same. The article says: %(says)s."),
    LinkFault.NO_LINE: _m("No line of the policy names article %(article)s, which speaks of these partners."),
}


def law_state_words(state: LawState) -> str:
    return _(_STATES[state])


def direction_words(direction: LawDirection) -> str:
    return _(_DIRECTIONS[direction])


def matrix_question(direction: LawDirection) -> str:
    return _(_MATRICES[direction])


def side_says_words(said: SideSays) -> str:
    return _(_SIDE_SAYS[said.direction], side=term(said.side, "jurisdiction"), other=term(said.other, "jurisdiction"))


def lack_words(found: LackFound) -> str:
    direction = "" if found.direction is None else direction_words(found.direction)
    return _(_LACKS[found.lack], direction=direction, article=found.article_id or "")


def article_act_words(change: ArticleChange) -> str:
    return act_words(change.what)


def act_words(what: ArticleAct) -> str:
    return _(_ACTS[what])


def law_field_words(fields: Iterable[str]) -> str:
    return ", ".join(_(_FIELDS[name]) for name in fields)


def draft_step_words(step: LawDraftStep) -> str:
    return _(_STEPS[step.act], article=step.article_id or "")


def link_words(found: LinkFinding) -> str:
    says = "" if found.says is None else law_state_words(found.says)
    return _(_FAULTS[found.fault], words=found.words or "", article=found.article_id or "", says=says)


def partners_words(found: LinkFinding) -> str:
    return ", ".join(term(code, "jurisdiction") for code in found.partners)


def kinds_words(kinds: Iterable[ExhibitKind] | None) -> str:
    """Of exhibits; None: all of them."""
    return _("all kinds") if kinds is None else ", ".join(term(kind, "exhibit_kind") for kind in kinds)


def sides_words(rule: LawRule) -> str:
    if rule.jurisdictions is None:
        return _("all sides")
    return ", ".join(term(code, "jurisdiction") for code in rule.jurisdictions)


def by_kind_words(said: SideSays) -> list[tuple[str, LawState]]:
    """Where the kinds of exhibits differ, what is said of each."""
    if said.state is not LawState.DIFFERS:
        return []
    return [(term(kind, "exhibit_kind"), said.by_kind[kind]) for kind in TOLD_KINDS]


def provisions_words(article: LawArticle) -> str:
    named = [short_provision(name) for name in article.provisions]
    return "; ".join([*named, *([article.provision_words] if article.provision_words is not None else [])])


def english_title(article: LawArticle) -> str:
    return article.title_en or article.title


def reason_of_gap(held: HeldByArticle) -> str:
    """As the monitoring report calls it."""
    return _(GAPS[held.reason].title)


def line_words(held: HeldByArticle) -> str:
    return _("no line of the policy") if held.reason == KEPT_BY_NO_LINE or held.words is None else held.words


def count_in_force(articles: Iterable[LawArticle], day: date) -> int:
    return sum(in_force(article, day) for article in articles)


def unverified_note(facts: Iterable[OutsideFact]) -> str | None:
    """What must stand where facts from outside do."""
    if all(fact.verified for fact in facts):
        return None
    return _("Titles and numbers of provisions are unverified: nobody held them against their source yet.")


def all_provisions_note() -> str | None:
    return unverified_note(eu_provisions().values())
