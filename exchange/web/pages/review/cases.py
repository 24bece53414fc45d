"""The graph of a case: drawn here as SVG, and the same as a table."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path
from starlette.responses import Response

from exchange.flows.node.node import Node
from exchange.flows.review.case_graph import Case, CaseGraph, PlacedCase, Tie, read_case
from exchange.flows.review.records import RecordColumn, StoredRecord, rows_in_order
from exchange.flows.scan.listed_scans import ListedScan, pictured_scans
from exchange.log.audit_entry import MAX_SUBJECTS, Act
from exchange.web.access.caller import OpenNode
from exchange.web.languages import term
from exchange.web.pages.entry.sorted_records import few_records, record_order
from exchange.web.pages.layout import Reading, page
from exchange.web.pages.sorting import Direction
from schemas.vocabulary import Jurisdiction

router = APIRouter()

CaseReferenceInPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$")]
BOX_SIZE = (236, 64)
PICTURE_PX = 52
"""On a box, at its left: the exhibit that stands for the case."""
_COLUMN, _ROW, _EDGE = 560, 84, 14
"""The drawing's units: apart enough for the longest stage on a line, close enough for 1280 pixels."""
_LONGEST = 22


@dataclass(frozen=True)
class CaseBox:
    """A case where it is drawn, by its upper left corner."""

    name: str
    reference: str
    address: str
    x: int
    y: int
    here: bool
    case: Case

    @property
    def short(self) -> str:
        return self.reference if len(self.reference) <= _LONGEST else f"{self.reference[: _LONGEST - 1]}…"


@dataclass(frozen=True)
class TieLine:
    """What joins two cases: the line, and where its word stands."""

    tie: Tie
    path: str
    x: int
    y: int


@router.get("/cases/{jurisdiction}/{case_reference:path}")
def case_page(
    node: OpenNode,
    who: Reading,
    jurisdiction: Jurisdiction,
    case_reference: CaseReferenceInPath,
    sort: RecordColumn | None = None,
    order: Direction | None = None,
) -> Response:
    """One case, its exhibits, and what it is linked to."""
    asker, case = who.consultation, Case(jurisdiction, case_reference)
    found = read_case(node, *asker.reader, case)
    graph = found.graph
    link_of = {link.link_id: link for link in found.links}
    wanted = record_order(sort, order)
    records = rows_in_order(graph.records, wanted)
    asked = {"jurisdiction": str(jurisdiction), "case_reference": case_reference}
    asker.note(Act.SEARCH_RECORDS, len(records), *(row.statement_id for row in records), asked=asked)
    if link_of:
        asker.note(Act.LIST_STATEMENTS, len(link_of), *list(link_of)[:MAX_SUBJECTS], asked=asked)
    boxes, lines = drawing(graph)
    size = (
        max(box.x for box in boxes.values()) + BOX_SIZE[0] + _EDGE + 90,
        max(box.y for box in boxes.values()) + BOX_SIZE[1] + _EDGE,
    )
    return page(
        "case",
        who,
        doubted=found.suspicions,
        jurisdiction=term(jurisdiction, "jurisdiction"),
        reference=case_reference,
        incidents={name: list(of) for name, of in groupby(sorted(records, key=_incident), _incident)},
        sorting=few_records(wanted, f"/app/cases/{jurisdiction}/{quote(case_reference, safe='')}"),
        graph=graph,
        link_of=link_of,
        boxes=list(boxes.values()),
        box_of=boxes,
        lines=lines,
        size=size,
        box=BOX_SIZE,
        picture=PICTURE_PX,
        pictures=_pictures(node, graph),
    )


def _pictures(node: Node, graph: CaseGraph) -> dict[Case, ListedScan]:
    """Of each case the scan that was compared, of the exhibit that stands for it."""
    found = pictured_scans(node, graph.stands_for.values(), graph.scans)
    rows = graph.stands_for.items()
    return {case: found[row.statement_id] for case, row in rows if row.statement_id in found}


def _incident(record: StoredRecord) -> str:
    return record.incident or ""


def drawing(graph: CaseGraph) -> tuple[dict[Case, CaseBox], list[TieLine]]:
    """Columns from left to right, each in the middle of the height."""
    height = max(item.of for item in graph.placed) * _ROW
    boxes = {item.case: _box(item, height, graph.case) for item in graph.placed}
    return boxes, [_line(tie, boxes[tie.one], boxes[tie.other]) for tie in graph.ties]


def _box(item: PlacedCase, height: int, here: Case) -> CaseBox:
    top = (height - item.of * _ROW) // 2 + item.row * _ROW + _EDGE
    case = item.case
    address = f"/app/cases/{case.jurisdiction}/{quote(case.reference, safe='')}"
    name = term(case.jurisdiction, "jurisdiction")
    return CaseBox(name, case.reference, address, _EDGE + item.step * _COLUMN, top, case == here, case)


def _line(tie: Tie, one: CaseBox, other: CaseBox) -> TieLine:
    left, right = sorted((one, other), key=lambda box: (box.x, box.y))
    y1, y2 = left.y + BOX_SIZE[1] // 2, right.y + BOX_SIZE[1] // 2
    x1 = left.x + BOX_SIZE[0]
    if left.x == right.x:  # of one column: around its right side
        return TieLine(tie, f"M{x1} {y1} C{x1 + 80} {y1} {x1 + 80} {y2} {x1} {y2}", x1 + 66, (y1 + y2) // 2)
    bend = (right.x - x1) // 2
    path = f"M{x1} {y1} C{x1 + bend} {y1} {right.x - bend} {y2} {right.x} {y2}"
    # at seven tenths of the curve: lines part to the right, and the words of a column's own stand to the left
    return TieLine(tie, path, round(x1 + 0.658 * (right.x - x1)), round(0.216 * y1 + 0.784 * y2))
