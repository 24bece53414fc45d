"""One figure of a regional report as bytes of whoever: its ends go with what is told of it, and are bounded."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from exchange.coordination.half_year.small_counts import Figure
from schemas.exhibit import Contract

_Number = Annotated[float, Field(ge=0, le=10**9)]


class ToldFigure(Contract):
    told: Literal["exact", "between", "held_back", "no_data", "restricted"]
    value: _Number | None = None
    low: _Number | None = None
    high: _Number | None = None

    @model_validator(mode="after")
    def _has_its_ends(self) -> ToldFigure:
        found = {name for name in ("value", "low", "high") if getattr(self, name) is not None}
        can_be = {"exact": [{"value"}], "between": [{"low"}, {"low", "high"}]}.get(self.told, [set()])
        if found not in can_be:
            raise ValueError("the ends of the figure do not go with what is told of it")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("the low end is above the high one")
        return self

    @property
    def figure(self) -> Figure:
        return Figure.of_json(self.model_dump(exclude_none=True))
