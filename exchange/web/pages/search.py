"""Search: all records that this node holds, by what an investigator knows of an exhibit; the address is the question,
so that it can be kept. Without a condition it lists all, the newest arrival first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final, get_args
from urllib.parse import urlencode

from annotated_types import MaxLen
from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput
from exchange.flows.keys.suspicion import Suspicion
from exchange.flows.review.records import StoredRecord, search_records
from exchange.log.audit_entry import MAX_SUBJECTS, Act
from exchange.record_filter import CONDITIONS, RecordFilter
from exchange.web.access.caller import OpenNode
from exchange.web.http.paging import decode_cursor, encode_cursor
from exchange.web.languages import gettext, spoken
from exchange.web.languages import marked as _m
from exchange.web.pages.layout import Reading, page
from exchange.web.pages.records_csv import sheet
from exchange.web.rest import response_models
from schemas.calibre import Calibre, read_calibre
from schemas.exhibit import ClassCharacteristics, ClockHour
from schemas.jurisdiction import Jurisdiction

router = APIRouter()

_ON_A_PAGE = 50
MOST_EXPORTED = 1000
"""A list to work with, not a copy of the holdings."""


@dataclass(frozen=True)
class SearchField:
    """One field of the form: a choice among ``options``, or among the jurisdictions that the node knows, a day, or else
    a text of at most ``most`` characters.
    ``problem`` says what is wrong with anything else that is typed."""

    name: str
    label: str
    problem: str
    options: Sequence[StrEnum | Jurisdiction | int] = ()
    of_jurisdictions: bool = False
    is_day: bool = False
    most: int | None = None

    @property
    def is_class(self) -> bool:
        """Whether it asks for a class characteristic."""
        return self.name in ClassCharacteristics.model_fields


def _field(name: str, label: str) -> SearchField:
    """By the type of the condition."""
    condition = RecordFilter.model_fields[name]
    kind = get_args(condition.annotation)[0]
    if kind == ClockHour:
        return SearchField(name, label, _m("A clock hour is 1 to 12."), options=range(1, 13))
    if kind is date:
        return SearchField(name, label, _m("A day is written YYYY-MM-DD."), is_day=True)
    if kind is Jurisdiction:
        return SearchField(name, label, _m("Choose one of the list."), of_jurisdictions=True)
    if issubclass(kind, StrEnum):
        return SearchField(name, label, _m("Choose one of the list."), options=tuple(kind))
    most = next(bound.max_length for bound in condition.metadata if isinstance(bound, MaxLen))
    return SearchField(name, label, _m("At most %(most)s printable characters."), most=most)


FIELDS: Final = {name: _field(name, condition.label) for name, condition in CONDITIONS.items()}


def _offered(field: SearchField) -> SearchField:
    return replace(field, options=tuple(spoken().jurisdictions)) if field.of_jurisdictions else field


@dataclass(frozen=True)
class SearchForm:
    """What was asked, as it was typed; which fields cannot be understood, and why; the filter, None until all can."""

    asked: dict[str, str]
    problems: dict[str, str]
    wanted: RecordFilter | None


def question_of(typed: dict[str, str]) -> SearchForm:
    """Read what the address says. Nothing in it makes an error page: what is wrong is said beside its field."""
    asked = {name: typed[name].strip() for name in FIELDS if typed.get(name, "").strip()}
    told = {name: _problem(FIELDS[name], value) for name, value in asked.items()}
    problems = {name: problem for name, problem in told.items() if problem is not None}
    if not problems and "earliest" in asked and "latest" in asked and asked["earliest"] > asked["latest"]:
        problems["latest"] = gettext("This day lies before the other one.")
    return SearchForm(asked, problems, None if problems else RecordFilter.model_validate(asked))


def _problem(field: SearchField, typed: str) -> str | None:
    """Why what was typed cannot be understood. A value has one spelling here: that in which the form shows it again."""
    try:
        read = getattr(RecordFilter.model_validate({field.name: typed}), field.name)
        understood = str(read) == typed and typed.isprintable()
        if understood and field.of_jurisdictions:
            understood = typed in spoken().jurisdictions
    except ValidationError:
        understood = False
    if understood and field.name == "calibre":
        return _calibre_problem(typed)
    return None if understood else gettext(field.problem, most=field.most)


def _calibre_problem(typed: str) -> str | None:
    read = read_calibre(typed)
    if read.calibre is not None:
        return None
    if read.may_be:
        return gettext("Several calibres are called so: %(calibres)s.", calibres=", ".join(read.may_be))
    if read.near:
        near = ", ".join(read.near)
        return gettext("This designation is not known here. The nearest: %(calibres)s.", calibres=near)
    return gettext("This designation is not known here: choose one from the list.")


@router.get("/search")
def search_page(request: Request, node: OpenNode, who: Reading) -> Response:
    """The form, and what fits. Empty fields leave the address, so that a bookmark says no more than was asked."""
    typed = dict(request.query_params)
    if any(name in FIELDS and not value.strip() for name, value in typed.items()):
        stated = {name: value for name, value in typed.items() if name in FIELDS and value.strip()}
        return RedirectResponse(f"/app/search?{urlencode(stated)}" if stated else "/app/search", 303)
    asker, question = who.consultation, question_of(typed)
    before = None
    if typed.get("cursor"):
        before = int(decode_cursor(typed["cursor"][:200], 1)[0])
    rows, following, doubted = list[StoredRecord](), None, dict[str, Suspicion]()
    if question.wanted is not None:
        found = search_records(node, question.wanted, before=before, limit=_ON_A_PAGE + 1)
        rows, doubted = list(found.rows), found.suspicions
        asker.note(Act.SEARCH_RECORDS, min(len(rows), _ON_A_PAGE), asked=question.asked)
    if len(rows) > _ON_A_PAGE:
        following = urlencode(question.asked | {"cursor": encode_cursor(rows[_ON_A_PAGE - 1].sequence)})
    return page(
        "search",
        who,
        question=question,
        records=[response_models.summary(row) for row in rows[:_ON_A_PAGE]],
        doubted=doubted,
        following=following,
        later=before is not None,
        address=urlencode(question.asked),
        fields=[_offered(field) for field in FIELDS.values()],
        beside_the_list=(Calibre.OTHER,),
    )


@router.get("/search.csv")
def export_search(request: Request, node: OpenNode, who: Reading) -> Response:
    """The same as a table for a spreadsheet, each record of it written into the audit log by its name."""
    asker, question = who.consultation, question_of(dict(request.query_params))
    if question.wanted is None:
        raise InvalidInput(" ".join(question.problems.values()), code="invalid-field")
    found = search_records(node, question.wanted, before=None, limit=MOST_EXPORTED + 1)
    shown = found.rows[:MOST_EXPORTED]
    body = sheet(shown, found.suspicions, more=len(found.rows) > MOST_EXPORTED)
    for start in range(0, max(1, len(shown)), MAX_SUBJECTS):
        named = [row.statement_id for row in shown[start : start + MAX_SUBJECTS]]
        asker.note(Act.SEARCH_RECORDS, len(named), *named, asked=question.asked | {"as": "csv"})
    headers = {"Content-Disposition": 'attachment; filename="records.csv"', "Cache-Control": "no-store"}
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)
