"""A regional report as bytes of whoever, read whole: bounded and strict. The public one is published beside the nodes'
files; with one of either edition a later report is compared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from exchange.coordination.half_year.editions import PeriodText
from exchange.coordination.half_year.half_years import is_year
from exchange.coordination.half_year.small_counts import Figure
from exchange.coordination.region.regional import RegionalEarlier, RegionalRow, SummedSides, sides_of, trend_of
from exchange.errors import InvalidInput
from schemas.errors import ContractError
from schemas.exhibit import Sha256Hex
from schemas.statement_base import NodeId
from schemas.strict_json import read_strict

MAX_REGION_BYTES: Final = 16 * 1024 * 1024
_MOST_VALUES: Final = 65_536
"""A public one of a region of 26 sides has about as many, one of eight some 8,000."""
_Id = Annotated[str, Field(max_length=60)]
_Code = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
_Key = Annotated[str, Field(pattern=r"^[A-Z]{2}([->][A-Z]{2})?$")]


@dataclass(frozen=True)
class ReadRegional:
    """What is taken over of a public one, or held against something first; all the rest must be what is worked out
    anew. ``counted``: by node, the SHA-256 of the manifest of each report that is in it; ``exact``: the nodes that
    brought exact editions. ``stages``: the median and the 90th percentile. ``earlier``: period and SHA-256 of the
    regional reports that it compares with."""

    period: str
    data: bytes
    counted: Mapping[str, str]
    exact: frozenset[str]
    rows: Mapping[str, RegionalRow]
    rate: RegionalRow
    stages: Mapping[str, tuple[Figure, Figure]]
    earlier: tuple[tuple[str, str], ...]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


class _Passed(BaseModel):
    """What is not named here of a public one is held against the file that this software writes of the same
    (`difference_of`)."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class _ToldRow(_Passed):
    id: _Id
    cells: Annotated[dict[_Key, Figure], Field(max_length=2000)]
    total: Figure
    across: Figure | None = None
    without: Annotated[tuple[_Code, ...], Field(max_length=256)] = ()

    @property
    def row(self) -> RegionalRow:
        return RegionalRow(self.id, self.cells, self.total, self.across, self.without)


class _ToldStage(_Passed):
    id: _Id
    median: Figure
    percentile_90: Figure


class _CountedFile(_Passed):
    node: NodeId
    jurisdiction: _Code
    sha256: Sha256Hex
    exact: bool


class _Before(_Passed):
    period: PeriodText
    sha256: Sha256Hex


class _IncidentTotal(_Passed):
    id: _Id
    total: Figure


class _Lacking(_Passed):
    jurisdiction: _Code


class _Incidents(_Passed):
    lacking: Annotated[tuple[_Lacking, ...], Field(max_length=512)] = ()
    totals: Annotated[tuple[_IncidentTotal, ...], Field(max_length=20)] = ()


class _Region(_Passed):
    format: Literal["ffp-regional-report/1"]
    edition: Literal["public", "restricted"]
    period: PeriodText
    reports: Annotated[tuple[_CountedFile, ...], Field(min_length=1, max_length=256)]
    figures: Annotated[tuple[_ToldRow, ...], Field(max_length=100)]
    feedback_rate: _ToldRow
    stages: Annotated[tuple[_ToldStage, ...], Field(max_length=30)]
    earlier: Annotated[tuple[_Before, ...], Field(max_length=100)] = ()
    incidents: _Incidents = _Incidents()

    @property
    def trend(self) -> dict[str, Figure]:
        medians = {stage.id: stage.median for stage in self.stages}
        incidents = {item.id: item.total for item in self.incidents.totals}
        return trend_of([item.row for item in self.figures], self.feedback_rate.total, medians, incidents)

    @property
    def sides(self) -> SummedSides:
        told = [item.jurisdiction for item in self.reports if self.edition == "public" or item.exact]
        rows = [item.row for item in (*self.figures, self.feedback_rate)]
        return sides_of(told, rows, [item.jurisdiction for item in self.incidents.lacking])


class _PublicRegion(_Region):
    edition: Literal["public"]


def read_public_region(data: bytes, name: str) -> ReadRegional:
    """``name``: of the file, for whoever gave it. Raises InvalidInput, code "invalid-regional"."""
    try:
        read = read_strict(_PublicRegion, data, max_bytes=MAX_REGION_BYTES, max_values=_MOST_VALUES)
    except ContractError as error:
        raise InvalidInput(f"{name} is no public regional report: {error}", code="invalid-regional") from error
    return ReadRegional(
        period=read.period,
        data=data,
        counted={item.node: item.sha256 for item in read.reports},
        exact=frozenset(item.node for item in read.reports if item.exact),
        rows={item.id: item.row for item in read.figures},
        rate=read.feedback_rate.row,
        stages={item.id: (item.median, item.percentile_90) for item in read.stages},
        earlier=tuple((item.period, item.sha256) for item in read.earlier),
    )


def read_earlier(files: Iterable[bytes], period: str) -> dict[str, list[RegionalEarlier]]:
    """By edition, the regional reports of before this period, the first first: of half-years for a half-year, of years
    for a year. Raises InvalidInput, code "invalid-earlier"."""
    found: dict[str, dict[str, RegionalEarlier]] = {"public": {}, "restricted": {}}
    for data in files:
        try:
            read = read_strict(_Region, data, max_bytes=MAX_REGION_BYTES)
        except ContractError as error:
            raise InvalidInput(f"An earlier regional report: {error}", code="invalid-earlier") from error
        if read.period >= period or is_year(read.period) != is_year(period):
            raise InvalidInput(
                f"The earlier report is of {read.period}, and must be of before {period}, and of the same length.",
                code="invalid-earlier",
            )
        found[read.edition][read.period] = RegionalEarlier(
            read.period, read.trend, read.sides, hashlib.sha256(data).hexdigest()
        )
    return {edition: [items[name] for name in sorted(items)] for edition, items in found.items()}


def difference_of(told: Any, worked_out: Any, place: str = "") -> str | None:
    """Where two JSON values first differ, by the names that lead there; None where they are the same."""
    if isinstance(told, dict) and isinstance(worked_out, dict):
        names = dict.fromkeys((*worked_out, *told))
        parts = [(name, told.get(name, ...), worked_out.get(name, ...)) for name in names]
    elif isinstance(told, list) and isinstance(worked_out, list) and len(told) == len(worked_out):
        parts = [(_name_of(item), mine, item) for mine, item in zip(told, worked_out, strict=True)]
    else:
        same = told == worked_out and isinstance(told, bool) is isinstance(worked_out, bool)
        return None if same else place
    found = (difference_of(mine, other, f"{place}, {name}".lstrip(", ")) for name, mine, other in parts)
    return next((where for where in found if where is not None), None)


def _name_of(item: Any) -> str:
    named = item if isinstance(item, dict) else {}
    return str(next((named[key] for key in ("id", "node", "period", "code") if key in named), "an item"))
