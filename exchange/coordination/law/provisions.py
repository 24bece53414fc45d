"""The provisions of the European Union, and the treaty, that articles answer: facts from outside, each with its source
and whether somebody held it against that."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from exchange.coordination.outside_words import OutsideFact, read_facts


@cache
def eu_provisions() -> Mapping[str, OutsideFact]:
    """By id, in the order of the table of concordance; ``more["short"]`` is what one calls it."""
    return read_facts(__package__, "provisions.json")


def short_provision(provision: str) -> str:
    """What one calls it; of one that only a later release knows, its id."""
    known = eu_provisions().get(provision)
    return provision if known is None else str(known.more["short"])
