"""How far this focal point has come: for its head, its operator and its auditor."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from exchange.flows.maturity.assess import maturity_of
from exchange.flows.maturity.definitions import Evidence
from exchange.flows.maturity.keep import kept_snapshots, last_half, maturity_path
from exchange.web.access.caller import OpenNode
from exchange.web.languages import term
from exchange.web.languages.days import local_time
from exchange.web.pages.layout import Visitor, only, page
from exchange.web.wording.figures import words
from schemas.vocabulary import Role

router = APIRouter()

Looking = Annotated[Visitor, Depends(only(Role.HEAD, Role.OPERATOR, Role.AUDITOR))]
DAY_CHARACTERS = len("2026-11-27")


@router.get("/maturity")
def maturity_page(node: OpenNode, who: Looking) -> Response:
    return page(
        "maturity",
        who,
        found=maturity_of(node),
        evidence=evidence_words,
        path=maturity_path(node),
        kept={kept.snapshot.half: kept for kept in kept_snapshots(node)},
        last=last_half(),
    )


def evidence_words(proof: Evidence) -> list[str]:
    """The figure or the date behind a practice, and whom it is about, in the reader's language."""
    said = [] if proof.figure is None else [words(proof.figure, proof.unit)]
    if proof.at is not None:
        said.append(proof.at if len(proof.at) == DAY_CHARACTERS else local_time(proof.at))
    return [*said, *proof.names, *(term(code, "jurisdiction") for code in proof.partners)]
