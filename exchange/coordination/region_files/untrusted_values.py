"""The public edition of a report as bytes of whoever: bounded and strict, before anything of it is read deeper."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from exchange.coordination.half_year.editions import PeriodText
from exchange.coordination.half_year.half_year_document import Document, read_document
from exchange.coordination.half_year.half_years import is_year, parse_period
from exchange.coordination.half_year.public_edition import ENTERED, HOUR_CLASSES, OWN_STAGES
from exchange.coordination.half_year.small_counts import HELD_BACK, LEAST_BOUND, NO_DATA, Figure, Told, told_count
from schemas.exhibit import Contract, Sha256Hex
from schemas.statement_base import NodeId
from schemas.strict_json import read_strict
from schemas.vocabulary import Jurisdiction

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


MAX_PUBLIC_BYTES: Final = 2 * 1024 * 1024
_MOST: Final = 256
_Text = Annotated[str, Field(max_length=4000)]
_Id = Annotated[str, Field(max_length=60)]
_Time = Annotated[str, Field(pattern=r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z$")]
_Day = Annotated[str, Field(pattern=r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}$")]


class _Defined(Contract):
    id: _Id
    goal: Annotated[int, Field(ge=1, le=7)]
    title: _Text
    definition: _Text
    unit: Literal["count", "share", "hours"]


class _Entered(_Defined):
    figure: ToldFigure


class _Stage(_Defined):
    median: ToldFigure
    percentile_90: ToldFigure


class _Basis(Contract):
    partner: Jurisdiction
    kinds: Annotated[tuple[_Id, ...], Field(max_length=20)]
    rule: _Id
    article: _Text
    review_by: _Day


class _NodeShare(Contract):
    jurisdiction: Jurisdiction
    node: NodeId
    share: ToldFigure


class _Availability(_Defined):
    nodes: Annotated[tuple[_NodeShare, ...], Field(max_length=_MOST)]


class _Earlier(Contract):
    period: PeriodText
    sha256: Sha256Hex
    figures: Annotated[dict[_Id, ToldFigure], Field(max_length=100)]


class _Named(Contract):
    code: Jurisdiction
    name: _Text


class _Public(Contract):
    format: Literal["ffp-monitoring-report/1"]
    edition: Literal["public"]
    period: PeriodText
    since: _Time = Field(alias="from")
    to: _Time
    counted_to: _Time
    begun: _Day | None
    node: NodeId
    jurisdiction: _Named
    partners: Annotated[tuple[_Named, ...], Field(max_length=_MOST)]
    smallest_count_told: Annotated[int, Field(ge=LEAST_BOUND, le=50)]
    terms_h: Annotated[dict[_Id, _Number], Field(max_length=20)]
    exhibits_entered: _Entered
    stages: Annotated[tuple[_Stage, ...], Field(max_length=30)]
    legal_bases: Annotated[tuple[_Basis, ...], Field(max_length=1000)]
    availability: _Availability
    earlier: Annotated[tuple[_Earlier, ...], Field(max_length=_MOST)]
    note: _Text

    @model_validator(mode="after")
    def _is_of_one_period(self) -> Self:
        period = parse_period(self.period)
        if (self.since, self.to) != (period.start, period.end):
            raise ValueError("the report begins or ends at another time than its period")
        return self

    @model_validator(mode="after")
    def _has_each_figure_once(self) -> Self:
        if self.exhibits_entered.id != ENTERED or [stage.id for stage in self.stages] != list(OWN_STAGES):
            raise ValueError("the report has other figures than this format has")
        return self

    @model_validator(mode="after")
    def _tells_what_the_rule_can_give(self) -> Self:
        """A year adds up two half-years, whose bounds may have been different."""
        entered = self.exhibits_entered.figure.figure
        sums = is_year(self.period)
        if not (_is_sum(entered) if sums else entered in _counts_like(entered, self.smallest_count_told)):
            raise ValueError(f"{ENTERED} is not told as the rule tells it")
        for stage in self.stages:
            for figure in (stage.median.figure, stage.percentile_90.figure):
                if figure not in (*HOUR_CLASSES, HELD_BACK, NO_DATA):
                    raise ValueError(f"{stage.id} is not told in the classes of times")
        if any((item.share.figure.high or 0) > 1 for item in self.availability.nodes):
            raise ValueError("a share is more than all")
        return self


def _counts_like(figure: Figure, smallest: int) -> list[Figure]:
    return [told_count(count, smallest) for count in (None, 1, int(figure.low or 0))]


def _is_sum(figure: Figure) -> bool:
    """Whether two half-years can have this sum."""
    low, high = figure.low or 0, figure.high or 0
    if figure.told is Told.EXACT:
        return low == int(low) and not 0 < low < LEAST_BOUND
    whole = low == int(low) and high == int(high)
    return figure == NO_DATA or (figure.told is Told.BETWEEN and whole and high - low >= LEAST_BOUND - 2)


def read_public(data: bytes) -> Document:
    """Raises ContractError."""
    read_strict(_Public, data, max_bytes=MAX_PUBLIC_BYTES)
    return read_document(data)
