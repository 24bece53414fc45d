"""The user guide, for everybody, also before the sign-in."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from exchange.web.pages.help import guide_keys
from exchange.web.pages.layout import MaybeSignedIn, page

router = APIRouter()


@router.get("/guide")
def guide(who: MaybeSignedIn) -> Response:
    """One page: a part for each role, a chapter for each thing to do. It shows no content of the node."""
    return page("guide", who, keys=guide_keys())
