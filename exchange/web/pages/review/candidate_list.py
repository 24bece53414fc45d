"""Candidate lists: of one's own exhibits, of all across borders, of one record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.responses import Response

from exchange.errors import NotFound
from exchange.flows.hits.history import linked
from exchange.flows.keys.suspicion import suspicions_of
from exchange.flows.node.likelihood_ratio import worth_of
from exchange.flows.node.node import Node
from exchange.log.audit_entry import Act
from exchange.store.entry.records import PENDING, acquisitions_of, counts_by_state, find_record
from exchange.store.review.candidates import CandidateFilter, Page, StoredCandidate, candidates_of, open_candidates
from exchange.store.review.reviews import seen_by
from exchange.web.access.caller import OpenNode
from exchange.web.http.paging import Cursor, decode_cursor, encode_cursor
from exchange.web.pages.layout import Reading, Visitor, page
from exchange.web.rest import response_models
from exchange.web.rest.candidates import note_listed, view_for
from exchange.web.rest.records import StatementId
from schemas.vocabulary import Jurisdiction, RegionOfInterest, Role

router = APIRouter()

ON_A_PAGE = 50


@dataclass(frozen=True)
class Listed:
    """One line. ``hit`` is the statement's id of the hit that joins the pair already; ``fresh`` while this person has
    not opened it."""

    pair: response_models.CandidateAnswer
    hit: str | None
    fresh: bool

    @property
    def away(self) -> bool:
        """Nothing to find any more: of one case, or joined already."""
        return self.hit is not None or self.pair.same_case


@router.get("/candidates")
def across_borders(
    node: OpenNode,
    who: Reading,
    of: Literal["mine", "all"] | None = None,
    jurisdiction: Jurisdiction | Literal[""] | None = None,
    roi: RegionOfInterest | Literal[""] | None = None,
    new: Annotated[bool, Query(description="Only pairs that this person has not opened.")] = False,
    cursor: Cursor = None,
) -> Response:
    """Open candidates, the best score first. An examiner's own exhibits come first: whoever lists the others' cannot
    verify them blind."""
    asker, after, pseudonym = who.consultation, None, who.caller.pseudonym
    if cursor is not None:
        score, candidate_id = decode_cursor(cursor, 2)
        after = (score, int(candidate_id))
    mine = who.caller.role is Role.EXAMINER and of != "all"
    wanted = CandidateFilter(
        jurisdiction=jurisdiction or None,
        roi=roi or None,
        submitted_by=pseudonym if mine else None,
        new_to=pseudonym if new else None,
    )
    with node.store.read() as session:
        found = open_candidates(session, view_for(asker), Page(ON_A_PAGE + 1, after), wanted)
        pending = sum(count for state, count in counts_by_state(session).items() if state in PENDING)
    asked = {"of": "mine" if mine else "all", "jurisdiction": jurisdiction, "roi": roi, "new": "1" if new else None}
    stated = {name: str(value) for name, value in asked.items() if value}
    note_listed(asker, found[:ON_A_PAGE])
    asker.note(Act.LIST_CANDIDATES, min(len(found), ON_A_PAGE), asked=stated)
    following = None
    if len(found) > ON_A_PAGE:
        last = found[ON_A_PAGE - 1].row
        following = urlencode(stated | {"cursor": encode_cursor(last.score, last.candidate_id)})
    return page(
        "candidates",
        who,
        listed=_listed(node, who, found[:ON_A_PAGE], None),
        pending=pending,
        seen_from=None,
        mine=mine,
        chosen=stated,
        jurisdictions=list(Jurisdiction),
        regions=list(RegionOfInterest),
        following=following,
    )


@router.get("/records/{statement_id}/candidates")
def of_a_record(node: OpenNode, who: Reading, statement_id: StatementId) -> Response:
    """One exhibit over all its regions."""
    asker = who.consultation
    with node.store.read() as session:
        found = find_record(session, statement_id)
        if found is None:
            raise NotFound("There is no such record on this node.")
        pending = sum(item.state in PENDING for item in acquisitions_of(session, statement_id))
        pairs = candidates_of(session, statement_id, view_for(asker), Page(ON_A_PAGE))
    note_listed(asker, pairs)
    asker.note(Act.LIST_CANDIDATES, len(pairs), statement_id)
    return page(
        "candidates",
        who,
        listed=_listed(node, who, pairs, statement_id),
        pending=pending,
        seen_from=response_models.summary(found[0]),
        mine=False,
        chosen={},
        following=None,
    )


def _listed(node: Node, who: Visitor, found: list[StoredCandidate], seen_from: str | None) -> list[Listed]:
    with node.store.read() as session:
        seen = seen_by(session, who.caller.pseudonym, [item.scans for item in found])
        hits = linked(session, [item.scans for item in found])
    doubted = suspicions_of(node, *((item.record_a, item.record_b) for item in found))
    opened = {scans for scans, row in seen.items() if row.opened_at is not None}
    return [
        Listed(
            response_models.candidate(item, worth_of(node.calibration, item), doubted, seen_from),
            hits.get(item.scans),
            who.caller.role is Role.EXAMINER and item.scans not in opened,
        )
        for item in found
    ]
