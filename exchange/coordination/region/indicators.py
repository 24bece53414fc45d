"""Which goal of the Roadmap a figure speaks to, and the number of the key performance indicator: data from outside.

The numbers are for the jurisdictions or the coordinator to enter, in a file of the same form: until then a page says
"not entered", and beside whatever nobody held against its source "unverified".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field, TypeAdapter, ValidationError

from exchange.coordination.outside_words import OutsideFact, read_facts
from exchange.errors import InvalidInput
from schemas.errors import ContractError
from schemas.exhibit import Contract
from schemas.strict_json import check_json, contract_error

MAX_INDICATORS_BYTES: Final = 256 * 1024
_Short = Annotated[str, Field(max_length=300)]


@dataclass(frozen=True)
class Indicator:
    """``goal_text``: empty where the file does not know the goal. ``kpi_2024`` and ``kpi_2030``: the number by either
    Roadmap, empty where it was not entered. ``verified``: somebody held it against its source."""

    goal: int
    goal_text: str
    kpi_2024: str
    kpi_2030: str
    source: str
    verified: bool


class _Line(Contract):
    id: Annotated[str, Field(max_length=60)]
    text: _Short
    source: _Short
    verified: bool
    goal: Annotated[int, Field(ge=1, le=7)] | None = None
    kpi_2024: _Short = ""
    kpi_2030: _Short = ""


_Lines = TypeAdapter(Annotated[list[_Line], Field(max_length=500)])


class Indicators:
    """``indicators.of("leads", goal=3)``; the goal is that of the figure's definition, where the file names none."""

    def __init__(self, facts: Mapping[str, OutsideFact]) -> None:
        self._facts = facts

    def of(self, name: str, goal: int) -> Indicator:
        fact = self._facts.get(name)
        more = fact.more if fact is not None else {}
        number = more.get("goal") or goal
        aim = self._facts.get(f"goal-{number}")
        return Indicator(
            goal=number,
            goal_text=aim.text if aim is not None else "",
            kpi_2024=more.get("kpi_2024") or "",
            kpi_2030=more.get("kpi_2030") or "",
            source=fact.source if fact is not None else "",
            verified=fact is not None and fact.verified,
        )


def shipped_indicators() -> Indicators:
    return Indicators(read_facts(__package__, "indicators.json"))


def goal_texts() -> list[str]:
    """The goals in this software's words, which pages and papers say in the reader's language."""
    facts = read_facts(__package__, "indicators.json")
    return [fact.text for name, fact in facts.items() if name.startswith("goal-")]


def indicators_in(data: bytes) -> Indicators:
    """Of a coordinator's own file: what it has counts, the rest is this software's. Raises InvalidInput."""
    try:
        check_json(data, max_bytes=MAX_INDICATORS_BYTES)
        lines = _Lines.validate_python(json.loads(data), strict=True)
    except ContractError as error:
        raise InvalidInput(f"The file of indicators: {error}", code="invalid-indicators") from error
    except ValidationError as error:
        raise InvalidInput(f"The file of indicators: {contract_error(error)}", code="invalid-indicators") from error
    own = {
        line.id: OutsideFact(line.id, line.text, line.source, line.verified, line.model_dump(exclude={"id", "text"}))
        for line in lines
    }
    return Indicators({**read_facts(__package__, "indicators.json"), **own})
