"""The incident annex of a half-year: the head enters, imports, approves and hands it out; the auditor reads."""

from __future__ import annotations

import hmac
import io
from collections.abc import AsyncGenerator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.responses import RedirectResponse, Response

from exchange.clock import stamp
from exchange.coordination.approved_document import check_digest
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.handed_out import AnnexForm
from exchange.coordination.incidents.enter_incidents import (
    CountsEntry,
    Entered,
    entered,
    leave_import,
    propose_import,
    sheets_of,
    take_import,
    undo_change,
)
from exchange.coordination.incidents.incident_annex import (
    approve_annex,
    draft_annex,
    find_annex,
    half_states,
)
from exchange.coordination.incidents.incident_paper import annex_approval, hand_out_annex, told_blocks
from exchange.coordination.incidents.incident_vocabulary import HarmOutcome, IncidentCounts, Offence, WeaponKind
from exchange.coordination.incidents.incident_words import (
    refused_in_words,
    unverified_words,
    value_words,
)
from exchange.coordination.incidents.platform_words import DIMENSION_TITLES, TOTAL_TITLES, all_verified, platform_facts
from exchange.coordination.incidents.read_incident_table import MAX_CSV_BYTES, TableEncoding, table_template
from exchange.coordination.incidents.told_incidents import exact_totals
from exchange.errors import Forbidden, InvalidInput
from exchange.flows.node.node import Node
from exchange.web.access.caller import OpenNode
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.languages import gettext
from exchange.web.pages.layout import Heading, SentForm, Visitor, off_loop, only, page, read_form
from exchange.web.pages.own_requests import media_type_of, own_body
from exchange.web.pages.query.query_pages import line_of
from exchange.web.report.pages import laid
from schemas.vocabulary import Role

router = APIRouter()

LooksAtIncidents = Annotated[Visitor, Depends(only(Role.HEAD, Role.AUDITOR))]
_FORM_BYTES: Final = 16 * 1024
"""What stands around the table in the body of a form."""
_FIELDS: Final = 16
_FIELD_BYTES: Final = 1024


@router.get("/incidents")
def newest_annex(node: OpenNode, who: LooksAtIncidents) -> Response:
    """The half-year that lasts."""
    return incidents_page(node, who, str(half_states(node)[0].half))


@router.get("/incidents/template.csv")
def empty_table(_who: LooksAtIncidents) -> Response:
    """A table to begin with; its rows are made up."""
    headers = {"Content-Disposition": 'attachment; filename="incidents.csv"'}
    return Response(table_template(), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/incidents/{half}")
def incidents_page(node: OpenNode, who: LooksAtIncidents, half: str) -> Response:
    """What is entered, the import that is proposed, and both as they would be told; once approved, as it was."""
    wanted = Half.parse(half)
    approved, found = find_annex(node, wanted), entered(node, wanted)
    drafted = None if approved is not None else draft_annex(node, wanted)
    annex = approved.told if approved is not None else drafted.told if drafted is not None else None
    exact = approved.exact if approved is not None else drafted.exact if drafted is not None else None
    return page(
        "incidents",
        who,
        half=wanted,
        states=half_states(node),
        over=wanted.end <= stamp(),
        begun=wanted.start <= stamp(),
        is_head=who.caller.role is Role.HEAD,
        approved=approved,
        approval=laid([annex_approval(approved)]) if approved else "",
        sha256=drafted.sha256 if drafted is not None else None,
        found=found,
        totals=_named_totals(exact.counts) if exact is not None else (),
        unverified=None if all_verified() else unverified_words(),
        lacking=_lacking(exact.counts) if exact is not None else (),
        proposal=_proposal(found),
        sheets=_sheets(found),
        choices=_choices(),
        encodings=list(TableEncoding),
        platform=_platform(),
        report=laid(list(told_blocks(annex, 1, drafted.exact.counts if drafted else None))) if annex else None,
    )


@router.post("/incidents/{half}")
def approve_half(node: OpenNode, who: Heading, half: str, fields: SentForm) -> Response:
    """Sign that both editions, and no others, may be handed out."""
    sha256 = check_digest(fields.get("sha256", ""))
    approve_annex(node, who.caller.maker, Half.parse(half), sha256, line_of(fields, "because"))
    return _back(half)


@router.post("/incidents/{half}/import")
async def try_import(request: Request, node: OpenNode, who: Heading, half: str) -> Response:
    """Read a table and show what it comes to. The table is read in the memory and is gone with the answer."""
    if media_type_of(request) != "multipart/form-data":
        await read_form(request, node, who.csrf)
        raise InvalidInput("This is no form of these pages.", code="no-form")
    wanted = Half.parse(half)
    fields, table = await _form_with_table(request, node)
    if not hmac.compare_digest(fields.get("csrf", "").encode(), who.csrf.encode()):
        raise Forbidden("This form is of an earlier session. Go back, load the page anew, and send it again.")
    if not table:
        raise InvalidInput("Choose the table that is to be imported.", code="invalid-field")
    encoding = fields.get("encoding", "")
    if encoding not in set(TableEncoding):
        raise InvalidInput("This is no form of these pages.", code="no-form")
    await off_loop(propose_import, node, who.caller.actor, wanted, io.BytesIO(table), TableEncoding(encoding))
    return _back(half, "#import")


@router.post("/incidents/{half}/take")
def take_table(node: OpenNode, who: Heading, half: str, fields: SentForm) -> Response:
    """Let the proposed import hold."""
    take_import(node, who.caller.actor, Half.parse(half), entered_number(fields, "entry"))
    return _back(half)


@router.post("/incidents/{half}/leave")
def leave_table(node: OpenNode, who: Heading, half: str, fields: SentForm) -> Response:
    """Forget the proposed import."""
    leave_import(node, who.caller.actor, Half.parse(half), entered_number(fields, "entry"))
    return _back(half)


@router.post("/incidents/{half}/undo")
def go_back(node: OpenNode, who: Heading, half: str, fields: SentForm) -> Response:
    """Back to what held before the last change."""
    undo_change(node, who.caller.actor, Half.parse(half), entered_number(fields, "entry"))
    return _back(half)


@router.get("/incidents/{half}/released/{form}")
async def take_annex(request: Request, node: OpenNode, who: LooksAtIncidents, half: str, form: AnnexForm) -> Response:
    """The public edition as JSON, CSV or PDF; the signed approval and the manifest that it concerns; the exact edition,
    which is for named recipients."""
    wanted = Half.parse(half)
    made = await heavily(request, WorkKind.REPORTS, hand_out_annex, node, who.caller.actor, wanted, form)
    headers = {"Content-Disposition": f'attachment; filename="{node.node_id}-{wanted}-incidents{made.ending}"'}
    return Response(made.content, media_type=made.media_type, headers=headers)


class _FormInMemory(MultiPartParser):
    """Keep the file in memory, so that nothing of it stays on the disk; note whether the form came to its end."""

    spool_max_size = MAX_CSV_BYTES + _FORM_BYTES
    is_whole = False

    def on_end(self) -> None:
        self.is_whole = True


async def _form_with_table(request: Request, node: Node) -> tuple[dict[str, str], bytes]:
    """The fields of the form, and its file. Raises InvalidInput, which repeats nothing of what was sent."""
    body = await own_body(request, node, _FormInMemory.spool_max_size)

    async def sent() -> AsyncGenerator[bytes, None]:
        yield body

    parser = _FormInMemory(request.headers, sent(), max_files=1, max_fields=_FIELDS, max_part_size=_FIELD_BYTES)
    try:
        form = await parser.parse()
    except MultiPartException:
        raise InvalidInput("This is no form of these pages.", code="no-form") from None
    parts = form.multi_items()
    fields = {name: value for name, value in parts if isinstance(value, str)}
    tables = [await value.read() for _, value in parts if not isinstance(value, str)]
    await form.close()
    if not parser.is_whole:
        raise InvalidInput("This is no form of these pages.", code="no-form")
    return fields, b"".join(tables)


def entered_number(fields: dict[str, str], name: str) -> int:
    """A number that a form of these pages holds. Raises InvalidInput."""
    text = fields.get(name, "")
    if not text.isascii() or not text.isdecimal() or len(text) > len(str(2**62)):
        raise InvalidInput("This is no form of these pages.", code="no-form")
    return int(text)


def _back(half: str, place: str = "") -> Response:
    return RedirectResponse(f"/app/incidents/{Half.parse(half)}{place}", 303)


def _named_totals(counts: IncidentCounts) -> list[tuple[str, int]]:
    return [(gettext(TOTAL_TITLES[name]), count) for name, count in exact_totals(counts).items()]


def _lacking(counts: IncidentCounts) -> list[str]:
    """Offence and weapon kind of persons without an incident."""
    found = sorted(counts.without_incident())
    return [f"{value_words('offence', offence)}, {value_words('weapon', weapon)}" for offence, weapon in found]


def _proposal(found: Entered) -> dict[str, Any] | None:
    entry = found.proposed
    if entry is None:
        return None
    return {
        "entry": entry,
        "totals": _beside(entry, found.current),
        "refused": refused_in_words(entry.read.refused),
        "empty": [(gettext(DIMENSION_TITLES[name]), count) for name, count in sorted(entry.read.empty.items())],
    }


def _beside(entry: CountsEntry, current: CountsEntry | None) -> list[tuple[str, int, int]]:
    """Title, what the import comes to, what holds now."""
    now = exact_totals(current.counts if current is not None else IncidentCounts())
    return [(gettext(TOTAL_TITLES[name]), count, now[name]) for name, count in exact_totals(entry.counts).items()]


def _sheets(found: Entered) -> list[dict[str, Any]]:
    if found.current is None:
        return []
    return [
        {
            "sheet": sheet,
            "offence": value_words("offence", sheet.offence),
            "outcome": value_words("outcome", sheet.outcome),
            "weapon": value_words("weapon", sheet.weapon),
        }
        for sheet in sheets_of(found.current.counts)
    ]


def _choices() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Name, title and values of what a sheet is chosen by."""
    return [
        (name, gettext(DIMENSION_TITLES[name]), [(str(value), value_words(name, value)) for value in values])
        for name, values in (("offence", Offence), ("outcome", HarmOutcome), ("weapon", WeaponKind))
    ]


def _platform() -> list[tuple[str, str, str, bool]]:
    """Our word, the platform's, where that stands, and whether it was held against it."""
    return [(fact.id, fact.text, fact.source, fact.verified) for fact in platform_facts().values()]
