"""Any two scans under the comparison viewer: chosen one after the other, without a word on what anybody or anything
holds of the pair."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from exchange.flows.candidates.shown_pair import note_listed
from exchange.flows.candidates.two_scans import offered_records, one_scan, two_scans
from exchange.flows.node.node import Node
from exchange.flows.report.paper_sides import paper_sides
from exchange.flows.scan.listed_scans import listed_scan
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.pages.layout import Reading, Visitor, page

router = APIRouter()

ScanDigest = Annotated[str, Query(pattern="^[0-9a-f]{64}$", description="SHA-256 of a scan.")]
_Chosen = Annotated[str | None, Query(pattern="^[0-9a-f]{64}$", description="SHA-256 of a scan.")]
_Typed = Annotated[str, Query(max_length=64, description="Of a record: its case, item number or id.")]


@router.get("/compare")
def compare_page(node: OpenNode, who: Reading, a: _Chosen = None, b: _Chosen = None, find: _Typed = "") -> Response:
    """``a`` and ``b``: both scans; while one is missing, a list to choose it from, of records that fit ``find``."""
    if a is not None and b is not None:
        return _stage(node, who, a, b)
    return _choice(node, who, a or b, find.strip())


def _stage(node: Node, who: Visitor, a: str, b: str) -> Response:
    """Whoever may come to judge these exhibits blind sees two specimens, as on the page of a verification; whoever is
    told as which pair they were compared has seen it from now on."""
    asker = who.consultation
    found = two_scans(node, *asker.reader, a, b)
    if found.compared is not None:
        note_listed(asker, [found.compared])
    sides = (found.one, found.other)
    named = (side.record.statement_id for side in sides)
    asker.note(Act.READ_RECORD, 2, *named, a, b, asked={"beside each other": f"{a} {b}"})
    return page(
        "compare",
        who,
        sides=sides,
        paper=paper_sides(node, sides),
        pair=None if found.compared is None else found.compared.row.candidate_id,
    )


def _choice(node: Node, who: Visitor, chosen: str | None, typed: str) -> Response:
    asker = who.consultation
    first = None if chosen is None else one_scan(node, chosen)
    offered = offered_records(node, *asker.reader, typed, beside=first)
    asked = {"beside": chosen or "", "find": typed}
    asker.note(Act.SEARCH_RECORDS, len(offered), asked={name: value for name, value in asked.items() if value})
    return page(
        "compare_choose",
        who,
        first=first,
        only_own=first is not None and first.record.issuer != node.node_id,
        typed=typed,
        offered=[
            (
                item.record,
                [(scan.sha256, listed_scan(scan)) for scan in item.scans if scan.sha256 != chosen],
            )
            for item in offered
        ],
    )
