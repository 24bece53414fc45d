"""Disclose to one other side what an own record leaves out: the serial number, the place, where the matter goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors import Conflict, InvalidInput
from exchange.flows.node.node import Node
from exchange.flows.review.disclosures import disclosable, disclosures_on
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.http.path_types import StatementId
from exchange.web.http.problems import status_of
from exchange.web.pages.layout import Visitor, off_loop, only, page, read_form
from exchange.web.pages.review.review_pages import speak_as
from schemas.kinds import KINDS
from schemas.vocabulary import ReferenceChannel

router = APIRouter()

Disclosing = Annotated[Visitor, Depends(only(*sorted(KINDS["disclosure"].said_by)))]
DISCLOSED = ("to", "legal_basis", "serial_number", "place", "circumstances", "reference", "channel")


@router.get("/records/{statement_id}/disclose")
def disclosure_form(node: OpenNode, who: Disclosing, statement_id: StatementId) -> Response:
    """The form, with the serial number of the firearm that a test fire names, and what was disclosed before."""
    return _form(node, who, statement_id, None, {})


@router.post("/records/{statement_id}/disclose")
async def disclose(request: Request, node: OpenNode, who: Disclosing, statement_id: StatementId) -> Response:
    """Sign it; it goes on the lane of that side alone."""
    fields = await read_form(request, node, who.csrf)
    done: Response = await off_loop(_disclose, node, who, statement_id, fields)
    return done


def _disclose(node: Node, who: Visitor, statement_id: str, fields: Mapping[str, str]) -> Response:
    disclosable(node, statement_id)
    said = {name: fields.get(name, "").replace("\r\n", "\n").strip() for name in DISCLOSED}
    try:
        speak_as(node, who, "disclosure", record=statement_id, **said)
    except (InvalidInput, Conflict) as error:
        problems = dict(error.problems) if isinstance(error, InvalidInput) else {}
        told = {where.removeprefix("disclosure."): what for where, what in (problems or {"": str(error)}).items()}
        return _form(node, who, statement_id, said, told, status_of(error))
    return RedirectResponse(f"/app/records/{statement_id}#disclosures", 303)


def _form(
    node: Node,
    who: Visitor,
    statement_id: str,
    typed: Mapping[str, str] | None,
    problems: Mapping[str, str],
    status: int = 200,
) -> Response:
    asker = who.consultation
    found = disclosable(node, statement_id)
    disclosed = disclosures_on(node, *asker.reader, [found.record.exhibit])
    asker.note(Act.READ_RECORD, 1, statement_id)
    if found.serial_number is not None and found.record.firearm is not None:
        asker.note(Act.READ_FIREARM, 1, found.record.firearm)
    if typed is None:
        typed = {"serial_number": found.serial_number or "", "legal_basis": who.legal_basis or ""}
    return page(
        "disclose",
        who,
        status=status,
        record=found.record,
        recipients=found.recipients,
        articles=list(dict.fromkeys(article for peer in found.recipients for article in peer.articles)),
        from_firearm=found.record.firearm if found.serial_number else None,
        channels=list(ReferenceChannel),
        typed=typed,
        problems=problems,
        disclosed=disclosed,
    )
