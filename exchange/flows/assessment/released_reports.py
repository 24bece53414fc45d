"""Monitoring reports that lie in the folder of an assessment, each in the format that it says.

A report's file (``ffp-report-file``) brings its proof. It counts where its identity is the one that the assessor knows,
or that of a verified snapshot that lies there. A report from before there were two editions counts where an approval
beside it concerns its very bytes; whether the node signed that can be told where a snapshot of the same node lies there
too, since that brings the node's keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exchange.errors import InvalidInput, StatementInvalid
from exchange.flows.maturity.signed_snapshot import VerifiedSnapshot
from exchange.flows.maturity.snapshot import KeptFigure
from exchange.flows.monitoring.document import FIRST_FORMAT
from exchange.flows.monitoring.half_years import Half
from exchange.flows.monitoring.small_counts import Figure
from exchange.flows.region.report_file import MAX_FILE_BYTES, Believed, ReportRefused, verify_report_file
from exchange.flows.statement.approved_document import digest_of
from exchange.trust.verify import verify_statement
from schemas import Approval, ContractError, open_envelope, parse_statement
from schemas.envelope import MAX_ENVELOPE_BYTES
from schemas.strict_json import check_json
from schemas.vocabulary import Decision, Role

MAX_RELEASED_BYTES: Final = MAX_FILE_BYTES
_KNOW_IT: Final = (
    "Write the node's 40 digits, as its operator reads them out, into node_fingerprint of the assessment, or put a "
    "signed snapshot of its maturity here."
)
_FORMATS: Final = ("ffp-monitoring-report/", "ffp-report-file/")


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
    """Of the first format, which had one edition."""

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
    ``sha256``: of what the approval concerns. ``signed``: the approval's signatures were verified, with the proof in
    the file or with the keys of a snapshot that lies there."""

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
    files: Sequence[Path], snapshots: Sequence[VerifiedSnapshot], digits: str | None
) -> tuple[list[ReleasedReport], list[tuple[str, str]], set[str]]:
    """The reports, the earliest first; those that are left, each with why; and the names of all files that are a report
    or an approval. ``digits``: the fingerprint of the assessed node's identity as the assessor knows it, whatever the
    node is called in its reports."""
    approvals = {path.name: found for path in files if (found := _approval(_body(path))) is not None}
    reports, left, seen = list[ReleasedReport](), list[tuple[str, str]](), set(approvals)
    known = [f"{item.snapshot.node_id}={item.fingerprint}" for item in snapshots]
    for path in files:  # one at a time in the memory
        name, body = path.name, _body(path)
        if name in approvals or (fields := _report_fields(body)) is None:
            continue
        seen.add(name)
        try:
            if fields["format"] == FIRST_FORMAT:
                reports.append(_of_one_edition(name, body, fields, list(approvals.values()), snapshots))
            else:
                own = [f"{fields.get('node')}={digits}"] if digits else known
                reports.append(_of_file(name, body, Believed(fingerprints=own)))
        except ReportRefused as error:
            step = _KNOW_IT if error.code == "unknown-identity" else error.next_step
            left.append((name, f"{error} {step}"[:600]))
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
    is_report = isinstance(fields, dict) and str(fields.get("format", "")).startswith(_FORMATS)
    return fields if is_report else None


def _of_file(name: str, body: bytes, believed: Believed) -> ReleasedReport:
    """Of a later format, and of a public edition by itself, the refusal says what it is and what to ask for."""
    found = verify_report_file(body, believed)
    period = found.document.period
    if not isinstance(period, Half):
        raise InvalidInput(f"It is the report of the year {period}; put the files of its half-years here.")
    gaps = {gap: row.total for gap, row in found.document.gaps.items()}
    return ReleasedReport(
        name, period, found.node_id, found.jurisdiction, found.sha256, {**found.document.trend, **gaps}, signed=True
    )


def _of_one_edition(
    name: str, body: bytes, fields: dict[str, Any], approvals: Sequence[_Found], snapshots: Sequence[VerifiedSnapshot]
) -> ReleasedReport:
    sha256 = digest_of(body)
    found = next((item for item in approvals if item.approval.concerns == sha256), None)
    if found is None:
        raise InvalidInput("No approval that concerns this report lies beside it.")
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
