"""Instruments: when each was last checked on its reference specimens, its control chart, and a check by upload."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import RedirectResponse, Response

from exchange.errors import Forbidden, InvalidInput
from exchange.flows.instrument.check_instrument import StatedCheck, check_instrument
from exchange.flows.instrument.check_series import CheckSeries, list_series, read_series
from exchange.flows.instrument.instrument_chart import panels_as_svg, written, written_limits
from exchange.flows.instrument.specimen import SPECIMEN_REGIONS
from exchange.log.audit_entry import Actor, ActorKind
from exchange.web.access.caller import OpenNode
from exchange.web.http.compute_threads import WorkKind, place
from exchange.web.http.upload import SubmissionUpload
from exchange.web.pages.layout import Examining, Visitor, only, page, read_form
from exchange.web.pages.own_requests import check_origin, media_type_of
from exchange.web.wording.instrument_check_words import next_words, outcome, sign_words, titles
from schemas.vocabulary import RegionOfInterest, Role

router = APIRouter()

SeesInstruments = Annotated[Visitor, Depends(only(Role.EXAMINER, Role.OPERATOR, Role.HEAD))]
CheckId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Line = Annotated[str, Field(max_length=120)]
_FORM_BYTES = 64 * 1024
"""What stands around the scan in the body of a form."""


class CheckForm(BaseModel):
    """What is stated before the scan is chosen; it goes with the scan as the part ``metadata``."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    specimen: Line = ""
    maker: Line = ""
    model: Line = ""
    serial: Line = ""
    software: Line = ""
    roi: Line = RegionOfInterest.BREECH_FACE.value
    reason: Line = ""
    """Why a new series is begun with this scan; empty where none is."""

    def stated(self) -> StatedCheck:
        return StatedCheck(
            self.specimen,
            self.maker or None,
            self.model or None,
            self.serial or None,
            self.software or None,
            self.roi,
            bool(self.reason),
            self.reason or None,
        )


class SentCheckForm(CheckForm):
    csrf: Annotated[str, Field(max_length=100)]


@dataclass(frozen=True)
class FigureLine:
    """One figure of one check as the page's table has it."""

    title: str
    value: str
    uncertainty: str | None
    warning: str
    action: str
    said: str | None


@router.get("/instruments")
def instruments(node: OpenNode, who: SeesInstruments) -> Response:
    """All instruments and specimens, and the form that begins a check."""
    return page(
        "instruments",
        who,
        series=list_series(node),
        regions=sorted(SPECIMEN_REGIONS),
        outcome=outcome,
        days=node.settings.instrument_check_days,
    )


@router.get("/instruments/check")
def choose_scan(who: Examining, form: Annotated[CheckForm, Query()]) -> Response:
    """What was stated, once more, and the field for the scan."""
    if not form.specimen or form.roi not in SPECIMEN_REGIONS:
        raise InvalidInput("Name the specimen and its region.", code="invalid-field")
    sent = SentCheckForm(**form.model_dump(), csrf=who.csrf)
    return page("instrument_upload", who, form=form, metadata=sent.model_dump_json())


@router.post("/instruments/check")
async def check_by_upload(request: Request, node: OpenNode, who: Examining) -> Response:
    """Check an instrument by a scan that a form sends: it goes to the disk as it comes, and is read in a worker process
    alone. A second click is told that the scan is in the series already."""
    if media_type_of(request) != "multipart/form-data":
        await read_form(request, node, who.csrf)
        raise InvalidInput("This is no form of these pages.", code="no-form")
    check_origin(request, node)
    most = node.settings.max_scan_bytes + _FORM_BYTES
    with (
        place(request, WorkKind.SUBMISSIONS) as kept,
        SubmissionUpload(node, request.headers.get("content-type", ""), most=most) as upload,
    ):
        metadata, scans = await upload.receive(request)
        form = _sent(metadata, who)
        if len(scans) != 1:
            raise InvalidInput("One scan is checked at a time.", code="files-differ")
        by = Actor(ActorKind.PERSON, who.caller.pseudonym, who.caller.role)
        done = await kept.work(check_instrument, node, by, scans[0].path, form.stated())
    return RedirectResponse(f"/app/instruments/{done.row.check_id}", 303)


@router.get("/instruments/{check_id}")
def instrument(node: OpenNode, who: SeesInstruments, check_id: CheckId) -> Response:
    """The series that a check belongs to: what came of the check, the chart, all figures."""
    series = read_series(node, check_id)
    point = next(one for one in series.points if one.check_id == check_id)
    return page(
        "instrument",
        who,
        series=series,
        point=point,
        next_step=next_words(point),
        lines=_lines(series, check_id),
        charts=[Markup(svg) for svg in panels_as_svg(series, titles())],  # noqa: S704 - its texts are escaped there
        rows=[(one, [_cell(one.values, measure.name) for measure in series.measures]) for one in series.points],
        titles=titles(),
        outcome=outcome,
        again=_again(series),
    )


def _sent(metadata: bytes, who: Visitor) -> SentCheckForm:
    """Raises InvalidInput; Forbidden for what another site made the browser send."""
    try:
        form = SentCheckForm.model_validate_json(metadata)
    except ValidationError as error:
        raise InvalidInput("This is no form of these pages.", code="no-form") from error
    if not hmac.compare_digest(form.csrf.encode(), who.csrf.encode()):
        raise Forbidden("This form is of an earlier session. Go back, load the page anew, and send it again.")
    return form


def _again(series: CheckSeries) -> dict[str, str]:
    """The form of the next check of the same series, as it was last stated."""
    of = series.instrument
    form = CheckForm(
        specimen=series.specimen,
        maker=of.maker,
        model=of.model,
        serial=of.serial or "",
        software=series.last.software or "",
        roi=series.region,
    )
    return {name: value for name, value in form.model_dump().items() if value}


def _cell(values: dict[str, float], name: str) -> str:
    return written(name, values[name]) if name in values else "–"


def _lines(series: CheckSeries, check_id: int) -> list[FigureLine]:
    point = next(one for one in series.points if one.check_id == check_id)
    called, lines = titles(), []
    for measure in series.measures:
        value, spread = point.values.get(measure.name), point.uncertainties.get(measure.name)
        if value is not None:
            lines.append(
                FigureLine(
                    called[measure.name],
                    written(measure.name, value),
                    None if spread is None else written(measure.name, 2.0 * spread),
                    written_limits(measure, measure.warning),
                    written_limits(measure, measure.action),
                    sign_words(point, measure.name),
                )
            )
    return lines
