"""The form of one article: what is typed, by field, made into an article, and an article into what is typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from exchange.coordination.law.provisions import eu_provisions
from exchange.errors import InvalidInput
from exchange.flows.node.node import Node
from exchange.web.languages import NAMES
from schemas import LawArticle
from schemas.law import MAX_LAW_RULES, MAX_PROVISIONS, LawDirection
from schemas.strict_json import contract_error
from schemas.vocabulary import ExhibitKind, Jurisdiction, SharingRule

_TEXTS: Final = ("article_id", "title", "article", "language", "text", "in_force_since", "review_by")
_OPTIONAL: Final = ("title_en", "text_en", "in_force_until", "provision_words")
_SIDE: Final = re.compile("rule-[0-9]-side-([A-Z]{2})")
_MORE_RULES: Final = 2
"""Empty ones, behind those that an article has."""
MOST_ARTICLE_FIELDS: Final = 1024
MOST_ARTICLE_BYTES: Final = 96 * 1024
"""Both texts at their longest, in Cyrillic, as a form writes them."""


@dataclass(frozen=True)
class ArticleForm:
    """What is typed of an article, and what is wrong with it, by field; by "" what is wrong with all of it.

    ``before``: the id of the article that it takes the place of; empty for a new one. ``mark``: of the draft that it
    was drawn from.
    """

    typed: Mapping[str, str]
    before: str
    mark: str
    problems: Mapping[str, str] = field(default_factory=dict)

    def value(self, name: str) -> str:
        return self.typed.get(name, "")

    @property
    def rules(self) -> range:
        """The numbers of the rules that the form has room for."""
        typed = [number for number in range(MAX_LAW_RULES) if self.value(f"rule-{number}-direction")]
        return range(min(MAX_LAW_RULES, (max(typed) + 1 if typed else 1) + _MORE_RULES))

    @property
    def languages(self) -> dict[str, str]:
        """By tag, with one of a file that no page is in."""
        own = self.value("language")
        return NAMES if not own or own in NAMES else {**NAMES, own: own}

    @property
    def further_provisions(self) -> list[str]:
        """Those that the article names, and this release does not know."""
        found = [name.removeprefix("provision-") for name in self.typed if name.startswith("provision-")]
        return [name for name in found if name not in eu_provisions()]

    def sides(self, node: Node) -> list[Jurisdiction]:
        """The other sides that a rule may name, with those that it names already."""
        here = node.settings.jurisdiction
        named = {found[1] for name in self.typed if (found := _SIDE.fullmatch(name))}
        return sorted({code for code in node.jurisdictions if code != here} | set(map(Jurisdiction, named)))


def typed_of(article: LawArticle) -> dict[str, str]:
    """What the form shows of an article that is in the draft."""
    written = article.model_dump(mode="json")
    typed = {name: written[name] or "" for name in (*_TEXTS, *_OPTIONAL)}
    typed |= {f"provision-{name}": "on" for name in article.provisions}
    for number, rule in enumerate(article.rules):
        typed |= {
            f"rule-{number}-direction": rule.direction,
            f"rule-{number}-rule": rule.rule,
            f"rule-{number}-words": rule.words or "",
        }
        typed |= {f"rule-{number}-kind-{kind}": "on" for kind in rule.kinds or ()}
        typed |= {f"rule-{number}-side-{code}": "on" for code in rule.jurisdictions or ()}
    return typed


def article_of(fields: Mapping[str, str]) -> LawArticle:
    """The article that was typed. Raises InvalidInput naming each field that holds what it may not."""
    said: dict[str, Any] = {name: _clean(fields, name) for name in _TEXTS}
    said |= {name: _clean(fields, name) or None for name in _OPTIONAL}
    provisions = [name.removeprefix("provision-") for name in fields if name.startswith("provision-")]
    said["provisions"] = provisions[: MAX_PROVISIONS + 1]
    numbers = [number for number in range(MAX_LAW_RULES) if _clean(fields, f"rule-{number}-direction")]
    said["rules"] = [_rule(fields, number) for number in numbers]
    try:
        return LawArticle.model_validate(said)
    except ValidationError as error:
        refused = contract_error(error)
        raise InvalidInput(str(refused), code="invalid-field", problems=refused.problems) from error


def problems_by_field(error: InvalidInput) -> dict[str, str]:
    """Beside which field each problem stands; those of rules stand together."""
    found: dict[str, str] = {}
    for place, what in error.problems or (("", str(error)),):
        name = place.partition(".")[0]
        shown = name if name in (*_TEXTS, *_OPTIONAL, "provisions", "rules") else ""
        found.setdefault(shown, what.removeprefix("Value error, "))
    return found


def choices() -> dict[str, Any]:
    """What the form offers."""
    return {
        "rule_directions": tuple(LawDirection),
        "rule_words": tuple(SharingRule),
        "kinds": tuple(ExhibitKind),
        "provisions": eu_provisions(),
    }


def _rule(fields: Mapping[str, str], number: int) -> dict[str, Any]:
    start = f"rule-{number}-"
    kinds = [kind for kind in ExhibitKind if f"{start}kind-{kind}" in fields]
    sides = [name.removeprefix(f"{start}side-") for name in fields if name.startswith(f"{start}side-")]
    return {
        "direction": _clean(fields, f"{start}direction"),
        "rule": _clean(fields, f"{start}rule"),
        "kinds": kinds or None,
        "jurisdictions": sides or None,
        "words": _clean(fields, f"{start}words") or None,
    }


def _clean(fields: Mapping[str, str], name: str) -> str:
    lines = fields.get(name, "").replace("\r\n", "\n").replace("\r", "\n").strip()
    return "\n".join(line.rstrip() for line in lines.split("\n"))
