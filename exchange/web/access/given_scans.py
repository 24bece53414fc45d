"""Scans, for whoever may have them: a person who reads, or a peer that policy lets have one. Each is written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from exchange.flows.access.consultation import Consultation
from exchange.flows.log.audit_rows import dealt_with
from exchange.flows.node.delivered_scan import Entitling, records_with_scan
from exchange.flows.node.node import Node
from exchange.flows.node.region_masks import mask_digest, region_mask_of
from exchange.flows.scan.encode_heights import ShownHeights
from exchange.flows.scan.heights import Wanted, heights, kept_heights, shown_of
from exchange.flows.sync.serve_lane import may_fetch
from exchange.log.audit_entry import Act
from exchange.web.access.caller import CallingPeer, OpenNode, ReaderOrPeer
from exchange.web.access.consulting import LegalBasisHeader, PurposeHeader, consultation_of
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.http.conditional import persons_tag, unchanged

MAX_RECORDS = 16
"""How many of the records that name a scan are written down with it."""


async def reader_or_peer(
    node: OpenNode, caller: ReaderOrPeer, purpose: PurposeHeader = None, legal_basis: LegalBasisHeader = None
) -> Consultation | CallingPeer:
    """A person who may see records by token, or else a peer by signature."""
    return caller if isinstance(caller, CallingPeer) else consultation_of(node, caller, purpose, legal_basis)


def shown_by(node: Node, asker: Consultation | CallingPeer, sha256: str) -> Sequence[Entitling]:
    """The records by which the asker may have a scan; only these are written down, and only what they say of it is
    shown. Raises NotFound."""
    if isinstance(asker, CallingPeer):
        return may_fetch(node, asker.row, sha256)
    return records_with_scan(node, sha256)


ReaderOfScan = Annotated[Consultation | CallingPeer, Depends(reader_or_peer)]


async def heights_answer(
    request: Request,
    node: Node,
    asker: Consultation | CallingPeer,
    sha256: str,
    wanted: Wanted,
    if_none_match: str | None,
) -> Response:
    """The heights as they are sent, written down before: at once where they are kept, else in the room of those who
    wait for a process. Raises NotFound, InvalidInput, NotAudited, Busy."""
    answer = await run_in_threadpool(_given, node, asker, sha256, wanted, if_none_match, kept_heights)
    if answer is not None:
        return answer
    made = await heavily(request, WorkKind.PICTURES, _given, node, asker, sha256, wanted, if_none_match, heights)
    if made is None:
        raise TypeError("heights that are made are there")
    return made


def _given(
    node: Node,
    asker: Consultation | CallingPeer,
    sha256: str,
    wanted: Wanted,
    if_none_match: str | None,
    of: Callable[[Node, ShownHeights], bytes | None],
) -> Response | None:
    """None where there are none ``of`` it. Raises NotFound, InvalidInput, NotAudited."""
    showing = shown_by(node, asker, sha256)
    marked = [scan for scan, _ in showing if mask_digest(region_mask_of(scan)) == wanted.region]
    shown = shown_of(node, next(iter(marked), showing[0][0]), wanted)
    own = persons_tag(shown.tag, asker.caller.pseudonym) if isinstance(asker, Consultation) else shown.tag
    tag = {"ETag": f'"{own}"'}
    if unchanged(if_none_match, own):
        return Response(status_code=304, headers=tag)
    content = of(node, shown)
    if content is None:
        return None
    records = list(dict.fromkeys(statement.statement_id for _, statement in showing))[:MAX_RECORDS]
    match asker:
        case Consultation():
            asker.note(Act.READ_SCAN, len(content), sha256, *records, asked={"heights": str(wanted)})
        case CallingPeer():
            given = dealt_with(asker.row, Act.GIVE_SCAN, (sha256, *records), len(content), f"heights: {wanted}")
            node.audit.note(given)
    return Response(content, media_type="application/octet-stream", headers={**tag, "Content-Encoding": "gzip"})
