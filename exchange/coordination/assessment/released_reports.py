"""Monitoring reports that lie in the folder of an assessment.

A report's file (``ffp-report-file``) brings its proof. It counts where its identity is the one that the assessor knows,
or that of a verified snapshot that lies there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.small_counts import Figure
from exchange.coordination.maturity.signed_snapshot import VerifiedSnapshot
from exchange.coordination.region_files.report_file import MAX_FILE_BYTES, Believed, ReportRefused, verify_report_file
from exchange.errors import InvalidInput
from exchange.home import read_bounded
from schemas import ContractError
from schemas.strict_json import check_json

MAX_RELEASED_BYTES: Final = MAX_FILE_BYTES
_KNOW_IT: Final = (
    "Write the node's 40 digits, as its operator reads them out, into node_fingerprint of the assessment, or put a "
    "signed snapshot of its maturity here."
)
_FORMATS: Final = ("ffp-monitoring-report/", "ffp-report-file/")


@dataclass(frozen=True)
class ReleasedReport:
    """``figures``: the public figures of the report, medians of stages as ``search_median_h``. ``sha256``: of what the
    approval concerns."""

    name: str
    half: Half
    node_id: str
    jurisdiction: str
    sha256: str
    figures: Mapping[str, Figure]


def released_reports(
    files: Sequence[Path], snapshots: Sequence[VerifiedSnapshot], digits: str | None
) -> tuple[list[ReleasedReport], list[tuple[str, str]], set[str]]:
    """The reports, the earliest first; those that are left, each with why; and the names of all files that are a
    report. ``digits``: the fingerprint of the assessed node's identity as the assessor knows it, whatever the node is
    called in its reports."""
    reports, left, seen = list[ReleasedReport](), list[tuple[str, str]](), set[str]()
    known = [f"{item.snapshot.node_id}={item.fingerprint}" for item in snapshots]
    for path in files:  # one at a time in the memory
        name, body = path.name, _body(path)
        if (fields := _report_fields(body)) is None:
            continue
        seen.add(name)
        own = [f"{fields.get('node')}={digits}"] if digits else known
        try:
            reports.append(_of_file(name, body, Believed(fingerprints=own)))
        except ReportRefused as error:
            step = _KNOW_IT if error.code == "unknown-identity" else error.next_step
            left.append((name, f"{error} {step}"[:600]))
        except InvalidInput as error:
            left.append((name, str(error)[:300]))
    return sorted(reports, key=lambda item: item.half), left, seen


def _body(path: Path) -> bytes:
    """Empty where it is larger than any of these files."""
    data = read_bounded(path, MAX_RELEASED_BYTES)
    return data if len(data) <= MAX_RELEASED_BYTES else b""


def _report_fields(body: bytes) -> dict[str, Any] | None:
    try:
        check_json(body, max_bytes=MAX_RELEASED_BYTES)
    except ContractError:
        return None
    fields = json.loads(body)
    is_report = isinstance(fields, dict) and str(fields.get("format", "")).startswith(_FORMATS)
    return fields if is_report else None


def _of_file(name: str, body: bytes, believed: Believed) -> ReleasedReport:
    found = verify_report_file(body, believed)
    period = found.document.period
    if not isinstance(period, Half):
        raise InvalidInput(f"It is the report of the year {period}; put the files of its half-years here.")
    return ReleasedReport(name, period, found.node_id, found.jurisdiction, found.sha256, found.document.trend)
