"""One figure of a regional report as bytes of whoever: its ends go with what is told of it, and are bounded."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from exchange.flows.monitoring.small_counts import Figure

_Number = Annotated[float, Field(ge=0, le=10**9)]


class ToldFigure(BaseModel):
    """Fields that are not named here are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    told: Literal["exact", "between", "held_back", "no_data", "restricted"]
    value: _Number | None = None
    low: _Number | None = None
    high: _Number | None = None

    @model_validator(mode="after")
    def _has_its_ends(self) -> ToldFigure:
        ends = {"exact": {"value"}, "between": {"low", "high"}}.get(self.told, set())
        if {name for name in ("value", "low", "high") if getattr(self, name) is not None} != ends:
            raise ValueError("the ends of the figure do not go with what is told of it")
        if self.told == "between" and (self.low or 0) > (self.high or 0):
            raise ValueError("the low end is above the high one")
        return self

    @property
    def figure(self) -> Figure:
        return Figure.of_json(self.model_dump(exclude_none=True))
