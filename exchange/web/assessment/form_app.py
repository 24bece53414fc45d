"""The file of an assessment as pages (``local_desk``): a page for each area, and one for the whole.

Each page has one form with one Save. Where scripts run, the same form is sent while somebody types, and asks for JSON:
what was not kept and why, and what now follows from the answers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from exchange.errors import ExchangeError, NotFound
from exchange.extras.known import extra_named, require_extra
from exchange.flows.assessment.answers import MAX_ANSWER_TEXT
from exchange.flows.assessment.form import (
    HEAD_FIELDS,
    HEAD_PLACE,
    RECOMMENDATIONS,
    AssessmentForm,
    Faults,
    FormState,
    names_itself,
)
from exchange.flows.assessment.questionnaire import Area, questionnaire
from exchange.flows.assessment.typed import TypedAnswer, TypedFault, TypedRecommendation
from exchange.jurisdictions.directory import Directory, shipped_directory
from exchange.web.assessment.shown import (
    EMPTY_ROW,
    area_shown,
    areas_shown,
    compared_of,
    findings_by_kind,
    head_shown,
    place_title,
    recommendations_shown,
    rest_of_problems,
)
from exchange.web.languages import gettext as _
from exchange.web.local_desk import LocalDesk, desk_pages
from exchange.web.report.assessment import radar_of
from exchange.web.wording.coordination.assessment_form import fault_words, problem_words
from exchange.web.wording.coordination.assessments import (
    FINDING_TITLES,
    answer_evidence,
    answer_words,
    finding_words,
    instead_words,
    place_words,
    priority_words,
    recommendation_words,
    share_words,
    told_words,
    who_and_when,
)

FORM_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
MOST_TYPED_FORM_BYTES: Final = 2 * 1024 * 1024
MOST_FIELDS: Final = 2000
SHOWN_FINDINGS: Final = 6
"""Of one kind, beside a form; the paper has them all."""

_pages = desk_pages("exchange.web.assessment")
_pages.filters |= {"problem_words": problem_words}
_pages.globals |= {
    "answer_evidence": answer_evidence,
    "answer_words": answer_words,
    "compared_of": compared_of,
    "fault_words": fault_words,
    "finding_titles": FINDING_TITLES,
    "findings_by_kind": findings_by_kind,
    "finding_words": finding_words,
    "instead_words": instead_words,
    "longest": MAX_ANSWER_TEXT,
    "priority_words": priority_words,
    "problem_words": problem_words,
    "recommendation_words": recommendation_words,
    "share_words": share_words,
    "shown_findings": SHOWN_FINDINGS,
    "told_words": told_words,
    "who_and_when": who_and_when,
}


def form_app(form: AssessmentForm, port: int) -> Starlette:
    """``app.state.base`` is the path that the address must carry."""
    pages = _Form(form, port)
    return pages.app(
        [
            Route("/", pages.guarded(pages.whole)),
            Route("/", pages.guarded(pages.keep_whole), methods=["POST"]),
            Route("/area/{area}", pages.guarded(pages.area)),
            Route("/area/{area}", pages.guarded(pages.keep_area), methods=["POST"]),
            Route("/recommendations", pages.guarded(pages.recommendations)),
            Route("/recommendations", pages.guarded(pages.keep_recommendations), methods=["POST"]),
            Route("/undo", pages.guarded(pages.undo), methods=["POST"]),
            Route("/radar.svg", pages.guarded(pages.radar)),
            Route("/assessment.pdf", pages.guarded(pages.paper)),
        ]
    )


class _Form(LocalDesk):
    def __init__(self, form: AssessmentForm, port: int) -> None:
        super().__init__(_pages, port, command="ffp assess form", policy=FORM_POLICY)
        self._form, self._known = form, shipped_directory()

    def directory(self) -> Directory:
        """As the file was read last: a page says nothing before it read it."""
        return self._known

    async def refused(self, request: Request, error: ExchangeError) -> Response:
        if _asks_for_json(request):
            return JSONResponse({"said": str(error)}, 422)
        return self.page("form_refused", request, 422, {"said": str(error)})

    async def whole(self, request: Request) -> Response:
        return await self._whole(request, {}, {}, 200)

    async def keep_whole(self, request: Request) -> Response:
        fields = await self._typed(request)
        typed: dict[str, str] = {name: fields[name] for name in HEAD_FIELDS if name in fields}
        faults = await run_in_threadpool(self._form.keep_head, typed, fields.get("mark", ""))
        return await self._answered(request, faults, lambda: self._whole(request, fields, faults, 422))

    async def area(self, request: Request) -> Response:
        return await self._area(request, {}, {}, 200)

    async def keep_area(self, request: Request) -> Response:
        fields, area = await self._typed(request), _area_named(request)
        typed = {
            question.id: (
                TypedAnswer(
                    fields.get(f"answer-{question.id}", ""),
                    fields.get(f"instead-{question.id}", ""),
                    fields.get(f"evidence-{question.id}", ""),
                    fields.get(f"on-{question.id}", ""),
                ),
                fields.get(f"mark-{question.id}", ""),
            )
            for question in area.questions
            if f"mark-{question.id}" in fields
        }
        faults = await run_in_threadpool(self._form.keep_answers, typed)
        return await self._answered(request, faults, lambda: self._area(request, fields, faults, 422))

    async def recommendations(self, request: Request) -> Response:
        return await self._recommendations(request, {}, {}, 200)

    async def keep_recommendations(self, request: Request) -> Response:
        fields = await self._typed(request)
        typed, places = list[TypedRecommendation](), list[str]()
        for number, row in _rows(fields):
            if row != EMPTY_ROW:
                typed.append(row)
                places.append(number)
        found = await run_in_threadpool(self._form.keep_recommendations, typed, fields.get("mark", ""))
        faults = {places[int(number)] if places else number: wrong for number, wrong in found.items()}
        return await self._answered(request, faults, lambda: self._recommendations(request, fields, faults, 422))

    async def undo(self, request: Request) -> Response:
        await self._typed(request)
        places = await run_in_threadpool(self._form.undo)
        return RedirectResponse(f"{self.base}{_address_of(places[0])}?undone={places[0]}", 303)

    async def radar(self, _request: Request) -> Response:
        state = await self._state()
        return Response(radar_of(state.found), media_type="image/svg+xml")

    async def paper(self, _request: Request) -> Response:
        from exchange.web.report.assessment import render_assessment

        require_extra("pdf", "A report as PDF")
        state = await self._state()
        made = await run_in_threadpool(render_assessment, state.found)
        name = f"assessment-{state.given.jurisdiction}-{state.given.half}.pdf"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(made, media_type="application/pdf", headers=headers)

    async def _whole(self, request: Request, typed: Mapping[str, str], faults: Faults, status: int) -> Response:
        state = await self._state()
        values = {
            "fields": head_shown(state, typed, faults),
            "names_itself": names_itself(state),
            "mark": state.mark(HEAD_PLACE),
            "rest": rest_of_problems(state),
        }
        return self._shown("form_whole", request, status, state, values)

    async def _area(self, request: Request, typed: Mapping[str, str], faults: Faults, status: int) -> Response:
        state = await self._state()
        shown = area_shown(state, _area_named(request), typed, faults)
        return self._shown("form_area", request, status, state, {"area": shown})

    async def _recommendations(
        self, request: Request, typed: Mapping[str, str], faults: Faults, status: int
    ) -> Response:
        state = await self._state()
        rows = dict(_rows(typed)) if typed else None
        values = {"rows": recommendations_shown(state, rows, faults), "mark": state.mark(RECOMMENDATIONS)}
        return self._shown("form_recommendations", request, status, state, values)

    async def _answered(self, request: Request, faults: Faults, drawn: Callable[[], Awaitable[Response]]) -> Response:
        """To a form that was sent: the page anew where something was not kept, with what was typed; to a script what
        has changed beside it."""
        if _asks_for_json(request):
            return await self._for_script(faults)
        if any(faults.values()):
            return await drawn()
        return RedirectResponse(f"{request.url.path}?kept=yes", 303)

    async def _for_script(self, faults: Faults) -> Response:
        state = await self._state()
        places = [HEAD_PLACE, RECOMMENDATIONS, *(question.id for question in questionnaire())]
        values = self._values(state)
        meanwhile = {
            place if place in places else RECOMMENDATIONS
            for place, found in faults.items()
            if any(fault.kind is TypedFault.MEANWHILE for fault in found)
        }
        told = {
            "marks": {place: state.mark(place) for place in places if place not in meanwhile},
            "faults": {
                place: {fault.field: fault_words(fault) for fault in reversed(found)}
                for place, found in faults.items()
                if found
            },
            "problems": {
                place: [said for item in state.problems_at(place) if (said := problem_words(item))]
                for place in (*HEAD_FIELDS, *places)
            },
            "beside": _pages.get_template("form_beside.html").render(csrf=self.csrf, base=self.base, **values),
            "areas": _pages.get_template("form_areas.html").render(here="", base=self.base, **values),
        }
        return JSONResponse(told)

    def _shown(self, name: str, request: Request, status: int, state: FormState, values: Mapping[str, Any]) -> Response:
        query = request.query_params
        undone = place_title(query["undone"]) if query.get("undone") else ""
        common = self._values(state) | {
            "undone": undone,
            "was_kept": "kept" in query,
            "here": request.url.path.removeprefix(self.base),
        }
        return self.page(name, request, status, {**common, **values})

    @staticmethod
    def _values(state: FormState) -> dict[str, Any]:
        return {
            "state": state,
            "found": state.found,
            "place": place_words(state.found),
            "areas": areas_shown(state),
            "undo": place_title(state.undo[0]) if state.undo else "",
            "has_pdf": extra_named("pdf").is_installed,
            "some_share": any(
                rated is not None and rated.rated.share is not None
                for item in state.found.areas
                for rated in (item.now, item.before)
            ),
            "radar_mark": "-".join(share_words(item.now.rated.share) for item in state.found.areas).replace(" ", ""),
        }

    async def _state(self) -> FormState:
        state = await run_in_threadpool(self._form.state)
        self._known = state.known
        return state

    async def _typed(self, request: Request) -> dict[str, str]:
        return await self.fields(request, most_bytes=MOST_TYPED_FORM_BYTES, most=MOST_FIELDS)


def _rows(fields: Mapping[str, str]) -> Iterator[tuple[str, TypedRecommendation]]:
    """The rows of the form of recommendations, in their order."""
    for name in fields:
        number = name.removeprefix("question-")
        if name != number and number.isdecimal():
            yield (
                number,
                TypedRecommendation(
                    fields[name],
                    fields.get(f"text-{number}", ""),
                    fields.get(f"priority-{number}", ""),
                    fields.get(f"owner-{number}", ""),
                    fields.get(f"by-{number}", ""),
                    f"leave-{number}" in fields,
                    fields.get(f"because-{number}", ""),
                ),
            )


def _area_named(request: Request) -> Area:
    found = next((area for area in questionnaire().areas if area.id == request.path_params["area"]), None)
    if found is None:
        raise NotFound(_("There is no such page."))
    return found


def _address_of(place: str) -> str:
    if place == HEAD_PLACE:
        return "/"
    if place == RECOMMENDATIONS:
        return "/recommendations"
    area = next(area for area in questionnaire().areas if any(question.id == place for question in area.questions))
    return f"/area/{area.id}"


def _asks_for_json(request: Request) -> bool:
    return request.headers.get("accept", "").startswith("application/json")
