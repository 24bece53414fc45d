"""An examiner who is asked to verify blind gets neither the score nor the colleague's conclusion: not by any page or
route with the ids of the pair, not in a file to download, not in a letter.

The score, the cells that agree and the remark are made such that they stand nowhere else. ``test_reviews`` compares two
worlds, and so covers what cannot be recognized: an order, a count, a length.
"""

from __future__ import annotations

import base64
import io
import itertools
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import delete, select, update

from exchange.flows.alerts.mail import Occasion
from exchange.flows.blind.tasks import tasks_for
from exchange.flows.blind.visibility import pair_of
from exchange.store.tables.record_tables import CandidateRow
from exchange.store.tables.review_tables import OpenedListRow
from exchange.web.app import create_app
from exchange.web.mail_text import letters_of
from tests.exchange.web.test_who_may import NAMES, routes_of
from tests.observers.coverage import Coverage
from tests.observers.secrets_of_reviews import pairs_of, say
from tests.observers.seen.examiner import CuriousExaminer
from tests.observers.seen.peer import description_of
from tests.observers.trial import Told
from tests.observers.world import COLLEAGUE, EXAMINER, Base, World

pytestmark = pytest.mark.slow

SCORE, CELLS, OF_CELLS = 0.618273, 137, 211
REMARK = "Xylographic striae at nine o'clock"
LARGEST = 64 * 1024 * 1024
"""Of a file in a ZIP, unpacked: scans are the largest."""
DESCRIPTION = "/v1/openapi.json"
"""The same for everybody; its examples name a conclusion."""


def texts(content: bytes) -> Iterator[str]:
    """What can be read in an answer, packed or not."""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for item in archive.infolist():
                assert item.file_size < LARGEST
                yield item.filename
                yield from texts(archive.read(item))
    elif content.startswith(b"%PDF"):
        yield from (page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    else:
        text = content.decode("utf-8", "replace")
        yield text
        for token in re.findall("[0-9A-Za-z+/]{40,}={0,2}", text):
            yield base64.b64decode(token[: len(token) // 4 * 4], validate=False).decode("utf-8", "replace")


def secrets_in(text: str, conclusion: str) -> list[str]:
    """Which of the secrets a text gives away."""
    said = re.sub(r"<form.*?</form>", "", text, flags=re.DOTALL)
    found = {
        "score": re.search(r"0[.,]618", said),
        "cells": re.search(rf"\b{CELLS}\b.{{0,80}}\b{OF_CELLS}\b", said, re.DOTALL),
        "remark": REMARK.partition("'")[0] in said,
        "statement": conclusion in said,
        "word": re.search(r'"conclusion": ?"possible_association"', said),
    }
    return [name for name, hit in found.items() if hit]


def targets(world: World, ids: dict[str, list[str]]) -> Iterator[str]:
    """Every GET route of the code with every id of the pair."""
    for method, path in routes_of(create_app(world.rs, works=False)):
        if method != "GET" or path.endswith("/events"):
            continue
        names = re.findall(r"{(\w+)(?::path)?}", path)
        for values in itertools.product(*(ids.get(name, [NAMES.get(name, "0" * 64)]) for name in names)):
            chosen = iter(values)
            yield re.sub(r"{[^}]+}", lambda _, chosen=chosen: next(chosen), path)  # type: ignore[misc]


def test_a_blind_verifier_gets_no_score_and_no_conclusion(reviewed: Base, tmp_path: Path) -> None:
    with reviewed.opened(tmp_path, "blind") as world, world.running():
        lead, _, apart = pairs_of(world)
        with world.write() as session:
            is_apart = OpenedListRow.exhibit.in_(apart.exhibits)
            session.execute(delete(OpenedListRow).where(OpenedListRow.pseudonym == EXAMINER, ~is_apart))
            changed = {"score": SCORE, "congruent_cells": CELLS, "cells": OF_CELLS}
            named = (apart.row.statement_a, apart.row.statement_b)
            is_hidden = ~CandidateRow.statement_a.in_(named) & ~CandidateRow.statement_b.in_(named)
            session.execute(update(CandidateRow).where(is_hidden).values(changed))
        fields = {"result": {"basis": "screen", "conclusion": "possible_association"}, "remark": REMARK}
        conclusion = say(world, COLLEAGUE, "conclusion", pair=pair_of(lead).model_dump(mode="json"), **fields)

        pair = pair_of(lead)
        sides = (pair.a, pair.b)
        with world.rs.store.read() as session:
            [task] = [one.task_id for one in tasks_for(session, EXAMINER)]
            candidates = [str(one) for one in session.scalars(select(CandidateRow.candidate_id))]
        ids = {
            "statement_id": [*(side.record for side in sides), conclusion],
            "hit_id": [conclusion],
            "link_id": [conclusion],
            "candidate_id": [str(lead.row.candidate_id), str(apart.row.candidate_id), *candidates[:3]],
            "sha256": [side.scan for side in sides],
            "task_id": [task],
            "position": ["0"],
            "drawn": ["measured", "filtered"],
        }
        told = Told((*(side.record for side in sides), *(side.scan for side in sides), conclusion, task), {})
        world.wire.told.clear()
        coverage = Coverage()
        examiner = CuriousExaminer(world, told, coverage)
        try:
            for taken in (False, True):
                if taken:
                    examiner.take_tasks()
                for target in targets(world, ids):
                    examiner.get(target)
            examiner.crawl_pages(alike=3)
            examiner.crawl_api(description_of(world))
        finally:
            examiner.close()
        assert not coverage.broken
        with world.rs.store.read() as session:
            assert [one.task_id for one in tasks_for(session, EXAMINER)] == [task], "still asked to verify"
        given = [one for one in world.wire.told if one.answer.status_code < 400]
        answers = [one for one in given if one.request.url.path != DESCRIPTION]
        leaks = {
            (name, one.request.url.raw_path.decode())
            for one in answers
            for text in texts(one.answer.content)
            for name in secrets_in(text, conclusion)
        }
        letters = letters_of(world.rs)
        assert not [word for one in Occasion for word in secrets_in(str(letters(one, "en", "123456")), conclusion)]
        kinds = {one.answer.headers.get("content-type", "").partition(";")[0] for one in answers}
        assert kinds >= {"text/html", "application/json", "application/pdf", "application/zip", "text/csv"}
        assert leaks == set()
