"""One sheet of the incident annex: incidents of one offence, outcome and weapon kind, and the persons in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict
from starlette.responses import RedirectResponse, Response

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.incidents.annex_page import entered_number
from exchange.coordination.incidents.enter_incidents import Sheet, entered, save_sheet, sheet_of
from exchange.coordination.incidents.incident_vocabulary import (
    MAX_COUNT,
    AgeBand,
    HarmOutcome,
    IncidentCounts,
    Offence,
    PersonRole,
    Sex,
    WeaponKind,
)
from exchange.coordination.incidents.incident_words import value_words
from exchange.errors import InvalidInput
from exchange.web.access.caller import OpenNode
from exchange.web.languages import gettext as _
from exchange.web.pages.layout import Heading, Visitor, page, sent_form

router = APIRouter()

_FIELDS: Final = 80
"""45 counts of persons, those of incidents, the totals, and what a form has besides."""


class SheetAddress(BaseModel):
    """Which sheet: the first of each vocabulary where none is named."""

    model_config = ConfigDict(extra="forbid")
    offence: Offence = Offence.HOMICIDE
    outcome: HarmOutcome = HarmOutcome.KILLED
    weapon: WeaponKind = WeaponKind.PISTOL


@router.get("/incidents/{half}/sheet")
def show_sheet(node: OpenNode, who: Heading, half: str, at: Annotated[SheetAddress, Query()]) -> Response:
    """The sheet with what is counted on it now."""
    found = entered(node, Half.parse(half))
    counts = found.current.counts if found.current is not None else IncidentCounts()
    sheet = sheet_of(counts, at.offence, at.outcome, at.weapon)
    typed = {_field(*cell): str(count) for cell, count in sheet.persons.items()}
    if sheet.incidents:
        typed["incidents"] = str(sheet.incidents)
    seen = found.current.number if found.current is not None else 0
    return _page(who, Half.parse(half), at, typed, seen, approved=found.approved)


@router.post("/incidents/{half}/sheet")
def put_sheet(
    node: OpenNode, who: Heading, half: str, fields: Annotated[dict[str, str], sent_form(most_fields=_FIELDS)]
) -> Response:
    """Put its counts in the place of those that it had. A form that does not add up comes back with all that was
    typed."""
    wanted, at = Half.parse(half), _address(fields)
    seen = entered_number(fields, "seen")
    persons, wrong = {}, []
    for role in PersonRole:
        for sex in Sex:
            for age in AgeBand:
                count = _count(fields.get(_field(role, sex, age), ""))
                if count is None:
                    wrong.append(", ".join(value_words(*one) for one in (("role", role), ("sex", sex), ("age", age))))
                else:
                    persons[role, sex, age] = count
    incidents = _count(fields.get("incidents", ""))
    if incidents is None:
        wrong.append(_("Incidents"))
    sheet = Sheet(at.offence, at.outcome, at.weapon, incidents or 0, persons)
    stated = fields.get("stated", "").strip()
    problem = _problem(wrong, stated, sheet.person_total)
    if problem is not None:
        return _page(who, wanted, at, fields, seen, problem=problem)
    save_sheet(node, who.caller.actor, wanted, sheet, seen)
    return RedirectResponse(f"/app/incidents/{wanted}#sheets", 303)


def _problem(wrong: list[str], stated: str, total: int) -> str | None:
    """Why the sheet is not taken, in words."""
    if wrong:
        return _("These are no counts: %(cells)s.", cells="; ".join(wrong))
    if stated and _count(stated) != total:
        return _(
            "The persons of this sheet are %(total)s in all, and you stated another number. Correct one of both.",
            total=total,
        )
    return None


def _address(fields: Mapping[str, str]) -> SheetAddress:
    """Raises InvalidInput."""
    try:
        return SheetAddress.model_validate({name: fields.get(name) for name in SheetAddress.model_fields})
    except ValueError as error:
        raise InvalidInput("This is no form of these pages.", code="no-form") from error


def _count(text: str) -> int | None:
    """Empty is 0; None for what is no count."""
    plain = text.strip()
    if not plain:
        return 0
    if not plain.isascii() or not plain.isdecimal() or len(plain) > len(str(MAX_COUNT)):
        return None
    return int(plain)


def _field(role: PersonRole, sex: Sex, age: AgeBand) -> str:
    return f"n.{role}.{sex}.{age}"


def _page(
    who: Visitor,
    half: Half,
    at: SheetAddress,
    typed: Mapping[str, str],
    seen: int,
    *,
    approved: bool = False,
    problem: str | None = None,
) -> Response:
    rows = [
        (
            value_words("role", role),
            value_words("sex", sex),
            [(_field(role, sex, age), typed.get(_field(role, sex, age), "")) for age in AgeBand],
            sum(_count(typed.get(_field(role, sex, age), "")) or 0 for age in AgeBand),
        )
        for role in PersonRole
        for sex in Sex
    ]
    below = [
        sum(_count(typed.get(_field(role, sex, age), "")) or 0 for role in PersonRole for sex in Sex) for age in AgeBand
    ]
    return page(
        "incident_sheet",
        who,
        status=422 if problem else 200,
        half=half,
        at=at,
        named=[value_words(name, getattr(at, name)) for name in SheetAddress.model_fields],
        ages=[value_words("age", age) for age in AgeBand],
        rows=rows,
        below=below,
        total=sum(below),
        incidents=typed.get("incidents", ""),
        stated=typed.get("stated", ""),
        seen=seen,
        most=MAX_COUNT,
        approved=approved,
        problem=problem,
    )
