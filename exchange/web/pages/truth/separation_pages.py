"""Own separation: how well this laboratory's scores tell firearms apart, for its examiners and its head."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from exchange.flows.node.node import Node
from exchange.flows.truth.known_pairs import promise_missing, scoring_progress
from exchange.flows.truth.model_in_use import model_in_use
from exchange.flows.truth.separation import KnownPair, Separation, known_pairs, own_separation
from exchange.log.audit_entry import Act, Deed
from exchange.web.access.caller import OpenNode
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.pages.layout import Visitor, off_loop, only, page, read_form
from exchange.web.report.sheet import written_sheet
from schemas.vocabulary import Role

SCORE_COLUMNS = (
    *("region", "weapon1", "weapon2", "hypothesis", "score"),
    *("calibre1", "calibre2", "instrument1", "instrument2", "not_validated"),
)


def scores_sheet(pairs: Sequence[KnownPair]) -> bytes:
    """Firearms are numbered within the table, in an order that tells nothing, and no record is named: whoever reads it
    knows no score of a certain pair, which they may be asked to judge blind. ``hypothesis``: 1 of one firearm, 0 of
    two."""
    numbers = _numbered({known.firearm for pair in pairs for known in (pair.one, pair.other)})
    rows = [
        (
            pair.one.scan.roi,
            numbers[pair.one.firearm],
            numbers[pair.other.firearm],
            int(pair.same),
            f"{pair.score:.6f}",
            pair.one.scan.calibre,
            pair.other.scan.calibre,
            pair.one.instrument or "",
            pair.other.instrument or "",
            pair.not_validated or "",
        )
        for pair in pairs
    ]
    ordered = sorted(rows, key=lambda row: (row[0], -row[3], row[4]))
    return written_sheet(SCORE_COLUMNS, (list(map(str, row)) for row in ordered), named=())


def _numbered(firearms: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    by_digest = sorted(firearms, key=lambda firearm: hashlib.sha256("/".join(firearm).encode()).digest())
    return {firearm: f"firearm {number}" for number, firearm in enumerate(by_digest, start=1)}


DRAWING_WIDTH: Final = 540
MIDDLE: Final = 96
DRAWING_HEIGHT: Final = 196
_TALLEST: Final = 70
_LEAST: Final = 2
"""One pair among thousands is seen."""
_BIN: Final = 0.05


@dataclass(frozen=True)
class ScoreBar:
    """``x``, ``y``: of its upper left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Tick:
    x: float
    score: float


@dataclass(frozen=True)
class Drawing:
    true: tuple[ScoreBar, ...]
    different: tuple[ScoreBar, ...]
    ticks: tuple[Tick, ...]


def drawing_of(found: Separation) -> Drawing | None:
    """None where nothing is scored. Scores run from 0 to 1, of striae from -1 on."""
    scores = (*found.true, *found.different)
    if not scores:
        return None
    low, high = min(0.0, math.floor(min(scores))), max(1.0, math.ceil(max(scores)))
    bins = round((high - low) / _BIN)
    step = DRAWING_WIDTH / bins
    up = [
        ScoreBar(place * step, MIDDLE - height, step - 1.0, height) for place, height in _heights(found.true, low, bins)
    ]
    down = [
        ScoreBar(place * step, MIDDLE, step - 1.0, height) for place, height in _heights(found.different, low, bins)
    ]
    quarters = round((high - low) * 4)
    ticks = tuple(Tick(DRAWING_WIDTH * number / quarters, low + number / 4) for number in range(quarters + 1))
    return Drawing(tuple(up), tuple(down), ticks)


def _heights(scores: Sequence[float], low: float, bins: int) -> list[tuple[int, float]]:
    """(bin, height) of each bin that is not empty."""
    counts = [0] * bins
    for score in scores:
        counts[min(bins - 1, max(0, math.floor((score - low) / _BIN)))] += 1
    most = max(counts, default=0)
    return [(place, max(_LEAST, round(_TALLEST * count / most, 1))) for place, count in enumerate(counts) if count]


router = APIRouter()

Validating = Annotated[Visitor, Depends(only(Role.EXAMINER, Role.HEAD))]


@router.get("/separation")
def separation_page(node: OpenNode, who: Validating) -> Response:
    """What is scored already: nothing is compared while a page is made."""
    found = own_separation(node)
    return page(
        "separation",
        who,
        found=found,
        drawings=[(group, drawing_of(group)) for group in found.groups],
        model=model_in_use(node),
        size=(DRAWING_WIDTH, DRAWING_HEIGHT, MIDDLE),
    )


@router.get("/separation/progress")
def separation_progress(node: OpenNode, who: Validating) -> Response:
    """How far the scores are, for the page's script."""
    del who
    found = scoring_progress(node)
    done = found.scored if found.waiting else found.pairs
    return JSONResponse({"done": done, "all": found.pairs}, headers={"Cache-Control": "no-store"})


@router.get("/separation/scores.csv")
async def separation_scores(request: Request, node: OpenNode, who: Validating) -> Response:
    body = await heavily(request, WorkKind.REPORTS, _scores, node, who)
    headers = {"Content-Disposition": f'attachment; filename="{node.node_id}-scores.csv"', "Cache-Control": "no-store"}
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/separation")
async def score_what_is_missing(request: Request, node: OpenNode, who: Validating) -> Response:
    """A worker scores it; the page shows how far it is."""
    await read_form(request, node, who.csrf)
    await off_loop(promise_missing, node)
    return RedirectResponse("/app/separation", 303)


def _scores(node: Node, who: Visitor) -> bytes:
    pairs = known_pairs(node)
    body = scores_sheet(pairs)
    node.audit.note(
        Deed(who.caller.actor, Act.READ_SEPARATION, len(pairs), purpose=who.purpose, legal_basis=who.legal_basis)
    )
    return body
