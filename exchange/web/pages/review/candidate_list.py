"""Lists of exhibit pairs: of one's own exhibits, of all across borders, of one record; and setting pairs aside."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput
from exchange.flows.blind.open_lists import ScoredList
from exchange.flows.candidates.candidate_pages import candidates_across, candidates_of_record
from exchange.flows.candidates.exhibit_pairs import CandidateFilter, RestOfList
from exchange.flows.candidates.set_aside import THE_REST, bring_pairs_back, set_pairs_aside
from exchange.flows.node.node import Node
from exchange.web.access.caller import OpenNode
from exchange.web.http.paging import Cursor, decode_cursor, encode_cursor
from exchange.web.http.path_types import StatementId
from exchange.web.languages.spoken import page_before
from exchange.web.pages.layout import PURPOSE_MISSING, Examining, Reading, Visitor, off_loop, page, read_form
from exchange.web.pages.review.exhibit_list_pages import warning_page
from exchange.web.pages.review.score_strip import strip_of
from schemas.vocabulary import Jurisdiction, RegionOfInterest, Role

router = APIRouter()

_MOST_BOXES = 512
"""Fields of a form: a box for each pair that may be shown at once."""


@router.get("/candidates")
def across_borders(
    who: Reading,
    jurisdiction: Jurisdiction | Literal[""] | None = None,
    roi: RegionOfInterest | Literal[""] | None = None,
    new: Annotated[bool, Query(description="Only pairs that this person has not opened.")] = False,
    cursor: Cursor = None,
) -> Response:
    """By own record, the one with the best score first; of an examiner those whose lists are open to the examiner."""
    asked = {"jurisdiction": jurisdiction, "roi": roi, "new": "1" if new else None}
    stated = {name: str(value) for name, value in asked.items() if value}
    wanted = CandidateFilter(
        jurisdiction=jurisdiction or None, roi=roi or None, new_to=who.caller.pseudonym if new else None
    )
    listed = candidates_across(who.consultation, wanted, after=_after(cursor), asked=stated)
    following = None
    if listed.found.following is not None:
        following = urlencode(stated | {"cursor": encode_cursor(listed.found.following)})
    return page(
        "candidates",
        who,
        listed=listed,
        mine=who.caller.role is Role.EXAMINER,
        chosen=stated,
        jurisdictions=list(who.node.jurisdictions),
        regions=list(RegionOfInterest),
        following=following,
    )


@router.get("/records/{statement_id}/candidates")
def of_a_record(
    who: Reading,
    statement_id: StatementId,
    rest: Annotated[RestOfList | None, Query(description="With those that do not stand out.")] = None,
    aside: Annotated[bool, Query(description="With those that this examiner set aside.")] = False,
    cursor: Cursor = None,
) -> Response:
    """One exhibit over all its regions: every score on a strip, and what stands out. For an examiner who does not work
    on the exhibit, first what it costs to look at that."""
    after = _after(cursor)
    listed = candidates_of_record(who.consultation, statement_id, rest=rest, after=after, aside=aside)
    if isinstance(listed, ScoredList):
        return warning_page(who, listed)
    found, following = listed.found, None
    if rest is not None and found.following is not None:
        following = urlencode({"rest": rest, "cursor": encode_cursor(found.following)})
    return page(
        "record_candidates",
        who,
        listed=listed,
        found=found,
        strip=strip_of(found.ranking),
        rest_asked=rest,
        rest_counts={RestOfList.WEAKER: len(found.own.weaker), RestOfList.UNVALIDATED: len(found.own.unvalidated)},
        first_of_rest=after + 1,
        aside_asked=aside,
        may_set_aside=who.caller.role is Role.EXAMINER,
        following=following,
    )


@router.post("/records/{statement_id}/candidates")
async def change_own_view(request: Request, node: OpenNode, who: Examining, statement_id: StatementId) -> Response:
    """Set pairs of the list aside, or bring them back; what is shown of it then is the list as it stands."""
    fields = await read_form(request, node, who.csrf, most_fields=_MOST_BOXES)
    lists, before = f"/app/records/{statement_id}/candidates", page_before(request.headers)
    await off_loop(_change_view, node, who, statement_id, fields)
    again = before if before.partition("?")[0] == lists else lists  # with the weaker ones, where they were asked for
    return RedirectResponse(f"{again}#aside" if "aside" in fields else again, 303)


def _change_view(node: Node, who: Visitor, statement_id: str, fields: dict[str, str]) -> None:
    if not who.may_consult:
        raise InvalidInput("State on the first page why you ask, and under which law.", code=PURPOSE_MISSING)
    pseudonym, back = who.caller.pseudonym, fields.get("back")
    if back is not None:
        bring_pairs_back(node, pseudonym, statement_id, None if back == "all" else {back})
    elif fields.get("aside") == "rest":
        set_pairs_aside(node, pseudonym, statement_id, fields.get("list", ""), THE_REST)
    else:
        chosen = {name.removeprefix("pair.") for name in fields if name.startswith("pair.")}
        set_pairs_aside(node, pseudonym, statement_id, fields.get("list", ""), chosen)


def _after(cursor: str | None) -> int:
    """After how many of a list a page begins. Raises InvalidInput."""
    return 0 if cursor is None else max(0, int(decode_cursor(cursor, 1)[0]))
