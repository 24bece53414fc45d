"""The sets of exercises, and one of them: begin it, go on with it, hand it in, see what it showed."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from exchange.clock import today
from exchange.coordination.exercises.attempt_cookie import (
    SetInPath,
    attempt_at,
    attempt_code,
    going_on,
    left,
    set_of,
)
from exchange.coordination.exercises.attempts import (
    Attempt,
    begin_attempt,
    find_attempt,
    given_of,
    hand_in,
    has_begun,
    participant_mark,
)
from exchange.coordination.exercises.exercise_counts import people_of_set
from exchange.coordination.exercises.exercise_documents import write_exercise_document
from exchange.coordination.exercises.exercise_folder import KeptSet, folder_of, list_sets
from exchange.coordination.exercises.exercise_paper import render_certificate
from exchange.coordination.exercises.exercise_vocabulary import OUTCOMES_OF, ExerciseAudience, ExerciseUse
from exchange.coordination.exercises.exercise_words import (
    answered_words,
    audience_word,
    outcome_word,
    result_cells,
    skill_word,
    use_word,
)
from exchange.errors import InvalidInput, NotFound
from exchange.flows.node.node import Node
from exchange.web.access.caller import OpenNode
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.pages.layout import SignedIn, Visitor, off_loop, page, read_form
from schemas.vocabulary import Role

router = APIRouter()


@dataclass(frozen=True)
class SetLine:
    """A set in the list. ``answered``: by this browser's attempt; None where it began none."""

    kept: KeptSet
    answered: int | None
    is_over: bool


@router.get("/exercises")
def exercise_sets(request: Request, node: OpenNode, who: SignedIn) -> Response:
    """List the sets, those for the reader's own role first; at a node without exercises, say where they are done."""
    folder = folder_of(node)
    lines = [_line(request, who, kept) for kept in list_sets(folder)] if folder is not None else []
    own = ExerciseAudience.INVESTIGATOR if who.caller.role is Role.INVESTIGATOR else ExerciseAudience.EXAMINER
    lines.sort(key=lambda line: line.kept.document.audience is not own)
    return page(
        "exercises",
        who,
        practises=folder is not None,
        lines=lines,
        audience_word=audience_word,
        use_word=use_word,
    )


def _line(request: Request, who: Visitor, kept: KeptSet) -> SetLine:
    attempt = attempt_at(request, who, kept)
    is_open = kept.use is ExerciseUse.PROFICIENCY and kept.answers is not None
    return SetLine(kept, None if attempt is None else len(attempt.given), is_open or bool(attempt and attempt.is_over))


@router.get("/exercises/{set_id}/given.json")
def given_answers(request: Request, node: OpenNode, who: SignedIn, set_id: SetInPath) -> Response:
    """What a participant takes to whoever gives the set. Raises NotFound before it was handed in."""
    attempt = _own_attempt(request, who, set_of(node, set_id))
    if not attempt.handed_in:
        raise NotFound("Nothing was handed in yet.")
    content = write_exercise_document(given_of(attempt, attempt_code(request, who, set_id)))
    name = f"given-{set_id}.json"
    return Response(
        content,
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get("/exercises/{set_id}/certificate.pdf")
async def certificate(request: Request, node: OpenNode, who: SignedIn, set_id: SetInPath) -> Response:
    """What was answered, on which set, as a paper with an empty line for the name: made when somebody wants it, and
    kept nowhere."""
    return await heavily(request, WorkKind.REPORTS, _certificate, node, request, who, set_id)


def _certificate(node: Node, request: Request, who: Visitor, set_id: str) -> Response:
    attempt = _own_attempt(request, who, set_of(node, set_id))
    if attempt.kept.answers is None:
        raise NotFound("The answers of this set are still sealed.")
    if not attempt.handed_in and attempt.open_numbers:
        raise NotFound("Answer all exercises first.")
    content = render_certificate(attempt, today(), node.settings.laboratory)
    return Response(
        content,
        media_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="exercises-{set_id}.pdf"'},
    )


@router.get("/exercises/{set_id}")
def exercise_set(request: Request, node: OpenNode, who: SignedIn, set_id: SetInPath) -> Response:
    kept = set_of(node, set_id)
    attempt = attempt_at(request, who, kept)
    return page(
        "exercise_set",
        who,
        kept=kept,
        attempt=attempt,
        code=attempt_code(request, who, set_id) if attempt is not None else "",
        began_before=has_begun(kept, participant_mark(node, who.caller.pseudonym, set_id)),
        people=people_of_set(kept),
        outcomes=OUTCOMES_OF[kept.document.audience],
        audience_word=audience_word,
        use_word=use_word,
        skill_word=skill_word,
        outcome_word=outcome_word,
        result_cells=result_cells,
        answered_words=answered_words,
    )


@router.post("/exercises/{set_id}")
async def act_on_set(request: Request, node: OpenNode, who: SignedIn, set_id: SetInPath) -> Response:
    """Begin it, go on with an attempt by its code, hand it in, or leave the browser to the next person."""
    fields = await read_form(request, node, who.csrf)
    return await off_loop(_act, node, request, who, set_id, fields)


def _act(node: Node, request: Request, who: Visitor, set_id: str, fields: dict[str, str]) -> Response:
    kept = set_of(node, set_id)
    back = RedirectResponse(f"/app/exercises/{set_id}", 303)
    match fields.get("act"):
        case "begin":
            mark = participant_mark(node, who.caller.pseudonym, set_id)
            code = begin_attempt(kept, node.settings.jurisdiction, mark)
            return going_on(RedirectResponse(f"/app/exercises/{set_id}/1", 303), who, set_id, code)
        case "resume":
            code = fields.get("code", "").strip().upper()
            find_attempt(kept, code)
            return going_on(back, who, set_id, code)
        case "hand_in":
            hand_in(_own_attempt(request, who, kept))
            return back
        case "leave":
            return left(RedirectResponse("/app/exercises", 303), who, set_id)
        case _:
            raise InvalidInput("Choose one of the list.", code="invalid-field")


def _own_attempt(request: Request, who: Visitor, kept: KeptSet) -> Attempt:
    attempt = attempt_at(request, who, kept)
    if attempt is None:
        raise NotFound("Begin this set first.")
    return attempt
