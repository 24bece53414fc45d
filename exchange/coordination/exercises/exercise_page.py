"""The pages of all sets, of one set and of one exercise: two exhibits in the viewer of casework, or a question."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

import matcher
from exchange.clock import today
from exchange.coordination.exercises.attempt_cookie import (
    ANYBODY,
    NumberInPath,
    SetInPath,
    attempt_at,
    attempt_code,
    going_on,
    left,
    set_of,
)
from exchange.coordination.exercises.attempts import (
    Attempt,
    answer_exercise,
    begin_attempt,
    find_attempt,
    given_of,
    hand_in,
    has_begun,
    participant_mark,
)
from exchange.coordination.exercises.draw_set import KnownPairScores, known_pair_scores, place_among
from exchange.coordination.exercises.exercise_counts import people_of_set
from exchange.coordination.exercises.exercise_documents import ItemAnswer, write_exercise_document
from exchange.coordination.exercises.exercise_folder import KeptSet, exhibit_files, folder_of, list_sets
from exchange.coordination.exercises.exercise_paper import render_certificate
from exchange.coordination.exercises.exercise_vocabulary import OUTCOMES_OF, ExerciseAudience, ExerciseUse
from exchange.coordination.exercises.exercise_words import (
    answered_words,
    audience_word,
    known_strip,
    option_words,
    outcome_sentence,
    outcome_word,
    question_words,
    result_cells,
    right_words,
    score_place_words,
    skill_word,
    truth_words,
    use_word,
    why_pair,
    why_question,
)
from exchange.errors import InvalidInput, NotFound
from exchange.flows.node.node import Node
from exchange.flows.node.validated_scores import ScanFacts, why_not_validated
from exchange.flows.scan.encode_heights import MOST_DRAWN, ShownHeights, encoded_heights
from exchange.flows.scan.heights import Form
from exchange.flows.scan.inspect import write_whole
from exchange.web.access.caller import OpenNode
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.http.conditional import IfNoneMatch, unchanged
from exchange.web.pages.layout import SentForm, SignedIn, Visitor, off_loop, page
from exchange.web.wording.conclusions import CONCLUSIONS_ON
from schemas.vocabulary import Basis, Modality, RegionOfInterest, Role

router = APIRouter()


@dataclass(frozen=True)
class SetLine:
    """A set in the list. ``answered``: how many exercises were answered in this browser's attempt; None if it has no
    attempt."""

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
def act_on_set(request: Request, node: OpenNode, who: SignedIn, set_id: SetInPath, fields: SentForm) -> Response:
    """Begin it, go on with an attempt by its code, hand it in, or leave the browser to the next person."""
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


SIDES: Final = ("a", "b")


# Heights and pictures are made in worker processes and kept in the folder of the exercises; the store has none of them.
def exercise_heights(node: Node, kept: KeptSet, number: int, side: str, form: Form) -> bytes:
    """As ``matcher.draw.display`` encodes them, gzipped. Raises NotFound of a question, ComputeFailed."""
    scans = list(exhibit_files(kept, number))
    if side not in SIDES or not scans:
        raise NotFound("There is no such exhibit.")
    path, sha256 = scans[SIDES.index(side)]
    pipeline = matcher.DEFAULT_PARAMETERS.digest if form is Form.FILTERED else None
    shown = ShownHeights(path, sha256, MOST_DRAWN, photograph=False, um_per_pixel=None, pipeline=pipeline)
    drawn = kept.path / "drawn" / shown.file_name
    return _kept(drawn) or _keep(drawn, node.compute.run(encoded_heights, shown))


def exercise_picture(node: Node, kept: KeptSet, number: int) -> bytes:
    """A PNG of both exhibits in one registered frame, under the same light, with the congruent cells lit. Only somebody
    who has answered sees it.

    Raises NotFound of a question, ComputeFailed.
    """
    scans = [path for path, _ in exhibit_files(kept, number)]
    if len(scans) != len(SIDES):
        raise NotFound("There is no such picture.")
    drawn = kept.path / "drawn" / f"{number:02d}.png"
    return _kept(drawn) or _keep(drawn, node.compute.run(draw_exercise, *scans))


def draw_exercise(one: Path, other: Path) -> bytes:
    """In a worker process: compared anew, so that the picture is that of the comparison in the answers."""
    from matcher.draw.draw_pair import draw_pair

    first, second = matcher.read_topography(one), matcher.read_topography(other)
    comparison = matcher.compare(matcher.prepare(first), matcher.prepare(second))
    return draw_pair(first, second, comparison, matcher.DEFAULT_PARAMETERS)


def _kept(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() and path.stat().st_size else None


def _keep(path: Path, content: bytes) -> bytes:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_whole(content, path)
    return content


LIT: Final = {"mode": "side-by-side", "cells": True, "form": "filtered"}
"""How the stage is after the answer: both exhibits as they were registered, the cells that agree lit."""


_DRAWN: Final = ScanFacts(Modality.TOPOGRAPHY, None, None, drawn=True)


@dataclass(frozen=True)
class ExhibitSide:
    """One of two exhibits: where its heights are, and its number on the page."""

    heights: str
    number: int


@router.get("/exercises/{set_id}/{number}")
def exercise(request: Request, node: OpenNode, who: SignedIn, set_id: SetInPath, number: NumberInPath) -> Response:
    """What is right is on the page after this browser's attempt has an answer, and never before."""
    kept = set_of(node, set_id)
    item, attempt = kept.item(number), attempt_at(request, who, kept)
    said = attempt.given.get(number) if attempt is not None else None
    may_see = said is not None or (attempt is not None and attempt.is_over)
    right = kept.answer(number) if may_see else None
    values: dict[str, Any] = {
        "kept": kept,
        "item": item,
        "attempt": attempt,
        "said": said,
        "right": right,
        "outcome": attempt.outcome(number) if attempt is not None and right is not None else None,
        "following": _following(kept, attempt, number),
        "use_word": use_word,
        "answered_words": answered_words,
        "right_words": right_words,
        "skill_word": skill_word,
        "outcome_sentence": outcome_sentence,
    }
    if item.question is not None:
        return page(
            "exercise_question",
            who,
            **values,
            question_words=question_words,
            option_words=option_words,
            why_question=why_question,
        )
    known = known_pair_scores()
    return page(
        "exercise_pair",
        who,
        **values,
        sides=[_side(set_id, number, side, place) for place, side in enumerate(("a", "b"), start=1)],
        conclusions=CONCLUSIONS_ON[Basis.SCREEN],
        comparison=None if right is None else json.dumps(right.comparison),
        view=json.dumps(LIT),
        score=_score_of(right),
        not_validated=why_not_validated(RegionOfInterest.BREECH_FACE, _DRAWN, _DRAWN),
        place=_place(right, known),
        strip=known_strip(_score_of(right), known) if right is not None and known.is_of_this_matcher else None,
        score_place_words=score_place_words,
        truth_words=truth_words,
        why_pair=why_pair,
    )


@router.post("/exercises/{set_id}/{number}")
def answer(
    request: Request, node: OpenNode, who: SignedIn, set_id: SetInPath, number: NumberInPath, fields: SentForm
) -> Response:
    """The first answer stands."""
    kept = set_of(node, set_id)
    attempt = _own_attempt(request, who, kept)
    answer_exercise(attempt, number, fields.get("answer", ""))
    onwards = number
    if kept.answers is None:  # nothing to see here yet
        onwards = next((one for one in attempt.open_numbers if one != number), 0)
    return RedirectResponse(f"/app/exercises/{set_id}/{onwards}" if onwards else f"/app/exercises/{set_id}", 303)


@router.get("/exercises/{set_id}/{number}/heights/{side}", dependencies=[ANYBODY])
async def exercise_exhibit(
    request: Request,
    node: OpenNode,
    set_id: SetInPath,
    number: NumberInPath,
    side: Literal["a", "b"],
    form: Form = Form.RAW,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """What the comparison viewer draws."""
    kept = await off_loop(set_of, node, set_id)
    tag = f"{set_id}.{number}.{side}.{form}"
    if unchanged(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": f'"{tag}"'})
    content = await heavily(request, WorkKind.PICTURES, exercise_heights, node, kept, number, side, form)
    headers = {"ETag": f'"{tag}"', "Content-Encoding": "gzip"}
    return Response(content, media_type="application/octet-stream", headers=headers)


@router.get("/exercises/{set_id}/{number}/picture")
async def picture_of_exercise(
    request: Request, node: OpenNode, who: SignedIn, set_id: SetInPath, number: NumberInPath
) -> Response:
    """For whoever may see what is right. Raises NotFound for everybody else."""
    kept = await off_loop(set_of, node, set_id)
    attempt = await off_loop(attempt_at, request, who, kept)
    may_see = attempt is not None and (number in attempt.given or attempt.is_over)
    if kept.answers is None or not may_see:
        raise NotFound("There is no such picture.")
    content = await heavily(request, WorkKind.PICTURES, exercise_picture, node, kept, number)
    return Response(content, media_type="image/png", headers={"Cache-Control": "private, no-cache"})


def _side(set_id: str, number: int, side: str, place: int) -> ExhibitSide:
    return ExhibitSide(f"/app/exercises/{set_id}/{number}/heights/{side}?form=filtered", place)


def _following(kept: KeptSet, attempt: Attempt | None, number: int) -> int | None:
    """The next one that is not answered; after the last the first of those; when all are, the next in the row."""
    last = len(kept.document.items)
    waiting = attempt.open_numbers if attempt is not None else []
    after = [one for one in waiting if one > number] + [one for one in waiting if one < number]
    return after[0] if after else (number + 1 if number < last and not waiting else None)


def _score_of(right: ItemAnswer | None) -> float:
    return 0.0 if right is None or right.comparison is None else float(right.comparison["score"])


def _place(right: ItemAnswer | None, known: KnownPairScores) -> list[str]:
    """Where the score stands; nothing where this node's matcher is another than that which measured the known ones."""
    if right is None or not known.is_of_this_matcher:
        return []
    return score_place_words(place_among(_score_of(right), known))
