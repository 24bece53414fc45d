"""Lists of exhibit pairs: of one's own exhibits, of all across borders, of one record.

What stands out is shown with both pictures. Weaker pairs are not sent until somebody asks for them. Whoever was shown a
list verifies no pair blind that was in it, shown or not: that it was not shown tells that it is a weak one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput, NotFound
from exchange.flows.blind.open_lists import scored_list
from exchange.flows.blind.visibility import note_lists
from exchange.flows.candidates.exhibit_pairs import (
    CandidateFilter,
    RecordGroup,
    RestOfList,
    exhibits_across_borders,
    exhibits_of_record,
)
from exchange.flows.candidates.set_aside import THE_REST, bring_pairs_back, set_pairs_aside
from exchange.flows.node.node import Node
from exchange.flows.review.records import StoredRecord
from exchange.flows.review.taken_work import TakenKind, colleagues_for, work_on_records
from exchange.flows.scan.listed_scans import ListedScan, pictured_scans
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.http.paging import Cursor, decode_cursor, encode_cursor
from exchange.web.http.path_types import StatementId
from exchange.web.languages.spoken import page_before
from exchange.web.pages.layout import PURPOSE_MISSING, Examining, Reading, Visitor, off_loop, page, read_form
from exchange.web.pages.review.exhibit_cards import ListedExhibits, listed_exhibits, strip_of
from exchange.web.pages.review.exhibit_list import warning_page
from schemas.vocabulary import Jurisdiction, RegionOfInterest, Role

router = APIRouter()

_MOST_BOXES = 512
"""Fields of a form: a box for each pair that may be shown at once."""


@dataclass(frozen=True)
class ListedGroup:
    """What stands out of one record: ``open`` pairs that are shown, ``left_out`` more that stand out, ``weaker`` ones,
    and the highest score of these; ``unvalidated`` ones without a validated score; so many this examiner set ``aside``.
    ``clear``: that any of them stands clear of chance."""

    record: StoredRecord
    picture: ListedScan | None
    open: Sequence[ListedExhibits]
    clear: bool
    left_out: int
    weaker: int
    highest_weaker: float | None
    unvalidated: int
    aside: int


@router.get("/candidates")
def across_borders(
    node: OpenNode,
    who: Reading,
    jurisdiction: Jurisdiction | Literal[""] | None = None,
    roi: RegionOfInterest | Literal[""] | None = None,
    new: Annotated[bool, Query(description="Only pairs that this person has not opened.")] = False,
    cursor: Cursor = None,
) -> Response:
    """By own record, the one with the best score first; of an examiner those whose lists are open to the examiner."""
    asker, pseudonym = who.consultation, who.caller.pseudonym
    found = exhibits_across_borders(
        node,
        *asker.reader,
        CandidateFilter(
            jurisdiction=jurisdiction or None,
            roi=roi or None,
            new_to=pseudonym if new else None,
        ),
        after=_after(cursor),
    )
    asked = {"jurisdiction": jurisdiction, "roi": roi, "new": "1" if new else None}
    stated = {name: str(value) for name, value in asked.items() if value}
    groups = _listed_groups(node, who, found.groups)
    asker.note(Act.LIST_CANDIDATES, sum(len(group.open) for group in groups), asked=stated)
    following = None
    if found.following is not None:
        following = urlencode(stated | {"cursor": encode_cursor(found.following)})
    return page(
        "candidates",
        who,
        groups=groups,
        works=work_on_records(node, *asker.reader, [group.record for group in found.groups]),
        pending=found.pending,
        mine=who.caller.role is Role.EXAMINER,
        chosen=stated,
        jurisdictions=list(node.jurisdictions),
        regions=list(RegionOfInterest),
        following=following,
    )


@router.get("/records/{statement_id}/candidates")
def of_a_record(
    node: OpenNode,
    who: Reading,
    statement_id: StatementId,
    rest: Annotated[RestOfList | None, Query(description="With those that do not stand out.")] = None,
    aside: Annotated[bool, Query(description="With those that this examiner set aside.")] = False,
    cursor: Cursor = None,
) -> Response:
    """One exhibit over all its regions: every score on a strip, and what stands out. For an examiner who does not work
    on the exhibit, first what it costs to look at that."""
    asker = who.consultation
    before = scored_list(node, *asker.reader, statement_id)
    if not before.is_open:
        asker.note(Act.READ_RECORD, 1, statement_id)
        return warning_page(who, before)
    after = _after(cursor)
    found = exhibits_of_record(node, *asker.reader, statement_id, rest=rest, after=after, aside=aside)
    if found is None:
        raise NotFound("There is no such record on this node.")
    note_lists(node, who.caller.pseudonym, {found.record.exhibit: found.ranking.exhibits})
    shown = iter(listed_exhibits(node, who, [*found.standing, *found.away, *found.rest, *found.aside]))
    parts = [[next(shown) for _ in part] for part in (found.standing, found.away, found.rest, found.aside)]
    asked = ({"rest": str(rest), "after": str(after)} if rest else {}) | ({"aside": "1"} if aside else {})
    asker.note(Act.LIST_CANDIDATES, sum(map(len, parts)), statement_id, asked=asked)
    work = work_on_records(node, *asker.reader, [found.record]).get(statement_id)
    following = None
    if rest is not None and found.following is not None:
        following = urlencode({"rest": rest, "cursor": encode_cursor(found.following)})
    return page(
        "record_candidates",
        who,
        record=found.record,
        picture=pictured_scans(node, [found.record]).get(statement_id),
        strip=strip_of(found.ranking),
        open=parts[0],
        away=parts[1],
        more_away=len(found.ranking.away) - len(found.away),
        rest=parts[2],
        rest_asked=rest,
        rest_counts={RestOfList.WEAKER: len(found.own.weaker), RestOfList.UNVALIDATED: len(found.own.unvalidated)},
        highest_weaker=found.own.highest_weaker,
        first_of_rest=after + 1,
        aside=parts[3],
        aside_asked=aside,
        aside_count=len(found.own.aside),
        tag=found.own.tag,
        may_set_aside=who.caller.role is Role.EXAMINER,
        work=work,
        colleagues=colleagues_for(node, [TakenKind.EXHIBIT], besides=who.caller.pseudonym) if work else [],
        pending=found.pending,
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


def _listed_groups(node: Node, who: Visitor, found: Sequence[RecordGroup]) -> list[ListedGroup]:
    """All that is shown of them is read, and noted, at once."""
    note_lists(node, who.caller.pseudonym, {group.record.exhibit: group.ranking.exhibits for group in found})
    shown = iter(listed_exhibits(node, who, [pair for group in found for pair in group.standing]))
    pictured = pictured_scans(node, [group.record for group in found])
    return [
        ListedGroup(
            group.record,
            pictured.get(group.record.statement_id),
            [next(shown) for _ in group.standing],
            group.ranking.clear > 0,
            len(group.own.standing) - len(group.standing),
            len(group.own.weaker),
            group.own.highest_weaker,
            len(group.own.unvalidated),
            len(group.own.aside),
        )
        for group in found
    ]
