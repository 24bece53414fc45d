"""``ffp report``: the half-yearly monitoring report, as a draft until the head has approved it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exchange.cli.node import Home
from exchange.cli.tables import AsJson, tell
from exchange.home import resolve_home

if TYPE_CHECKING:
    from exchange.flows.monitoring.document import Document
    from exchange.flows.monitoring.report import Approved
    from exchange.jurisdictions.directory import Directory


class ReportForm(StrEnum):
    JSON = "json"
    CSV = "csv"
    PDF = "pdf"
    APPROVAL = "approval"


def report(
    half: Annotated[str, typer.Option(help="The half-year, such as 2026H2: from July on, in UTC.")],
    out: Annotated[Path | None, typer.Option(help="The file to write; without one, what there is is said.")] = None,
    form: Annotated[ReportForm, typer.Option(help="Of the file; approval is the signed statement.")] = ReportForm.JSON,
    draft: Annotated[bool, typer.Option("--draft", help="Before it is approved; marked as a draft.")] = False,
    language: Annotated[str, typer.Option(help="Of CSV and PDF, such as en or sr-Latn.")] = "en",
    approve: Annotated[
        str | None, typer.Option(help="Approve it for release: the SHA-256 that was shown.", metavar="SHA256")
    ] = None,
    acting: Annotated[str | None, typer.Option("--as", help="The head, by pseudonym, who approves.")] = None,
    because: Annotated[str | None, typer.Option(help="To whom it goes and on what ground, in one line.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Count a half-year, approve the report, or write it once it is approved."""
    from exchange.cli.acting import maker_of
    from exchange.errors import InvalidInput
    from exchange.extras.known import require_extra
    from exchange.flows.log.audit_rows import CONSOLE
    from exchange.flows.monitoring.half_years import Half
    from exchange.flows.monitoring.report import approve_report, find_approved, released
    from exchange.flows.monitoring.report import draft as drafted
    from exchange.flows.node.node import opened
    from exchange.log.audit_entry import SUPERVISION, Act, Deed
    from exchange.web.languages import CODES
    from schemas.vocabulary import Role

    wanted = Half.parse(half)
    if language not in CODES:
        raise InvalidInput(f"The language {language} is none of {', '.join(CODES)}.")
    if form is ReportForm.PDF and out is not None:
        require_extra("pdf", "A report as PDF")  # before anything is signed
    with opened(resolve_home(home)) as node:
        if approve is not None:
            if acting is None or because is None:
                raise InvalidInput("To approve, say who does with --as, and why with --because.")
            said = approve_report(node, maker_of(node, acting, Role.HEAD), wanted, approve, because)
            typer.echo(f"The report of {wanted} is approved; the statement is {said}.", err=as_json)
        found = find_approved(node, wanted)
        if out is None:
            sha256 = found.sha256 if found is not None else drafted(node, wanted).sha256
            fields = {"half": str(wanted), "approved": found is not None, "sha256": sha256}
            if found is not None:
                fields |= {"approved_by": found.approved_by, "approved_at": found.approved_at}
                tell(
                    as_json,
                    fields,
                    f"{wanted}: approved by {found.approved_by} at {found.approved_at}, SHA-256 {sha256}.",
                )
            else:
                tell(as_json, fields, f"{wanted}: not approved. SHA-256 of the report as it is: {sha256}.")
            return
        if draft and found is None:
            written = _written(drafted(node, wanted).document, None, form, language, node.jurisdictions)
        else:
            found = released(node, wanted)
            written = _written(found.document, found, form, language, node.jurisdictions)
            asked = f"{wanted} {form}"
            node.audit.note(Deed(CONSOLE, Act.READ_MONITORING, 1, (found.approval,), asked=asked, purpose=SUPERVISION))
    out.write_bytes(written)
    said = f"Written: {out}, {'as it was approved' if found is not None else 'a draft'}."
    tell(as_json, {"half": str(wanted), "written": out, "draft": found is None}, said)


def _written(document: Document, approved: Approved | None, form: ReportForm, language: str, known: Directory) -> bytes:
    from exchange.errors import NotFound
    from exchange.flows.monitoring.document import write_document
    from exchange.web.languages import Spoken
    from exchange.web.languages.spoken import speaking
    from exchange.web.pages.monitoring.report_csv import monitoring_sheet
    from exchange.web.report.monitoring import render_monitoring

    with speaking(Spoken(language, directory=lambda: known)):
        match form:
            case ReportForm.JSON:
                return write_document(document, known, draft=True) if approved is None else approved.data
            case ReportForm.CSV:
                return monitoring_sheet(document, draft=approved is None)
            case ReportForm.PDF:
                return render_monitoring(document, approved)
            case ReportForm.APPROVAL:
                if approved is None:
                    raise NotFound(f"The report of {document.half} is not approved for release.", code="not-approved")
                return approved.envelope
