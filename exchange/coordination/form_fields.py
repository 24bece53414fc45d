"""What forms of coordination send: days, words of a vocabulary, lines; and what of a person a line may tell."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, TypeVar

from fastapi import Query

from exchange.errors import InvalidInput
from exchange.flows.entry.free_text import Doubt, doubts
from exchange.flows.node.node import Node

_E = TypeVar("_E", bound=StrEnum)

LineDoubts = Annotated[tuple[Doubt, ...], Query(max_length=len(Doubt))]


def day_in(fields: Mapping[str, str], name: str) -> date:
    """Raises InvalidInput."""
    try:
        return date.fromisoformat(fields.get(name, ""))
    except ValueError as error:
        raise InvalidInput("Choose a day, such as 2026-12-01.", code="invalid-field") from error


def word_in(fields: Mapping[str, str], name: str, vocabulary: type[_E]) -> _E:
    """Raises InvalidInput."""
    try:
        return vocabulary(fields.get(name, ""))
    except ValueError as error:
        raise InvalidInput("Choose one of the list.", code="invalid-field") from error


def with_doubts(address: str, node: Node, *lines: str) -> str:
    """The address to go on at, which says what of a person the lines may tell that were just kept."""
    found = sorted({doubt for line in lines for doubt in doubts(line, known=node.jurisdictions)})
    asked = "&".join(f"doubt={doubt}" for doubt in found)
    return f"{address}{'&' if '?' in address else '?'}{asked}" if asked else address
