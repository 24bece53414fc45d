"""The regional report as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from exchange.coordination.half_year.figure_definitions import AVAILABILITY, FEEDBACK_RATE, STAGES, Definition
from exchange.coordination.incidents.incident_document import tables_json, words_json
from exchange.coordination.incidents.platform_words import TOTAL_TITLES
from exchange.coordination.region.earlier_claims import DroppedLinks
from exchange.coordination.region.indicators import Indicator
from exchange.coordination.region.region_incidents import RegionalIncidents
from exchange.coordination.region.regional import RegionalReport, RegionalRow
from exchange.coordination.region_files.file_kinds import CREDIT, DEFINITIONS
from exchange.jurisdictions.directory import Directory

REGION_FORMAT: Final = "ffp-regional-report/1"


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
