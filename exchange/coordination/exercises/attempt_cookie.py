"""Which attempt at a set a browser goes on with. The cookie's name is made of who is signed in, so that the next person
in the same browser does not go on with it; the node keeps no list of both."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi import Path as InPath
from starlette.responses import Response

from exchange.coordination.exercises.attempts import Attempt, attempt_name, find_attempt
from exchange.coordination.exercises.exercise_folder import KeptSet, find_set, folder_of
from exchange.errors import NotFound
from exchange.flows.node.node import Node
from exchange.web.pages.layout import Visitor, visitor

ANYBODY: Final = Depends(visitor)
"""Of a route: for whoever is signed in."""
COOKIE_PATH: Final = "/app"
"""So that signing out has them as well."""
_PREFIX: Final = "ffp-exercise-"
SetInPath = Annotated[str, InPath(pattern="^[0-9a-f]{16}$", description="Of a set of exercises.")]
NumberInPath = Annotated[int, InPath(ge=1, le=99, description="Of an exercise in its set.")]


def exercises_of(node: Node) -> Path:
    """Raises NotFound at a node without exercises."""
    folder = folder_of(node)
    if folder is None:
        raise NotFound("This node has no exercises: they are done on training nodes (ffp training region).")
    return folder


def set_of(node: Node, set_id: str) -> KeptSet:
    """Raises NotFound."""
    return find_set(exercises_of(node), set_id)


def attempt_code(request: Request, who: Visitor, set_id: str) -> str:
    return request.cookies.get(_name(who, set_id), "")


def attempt_at(request: Request, who: Visitor, kept: KeptSet) -> Attempt | None:
    """That of this person in this browser; None where there is none, or it was left."""
    code = attempt_code(request, who, kept.set_id)
    if not code:
        return None
    try:
        return find_attempt(kept, code)
    except NotFound:
        return None


def going_on(answer: Response, who: Visitor, set_id: str, code: str) -> Response:
    """The browser goes on with the attempt until it is closed."""
    answer.set_cookie(
        _name(who, set_id),
        code,
        path=COOKIE_PATH,
        httponly=True,
        samesite="strict",
        secure=who.node.settings.url.startswith("https:"),
    )
    return answer


def left(answer: Response, who: Visitor, set_id: str) -> Response:
    """The browser forgets it."""
    answer.delete_cookie(_name(who, set_id), path=COOKIE_PATH)
    return answer


def all_left(request: Request, answer: Response) -> None:
    """The browser forgets every attempt: somebody signs out."""
    for name in request.cookies:
        if name.startswith(_PREFIX):
            answer.delete_cookie(name, path=COOKIE_PATH)


def _name(who: Visitor, set_id: str) -> str:
    return f"{_PREFIX}{attempt_name(who.node, who.caller.pseudonym, set_id)}"
