"""Search: all records that this node holds, by what an investigator knows of an exhibit; the address is the question,
so that it can be kept. Without a condition it lists all, the newest arrival first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from exchange.errors import InvalidInput
from exchange.flows.keys.suspicion import Suspicion
from exchange.flows.review.records import RecordSearch, StoredRecord, search_records
from exchange.log.audit_entry import MAX_SUBJECTS, Act
from exchange.web.access.caller import OpenNode
from exchange.web.http.paging import decode_cursor, encode_cursor
from exchange.web.languages import gettext
from exchange.web.pages.layout import Reading, page
from exchange.web.pages.sheet import sheet
from exchange.web.rest import response_models
from exchange.web.rest.records import calibres_of
from schemas import Calibre
from schemas.vocabulary import BreechFaceClass, ExhibitKind, FiringPinAperture, FiringPinClass, Jurisdiction

router = APIRouter()

_ON_A_PAGE = 50
MOST_EXPORTED = 1000
"""A list to work with, not a copy of the holdings."""
_LONGEST = 120
FILTER_CHOICES: dict[str, type[StrEnum]] = {
    "jurisdiction": Jurisdiction,
    "kind": ExhibitKind,
    "breech_face": BreechFaceClass,
    "firing_pin_class": FiringPinClass,
    "firing_pin_aperture": FiringPinAperture,
}
HOURS = ("ejector_hour", "extractor_hour")
_DATE_FIELDS = ("earliest", "latest")
FIELDS = ("calibre", *FILTER_CHOICES, *HOURS, *_DATE_FIELDS, "case_reference", "municipality")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class SearchForm:
    """What was asked, as it was typed; which fields cannot be understood, and why; the filter, None until all can."""

    asked: dict[str, str]
    problems: dict[str, str]
    wanted: RecordSearch | None


def question_of(typed: dict[str, str]) -> SearchForm:
    """Read what the address says. Nothing in it makes an error page: what is wrong is said beside its field."""
    asked = {name: typed[name].strip() for name in FIELDS if typed.get(name, "").strip()}
    problems: dict[str, str] = {}
    found: dict[str, object] = {}
    for name, value in asked.items():
        try:
            found["calibres" if name == "calibre" else name] = _read(name, value)
        except InvalidInput as error:
            problems[name] = str(error)
    if not problems and "earliest" in asked and "latest" in asked and asked["earliest"] > asked["latest"]:
        problems["latest"] = gettext("This day lies before the other one.")
    wanted = None if problems else RecordSearch(**found)  # type: ignore[arg-type]  # each as _read makes it
    return SearchForm(asked, problems, wanted)


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
        choices={name: list(values) for name, values in FILTER_CHOICES.items()},
        calibres=[item for item in Calibre if item not in (Calibre.UNKNOWN, Calibre.NOT_EXAMINED)],
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


def _read(name: str, value: str) -> object:
    """Raises InvalidInput."""
    if len(value) > _LONGEST or not value.isprintable():
        raise InvalidInput(gettext("At most %(most)s printable characters.", most=_LONGEST), code="invalid-field")
    if name == "calibre":
        return calibres_of(value[:40])
    if name in FILTER_CHOICES:
        if value not in {str(item) for item in FILTER_CHOICES[name]}:
            raise InvalidInput(gettext("Choose one of the list."), code="invalid-field")
        return FILTER_CHOICES[name](value)
    if name in HOURS:
        if value not in {str(hour) for hour in range(1, 13)}:
            raise InvalidInput(gettext("A clock hour is 1 to 12."), code="invalid-field")
        return int(value)
    if name in _DATE_FIELDS and (not _DAY.fullmatch(value) or not _is_day(value)):
        raise InvalidInput(gettext("A day is written YYYY-MM-DD."), code="invalid-field")
    return value


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:  # the 31st of February
        return False
    return True
