"""Hits across a border: their stages and clocks, and what the two Firearms Focal Points say to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors import Conflict, InvalidInput, NotFound
from exchange.flows.hits.history import Link
from exchange.flows.hits.sides import other_side, own_hit, own_hits
from exchange.flows.hits.vocabulary import NoEffect, Stage
from exchange.flows.node.node import Node
from exchange.flows.review.next_statements import end_of_comparison
from exchange.flows.review.statements import Spoke
from exchange.flows.review.taken_work import TakenKind, colleagues_for, work_on_links
from exchange.flows.review.visible_hits import find_visible_link, reviews_on_exhibits, visible_hit, visible_hits
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.http.paging import Cursor, encode_place, hit_place_in
from exchange.web.http.path_types import StatementId
from exchange.web.http.problems import status_of
from exchange.web.languages import gettext
from exchange.web.pages.layout import Reading, Visitor, off_loop, page, read_form
from exchange.web.pages.review.custody_pages import find_wrong_field, form_name, sign_step, step_forms
from exchange.web.pages.review.hit_list import FIRST_DUE_FIRST, HitColumn, Turn, hit_list
from exchange.web.pages.review.hit_page import EXPLANATION, hit_values
from exchange.web.pages.review.review_pages import remark_of, speak_as
from exchange.web.pages.sorting import Direction, Sorting, order_of
from exchange.web.wording.sentences import refusal_of
from schemas.review import CUSTODY
from schemas.vocabulary import Basis, ComparisonStep

router = APIRouter()

_ON_A_PAGE = 50
ACTIONS = ("message", "feedback", "comparison", "custody", EXPLANATION, "conclusion", "done", "retraction")


_FIELD_OF: Final[dict[str, str]] = {
    NoEffect.DAYS_IN_DISORDER: "on",
    NoEffect.DAY_TO_COME: "on",
    NoEffect.DAY_IS_OVER: "on",
    "other-seal": "seal",
}
"""At which field of its form a refusal is shown; all others stand above the form."""


@dataclass(frozen=True)
class RefusedForm:
    """A form of the page that was sent and not signed: which one it was, why, beside which of its fields that stands
    ("" above the form), and what was typed."""

    name: str
    sentence: str
    beside: str
    typed: Mapping[str, str]


_NONE_REFUSED: Final = RefusedForm("", "", "", {})


@router.get("/hits")
def hits(
    node: OpenNode,
    who: Reading,
    closed: bool = False,
    turn: Turn | None = None,
    stage: Stage | None = None,
    sort: HitColumn | None = None,
    order: Direction | None = None,
    after: Cursor = None,
) -> Response:
    """The hits where somebody has a turn, what is due first at the top; or those where nobody has, the newest first.
    Scan pairs of the same two exhibits are one row."""
    asker = who.consultation
    found = visible_hits(node, *asker.reader, closed=closed, after=hit_place_in(after), limit=_ON_A_PAGE)
    asker.note(Act.LIST_STATEMENTS, len(found.links), *(link.link_id for link in found.links))
    wanted = FIRST_DUE_FIRST if closed else order_of(FIRST_DUE_FIRST, (HitColumn.SINCE,), sort, order)
    listed = hit_list(node, found.links, turn, stage, wanted)
    chosen = {name: str(value) for name, value in (("turn", turn), ("stage", stage)) if value is not None}
    return page(
        "hits",
        who,
        listed=listed,
        works=work_on_links(node, who.caller.role, [] if closed else found.links),
        closed=closed,
        turn=turn,
        stage=stage,
        sorting=Sorting(wanted, FIRST_DUE_FIRST, tuple(HitColumn), (HitColumn.SINCE,), "/app/hits", chosen),
        left_out=found.left_out,
        following=None if found.following is None else encode_place(*found.following),
    )


@router.get("/hits/{link_id}")
def hit_page(node: OpenNode, who: Reading, link_id: StatementId) -> Response:
    """One hit with its history, and the forms for what may come next."""
    return _hit_page(node, who, link_id)


def _hit_page(
    node: Node,
    who: Visitor,
    link_id: str,
    *,
    status: int = 200,
    refused: RefusedForm = _NONE_REFUSED,
) -> Response:
    """``refused``: the form that was sent, where it was not signed. What is newest is written down first: it is read
    with this, and no alert any more."""
    asker = who.consultation
    found = visible_hit(node, *asker.reader, link_id)
    asker.note(Act.READ_STATEMENT, 1, *(entry.statement_id for entry in reversed(found.link.history)))
    work = work_on_links(node, who.caller.role, [found.link]).get(found.link.link_id)
    people = colleagues_for(node, [TakenKind.HIT], besides=who.caller.pseudonym) if work else []
    values = hit_values(node, who, found)
    return page("hit", who, status=status, refused=refused, work=work, colleagues=people, **values)


@router.post("/hits/{link_id}/{action}")
async def act(request: Request, node: OpenNode, who: Reading, link_id: StatementId, action: str) -> Response:
    """One signed step of a hit."""
    fields = await read_form(request, node, who.csrf)
    if action not in ACTIONS:
        raise NotFound("There is no such step.")
    done: Response = await off_loop(_sign, node, who, link_id, action, fields)
    return done


def _sign(node: Node, who: Visitor, link_id: str, action: str, fields: dict[str, str]) -> Response:
    """What is wrong with the form is said at its field, with all that was typed."""
    link = find_visible_link(node, who.caller.role, who.caller.pseudonym, link_id)
    name = _form_of(action, fields)
    if action == "comparison" and fields.get("step") == ComparisonStep.AGREED and not fields.get("on"):
        refused = RefusedForm(name, gettext("Name the day on which the exhibits meet."), "on", fields)
        return _hit_page(node, who, link_id, status=422, refused=refused)
    if action == "custody":
        shown = (form for form in step_forms(node, who, link) if form.name == name)
        wrong = next((find_wrong_field(form, fields) for form in shown), None)
        if wrong is not None:
            beside, sentence = wrong
            return _hit_page(node, who, link_id, status=422, refused=RefusedForm(name, sentence, beside, fields))
    try:
        spoke = sign_step(node, who, link, fields) if action == "custody" else _act(node, who, link, action, fields)
    except (InvalidInput, Conflict) as error:
        said = refusal_of(error)
        sentence = said.sentence or said.detail
        refused = RefusedForm(name, sentence, _FIELD_OF.get(error.code, ""), fields)
        return _hit_page(node, who, link_id, status=status_of(error), refused=refused)
    return RedirectResponse(f"/app/hits/{link_id}#s-{spoke.statement_id[:12]}", 303)


def _form_of(action: str, fields: dict[str, str]) -> str:
    """The name of the form that was sent: there is one for each exhibit, and for each step that is explained."""
    match action:
        case "custody":
            return form_name(fields.get("step", ""), fields.get("record", ""))
        case "explanation":
            return form_name(EXPLANATION, fields.get("explains", ""))
        case _:
            return action


def _act(node: Node, who: Visitor, link: Link, action: str, fields: dict[str, str]) -> Spoke:
    lead = link.lead_id
    match action:
        case "message":
            channel, number = fields.get("channel", ""), fields.get("number", "").strip()
            if bool(channel) != bool(number):
                raise InvalidInput("A reference has a channel and a number.", code="invalid-field")
            reference = {"channel": channel, "number": number} if number else None
            text = _lines(fields, "text")
            return speak_as(node, who, "message", to=_peer(node, link), about=lead, text=text, reference=reference)
        case "feedback":
            return speak_as(node, who, "feedback", hit=lead, outcome=fields.get("outcome"), remark=remark_of(fields))
        case "explanation":
            stated = {"explains": fields.get("explains"), "explanation": _lines(fields, "explanation")}
            return speak_as(node, who, "custody-explanation", hit=lead, **stated)
        case "comparison":
            return speak_as(
                node,
                who,
                "physical-comparison",
                hit=lead,
                step=_step(fields),
                on=fields.get("on"),
                place=fields.get("place", "").strip(),
                remark=remark_of(fields),
            )
        case "conclusion":
            return speak_as(
                node,
                who,
                "conclusion",
                pair=link.pair.model_dump(mode="json"),
                result={"basis": Basis.EXHIBITS, "conclusion": fields.get("conclusion", "")},
                remark=remark_of(fields),
            )
        case "done":
            return _done(node, who, link, fields.get("review", ""))
        case _:
            return _take_back(node, who, link, fields.get("reason", "").strip())


def _take_back(node: Node, who: Visitor, link: Link, reason: str) -> Spoke:
    hit = own_hit(node.node_id, link)
    if hit is None and own_hits(node.node_id, link):
        raise Conflict("This hit was taken back already.", code="already-taken-back")
    if hit is None:
        raise Conflict("Only the node that signed a hit takes it back; this side may dispute it.", code="not-owner")
    return speak_as(node, who, "retraction", retracts=hit.statement_id, reason=reason)


def _done(node: Node, who: Visitor, link: Link, review_id: str) -> Spoke:
    """Both examiners concluded on the exhibits: an identification makes a confirmed hit, all else ends the way."""
    reviews = reviews_on_exhibits(node, link, who.caller.pseudonym)
    review = next((item for item in reviews if item.statement_id == review_id), None)
    if review is None or review.verified is None:
        raise NotFound("There is no such conclusion on the exhibits, or no other examiner has verified it.")
    said = end_of_comparison(link, review)
    return speak_as(node, who, said.pop("type"), **said)


def _lines(fields: dict[str, str], name: str) -> str:
    """Several lines, as a browser sends them."""
    return fields.get(name, "").replace("\r\n", "\n").strip()


def _step(fields: dict[str, str]) -> ComparisonStep:
    try:
        step = ComparisonStep(fields.get("step", ""))
    except ValueError as error:
        raise InvalidInput("Ask, agree or decline.", code="invalid-field") from error
    if step is ComparisonStep.DONE:
        raise InvalidInput("A comparison is done when two examiners concluded on the exhibits.", code="invalid-field")
    if step in CUSTODY:
        raise InvalidInput("An exhibit that travels has a form of its own.", code="invalid-field")
    return step


def _peer(node: Node, link: Link) -> str:
    peer = other_side(node.node_id, link)
    if peer is None:
        raise Conflict("Both records are this node's own: there is nobody to write to.", code="not-owner")
    return peer
