"""The regional report as JSON: written here, and read back where a later one is compared with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from exchange.coordination.half_year.editions import PeriodText
from exchange.coordination.half_year.figure_definitions import AVAILABILITY, FEEDBACK_RATE, STAGES, Definition
from exchange.coordination.half_year.half_years import is_year
from exchange.coordination.half_year.small_counts import Figure
from exchange.coordination.incidents.incident_document import tables_json, words_json
from exchange.coordination.incidents.platform_words import TOTAL_TITLES
from exchange.coordination.region.earlier_claims import DroppedLinks
from exchange.coordination.region.indicators import Indicator
from exchange.coordination.region.region_incidents import RegionalIncidents
from exchange.coordination.region.regional import RegionalEarlier, RegionalReport, RegionalRow, SummedSides
from exchange.coordination.region_files.file_kinds import CREDIT, DEFINITIONS
from exchange.coordination.region_files.untrusted_values import ToldFigure
from exchange.errors import InvalidInput
from exchange.jurisdictions.directory import Directory
from schemas.errors import ContractError
from schemas.strict_json import read_strict

REGION_FORMAT: Final = "ffp-regional-report/1"
MAX_REGION_BYTES: Final = 16 * 1024 * 1024


def write_region(report: RegionalReport, known: Directory) -> bytes:
    """JSON, UTF-8: the same report gives the same bytes."""
    fields = {
        "format": REGION_FORMAT,
        "edition": report.edition,
        "period": report.period,
        "from": report.since,
        "to": report.to,
        "jurisdictions": [{"code": code, "name": known.name(code)} for code in report.jurisdictions],
        "smallest_count_told": report.smallest,
        "how_a_hit_is_counted": CREDIT,
        "reports": [
            {
                "node": item.node,
                "jurisdiction": item.jurisdiction,
                "sha256": item.sha256,
                "approval": item.approval,
                "fingerprint": item.fingerprint,
                "smallest_count_told": item.smallest,
                "exact": item.exact,
            }
            for item in report.reports
        ],
        "refused": [
            {"file": item.file, "node": item.node, "code": item.code, "why": item.why, "next_step": item.next_step}
            for item in report.refused
        ],
        "figures": [_row(row, DEFINITIONS[row.id], "count", report.indicators) for row in report.rows],
        "feedback_rate": _row(report.rate, FEEDBACK_RATE, "share", report.indicators),
        "stages": [
            {
                **_defined(stage.id, STAGES[stage.id], "hours", report.indicators),
                "median": stage.median.as_json(),
                "percentile_90": stage.most.as_json(),
                "spans": stage.spans,
            }
            for stage in report.stages
        ],
        "availability": {
            **_defined("availability", AVAILABILITY, "share", report.indicators),
            "nodes": [
                {
                    "jurisdiction": item.jurisdiction,
                    "node": item.node,
                    "own": item.own.as_json(),
                    "seen": item.seen.as_json(),
                }
                for item in report.availability
            ],
        },
        "differences": [
            {
                "id": item.id,
                "period": item.period,
                "told": {code: figure.as_json() for code, figure in item.told.items()},
                "told_alone": dict(item.alone),
                **({} if item.claim is None else {"as_of_an_earlier_half_year": str(item.claim)}),
                **({} if item.dropped is None else {"dropped": _dropped(item.dropped)}),
            }
            for item in report.differences
        ],
        **({} if report.incidents is None else {"incidents": _incidents(report.incidents)}),
        "earlier": [
            {
                "period": item.period,
                "sha256": item.sha256,
                "figures": {name: figure.as_json() for name, figure in item.figures.items()},
                "jurisdictions": list(item.sides.reported),
                "without": {name: list(codes) for name, codes in item.sides.without.items()},
            }
            for item in report.earlier
        ],
        "note": " ".join(known.footnotes(known)),
    }
    return (json.dumps(fields, ensure_ascii=False, indent=1) + "\n").encode()


_Code = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class _Loose(BaseModel):
    """Of a regional report that this software wrote before: what a later one is compared with; the rest is passed
    over."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class _Row(_Loose):
    id: Annotated[str, Field(max_length=60)]
    total: ToldFigure
    across: ToldFigure | None = None
    without: Annotated[tuple[_Code, ...], Field(max_length=256)] = ()


class _Stage(_Loose):
    id: Annotated[str, Field(max_length=60)]
    median: ToldFigure


class _IncidentTotal(_Loose):
    id: Annotated[str, Field(max_length=60)]
    total: ToldFigure


class _Lacking(_Loose):
    jurisdiction: _Code


class _Incidents(_Loose):
    lacking: Annotated[tuple[_Lacking, ...], Field(max_length=512)] = ()
    totals: Annotated[tuple[_IncidentTotal, ...], Field(max_length=20)]


class _Counted(_Loose):
    jurisdiction: _Code
    exact: bool


class _Region(_Loose):
    format: Literal["ffp-regional-report/1"]
    edition: Literal["public", "restricted"]
    period: PeriodText
    reports: Annotated[tuple[_Counted, ...], Field(max_length=256)]
    figures: Annotated[tuple[_Row, ...], Field(max_length=100)]
    feedback_rate: _Row
    stages: Annotated[tuple[_Stage, ...], Field(max_length=30)]
    incidents: _Incidents | None = None


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
            read.period, _trend(read), _sides(read), hashlib.sha256(data).hexdigest()
        )
    return {edition: [items[name] for name in sorted(items)] for edition, items in found.items()}


def _trend(read: _Region) -> dict[str, Figure]:
    totals = {row.id: row.total.figure for row in read.figures if row.total.told != "restricted"}
    across = {f"{row.id}_across": row.across.figure for row in read.figures if row.across is not None}
    medians = {f"{stage.id}_median_h": stage.median.figure for stage in read.stages}
    told = read.incidents.totals if read.incidents is not None else ()
    incidents = {f"incidents_{item.id}": item.total.figure for item in told}
    return {**totals, **across, "feedback_rate": read.feedback_rate.total.figure, **medians, **incidents}


def _sides(read: _Region) -> SummedSides:
    """As `RegionalReport.sides` has them."""
    told = sorted(item.jurisdiction for item in read.reports if read.edition == "public" or item.exact)
    without = {row.id: row.without for row in (*read.figures, read.feedback_rate) if row.without}
    if read.incidents is not None and read.incidents.lacking:
        without["incidents"] = tuple(dict.fromkeys(item.jurisdiction for item in read.incidents.lacking))
    return SummedSides(tuple(told), without)


def _dropped(found: DroppedLinks) -> dict[str, Any]:
    return {
        "partner": found.partner,
        "period": found.period,
        "links": list(found.links),
        "without_id": found.without_id,
    }


def _incidents(found: RegionalIncidents) -> dict[str, Any]:
    return {
        "smallest_count_told": found.smallest,
        "annexes": [
            {"jurisdiction": item.jurisdiction, "half": item.half, "sha256": item.sha256, "approval": item.approval}
            for item in found.annexes
        ],
        "lacking": [{"jurisdiction": code, "half": half} for code, half in found.lacking],
        "totals": [
            {
                "id": name,
                "title": TOTAL_TITLES[name],
                "cells": {code: cell.as_json() for code, cell in found.by_jurisdiction[name].items()},
                "total": figure.as_json(),
            }
            for name, figure in found.totals.items()
        ],
        "tables": tables_json(found.tables),
        **words_json(),
    }


def _row(row: RegionalRow, definition: Definition, unit: str, numbers: Mapping[str, Indicator]) -> dict[str, Any]:
    return {
        **_defined(row.id, definition, unit, numbers),
        "cells": {key: figure.as_json() for key, figure in row.cells.items()},
        "total": row.total.as_json(),
        "across": row.across.as_json() if row.across is not None else None,
        "without": list(row.without),
    }


def _defined(name: str, definition: Definition, unit: str, numbers: Mapping[str, Indicator]) -> dict[str, Any]:
    number = numbers[name]
    return {
        "id": name,
        "title": definition.title,
        "definition": definition.text,
        "unit": unit,
        "goal": number.goal,
        "goal_text": number.goal_text,
        "kpi_2024": number.kpi_2024 or None,
        "kpi_2030": number.kpi_2030 or None,
        "source": number.source or None,
        "verified": number.verified,
    }
