"""The list of calibres, for everybody, also before the sign-in: it is the contract's, and shows nothing of the node."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from exchange.web.access.caller import OpenNode
from exchange.web.pages.layout import MaybeSignedIn, page
from schemas.calibre_list import AMBIGUOUS
from schemas.calibres.pairs import PAIRS

router = APIRouter()


@router.get("/calibres")
def calibres(node: OpenNode, who: MaybeSignedIn) -> Response:
    """By kinds, each with its names and its source; the words that name several; and the pairs that one firearm may
    fire. Those that this laboratory added are shown to who is signed in."""
    own = () if who is None else node.settings.calibre_pairs
    return page("calibres", who, ambiguous=AMBIGUOUS, pairs=PAIRS, own_pairs=own)
