"""The table of concordance: which article of which side answers which provision of the European Union, or treaty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from exchange.coordination.law.compendium import Compendium
from exchange.coordination.law.provisions import eu_provisions
from exchange.coordination.law.rulings import in_force
from exchange.coordination.outside_facts import OutsideFact
from schemas import LawArticle
from schemas.vocabulary import Jurisdiction


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
