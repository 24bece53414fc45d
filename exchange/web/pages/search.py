"""Search: all records that this node holds, by what an investigator knows of an exhibit; the address is the question,
so that it can be kept. Without a condition it lists all, the newest arrival first."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput
from exchange.flows.keys.suspicion import Suspicion
from exchange.flows.review.records import StoredRecord, search_records, stated_of
from exchange.log.audit_entry import MAX_SUBJECTS, Act
from exchange.record_filter import ConditionGroup
from exchange.web.access.caller import OpenNode
from exchange.web.http.paging import decode_cursor, encode_cursor
from exchange.web.pages.layout import Reading, page
from exchange.web.pages.records_csv import sheet
from exchange.web.pages.search_form import FIELDS, offered, question_of, typed_in
from exchange.web.rest import response_models
from schemas.calibre import Calibre

router = APIRouter()

_ON_A_PAGE = 50
MOST_EXPORTED = 1000
"""A list to work with, not a copy of the holdings."""


@router.get("/search")
def search_page(request: Request, node: OpenNode, who: Reading) -> Response:
    """The form, and what fits. Empty fields leave the address, so that a bookmark says no more than was asked."""
    typed = typed_in(request.query_params)
    if any(name in FIELDS and not _is_said(value) for name, value in typed.items()):
        stated = {name: value for name, value in typed.items() if name in FIELDS and _is_said(value)}
        return RedirectResponse(f"/app/search?{urlencode(stated, doseq=True)}" if stated else "/app/search", 303)
    asker, question = who.consultation, question_of(typed)
    cursor, before = str(typed.get("cursor", "")), None
    if cursor:
        before = int(decode_cursor(cursor[:200], 1)[0])
    rows, following, doubted, tally = list[StoredRecord](), None, dict[str, Suspicion](), None
    if question.wanted is not None:
        found = search_records(node, question.wanted, before=before, limit=_ON_A_PAGE + 1, counted=before is None)
        rows, doubted, tally = list(found.rows), found.suspicions, found.tally
        asker.note(Act.SEARCH_RECORDS, min(len(rows), _ON_A_PAGE), asked=question.in_words)
    if len(rows) > _ON_A_PAGE:
        following = urlencode(question.asked | {"cursor": encode_cursor(rows[_ON_A_PAGE - 1].sequence)}, doseq=True)
    return page(
        "search",
        who,
        question=question,
        records=[response_models.summary(row) for row in rows[:_ON_A_PAGE]],
        doubted=doubted,
        following=following,
        later=before is not None,
        address=question.address,
        fields=[offered(field) for field in FIELDS.values()],
        groups=list(ConditionGroup),
        tally=tally,
        kind_names={name: FIELDS[name].label for name in ("kind", "offence", "calibre", "jurisdiction")},
        beside_the_list=(Calibre.OTHER,),
    )


def _is_said(value: str | tuple[str, ...]) -> bool:
    return bool(value.strip() if isinstance(value, str) else all(one.strip() for one in value))


@router.get("/search.csv")
def export_search(request: Request, node: OpenNode, who: Reading) -> Response:
    """The same as a table for a spreadsheet, each record of it written into the audit log by its name."""
    asker, question = who.consultation, question_of(typed_in(request.query_params))
    if question.wanted is None:
        raise InvalidInput(" ".join(question.problems.values()), code="invalid-field")
    found = search_records(node, question.wanted, before=None, limit=MOST_EXPORTED + 1)
    shown = found.rows[:MOST_EXPORTED]
    body = sheet(shown, found.suspicions, stated_of(node, shown), more=len(found.rows) > MOST_EXPORTED)
    for start in range(0, max(1, len(shown)), MAX_SUBJECTS):
        named = [row.statement_id for row in shown[start : start + MAX_SUBJECTS]]
        asker.note(Act.SEARCH_RECORDS, len(named), *named, asked=question.in_words | {"as": "csv"})
    headers = {"Content-Disposition": 'attachment; filename="records.csv"', "Cache-Control": "no-store"}
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)
