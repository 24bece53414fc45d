"""Conclude on a pair, verify another examiner's conclusion blind, send what both hold for a lead."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors import Conflict, InvalidInput, NotFound
from exchange.flows.blind.verifications import (
    give_verification_back,
    read_verification,
    take_verification,
    verifications_of,
)
from exchange.flows.blind.visibility import pair_of
from exchange.flows.candidates.exhibit_reviews import pair_to_sign, scan_pairs_of
from exchange.flows.candidates.shown_pair import found_candidate
from exchange.flows.node.node import Node
from exchange.flows.report.paper_sides import paper_sides
from exchange.flows.review.hit_exhibits import jurisdictions_of_nodes
from exchange.flows.review.judge_blind import judge_blind, take_judgement_back
from exchange.flows.review.leads import hit_of_review
from exchange.flows.review.partners import ask_partner, offered_partners, take_back_request
from exchange.flows.review.reviews import Review, read_reviews
from exchange.flows.review.statements import Spoke, may_take_back, speak
from exchange.flows.scan.listed_scans import pictures_of_pairs
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.http.path_types import RandomId, RowNumber, StatementId
from exchange.web.http.problems import status_of
from exchange.web.pages.layout import Examining, Visitor, off_loop, only, page, read_form
from exchange.web.pages.review.pair import RefusedConclusion, pair_page
from exchange.web.pages.review.rail import FROM_PATTERN, SeenFrom
from exchange.web.wording.conclusions import CONCLUSIONS_ON, ConclusionWord
from exchange.web.wording.hit_steps import side_name
from exchange.web.wording.sentences import refusal_of
from schemas.vocabulary import Basis, Role

router = APIRouter()

DONE_SHOWN = 20
TakingBack = Annotated[Visitor, Depends(only(Role.EXAMINER, Role.HEAD))]
_CANDIDATE: Final = re.compile("[1-9][0-9]{0,17}")


@router.post("/pairs/{candidate_id}/conclusion")
async def conclude(
    request: Request, node: OpenNode, who: Examining, candidate_id: RowNumber, seen_from: SeenFrom = None
) -> Response:
    """Sign a conclusion on two exhibits; another examiner is asked to verify it, blind."""
    fields = await read_form(request, node, who.csrf)
    done: Response = await off_loop(_conclude, node, who, candidate_id, fields, seen_from or _from(fields))
    return done


@router.post("/pairs/{candidate_id}/conclusion/{statement_id}/retraction")
async def take_back(
    request: Request,
    node: OpenNode,
    who: TakingBack,
    candidate_id: RowNumber,
    statement_id: StatementId,
    seen_from: SeenFrom = None,
) -> Response:
    """Take a conclusion back: nobody is asked to verify it any more. It stays in the log, and so does this."""
    fields = await read_form(request, node, who.csrf)
    await off_loop(_take_back, node, who, candidate_id, statement_id, fields)
    return _back_to(candidate_id, seen_from or _from(fields))


@router.post("/pairs/{candidate_id}/conclusion/{statement_id}/hit")
async def send_hit(
    request: Request, node: OpenNode, who: Examining, candidate_id: RowNumber, statement_id: StatementId
) -> Response:
    """Both examiners hold it worth pursuing: tell the other jurisdiction."""
    await read_form(request, node, who.csrf)
    hit = await off_loop(_send, node, who, candidate_id, statement_id)
    return RedirectResponse(f"/app/hits/{hit}", 303)


@router.get("/verifications")
def verifications(node: OpenNode, who: Examining) -> Response:
    """What waits for this examiner's judgement, without a word on why."""
    found = verifications_of(node, who.caller.pseudonym, most_done=DONE_SHOWN)
    known = jurisdictions_of_nodes(node)
    names = {side: side_name(known, side) for side in known}
    own = [(item, offered_partners(node, who.caller.pseudonym, item.statement_id)) for item in found.own]
    pictured = pictures_of_pairs(node, {task.task_id: task.pair for task in found.tasks})
    return page("verifications", who, tasks=found.tasks, pictured=pictured, own=own, done=found.done, names=names)


@router.post("/verifications/{task_id}/take")
async def claim_verification(request: Request, node: OpenNode, who: Examining, task_id: RandomId) -> Response:
    """This examiner does it."""
    await read_form(request, node, who.csrf)
    await off_loop(take_verification, node, who.caller.pseudonym, task_id)
    return RedirectResponse(f"/app/verifications/{task_id}", 303)


@router.post("/verifications/{task_id}/give-back")
async def give_back(request: Request, node: OpenNode, who: Examining, task_id: RandomId) -> Response:
    """Another examiner may do it."""
    await read_form(request, node, who.csrf)
    await off_loop(give_verification_back, node, who.caller.pseudonym, task_id)
    return RedirectResponse("/app/verifications", 303)


@router.post("/verifications/own/{statement_id}/partner")
async def request_partner(request: Request, node: OpenNode, who: Examining, statement_id: StatementId) -> Response:
    """No examiner of this node is left: a partner verifies this examiner's own conclusion."""
    fields = await read_form(request, node, who.csrf)
    await off_loop(ask_partner, node, who.caller.pseudonym, statement_id, fields.get("partner", ""))
    return RedirectResponse("/app/verifications", 303)


@router.post("/verifications/own/{statement_id}/partner/retraction")
async def take_back_from_partner(
    request: Request, node: OpenNode, who: Examining, statement_id: StatementId
) -> Response:
    """The partner that was asked does not verify this examiner's own conclusion."""
    await read_form(request, node, who.csrf)
    await off_loop(take_back_request, node, who.caller.pseudonym, statement_id)
    return RedirectResponse("/app/verifications", 303)


@router.get("/verifications/{task_id}")
def verification_page(node: OpenNode, who: Examining, task_id: RandomId) -> Response:
    """The two specimens, and nothing that anybody or anything holds of them."""
    asker = who.consultation
    found = read_verification(node, who.caller.pseudonym, task_id)
    asker.note(Act.READ_RECORD, 2, *(side.record.statement_id for side in found.sides))
    return page(
        "verification",
        who,
        task=found.task,
        roi=found.roi,
        sides=found.sides,
        paper=paper_sides(node, found.sides),
        conclusions=CONCLUSIONS_ON[found.task.basis],
    )


@router.post("/verifications/{task_id}")
async def answer_verification(request: Request, node: OpenNode, who: Examining, task_id: RandomId) -> Response:
    """Sign what this examiner concludes. The answer is the same, whatever was asked."""
    fields = await read_form(request, node, who.csrf)
    await off_loop(_answer, node, who, task_id, fields)
    return RedirectResponse("/app/verifications", 303)


@router.post("/verifications/{task_id}/retraction")
async def take_answer_back(request: Request, node: OpenNode, who: Examining, task_id: RandomId) -> Response:
    """Take back what this examiner signed. The answer is the same, whatever was asked."""
    fields = await read_form(request, node, who.csrf)
    await off_loop(take_judgement_back, node, who.caller.maker, task_id, fields.get("reason", "").strip())
    return RedirectResponse("/app/verifications", 303)


def speak_as(node: Node, who: Visitor, kind: str, other_seal: bool = False, /, **fields: Any) -> Spoke:
    """A form's fields as the draft of a statement; empty ones are left out. A form that is sent twice is signed
    once."""
    draft = {"type": kind} | {name: value for name, value in fields.items() if value not in ("", None)}
    return speak(node, who.caller.maker, json.dumps(draft).encode(), once=True, other_seal=other_seal)


def _from(fields: dict[str, str]) -> str | None:
    """The record whose list the pair was opened from, as the form tells it."""
    told = fields.get("from", "")
    return told if re.fullmatch(FROM_PATTERN, told) else None


def _back_to(candidate_id: int, seen_from: str | None, part: str = "#review") -> Response:
    """To a pair, with its rail where it had one."""
    opened_from = f"?from={seen_from}" if seen_from else ""
    return RedirectResponse(f"/app/pairs/{candidate_id}{opened_from}{part}", 303)


def _conclude(
    node: Node, who: Visitor, candidate_id: int, fields: dict[str, str], seen_from: str | None = None
) -> Response:
    """On the strongest pair of the exhibits' scans, or where their review stands; on this one where that was chosen.
    What is refused is said above the form, with all that was typed."""
    found = found_candidate(who.consultation, candidate_id, cells=False)
    if fields.get("on") != "this":
        reviews = read_reviews(node, pair_of(found), who.caller.pseudonym, who.caller.role)
        found = pair_to_sign(found, scan_pairs_of(node, *who.consultation.reader, found), reviews)
    pair = pair_of(found)
    try:
        speak_as(
            node,
            who,
            "conclusion",
            pair=pair.model_dump(mode="json"),
            result={"basis": Basis.SCREEN, "conclusion": _chosen(fields, Basis.SCREEN)},
            remark=remark_of(fields),
        )
    except (InvalidInput, Conflict) as error:
        said = refusal_of(error)
        refused = RefusedConclusion(said.sentence or said.detail, fields)
        return pair_page(node, who, candidate_id, seen_from, status=status_of(error), refused=refused)
    following = fields.get("next", "")
    if fields.get("then") == "next" and _CANDIDATE.fullmatch(following):
        return _back_to(int(following), seen_from, part="")
    return _back_to(candidate_id, seen_from)


def _take_back(node: Node, who: Visitor, candidate_id: int, statement_id: str, fields: dict[str, str]) -> None:
    review = _review(node, who, candidate_id, statement_id)
    if not may_take_back(review.said.made_by, who.caller.pseudonym, who.caller.role):
        raise NotFound("There is no such conclusion of yours on this pair.")
    speak_as(node, who, "retraction", retracts=statement_id, reason=fields.get("reason", "").strip())


def _send(node: Node, who: Visitor, candidate_id: int, statement_id: str) -> str:
    """The hit, also where it was sent already: on the scans that were concluded on, with their score."""
    review = _review(node, who, candidate_id, statement_id)
    if review.said.made_by.pseudonym != who.caller.pseudonym:
        raise NotFound("There is no such conclusion of yours on this pair.")
    if review.hit is not None:
        return review.hit
    if review.verified is None:
        raise InvalidInput("No other examiner has verified it yet.", code="not-verified")
    found = found_candidate(who.consultation, candidate_id, cells=False)
    every = scan_pairs_of(node, *who.consultation.reader, found)
    draft = hit_of_review(review, next((pair for pair in every if pair_of(pair) == review.said.pair), None))
    return speak_as(node, who, draft.pop("type"), **draft).statement_id


def _review(node: Node, who: Visitor, candidate_id: int, statement_id: str) -> Review:
    """A conclusion on the two exhibits of a pair that this person may see. Raises NotFound."""
    pair = pair_of(found_candidate(who.consultation, candidate_id, cells=False))
    for review in read_reviews(node, pair, who.caller.pseudonym, who.caller.role):
        if review.statement_id == statement_id:
            return review
    raise NotFound("There is no such conclusion of yours on this pair.")


def _answer(node: Node, who: Visitor, task_id: str, fields: dict[str, str]) -> None:
    judge_blind(node, who.caller.maker, task_id, _chosen(fields, *Basis), remark_of(fields))


def _chosen(fields: dict[str, str], *bases: Basis) -> ConclusionWord:
    words = {str(word): word for basis in bases for word in CONCLUSIONS_ON[basis]}
    chosen = words.get(fields.get("conclusion", ""))
    if chosen is None:
        raise InvalidInput("Choose a conclusion.", code="invalid-field")
    return chosen


def remark_of(fields: dict[str, str]) -> str | None:
    """Several lines, as a browser sends them."""
    return fields.get("remark", "").replace("\r\n", "\n").strip() or None
