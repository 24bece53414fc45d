"""The pictures of docs/training: a node to practise with, its pages and a small class, drawn anew.

python -m tests.exchange.coordination.browser.training_pictures
python -m tests.exchange.coordination.browser.training_pictures --into FOLDER --size 400x800 --scheme light dark

To look at the pages at several sizes name them all: each gets a folder of its own.
"""

from __future__ import annotations

import argparse
import importlib
import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest
from PIL import Image

from exchange.coordination.exercises.attempts import answer_exercise, begin_attempt, find_attempt, hand_in
from exchange.coordination.exercises.draw_set import DrawnSet, draw_set
from exchange.coordination.exercises.exercise_documents import ExerciseAnswers, open_seal
from exchange.coordination.exercises.exercise_folder import KeptSet, find_set, make_folder, open_set, put_set
from exchange.coordination.exercises.exercise_vocabulary import ExerciseAudience, ExerciseSkill, ExerciseTruth
from schemas.vocabulary import Jurisdiction, Role, ScreenConclusion
from tests.browser.conftest import OPTIONS
from tests.browser.pages import person, sign_in
from tests.browser.screenshots import write_small
from tests.exchange.running_nodes import RunningNode, node_starter

FOLDER: Final = Path(__file__).parents[4] / "docs" / "training"
SIZE: Final = "1280x720"
MOST_BYTES: Final = 150_000
PATIENCE_MS: Final = 120_000
SHOWN: Final = {
    "same": ExerciseSkill.SAME_FIREARM,
    "look-alikes": ExerciseSkill.LOOK_ALIKES,
    "half": ExerciseSkill.HALF_MARKS,
}


@dataclass
class PractisingClass:
    """A node to practise with; ``practice`` and ``questions`` with their answers, ``blind`` answered by three."""

    node: RunningNode
    folder: Path
    practice: KeptSet
    questions: KeptSet
    blind: KeptSet
    blind_drawn: DrawnSet


@contextmanager
def practising_class(folder: Path) -> Iterator[PractisingClass]:
    exercises = folder / "exercises"
    make_folder(exercises)
    pairs, asked = draw_set("practice", ExerciseAudience.EXAMINER), draw_set("practice", ExerciseAudience.INVESTIGATOR)
    blind = draw_set("of the pictures, which are shown to all", ExerciseAudience.INVESTIGATOR)
    practice = put_set(exercises, pairs.handed_out, pairs.answers)
    questions = put_set(exercises, asked.handed_out, asked.answers)
    kept = put_set(exercises, blind.handed_out)
    with pytest.MonkeyPatch.context() as monkeypatch, node_starter(folder, monkeypatch) as start:
        node = start(Jurisdiction.MK, exercises=exercises)
        yield PractisingClass(node, exercises, practice, questions, kept, blind)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--into", type=Path, default=FOLDER)
    arguments.add_argument("--size", nargs="+", default=[SIZE])
    arguments.add_argument("--scheme", nargs="+", default=["light"])
    said = arguments.parse_args()
    looks = list(product(said.size, said.scheme))
    playwright = importlib.import_module("playwright.sync_api")
    with (
        tempfile.TemporaryDirectory() as folder,
        practising_class(Path(folder)) as practising,
        playwright.sync_playwright() as run,
    ):
        browser = run.chromium.launch(executable_path=shutil.which("chromium"), args=list(OPTIONS))
        cookies = None
        for size, scheme in looks:
            into = said.into / f"{size}-{scheme}" if len(looks) > 1 else said.into
            into.mkdir(parents=True, exist_ok=True)
            wide, high = map(int, size.split("x"))
            context = browser.new_context(viewport={"width": wide, "height": high}, color_scheme=scheme)
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            if cookies is None:
                sign_in(page, practising.node, person(practising.node, Role.EXAMINER))
                cookies = context.cookies()
            context.add_cookies(cookies)
            draw_training(Photographer(page, practising, into, {"width": wide, "height": high}))
        browser.close()


@dataclass
class Photographer:
    """A browser of somebody in the class, and where its pictures go."""

    page: Any
    practising: PractisingClass
    into: Path
    size: dict[str, int]

    def go(self, path: str) -> None:
        self.page.goto(self.practising.node.url + path)
        if self.page.locator("ffp-comparison").count():
            self.page.locator("ffp-comparison[data-state=ready]").wait_for()
            self.page.wait_for_timeout(400)

    def keep(self, name: str, *, whole: bool = False) -> None:
        if whole:
            high = self.page.evaluate("() => document.documentElement.scrollHeight")
            self.page.set_viewport_size({**self.size, "height": min(max(high, 300), 1600)})
        picture = Image.open(io.BytesIO(self.page.screenshot()))
        write_small(picture, self.into / f"{name}.png", MOST_BYTES)
        self.page.set_viewport_size(self.size)
        print(name)

    def begin(self, kept: KeptSet) -> str:
        address = f"/app/exercises/{kept.set_id}"
        self.go(address)
        self.page.get_by_role("button", name="Begin").click()
        self.page.wait_for_url(f"**{address}/1")
        return address

    def answer(self, address: str, number: int, said: str) -> None:
        self.go(f"{address}/{number}")
        self.page.locator(f'input[value="{said}"]').check()
        with self.page.expect_navigation():
            self.page.locator("main form button").last.click()


def draw_training(camera: Photographer) -> None:
    practising = camera.practising
    camera.go("/app/exercises")
    camera.keep("sets", whole=True)
    known = practising.practice.answers
    if known is None:
        raise LookupError("the practice set has its answers")
    address = camera.begin(practising.practice)
    for name, skill in SHOWN.items():
        number = _number_of(known, skill)
        camera.go(f"{address}/{number}")
        if name == "same":
            camera.keep("pair")
        truth = known.answers[number - 1].truth
        same = truth is ExerciseTruth.SAME
        right = ScreenConclusion.POSSIBLE_ASSOCIATION if same else ScreenConclusion.NO_ASSOCIATION_INDICATED
        camera.answer(address, number, right)
        camera.go(f"{address}/{number}")
        camera.keep(name)
    camera.go(address)
    camera.keep("set", whole=True)

    asked = practising.questions
    address = camera.begin(asked)
    right = asked.answer(1)
    camera.answer(address, 1, right.right if right is not None and right.right else "")
    camera.go(f"{address}/1")
    camera.keep("question", whole=True)

    blind = f"/app/exercises/{practising.blind.set_id}"
    if find_set(practising.folder, practising.blind.set_id).answers is None:
        camera.begin(practising.blind)
        _class_answers(practising)
        open_set(practising.folder, practising.blind_drawn.answers)
    camera.go(blind)
    camera.keep("results", whole=True)


def _number_of(known: ExerciseAnswers, skill: ExerciseSkill) -> int:
    found = [one for one in known.answers if one.skill is skill]
    # of half marks one of one firearm says more
    return next((one.number for one in found if one.truth is ExerciseTruth.SAME), found[0].number)


def _class_answers(practising: PractisingClass) -> None:
    """Four made-up people answer the blind set, each with some mistakes."""
    kept, drawn = practising.blind, practising.blind_drawn
    answers = open_seal(drawn.answers, drawn.document).answers
    for someone in range(4):
        code = begin_attempt(kept, Jurisdiction.MK, f"{someone:064x}")
        for item, answer in zip(kept.document.items, answers, strict=True):
            options = item.options or []
            said = options[0] if (item.number + someone) % 4 == 0 else answer.right or ""
            answer_exercise(find_attempt(kept, code), item.number, said)
        hand_in(find_attempt(kept, code))


if __name__ == "__main__":
    main()
