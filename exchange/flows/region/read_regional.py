"""A public regional report as bytes of whoever, read whole: bounded, strict, and of the public edition alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from exchange.errors import InvalidInput
from exchange.flows.incidents.told import CellPlace
from exchange.flows.monitoring.editions import PeriodText
from exchange.flows.monitoring.small_counts import Figure
from exchange.flows.region.region_document import MAX_REGION_BYTES, REGION_FORMAT
from exchange.flows.region.region_incidents import RegionalIncidents
from exchange.flows.region.regional import RegionalEarlier
from schemas.errors import ContractError
from schemas.exhibit import Sha256Hex
from schemas.statement_base import NodeId
from schemas.statements import contract_error
from schemas.strict_json import check_json

_Number = Annotated[float, Field(ge=0, le=10**9)]
_Id = Annotated[str, Field(max_length=60)]
_Key = Annotated[str, Field(pattern=r"^[A-Z]{2}([->][A-Z]{2})?$")]


@dataclass(frozen=True)
class ReadRow:
    """One figure as the report tells it, by the keys of `exchange.flows.region.regional`."""

    cells: Mapping[str, Figure]
    total: Figure
    across: Figure | None


@dataclass(frozen=True)
class ReadIncidents:
    """What it tells of incidents: the annexes by jurisdiction, half-year and digest; figures by total and by whom they
    are of; cells by table and place."""

    annexes: frozenset[tuple[str, str, str]]
    totals: Mapping[str, Mapping[str, Figure]]
    tables: Mapping[str, Mapping[CellPlace, Figure]]


@dataclass(frozen=True)
class ReadRegional:
    """``counted``: by node, the SHA-256 of the manifest of each report that is in it. ``stages``: the median and the
    90th percentile. ``incidents``: None where it tells none."""

    period: str
    data: bytes
    counted: Mapping[str, str]
    rows: Mapping[str, ReadRow]
    rate: Figure
    stages: Mapping[str, tuple[Figure, Figure]]
    earlier: tuple[RegionalEarlier, ...]
    incidents: ReadIncidents | None = None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


class _Passed(BaseModel):
    """What is not named here is passed over: it is not shown."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class _Told(_Passed):
    told: Literal["exact", "between", "held_back", "no_data", "restricted"]
    value: _Number | None = None
    low: _Number | None = None
    high: _Number | None = None

    @model_validator(mode="after")
    def _has_its_ends(self) -> _Told:
        ends = {"exact": {"value"}, "between": {"low", "high"}}.get(self.told, set())
        if {name for name in ("value", "low", "high") if getattr(self, name) is not None} != ends:
            raise ValueError("the ends of the figure do not go with what is told of it")
        if self.told == "between" and (self.low or 0) > (self.high or 0):
            raise ValueError("the low end is above the high one")
        return self

    @property
    def figure(self) -> Figure:
        return Figure.of_json(self.model_dump(exclude_none=True))


class _ToldRow(_Passed):
    id: _Id
    cells: Annotated[dict[_Key, _Told], Field(max_length=2000)]
    total: _Told
    across: _Told | None = None

    @property
    def row(self) -> ReadRow:
        cells = {key: told.figure for key, told in self.cells.items()}
        return ReadRow(cells, self.total.figure, None if self.across is None else self.across.figure)


class _ToldRate(_Passed):
    total: _Told


class _ToldStage(_Passed):
    id: _Id
    median: _Told
    percentile_90: _Told


class _CountedFile(_Passed):
    node: NodeId
    sha256: Sha256Hex


class _Before(_Passed):
    period: PeriodText
    sha256: Sha256Hex
    figures: Annotated[dict[_Id, _Told], Field(max_length=200)]


class _CountedAnnex(_Passed):
    jurisdiction: _Id
    half: PeriodText
    sha256: Sha256Hex


class _ToldTotal(_Passed):
    id: _Id
    cells: Annotated[dict[_Key, _Told], Field(max_length=256)]
    total: _Told


class _ToldCell(_Told):
    at: Annotated[tuple[_Id, ...], Field(max_length=4)]


class _ToldCells(_Passed):
    id: _Id
    cells: Annotated[tuple[_ToldCell, ...], Field(max_length=10_000)]


class _ToldIncidents(_Passed):
    annexes: Annotated[tuple[_CountedAnnex, ...], Field(max_length=512)]
    totals: Annotated[tuple[_ToldTotal, ...], Field(max_length=20)]
    tables: Annotated[tuple[_ToldCells, ...], Field(max_length=60)]

    @property
    def incidents(self) -> ReadIncidents:
        return ReadIncidents(
            frozenset((item.jurisdiction, item.half, item.sha256) for item in self.annexes),
            {
                item.id: {"": item.total.figure, **{code: cell.figure for code, cell in item.cells.items()}}
                for item in self.totals
            },
            {item.id: {cell.at: cell.figure for cell in item.cells} for item in self.tables},
        )


class _PublicRegion(_Passed):
    format: Literal["ffp-regional-report/1", "ffp-regional-report/2"]
    edition: Literal["public"]
    period: PeriodText
    reports: Annotated[tuple[_CountedFile, ...], Field(min_length=1, max_length=256)]
    figures: Annotated[tuple[_ToldRow, ...], Field(max_length=100)]
    feedback_rate: _ToldRate
    stages: Annotated[tuple[_ToldStage, ...], Field(max_length=30)]
    earlier: Annotated[tuple[_Before, ...], Field(max_length=100)] = ()
    incidents: _ToldIncidents | None = None

    @model_validator(mode="after")
    def _incidents_stand_in_the_second_format(self) -> _PublicRegion:
        if (self.incidents is None) != (self.format == REGION_FORMAT):
            raise ValueError("incidents stand in a report of the second format, and in each of these")
        return self


def read_public_region(data: bytes, name: str) -> ReadRegional:
    """``name``: of the file, for whoever gave it. Raises InvalidInput, code "invalid-regional"."""
    try:
        check_json(data, max_bytes=MAX_REGION_BYTES)
        read = _PublicRegion.model_validate_json(data, strict=True)
    except ContractError as error:
        raise InvalidInput(f"{name} is no public regional report: {error}", code="invalid-regional") from error
    except ValidationError as error:
        detail = contract_error(error)
        raise InvalidInput(f"{name} is no public regional report: {detail}", code="invalid-regional") from error
    return ReadRegional(
        period=read.period,
        data=data,
        counted={item.node: item.sha256 for item in read.reports},
        rows={item.id: item.row for item in read.figures},
        rate=read.feedback_rate.total.figure,
        stages={item.id: (item.median.figure, item.percentile_90.figure) for item in read.stages},
        earlier=tuple(
            RegionalEarlier(item.period, item.sha256, {name: told.figure for name, told in item.figures.items()})
            for item in read.earlier
        ),
        incidents=None if read.incidents is None else read.incidents.incidents,
    )


def told_incidents(found: RegionalIncidents | None) -> ReadIncidents | None:
    """What a regional report tells that was made of the same annexes."""
    if found is None:
        return None
    return ReadIncidents(
        frozenset((item.jurisdiction, item.half, item.sha256) for item in found.annexes),
        {name: {"": figure, **found.by_jurisdiction[name]} for name, figure in found.totals.items()},
        {name: dict(table.cells) for name, table in found.tables.items()},
    )
