"""The forms in which a report or an incident annex is handed out, by a page or a command: before the head approved it
as a draft, which says so; and what was signed, once it is approved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import typer

from exchange.coordination.approved_document import ApprovedDocument
from exchange.errors import InvalidInput, NotFound
from exchange.flows.node.node import Node
from exchange.log.audit_entry import SUPERVISION, Act, Actor, Deed
from exchange.web.languages import CODES, spoken

ReportForm = Literal["json", "csv", "pdf", "approval", "manifest"]
ReleaseForm = Literal["file", "json", "csv", "pdf", "approval", "manifest"]
"""``file``: both editions with their proof, for who combines them."""
AnnexForm = Literal["json", "csv", "pdf", "approval", "manifest", "exact"]
"""``exact``: the exact edition, for a named recipient alone."""


@dataclass(frozen=True)
class HandedOut:
    """``ending``: of the file's name."""

    content: bytes
    media_type: str
    ending: str
    draft: bool


def hand_out(
    form: AnnexForm,
    approved: ApprovedDocument | None,
    next_step: str,
    *,
    draft: Callable[[], bytes],
    sheet: Callable[[], bytes],
    paper: Callable[[], bytes],
) -> HandedOut:
    """``draft``: the public edition as JSON, for one that is not approved. ``sheet``, ``paper``: as CSV and PDF, in the
    language that is spoken. Raises NotFound, code "not-approved", with the ``next_step``, for what there is of an
    approved one alone."""
    if form == "csv":
        return HandedOut(sheet(), "text/csv; charset=utf-8", f"-public-{spoken().code}.csv", approved is None)
    if form == "pdf":
        return HandedOut(paper(), "application/pdf", f"-public-{spoken().code}.pdf", approved is None)
    if form == "json" and approved is None:
        return HandedOut(draft(), "application/json", "-public.json", draft=True)
    if approved is None:
        raise NotFound(next_step, code="not-approved")
    content, edition = {
        "json": (approved.editions.public, "public"),
        "exact": (approved.editions.restricted, "restricted"),
        "approval": (approved.envelope, form),
        "manifest": (approved.editions.manifest, form),
    }[form]
    return HandedOut(content, "application/json", f"-{edition}.json", draft=False)


def note_handed_out(node: Node, by: Actor, approved: ApprovedDocument, asked: str) -> None:
    """Raises NotAudited."""
    node.audit.note(Deed(by, Act.READ_MONITORING, 1, (approved.approval,), asked=asked, purpose=SUPERVISION))


def check_language(code: str) -> str:
    """Raises InvalidInput for a language that there is not."""
    if code not in CODES:
        raise InvalidInput(f"The language {code} is none of {', '.join(CODES)}.")
    return code


LanguageOption = Annotated[
    str, typer.Option(callback=check_language, help="Of what people read in it, such as en or sr-Latn.")
]
"""An option of commands that write papers and tables."""
