"""Every answer that shows a score of a pair says next to it whether such scores are validated: pages, routes, tables,
reports and bundles, of each kind of scan."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from exchange.flows.blind.visibility import pair_of
from exchange.store.tables.record_tables import AcquisitionRow, CandidateRow
from tests.observers.coverage import Coverage
from tests.observers.secrets_of_reviews import pairs_of, say
from tests.observers.seen.examiner import CuriousExaminer
from tests.observers.test_blind_verifier import DESCRIPTION, targets, texts
from tests.observers.trial import Told
from tests.observers.world import EXAMINER, THIRD, Base, World
from tests.schemas.results import SCREEN

pytestmark = pytest.mark.slow

SCORE = 7.318273
SHOWN = re.compile(r"(?<![\d.,])7[.,](?:32|318)(?!\d)")
NEAR = 400
"""Characters of text between a score and its status, at most."""
KINDS: dict[str, dict[str, Any]] = {
    "topographies": {},
    "photographs": {"modality": "reflectance"},
    "firing pins": {"roi": "firing_pin_impression"},
    "shears": {"roi": "aperture_shear"},
}


def scores_in(content: str) -> Iterator[bool]:
    """For each place of a page or of a document that shows the score: whether its status stands near."""
    text = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", content)).split())
    for place in SHOWN.finditer(text):
        yield "ot validated" in text[max(0, place.start() - NEAR) : place.end() + NEAR]


def scores_of(value: Any) -> Iterator[bool]:
    """The same of an answer in JSON: the object with the score states it, or an object around that one."""
    match value:
        case dict():
            marked = bool(value.get("not_validated"))
            for item in value.values():
                if isinstance(item, float):
                    yield from [marked] if round(item, 6) == SCORE else []
                else:
                    yield from (marked or found for found in scores_of(item))
        case list():
            for item in value:
                yield from scores_of(item)


def read_all(world: World) -> Iterator[tuple[str, str, bool]]:
    """Each score that an examiner is shown who opened all lists, and whose conclusion on a pair was verified: the type
    of the answer, its address, and whether the score has its status."""
    lead = pairs_of(world)[0]
    pair = pair_of(lead).model_dump(mode="json")
    first = say(world, EXAMINER, "conclusion", pair=pair, **SCREEN)
    say(world, THIRD, "verification", pair=pair, verifies=first, **SCREEN)
    with world.rs.store.read() as session:
        candidates = [str(one) for one in session.scalars(select(CandidateRow.candidate_id))]
    scans = (lead.acquisition_a, lead.acquisition_b)
    ids = {
        "statement_id": [first, *(scan.statement_id for scan in scans)],
        "candidate_id": [str(lead.row.candidate_id), *candidates[:2]],
    }
    world.wire.told.clear()
    examiner = CuriousExaminer(world, Told(tuple(ids["statement_id"]), {}), Coverage())
    try:
        for target in targets(world, ids):
            if "picture" not in target and "heights" not in target:
                examiner.get(target)
        examiner.crawl_pages(alike=2)
    finally:
        examiner.close()
    for one in world.wire.told:
        media = one.answer.headers.get("content-type", "").partition(";")[0]
        if one.answer.status_code < 400 and one.request.url.path != DESCRIPTION:
            if media == "application/json":
                marks = [*scores_of(one.answer.json())]
            else:
                marks = [marked for text in texts(one.answer.content) for marked in scores_in(text)]
            yield from ((media, one.request.url.raw_path.decode(), marked) for marked in marks)


@pytest.mark.parametrize("kind", KINDS)
def test_each_score_stands_next_to_its_status(reviewed: Base, tmp_path: Path, kind: str) -> None:
    with reviewed.opened(tmp_path, kind) as world, world.running():
        with world.write() as session:
            session.execute(update(CandidateRow).values(score=SCORE))
            if KINDS[kind]:
                session.execute(update(AcquisitionRow).values(KINDS[kind]))
        found = [*read_all(world)]
    print(f"{kind}: {len(found)} scores at {len({place for _, place, _ in found})} addresses")
    assert {media for media, *_ in found} >= {"text/html", "application/json", "application/pdf", "application/zip"}
    is_validated = kind == "topographies"
    assert {place for _, place, marked in found if marked is is_validated} == set()
