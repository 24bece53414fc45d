"""The pages of exercises: nothing of the answers before the answer, nothing of a person in what is kept, nothing of an
exercise in the node's own store; and a node without exercises shows none."""

from __future__ import annotations

import gzip
import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from exchange.coordination.exercises.draw_set import DrawnSet, draw_set
from exchange.coordination.exercises.exercise_documents import ExerciseAnswers, open_seal
from exchange.coordination.exercises.exercise_folder import make_folder, open_set, put_set
from exchange.coordination.exercises.exercise_questions import QUESTIONS
from exchange.coordination.exercises.exercise_vocabulary import ExerciseAudience, ExerciseSkill, ExerciseTruth
from exchange.coordination.exercises.exercise_words import OUTCOME_WORDS, QUESTION_WORDS, SKILL_WORDS
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.pages.conftest import Person

pytestmark = pytest.mark.slow
SEED = "q7R2-hidden-by-whoever-gives-it"
PAIRS = 6


@pytest.fixture(scope="module")
def pairs_set() -> DrawnSet:
    return draw_set(SEED, ExerciseAudience.EXAMINER, PAIRS)


@dataclass
class Class:
    """A node to practise with, and its folder."""

    node: RunningNode
    folder: Path
    somebody: Callable[[RunningNode, Role], Person]

    def examiner(self) -> Person:
        return self.somebody(self.node, Role.EXAMINER)

    def put(self, made: DrawnSet, *, practice: bool = False) -> str:
        put_set(self.folder, made.handed_out, made.answers if practice else None)
        return f"/app/exercises/{made.document.set_id}"


@pytest.fixture
def training(
    start_node: Callable[..., RunningNode], somebody: Callable[[RunningNode, Role], Person], tmp_path: Path
) -> Class:
    folder = tmp_path / "exercises"
    make_folder(folder)
    return Class(start_node(Jurisdiction.RS, exercises=folder), folder, somebody)


def begun(person: Person, address: str) -> str:
    csrf = person.csrf()
    answer = person.post(address, {"csrf": csrf, "act": "begin"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{address}/1"), answer.text
    return csrf


def known_of(made: DrawnSet) -> ExerciseAnswers:
    return open_seal(made.answers, made.document)


TELLING = (
    *SKILL_WORDS.values(),
    *OUTCOME_WORDS.values(),
    *(skill.value for skill in ExerciseSkill),
    *(f'"{truth}"' for truth in ExerciseTruth),
    "congruent",
    'comparison="',
    "registration=",
    "score</dt>",
    "drawn as marks of",
)


def test_a_blind_set_tells_nothing_before_its_answers_are_opened(training: Class, pairs_set: DrawnSet) -> None:
    """Attacked as a participant: pages, heights, pictures and addresses, before and after an answer."""
    address = training.put(pairs_set)
    person = training.examiner()
    csrf = begun(person, address)
    for number in range(1, PAIRS + 1):
        looked = [person.get(f"{address}/{number}")]
        said = {"csrf": csrf, "answer": "inconclusive"}
        sent = person.post(f"{address}/{number}", said)
        assert sent.headers["location"] == (f"{address}/{number + 1}" if number < PAIRS else address)
        looked += [person.get(f"{address}/{number}"), person.get(address)]
        for shown in looked:
            assert shown.status_code == 200
            text = re.sub(r'data-text-[a-z-]+="[^"]*"', "", shown.text)  # the viewer's own words
            for word in TELLING:
                assert word not in text, (number, word)
        assert person.get(f"{address}/{number}/picture").status_code == 404
    assert person.get(f"{address}/certificate.pdf").status_code == 404
    assert person.get(f"{address}/given.json").status_code == 404, "nothing was handed in"
    assert person.post(address, {"csrf": csrf, "act": "hand_in"}).status_code == 303
    taken = person.get(f"{address}/given.json").json()
    assert set(taken) == {"answers", "code", "format", "half", "set_id"}

    open_set(training.folder, pairs_set.answers)
    answer = known_of(pairs_set).answers[0]
    shown = person.get(f"{address}/1").text
    assert SKILL_WORDS[answer.skill] in shown
    assert 'comparison="{' in shown
    assert person.get(f"{address}/1/picture").headers["content-type"] == "image/png"
    assert person.get(f"{address}/certificate.pdf").content.startswith(b"%PDF")
    stranger = training.examiner()
    assert 'comparison="' not in stranger.get(f"{address}/1").text, "who did not take part sees the exhibits alone"
    assert stranger.get(f"{address}/1/picture").status_code == 404
    assert stranger.post(address, {"csrf": stranger.csrf(), "act": "begin"}).status_code == 409


def test_the_next_person_in_the_same_browser_does_not_go_on_with_an_attempt(
    training: Class, pairs_set: DrawnSet
) -> None:
    address = training.put(pairs_set)
    one, other = training.examiner(), training.examiner()
    csrf = begun(one, address)
    kept = [cookie.name for cookie in one.http.cookies.jar if cookie.name.startswith("ffp-exercise-")]
    assert len(kept) == 1
    other.http.cookies.set(kept[0], one.http.cookies[kept[0]])
    assert "0 of" in one.get(address).text
    assert 'value="begin"' in other.get(address).text, "a window that was left open, without signing out"
    one.post("/app/sign-out", {"csrf": csrf})
    assert kept[0] not in one.http.cookies


def test_heights_are_those_of_the_exhibit_and_have_one_shape(training: Class, pairs_set: DrawnSet) -> None:
    """What is fetched beside the page: no truth in its head, and no answer in how long it takes or how big it is."""
    address = training.put(pairs_set)
    person = training.examiner()
    sizes = dict[ExerciseTruth, list[float]]()
    heads = set()
    for answer in known_of(pairs_set).answers:
        for side in "ab":
            found = person.get(f"{address}/{answer.number}/heights/{side}?form=filtered")
            assert found.status_code == 200, found.text
            length = int.from_bytes(found.content[:4], "little")
            head = json.loads(found.content[4 : 4 + length])
            heads.add(tuple(sorted(head)))
            sizes.setdefault(answer.truth or ExerciseTruth.SAME, []).append(len(gzip.compress(found.content)))
    assert len(heads) == 1
    assert max(sizes[ExerciseTruth.SAME]) > min(sizes[ExerciseTruth.DIFFERENT])
    assert max(sizes[ExerciseTruth.DIFFERENT]) > min(sizes[ExerciseTruth.SAME])
    assert person.get(f"{address}/1/heights/c").status_code == 422
    assert person.get(f"{address}/99/heights/a").status_code == 404


def test_practice_shows_why_after_each_answer(training: Class, pairs_set: DrawnSet) -> None:
    address = training.put(pairs_set, practice=True)
    person = training.examiner()
    for path in ("1", "1/picture"):
        before = person.get(f"{address}/{path}")
        assert 'comparison="' not in before.text
    csrf = begun(person, address)
    for answer in known_of(pairs_set).answers:
        number = answer.number
        assert 'comparison="' not in person.get(f"{address}/{number}").text
        sent = person.post(f"{address}/{number}", {"csrf": csrf, "answer": "possible_association"})
        assert sent.headers["location"] == f"{address}/{number}", "there it stands why"
        shown = person.get(f"{address}/{number}").text
        assert SKILL_WORDS[answer.skill] in shown
        assert answer.comparison is not None
        assert f">{answer.comparison['score']:.3f}</b>" in shown
        expected = (
            "right"
            if answer.truth is ExerciseTruth.SAME and answer.shows_enough
            else ("over_claim" if answer.truth is ExerciseTruth.SAME else "false_association")
        )
        assert f'class="outcome {expected}"' in shown
        again = person.post(f"{address}/{number}", {"csrf": csrf, "answer": "no_association_indicated"})
        assert again.status_code == 409, "the first answer stands"
    whole = person.get(address).text
    assert "All are answered" in whole
    assert person.get(f"{address}/certificate.pdf").content.startswith(b"%PDF")


def test_nothing_of_an_exercise_enters_the_node(training: Class, pairs_set: DrawnSet) -> None:
    node = training.node.node
    address = training.put(pairs_set, practice=True)
    person = training.examiner()
    csrf = begun(person, address)
    head, status = _standing(training.node), _files(node.settings.home)
    person.get(f"{address}/1")
    person.get(f"{address}/1/heights/a?form=filtered")
    person.post(f"{address}/1", {"csrf": csrf, "answer": "no_association_indicated"})
    person.get(f"{address}/1/picture")
    assert (_standing(training.node), _files(node.settings.home)) == (head, status)
    for path in node.settings.home.rglob("*"):
        if path.is_file():
            assert pairs_set.document.set_id.encode() not in path.read_bytes(), path


def _standing(node: RunningNode) -> object:
    status = node.http.get(f"{node.url}/v1/status", headers=node.bearer(Role.OPERATOR)).json()
    return status["records"], status["acquisitions"]


def _files(home: Path) -> set[str]:
    found = {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}
    return {name for name in found if not name.endswith(("-wal", "-shm", "-journal"))}


def test_an_attempt_goes_on_by_its_code_and_leaves_the_browser(training: Class) -> None:
    made = draw_set(SEED, ExerciseAudience.INVESTIGATOR)
    address = training.put(made)
    person = training.examiner()
    csrf = begun(person, address)
    first = (made.document.items[0].options or [])[0]
    person.post(f"{address}/1", {"csrf": csrf, "answer": first})
    code = re.findall(r"[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}", person.get(address).text)[0]
    other = training.examiner()
    assert ">your answer<" not in other.get(f"{address}/1").text, "another person's browser"
    assert (
        other.post(address, {"csrf": other.csrf(), "act": "resume", "code": "AAAA-BBBB-CCCC-DDDD"}).status_code == 404
    )
    assert other.post(address, {"csrf": other.csrf(), "act": "resume", "code": f" {code.lower()} "}).status_code == 303
    assert ">your answer<" in other.get(f"{address}/1").text
    left = other.post(address, {"csrf": other.csrf(), "act": "leave"})
    assert left.headers["location"] == "/app/exercises"
    assert ">your answer<" not in other.get(f"{address}/1").text
    cookie = next(one for one in person.http.cookies.jar if one.name.startswith("ffp-exercise-"))
    assert (cookie.path, cookie.has_nonstandard_attr("HttpOnly"), cookie.expires) == ("/app", True, None)


def test_questions_are_asked_and_explained(training: Class) -> None:
    made = draw_set(SEED, ExerciseAudience.INVESTIGATOR, 13)
    address = training.put(made, practice=True)
    person = training.somebody(training.node, Role.INVESTIGATOR)
    csrf = begun(person, address)
    for item, answer in zip(made.document.items, known_of(made).answers, strict=True):
        asked = html.unescape(person.get(f"{address}/{item.number}").text)
        assert asked.count('name="answer"') == 3
        assert QUESTION_WORDS[item.question or ""].why not in asked
        person.post(f"{address}/{item.number}", {"csrf": csrf, "answer": answer.right or ""})
        shown = html.unescape(person.get(f"{address}/{item.number}").text)
        assert QUESTION_WORDS[item.question or ""].why in shown
        assert "<b>Right.</b>" in shown
    assert 'href="/app/exercises">' in person.get("/app/").text, "each page says that it is a node to practise with"


def test_every_question_has_its_words() -> None:
    assert list(QUESTION_WORDS) == list(QUESTIONS)
    for name, question in QUESTIONS.items():
        words = QUESTION_WORDS[name]
        assert set(words.options) == (set() if question.hours else set(question.options))
        assert ("%(moment)s" in words.text) is (question.hours is not None)


def test_a_node_with_real_exhibits_says_where_exercises_are_done(
    node: RunningNode, signed_in: Callable[[Role], Person]
) -> None:
    person = signed_in(Role.EXAMINER)
    shown = person.get("/app/exercises")
    assert shown.status_code == 200
    assert "ffp training region" in shown.text
    assert 'class="practice"' not in shown.text
    csrf = person.csrf()
    address = f"/app/exercises/{'0' * 16}"
    for path in (address, f"{address}/1", f"{address}/1/heights/a", f"{address}/1/picture", f"{address}/given.json"):
        assert person.get(path).status_code == 404
    for path in (address, f"{address}/1"):
        assert person.post(path, {"csrf": csrf, "act": "begin", "answer": "inconclusive"}).status_code == 404
    assert not (node.node.settings.home / "exercises").exists()
