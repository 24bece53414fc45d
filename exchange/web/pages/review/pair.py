"""One pair: both scans for the viewer, what the score rests on, the review of the two exhibits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from exchange.flows.access.consultation import Consultation
from exchange.flows.blind.compared_sides import compared_sides
from exchange.flows.blind.visibility import pair_of
from exchange.flows.candidates.candidates import CandidatePair
from exchange.flows.candidates.exhibit_reviews import pair_to_sign, scan_pairs_of
from exchange.flows.candidates.shown_pair import ShownPair, found_candidate, note_candidate, note_listed, shown_pair
from exchange.flows.node.node import Node
from exchange.flows.report.paper_sides import paper_sides
from exchange.flows.review.hit_exhibits import jurisdictions_of_nodes
from exchange.flows.review.reviews import Review, read_reviews
from exchange.flows.scan.encode_heights import MOST_DRAWN
from exchange.flows.scan.heights import Form, Wanted
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.access.given_scans import heights_answer
from exchange.web.http.conditional import IfNoneMatch
from exchange.web.http.path_types import Digest, MarkedRegion, RowNumber
from exchange.web.languages import gettext as _
from exchange.web.pages.layout import Reading, Visitor, page
from exchange.web.pages.review.rail import SeenFrom, rail_for
from exchange.web.wording.conclusions import CONCLUSIONS_ON
from exchange.web.wording.hit_steps import side_name
from schemas.vocabulary import Basis, Role

router = APIRouter()


@dataclass(frozen=True)
class ExhibitScans:
    """``signed_on``: the number of the scan pair on which a conclusion is signed; ``reviewed_on``: the same where one
    stands on another pair than this."""

    lines: Sequence[ShownPair]
    signed_on: int
    reviewed_on: int | None


@dataclass(frozen=True)
class RefusedConclusion:
    """A conclusion that was sent and not signed: why, in words ("" where none was refused), and what was typed."""

    sentence: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)


_NONE_REFUSED: Final = RefusedConclusion()


@router.get("/pairs/{candidate_id}")
def one_pair(node: OpenNode, who: Reading, candidate_id: RowNumber, seen_from: SeenFrom = None) -> Response:
    """One pair with what its score rests on; ``from``: the record whose list it was opened from, for the rail."""
    return pair_page(node, who, candidate_id, seen_from)


@router.get("/pairs/{candidate_id}/cells")
def cells_of_pair(who: Reading, candidate_id: RowNumber) -> Response:
    """What the page's viewer asks for where the page came without cells: finding them takes a second, for which nobody
    waits before the first picture. ``comparison`` is null while every process is busy."""
    asker = who.consultation
    found = found_candidate(asker, candidate_id)
    row = found.row
    if not row.cells_found:
        return JSONResponse({"comparison": None})
    note_candidate(asker, Act.READ_CANDIDATE, found)
    said = _("%(congruent)s of %(cells)s", congruent=row.congruent_cells, cells=row.cells)
    return JSONResponse({"comparison": row.comparison, "said": said})


def pair_page(
    node: Node,
    who: Visitor,
    candidate_id: int,
    seen_from: str | None = None,
    *,
    status: int = 200,
    refused: RefusedConclusion = _NONE_REFUSED,
) -> Response:
    """``refused``: the conclusion that was sent, where it was not signed."""
    asker = who.consultation
    found = found_candidate(asker, candidate_id, cells=False)
    note_candidate(asker, Act.READ_CANDIDATE, found)
    reviews = read_reviews(node, pair_of(found), who.caller.pseudonym, who.caller.role)
    compared = compared_sides(found)
    known = jurisdictions_of_nodes(node)
    return page(
        "pair",
        who,
        status=status,
        pair=shown_pair(node, found),
        sides=compared,
        paper=paper_sides(node, compared),
        explained=found.row.comparison,
        reviews=reviews,
        partner_names={side: side_name(known, side) for side in known},
        conclusions=CONCLUSIONS_ON[Basis.SCREEN],
        may_conclude=who.caller.role is Role.EXAMINER,
        rail=rail_for(node, asker, found, seen_from) if seen_from else None,
        exhibits=_exhibits(asker, found, reviews),
        query=found.acquisition_a.sha256,
        refused=refused,
    )


def _exhibits(asker: Consultation, found: CandidatePair, reviews: Sequence[Review]) -> ExhibitScans:
    """All scan pairs of the two exhibits, noted as listed."""
    pairs = scan_pairs_of(asker.node, *asker.reader, found)
    note_listed(asker, pairs)
    signed_on = pair_to_sign(found, pairs, reviews).row.candidate_id
    stands = any(not review.retracted for review in reviews)
    here = found.row.candidate_id
    return ExhibitScans(
        [shown_pair(asker.node, pair) for pair in pairs], signed_on, signed_on if stands and signed_on != here else None
    )


@router.get("/scans/{sha256}/heights/{drawn}")
async def drawn_heights(
    request: Request,
    node: OpenNode,
    who: Reading,
    sha256: Digest,
    drawn: Literal["plain", "mirrored"],
    form: Form = Form.RAW,
    region: MarkedRegion = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """What the comparison viewer draws of one scan."""
    wanted = Wanted(form, MOST_DRAWN, drawn == "mirrored", region)
    return await heights_answer(request, node, who.consultation, sha256, wanted, if_none_match)
