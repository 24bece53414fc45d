"""Monitoring reports that lie in the folder of an assessment, with the approvals that concern them.

A report counts where an approval beside it concerns its very bytes. Whether the node signed that approval can be told
where a signed snapshot of the same node lies there too, since that brings the node's keys.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exchange.errors import InvalidInput, StatementInvalid
from exchange.flows.maturity.signed_snapshot import VerifiedSnapshot
from exchange.flows.maturity.snapshot import KeptFigure
from exchange.flows.monitoring.half_years import Half
from exchange.flows.monitoring.small_counts import Figure
from exchange.trust.verify import verify_statement
from schemas import Approval, ContractError, open_envelope, parse_statement
from schemas.envelope import MAX_ENVELOPE_BYTES
from schemas.strict_json import check_json
from schemas.vocabulary import Decision, Role

MAX_RELEASED_BYTES: Final = 4 * 1024 * 1024
_FORMAT: Final = "ffp-monitoring-report/"


class _Model(BaseModel):
    """What is read of a report; the rest of it is another reader's."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Place(_Model):
    code: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class _Indicator(_Model):
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
    total: KeptFigure


class _Stage(_Model):
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
    median: KeptFigure


class _Report(_Model):
    half: str
    node: Annotated[str, Field(pattern=r"^[a-z0-9-]{3,40}$")]
    jurisdiction: _Place
    indicators: Annotated[list[_Indicator], Field(max_length=200)]
    feedback_rate: _Indicator
    stages: Annotated[list[_Stage], Field(max_length=100)]
    harmonisation_gap: Annotated[list[_Indicator], Field(max_length=100)]


@dataclass(frozen=True)
class ReleasedReport:
    """``figures``: totals by the id of the indicator, ``feedback_rate``, and medians of stages as ``search_median_h``.
    ``signed``: the approval's signatures were verified with the keys of a snapshot that lies there."""

    name: str
    half: Half
    node_id: str
    jurisdiction: str
    sha256: str
    figures: Mapping[str, Figure]
    signed: bool


@dataclass(frozen=True)
class _Found:
    approval: Approval
    raw: bytes


def released_reports(
    files: Sequence[Path], snapshots: Sequence[VerifiedSnapshot]
) -> tuple[list[ReleasedReport], list[tuple[str, str]], set[str]]:
    """The reports, the earliest first; those that are left, each with why; and the names of all files that are a report
    or an approval."""
    approvals = {path.name: found for path in files if (found := _approval(_body(path))) is not None}
    reports, left, seen = list[ReleasedReport](), list[tuple[str, str]](), set(approvals)
    for path in files:  # one at a time in the memory
        name, body = path.name, _body(path)
        if name in approvals or (fields := _report_fields(body)) is None:
            continue
        seen.add(name)
        sha256 = hashlib.sha256(body).hexdigest()
        found = next((item for item in approvals.values() if item.approval.concerns == sha256), None)
        if found is None:
            left.append((name, "No approval that concerns this report lies beside it."))
            continue
        try:
            reports.append(_released(name, fields, sha256, found, snapshots))
        except (InvalidInput, StatementInvalid) as error:
            left.append((name, str(error)[:300]))
    return sorted(reports, key=lambda item: item.half), left, seen


def _body(path: Path) -> bytes:
    """Empty where it is larger than any of these files."""
    with path.open("rb") as file:
        data = file.read(MAX_RELEASED_BYTES + 1)
    return data if len(data) <= MAX_RELEASED_BYTES else b""


def _approval(body: bytes) -> _Found | None:
    """What is another kind of file is none."""
    if len(body) > MAX_ENVELOPE_BYTES:
        return None
    try:
        said = parse_statement(open_envelope(body.strip()).payload)
    except ContractError:
        return None
    return _Found(said, body.strip()) if isinstance(said, Approval) else None


def _report_fields(body: bytes) -> dict[str, Any] | None:
    try:
        check_json(body, max_bytes=MAX_RELEASED_BYTES)
    except ContractError:
        return None
    fields = json.loads(body)
    is_report = isinstance(fields, dict) and str(fields.get("format", "")).startswith(_FORMAT)
    return fields if is_report else None


def _released(
    name: str, fields: dict[str, Any], sha256: str, found: _Found, snapshots: Sequence[VerifiedSnapshot]
) -> ReleasedReport:
    if fields.get("draft"):
        raise InvalidInput("It is a draft.")
    try:
        report = _Report.model_validate(fields)
    except ValidationError as error:
        first: Any = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))[:120]
        raise InvalidInput(f"It is no monitoring report that is read here: {place}: {first['msg']}.") from error
    said = found.approval
    if (said.decision, said.made_by.role, str(said.jurisdiction)) != (
        Decision.APPROVED,
        Role.HEAD,
        report.jurisdiction.code,
    ):
        raise InvalidInput("The approval beside it is not that of the jurisdiction's head.")
    if said.issuer != report.node:
        raise InvalidInput("The approval beside it is another node's.")
    signed = _is_signed(found, report, snapshots)
    return ReleasedReport(
        name, Half.parse(report.half), report.node, report.jurisdiction.code, sha256, dict(_figures(report)), signed
    )


def _figures(report: _Report) -> Iterator[tuple[str, Figure]]:
    for item in (*report.indicators, *report.harmonisation_gap):
        yield item.id, item.total.figure
    yield "feedback_rate", report.feedback_rate.total.figure
    for stage in report.stages:
        yield f"{stage.id}_median_h", stage.median.figure


def _is_signed(found: _Found, report: _Report, snapshots: Sequence[VerifiedSnapshot]) -> bool:
    """False where no snapshot brings the node's keys. Raises StatementInvalid where the keys did not sign it."""
    keys = {
        item.statement_key.ed25519: item.statement_key for item in snapshots if item.snapshot.node_id == report.node
    }
    for number, key in enumerate(keys.values(), 1):
        try:
            verify_statement(found.raw, issuer=report.node, key=key)
        except StatementInvalid:
            if number == len(keys):
                raise
            continue
        return True
    return False
