"""The pack of the local meeting: the head reads what it says first, takes it along, and approves what this node gives
to the regional one."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from exchange.coordination.approved_document import check_digest
from exchange.coordination.approved_rows import ApprovedKind
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.meetings.meeting_words import waiting_line
from exchange.coordination.meetings.pack.approve_inputs import approve_inputs, approved_inputs, waiting_approvals
from exchange.coordination.meetings.pack.local_pack import local_pack
from exchange.coordination.meetings.pack_paper.figure_sections import figure_notes
from exchange.coordination.meetings.pack_paper.pack_paper import first_page, pack_title, readers_words
from exchange.coordination.meetings.pack_paper.written_pack import (
    inputs_facts,
    inputs_file,
    note_pack,
    pack_files,
    zipped,
)
from exchange.flows.node.node import Node
from exchange.web.access.caller import OpenNode
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.languages import spoken
from exchange.web.pages.layout import Heading, SentForm, Visitor, page
from exchange.web.pages.query.query_pages import line_of
from exchange.web.report.blocks import quiet
from exchange.web.report.pages import laid

router = APIRouter()


@router.get("/meetings/pack/{half}")
def pack_page(node: OpenNode, who: Heading, half: str) -> Response:
    """What the pack says first, and whether the head approved what the regional one is made of."""
    found = local_pack(node, Half.parse(half))
    pack = found.pack
    approved = approved_inputs(node, pack.half) if found.approved else None
    first = [
        item for item in waiting_approvals(node) if item.period == pack.half and item.what is not ApprovedKind.INPUTS
    ]
    return page(
        "meeting_pack",
        who,
        half=str(pack.half),
        title=pack_title(pack),
        readers=readers_words(pack),
        report=laid([*first_page(pack), *map(quiet, figure_notes(pack, pack.figures) if pack.figures else [])]),
        approval=approved.approval if approved is not None else None,
        facts=inputs_facts(approved.inputs if approved is not None else pack.inputs[0]),
        changed_since=pack.changed_since,
        lasts_until=pack.half.end if pack.lasts else None,
        first=[waiting_line(item) for item in first],
        sha256=found.sha256 if approved is None else approved.approval.sha256,
    )


@router.post("/meetings/pack/{half}")
def approve_pack(node: OpenNode, who: Heading, half: str, fields: SentForm) -> Response:
    """Sign that these inputs, and no others, go to the regional pack."""
    wanted, sha256 = Half.parse(half), check_digest(fields.get("sha256", ""))
    approve_inputs(node, who.caller.maker, wanted, sha256, line_of(fields, "because"))
    return RedirectResponse(f"/app/meetings/pack/{wanted}", 303)


@router.get("/meetings/pack/{half}/files")
async def take_pack(request: Request, node: OpenNode, who: Heading, half: str) -> Response:
    """The PDF, its tables, and the inputs for the regional pack, in one ZIP file."""
    wanted = Half.parse(half)
    data = await heavily(request, WorkKind.REPORTS, _packed, node, who, wanted)
    name = f"pack-{node.node_id}-{wanted}-{spoken().code}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type="application/zip", headers=headers)


def _packed(node: Node, who: Visitor, half: Half) -> bytes:
    found = local_pack(node, half)
    data = zipped((*pack_files(found.pack, with_pdf=True), inputs_file(node, found)))
    note_pack(node, who.caller.actor, found)
    return data
