"""Search: all records that this node holds, by what an investigator knows of an exhibit; the address is the question
and the order, so that it can be kept. Without a condition it lists all, and the newest arrival stands first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput
from exchange.flows.keys.suspicion import Suspicion
from exchange.flows.review.records import (
    MOST_COUNTED,
    MOST_HELD,
    NEWEST_FIRST,
    FoundRecords,
    RecordColumn,
    StoredRecord,
    search_records,
    sorted_values,
    stated_of,
)
from exchange.log.audit_entry import MAX_SUBJECTS, Act
from exchange.record_filter import FIELDS_OF_RECORDS, ConditionGroup
from exchange.web.access.caller import OpenNode
from exchange.web.languages import gettext, term
from exchange.web.pages.entry.search_form import FIELDS, SearchForm, offered, question_of, typed_in
from exchange.web.pages.entry.sorted_records import FALLING, VALUES, record_order
from exchange.web.pages.layout import Reading, page
from exchange.web.pages.sorting import Direction, PageCursor, Sorting, cursor_after, opened_cursor
from exchange.web.report.sheet import written_sheet
from exchange.web.wording.calibres import named_calibre
from exchange.web.wording.sentences import suspicion
from schemas.calibre import Calibre

_COLUMNS = (
    *("jurisdiction", "node", "case", "incident", "item", "kind", "calibre", "earliest", "latest", "handling"),
    *("received", "record", "suspicion"),
)
_FURTHER = tuple(
    name for name in FIELDS_OF_RECORDS if name not in (*_COLUMNS, "jurisdiction", "issuer", "case_reference")
)
"""Whatever else a record states, each under the name of its condition in the search, as it was signed."""


def sheet(
    rows: Sequence[StoredRecord],
    doubted: Mapping[str, Suspicion],
    stated: Mapping[str, Mapping[str, str]],
    *,
    more: bool,
) -> bytes:
    """With the handling code of each record, what is to be said of its key, and the footnotes of its
    jurisdictions; ``stated``: what else each states; ``more``: not all fitted."""
    cells = (
        (
            term(row.jurisdiction, "jurisdiction"),
            row.issuer,
            row.case_reference,
            row.incident or "",
            row.item or "",
            term(row.kind, "exhibit_kind"),
            named_calibre(row.calibre, row.calibre_words),
            row.earliest or "",
            row.latest or "",
            row.handling,
            row.received_at,
            row.statement_id,
            suspicion(doubted[row.statement_id]) if row.statement_id in doubted else "",
            *(stated.get(row.statement_id, {}).get(name, "") for name in _FURTHER),
        )
        for row in rows
    )
    cut = gettext("More records fit than this table holds: the newest %(count)s.", count=len(rows))
    named = {row.jurisdiction for row in rows}
    return written_sheet((*_COLUMNS, *_FURTHER), cells, [cut] if more else [], named)


router = APIRouter()

_ON_A_PAGE = 50
MOST_EXPORTED = 1000
"""A list to work with, not a copy of the holdings."""


@router.get("/search")
def search_page(
    request: Request,
    node: OpenNode,
    who: Reading,
    sort: RecordColumn | None = None,
    order: Direction | None = None,
    cursor: PageCursor = None,
) -> Response:
    """The form, and what fits. Empty fields leave the address, so that a bookmark says no more than was asked."""
    typed, wanted_order = typed_in(request.query_params), record_order(sort, order)
    sorting = Sorting(wanted_order, NEWEST_FIRST, (), FALLING, "/app/search", {})
    if any(name in FIELDS and not _is_said(value) for name, value in typed.items()):
        stated = {name: value for name, value in typed.items() if name in FIELDS and _is_said(value)} | sorting.said
        return RedirectResponse(f"/app/search?{urlencode(stated, doseq=True)}" if stated else "/app/search", 303)
    asker, question = who.consultation, replace(question_of(typed), sorted_by=sorting.said)
    before = None
    if cursor:
        wanted_order, before = opened_cursor(cursor, wanted_order, VALUES[wanted_order.column])
    found = FoundRecords((), {}, wanted_order)
    if question.wanted is not None:
        found = search_records(
            node, question.wanted, before=before, limit=_ON_A_PAGE + 1, counted=True, order=wanted_order
        )
        asker.note(Act.SEARCH_RECORDS, min(len(found.rows), _ON_A_PAGE), asked=question.in_words)
    sorting = _sorting(found, question)
    return page(
        "search",
        who,
        question=question,
        records=found.rows[:_ON_A_PAGE],
        doubted=found.suspicions,
        following=_following(found, sorting),
        later=before is not None,
        address=question.address,
        fields=[offered(field) for field in FIELDS.values()],
        groups=list(ConditionGroup),
        tally=found.tally,
        count=found.count,
        most_counted=MOST_COUNTED,
        most_held=MOST_HELD,
        sorting=sorting,
        too_many_to_sort=found.order.column is not wanted_order.column,
        kind_names={name: FIELDS[name].label for name in ("kind", "offence", "calibre", "jurisdiction")},
        beside_the_list=(Calibre.OTHER,),
    )


def _sorting(found: FoundRecords, question: SearchForm) -> Sorting[RecordColumn]:
    """By the day on which they occurred where so few fit that no index is needed."""
    few = found.count is not None and found.count.few
    columns = [column for column in RecordColumn if few or column is not RecordColumn.OCCURRED]
    return Sorting(found.order, NEWEST_FIRST, columns, FALLING, "/app/search", question.asked)


def _following(found: FoundRecords, sorting: Sorting[RecordColumn]) -> str | None:
    if len(found.rows) <= _ON_A_PAGE:
        return None
    last: StoredRecord = found.rows[_ON_A_PAGE - 1]
    return sorting.address_after(cursor_after(found.order, sorted_values(last, found.order.column), last.sequence))


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
