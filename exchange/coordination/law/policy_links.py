"""Where the policy, which decides, and the compendium, which informs, do not speak of the same: pure.

A line of the policy names an article by writing its id among its words: "Cooperation Act, RS-police-27.2".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from exchange.coordination.law.rulings import LawState, in_force, rulings, state_of_kind
from schemas import LawArticle, LegalBasis
from schemas.law import LawDirection
from schemas.vocabulary import ExhibitKind, Jurisdiction

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
