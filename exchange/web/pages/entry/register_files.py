"""The scans of a draft: announced, sent piece by piece, read, shown, removed. For the script of the draft's page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, RedirectResponse, Response

from exchange.errors import Conflict, NotFound
from exchange.flows.entry import draft_scans as flow
from exchange.flows.entry.draft_form import FILE_CHOICES
from exchange.flows.entry.drafts import read_draft
from exchange.flows.node.node import Node
from exchange.web.access.caller import OpenNode
from exchange.web.http.body import read_body
from exchange.web.http.compute_threads import WorkKind, heavily, place
from exchange.web.http.path_types import RandomId
from exchange.web.pages.entry.draft_file_pages import card_of
from exchange.web.pages.entry.register import Registering
from exchange.web.pages.layout import Visitor, off_loop, page
from exchange.web.pages.own_requests import check_script
from exchange.web.pages.script_requests import MAX_JSON_BYTES, check_own, is_fetched, read_json
from schemas import RegionMask

router = APIRouter()

Plain = Annotated[bool, Query(description="Without what was found: what the brush paints on.")]
Offset = Annotated[int, Path(ge=0, le=2**40)]


class Announcement(BaseModel):
    """A file that the browser is about to send; ``modified`` is when it was last changed, in milliseconds."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=1024)]
    size: Annotated[int, Field(ge=0, le=2**40)]
    modified: Annotated[int, Field(ge=-(2**53), le=2**53)]

    @property
    def shown_name(self) -> str:
        """No folders, nothing that hides or reorders; cut to what a page shows."""
        last = self.name.replace("\\", "/").rpartition("/")[2] or "scan"
        printable = "".join(character if character.isprintable() else "?" for character in last)
        return printable[: flow.MAX_FILE_NAME]


class Marking(BaseModel):
    """A region that was marked by hand; ``was``: the bits of the one that it was marked upon."""

    model_config = ConfigDict(extra="forbid")
    region: RegionMask
    was: Annotated[str, Field(max_length=MAX_JSON_BYTES)]


@router.post("/register/{draft_id}/files")
async def announce_file(request: Request, node: OpenNode, who: Registering, draft_id: RandomId) -> Response:
    """Where to go on with a file: its id, and how much of it is here."""
    check_script(request, node, who.csrf)
    said = await read_json(request, Announcement)
    found = await off_loop(
        flow.announce, node, who.caller.pseudonym, draft_id, said.shown_name, said.size, str(said.modified)
    )
    return _told(found)


@router.post("/register/{draft_id}/files/{file_id}/from/{offset}")
async def receive_piece(
    request: Request, node: OpenNode, who: Registering, draft_id: RandomId, file_id: RandomId, offset: Offset
) -> Response:
    """One piece. The answer says how much is here, also with 409 when the piece belongs elsewhere."""
    check_script(request, node, who.csrf)
    try:
        with place(request, WorkKind.PIECES) as kept:
            piece = await read_body(request, flow.MAX_PIECE_BYTES)
            found = await kept.work(flow.take_piece, node, who.caller.pseudonym, draft_id, file_id, offset, piece)
    except Conflict:
        here = node.draft_files.size(file_id)
        return JSONResponse({"file_id": file_id, "offset": here, "whole": False}, 409)
    return _told(found)


@router.post("/register/{draft_id}/files/{file_id}/read")
async def read_file(
    request: Request, node: OpenNode, who: Registering, draft_id: RandomId, file_id: RandomId
) -> Response:
    """Read a whole file; its card, or for a form the page again."""
    await check_own(request, node, who)
    await heavily(request, WorkKind.SUBMISSIONS, flow.read_scan, node, who.caller.pseudonym, draft_id, file_id)
    if is_fetched(request):
        card: Response = await off_loop(_card, node, who, draft_id, file_id)
        return card
    return RedirectResponse(f"/app/register/{draft_id}", 303)


@router.post("/register/{draft_id}/files/{file_id}/remove")
async def remove_scan_file(
    request: Request, node: OpenNode, who: Registering, draft_id: RandomId, file_id: RandomId
) -> Response:
    await check_own(request, node, who)
    await off_loop(flow.remove_scan, node, who.caller.pseudonym, draft_id, file_id)
    return Response(status_code=204) if is_fetched(request) else RedirectResponse(f"/app/register/{draft_id}", 303)


@router.post("/register/{draft_id}/files/{file_id}/region")
async def mark(request: Request, node: OpenNode, who: Registering, draft_id: RandomId, file_id: RandomId) -> Response:
    """Keep the region that was marked by hand; whether it differs from the one that was found. With 409 the one that
    another page marked meanwhile, to be asked about."""
    check_script(request, node, who.csrf)
    said = await read_json(request, Marking, most=2 * MAX_JSON_BYTES)
    of = (node, who.caller.pseudonym, draft_id, file_id)
    try:
        mended = await off_loop(flow.mark_region, *of, said.region, said.was)
    except Conflict as error:
        if error.code != "mask-changed":
            raise
        return JSONResponse({"there": await off_loop(flow.region_bits, *of)}, 409)
    return JSONResponse({"mended": mended})


@router.get("/register/{draft_id}/files/{file_id}")
def card(node: OpenNode, who: Registering, draft_id: RandomId, file_id: RandomId) -> Response:
    """The card of a file that another page of the draft sent."""
    return _card(node, who, draft_id, file_id)


@router.get("/register/{draft_id}/files/{file_id}/preview")
def preview(node: OpenNode, who: Registering, draft_id: RandomId, file_id: RandomId, plain: Plain = False) -> Response:
    picture = flow.preview_of(node, who.caller.pseudonym, draft_id, file_id, plain=plain)
    return Response(picture, media_type="image/png")


def _card(node: Node, who: Visitor, draft_id: str, file_id: str) -> Response:
    draft = read_draft(node, who.caller.pseudonym, draft_id)
    row = next((file for file in draft.files if file.file_id == file_id), None)
    if row is None:
        raise NotFound("There is no such file in this draft.")
    return page("draft_file", who, card=card_of(draft, row), problem=None, doubts=draft.doubts, choices=_CHOICES)


_CHOICES = {f"file.{name}": kind for name, kind in FILE_CHOICES.items()}


def _told(found: flow.Announced) -> Response:
    whole = found.offset == found.size
    return JSONResponse({"file_id": found.file_id, "offset": found.offset, "whole": whole, "piece": flow.PIECE_BYTES})
