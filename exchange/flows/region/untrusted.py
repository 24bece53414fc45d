"""The public edition of a report as bytes of whoever: bounded and strict, before anything of it is read deeper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import Field, ValidationError, model_validator

from exchange.flows.monitoring.definitions import COUNTS, GAPS, HELD, STAGES
from exchange.flows.monitoring.document import Document, read_document
from exchange.flows.monitoring.editions import PeriodText
from exchange.flows.monitoring.half_years import is_year
from exchange.flows.monitoring.public_edition import FREE_COUNTS, PART_OF, TIMES
from exchange.flows.monitoring.small_counts import NO_DATA, RESTRICTED, Figure, Told, told_sum
from schemas.exhibit import Contract, Sha256Hex
from schemas.statement_base import NodeId
from schemas.statements import contract_error
from schemas.strict_json import check_json
from schemas.vocabulary import Jurisdiction

MAX_PUBLIC_BYTES: Final = 2 * 1024 * 1024
LEAST_TOLD: Final = 3
"""The lowest bound of small counts that a node may have."""
_MOST: Final = 256
_Number = Annotated[float, Field(ge=0, le=10**9)]
_Text = Annotated[str, Field(max_length=4000)]
_Id = Annotated[str, Field(max_length=60)]
_When = Annotated[str, Field(max_length=30)]


_RESTRICTED: Final = frozenset({Told.RESTRICTED})
_COUNTED: Final = frozenset({Told.EXACT, Told.BETWEEN, Told.NO_DATA})
_OF_A_WHOLE: Final = _COUNTED | {Told.HELD_BACK}
_WORKED_OUT: Final = frozenset({Told.EXACT, Told.HELD_BACK, Told.NO_DATA})


def _may_tell(name: str) -> frozenset[Told]:
    """What the rule can give of a figure (`exchange.flows.monitoring.public_edition`): one that holds back more would
    blank the region's sum of all sides."""
    if name in FREE_COUNTS:
        return _COUNTED
    if name in PART_OF or name in GAPS:
        return _OF_A_WHOLE
    return _WORKED_OUT if name in TIMES or name == "feedback_rate" else _RESTRICTED


class _Figure(Contract):
    """Which ends stand there follows from ``told``."""

    told: Literal["exact", "between", "held_back", "no_data", "restricted"]
    value: _Number | None = None
    low: _Number | None = None
    high: _Number | None = None

    @model_validator(mode="after")
    def _has_its_ends(self) -> Self:
        exact, between = self.told == "exact", self.told == "between"
        if (self.value is not None, self.low is not None, self.high is not None) != (exact, between, between):
            raise ValueError("the ends of the figure do not go with what is told of it")
        if between and (self.low or 0) > (self.high or 0):
            raise ValueError("the low end is above the high one")
        return self

    @property
    def figure(self) -> Figure:
        return Figure.of_json(self.model_dump(exclude_none=True))


_Cells = Annotated[dict[Jurisdiction, _Figure], Field(max_length=_MOST)]


class _Defined(Contract):
    id: _Id
    goal: Annotated[int, Field(ge=1, le=7)]
    title: _Text
    definition: _Text
    unit: Literal["count", "share", "hours"]


class _Row(_Defined):
    cells: _Cells
    total: _Figure


class _Stage(_Defined):
    median: _Figure
    percentile_90: _Figure


class _Basis(Contract):
    partner: Jurisdiction
    kinds: Annotated[tuple[_Id, ...], Field(max_length=20)]
    rule: _Id
    article: _Text
    review_by: _When


class _NodeShare(Contract):
    jurisdiction: Jurisdiction
    node: NodeId
    share: _Figure


class _Availability(_Defined):
    nodes: Annotated[tuple[_NodeShare, ...], Field(max_length=_MOST)]


class _Earlier(Contract):
    period: PeriodText
    sha256: Sha256Hex
    figures: Annotated[dict[_Id, _Figure], Field(max_length=100)]


class _Named(Contract):
    code: Jurisdiction
    name: _Text


class _Public(Contract):
    format: Literal["ffp-monitoring-report/2"]
    edition: Literal["public"]
    period: PeriodText
    since: _When = Field(alias="from")
    to: _When
    counted_to: _When
    begun: _When | None
    node: NodeId
    jurisdiction: _Named
    partners: Annotated[tuple[_Named, ...], Field(max_length=_MOST)]
    smallest_count_told: Annotated[int, Field(ge=LEAST_TOLD, le=50)]
    terms_h: Annotated[dict[_Id, _Number], Field(max_length=20)]
    indicators: Annotated[tuple[_Row, ...], Field(max_length=60)]
    feedback_rate: _Row
    stages: Annotated[tuple[_Stage, ...], Field(max_length=30)]
    harmonisation_gap: Annotated[tuple[_Row, ...], Field(max_length=30)]
    held_under_earlier_line: Annotated[tuple[_Row, ...], Field(max_length=30)]
    legal_bases: Annotated[tuple[_Basis, ...], Field(max_length=1000)]
    availability: _Availability
    earlier: Annotated[tuple[_Earlier, ...], Field(max_length=_MOST)]
    note: _Text

    @model_validator(mode="after")
    def _has_each_figure_once(self) -> Self:
        found: Mapping[str, tuple[list[str], list[str]]] = {
            "indicators": ([row.id for row in self.indicators], list(COUNTS)),
            "stages": ([stage.id for stage in self.stages], list(STAGES)),
            "harmonisation_gap": ([row.id for row in self.harmonisation_gap], list(GAPS)),
            "held_under_earlier_line": ([row.id for row in self.held_under_earlier_line], list(HELD)),
        }
        for part, (ids, known) in found.items():
            if sorted(ids) != sorted(known):
                raise ValueError(f"{part} has other figures than this format has")
        partners = {item.code for item in self.partners} | {self.jurisdiction.code}
        if any(not set(row.cells) <= partners for row in (*self.indicators, *self.harmonisation_gap)):
            raise ValueError("a figure is of a jurisdiction that is no partner")
        return self

    @model_validator(mode="after")
    def _tells_what_may_be_told(self) -> Self:
        """No part of a person, no share above all; and no small count exactly, which another side holds back. A year
        adds up half-years, whose bounds may have been lower."""
        least = LEAST_TOLD if is_year(self.period) else self.smallest_count_told
        for row in (*self.indicators, *self.harmonisation_gap, *self.held_under_earlier_line):
            for figure in (*row.cells.values(), row.total):
                ends = [end for end in (figure.value, figure.low, figure.high) if end is not None]
                if any(end != int(end) for end in ends):
                    raise ValueError(f"{row.id} counts a part of something")
                if figure.value is not None and 0 < figure.value < least:
                    raise ValueError(f"{row.id} tells a small count")
        rate = self.feedback_rate
        shares = (rate.total, *rate.cells.values(), *(item.share for item in self.availability.nodes))
        if any((end or 0) > 1 for share in shares for end in (share.value, share.high)):
            raise ValueError("a share is more than all")
        return self

    @model_validator(mode="after")
    def _tells_what_the_rule_can_give(self) -> Self:
        """Each figure as it can be told, and each total as its cells make it. Where a node had no partner in the first
        half-year, it has no data of the year."""
        for row in (*self.indicators, *self.harmonisation_gap, *self.held_under_earlier_line):
            may_be = _may_tell(row.id)
            cells = [figure.figure for figure in row.cells.values()]
            if any(figure.told not in may_be for figure in cells):
                raise ValueError(f"{row.id} is told as it cannot be")
            totals = {told_sum(cells) if cells or may_be != _RESTRICTED else RESTRICTED}
            if is_year(self.period) or not cells:
                totals.add(NO_DATA)
            if row.total.figure not in totals:
                raise ValueError(f"the total of {row.id} is not that of its cells")
        if self.feedback_rate.total.figure.told not in _may_tell("feedback_rate"):
            raise ValueError("feedback_rate is told as it cannot be")
        for stage in self.stages:
            if not {stage.median.figure.told, stage.percentile_90.figure.told} <= _may_tell(stage.id):
                raise ValueError(f"{stage.id} is told as it cannot be")
        return self


def read_public(data: bytes) -> Document:
    """Raises ContractError."""
    check_json(data, max_bytes=MAX_PUBLIC_BYTES)
    try:
        _Public.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise contract_error(error) from error
    return read_document(data)
