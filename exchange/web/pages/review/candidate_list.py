"""Lists of exhibit pairs: of one's own exhibits, of all across borders, of one record.

What stands out is shown with both pictures. Weaker pairs are not sent until somebody asks for them. Whoever was shown a
list verifies no pair blind that was in it, shown or not: that it was not shown tells that it is a weak one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.responses import Response

from exchange.errors import NotFound
from exchange.flows.blind.visibility import note_lists
from exchange.flows.candidates.exhibit_pairs import (
    CandidateFilter,
    RecordGroup,
    exhibits_across_borders,
    exhibits_of_record,
)
from exchange.flows.node.node import Node
from exchange.flows.scan.listed_scans import ListedScan, pictured_scans
from exchange.log.audit_entry import Act
from exchange.web.access.caller import OpenNode
from exchange.web.http.paging import Cursor, decode_cursor, encode_cursor
from exchange.web.pages.layout import Reading, Visitor, page
from exchange.web.pages.review.exhibit_cards import ListedExhibits, listed_exhibits
from exchange.web.pages.review.score_strip import strip_of
from exchange.web.rest import response_models
from exchange.web.rest.records import StatementId
from schemas.vocabulary import Jurisdiction, RegionOfInterest, Role

router = APIRouter()


@dataclass(frozen=True)
class ListedGroup:
    """What stands out of one record: ``open`` pairs that are shown, ``left_out`` more that stand out, ``weaker`` ones,
    and the highest score of these. ``clear``: that any of them stands clear of chance."""

    record: response_models.RecordSummary
    picture: ListedScan | None
    open: Sequence[ListedExhibits]
    clear: bool
    left_out: int
    weaker: int
    highest_weaker: float | None


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
    """By own record, the one with the best score first. An examiner's own exhibits come first: whoever lists the
    others' cannot verify them blind."""
    asker, pseudonym = who.consultation, who.caller.pseudonym
    mine = who.caller.role is Role.EXAMINER and of != "all"
    found = exhibits_across_borders(
        node,
        *asker.reader,
        CandidateFilter(
            jurisdiction=jurisdiction or None,
            roi=roi or None,
            submitted_by=pseudonym if mine else None,
            new_to=pseudonym if new else None,
        ),
        after=_after(cursor),
    )
    asked = {"of": "mine" if mine else "all", "jurisdiction": jurisdiction, "roi": roi, "new": "1" if new else None}
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
        pending=found.pending,
        mine=mine,
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
    weaker: Annotated[bool, Query(description="With those that do not stand out.")] = False,
    cursor: Cursor = None,
) -> Response:
    """One exhibit over all its regions: every score on a strip, and what stands out."""
    asker = who.consultation
    after = _after(cursor)
    found = exhibits_of_record(node, *asker.reader, statement_id, weaker=weaker, after=after)
    if found is None:
        raise NotFound("There is no such record on this node.")
    note_lists(node, who.caller.pseudonym, {found.record.exhibit: found.ranking.exhibits})
    shown = listed_exhibits(node, who, [*found.standing, *found.away, *found.weaker])
    asked = {"weaker": "1", "after": str(after)} if weaker else {}
    asker.note(Act.LIST_CANDIDATES, len(shown), statement_id, asked=asked)
    folded = len(found.standing) + len(found.away)
    following = None if found.following is None else urlencode({"weaker": 1, "cursor": encode_cursor(found.following)})
    return page(
        "record_candidates",
        who,
        record=response_models.summary(found.record),
        picture=pictured_scans(node, [found.record]).get(statement_id),
        strip=strip_of(found.ranking),
        open=shown[: len(found.standing)],
        away=shown[len(found.standing) : folded],
        more_away=len(found.ranking.away) - len(found.away),
        weaker=shown[folded:],
        weaker_asked=weaker,
        weaker_count=len(found.ranking.weaker),
        highest_weaker=found.ranking.highest_weaker,
        first_weaker=after + 1,
        pending=found.pending,
        following=following,
    )


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
            response_models.summary(group.record),
            pictured.get(group.record.statement_id),
            [next(shown) for _ in group.standing],
            group.ranking.clear > 0,
            len(group.ranking.standing) - len(group.standing),
            len(group.ranking.weaker),
            group.ranking.highest_weaker,
        )
        for group in found
    ]
