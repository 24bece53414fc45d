"""Facts from outside this software, such as the numbers of key performance indicators: data, each with its source and
whether somebody held it against that source.

    facts = read_facts("exchange.coordination.region", "indicators.json")
    facts["kpi-3"].text, facts["kpi-3"].source, facts["kpi-3"].verified

Whoever shows one that is not verified says so beside it.

In words: what documents of others are called stays in English, and a paper in another language says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final

from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import spoken
from exchange.web.languages.catalogue import SOURCE


@dataclass(frozen=True)
class OutsideFact:
    """``more`` holds the fields that facts of one file have beside these."""

    id: str
    text: str
    source: str
    verified: bool
    more: Mapping[str, Any] = field(default_factory=dict)


def read_facts(package: str, file: str) -> Mapping[str, OutsideFact]:
    """The facts of a JSON file of this software, by their id, in their order: a list of objects with ``id``, ``text``,
    ``source`` and ``verified``. Raises ValueError for an id that stands twice."""
    lines: list[dict[str, Any]] = json.loads(resources.files(package).joinpath(file).read_text(encoding="utf-8"))
    known = ("id", "text", "source", "verified")
    facts = [
        OutsideFact(
            line["id"],
            line["text"],
            line["source"],
            line["verified"],
            {name: value for name, value in line.items() if name not in known},
        )
        for line in lines
    ]
    by_id = {fact.id: fact for fact in facts}
    if len(by_id) != len(facts):
        raise ValueError(f"{package}/{file}: an id stands twice")
    return by_id


OWN_SOURCES: Final = (
    _m("From memory of SEESAC's publications on armed violence; held against none of them"),
    _m("Heading of the mid-term review of the Roadmap beside the OECD/DAC criteria; not one of them"),
)
"""Sources that are sentences of this software, and no title of a document."""


def outside_words(text: str) -> str:
    """A text of a fact in the reader's language; where that does not say it, as it is, and marked as English."""
    said = _(text)
    return said if said != text or spoken().code == SOURCE else _("%(title)s (in English)", title=text)


def fact_words(fact: OutsideFact) -> str:
    """A fact from outside with its source, and whether anybody held it against that."""
    said = _("%(fact)s. Source: %(source)s", fact=outside_words(fact.text), source=outside_words(fact.source))
    return said if fact.verified else _("%(said)s (unverified)", said=said)
