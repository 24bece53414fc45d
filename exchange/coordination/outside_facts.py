"""Facts from outside this software, such as the numbers of key performance indicators: data, each with its source and
whether somebody held it against that source.

    facts = read_facts("exchange.coordination.region", "indicators.json")
    facts["kpi-3"].text, facts["kpi-3"].source, facts["kpi-3"].verified

Whoever shows one that is not verified says so beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any


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
