"""A set is drawn anew by its seed, the same by the same seed, and tells nothing of its answers."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections import Counter

import pytest

from exchange.coordination.exercises.draw_set import DrawnSet, draw_pair_of, draw_set, plan_skills
from exchange.coordination.exercises.exercise_documents import open_seal, read_set_document
from exchange.coordination.exercises.exercise_folder import unpack_set
from exchange.coordination.exercises.exercise_questions import QUESTIONS, SeedStream
from exchange.coordination.exercises.exercise_vocabulary import (
    SKILLS_OF,
    ExerciseAudience,
    ExerciseSkill,
    ExerciseTruth,
)
from exchange.errors import InvalidInput
from tests.exchange.coordination.exercises.conftest import SEED


def members(made: DrawnSet) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(made.handed_out)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.slow
def test_the_same_seed_draws_the_same_bytes(pairs_set: DrawnSet) -> None:
    again = draw_pair_of(SeedStream(SEED), 2, plan_skills(SeedStream(SEED), 6)[1])
    files = members(pairs_set)
    assert (files["scans/02a.x3p"], files["scans/02b.x3p"]) == again.scans
    answer = open_seal(pairs_set.answers, pairs_set.document).answers[1]
    assert (answer.skill, answer.truth) == (again.skill, again.truth)
    assert answer.comparison == json.loads(json.dumps(again.comparison))


def test_questions_are_the_same_by_the_same_seed_and_others_by_another(questions_set: DrawnSet) -> None:
    assert draw_set(SEED, ExerciseAudience.INVESTIGATOR) == questions_set
    other = draw_set(f"{SEED}2", ExerciseAudience.INVESTIGATOR)
    assert other.document.set_id != questions_set.document.set_id
    assert [item.question for item in other.document.items] != [item.question for item in questions_set.document.items]


def test_the_place_of_the_right_option_tells_nothing() -> None:
    places = Counter[int]()
    for number in range(60):
        made = draw_set(f"{SEED} {number}", ExerciseAudience.INVESTIGATOR, 13)
        known = open_seal(made.answers, made.document).answers
        for item, answer in zip(made.document.items, known, strict=True):
            assert item.options is not None
            assert answer.right == QUESTIONS[item.question or ""].right
            places[item.options.index(answer.right)] += 1
    assert all(abs(places[place] - 260) < 60 for place in range(3)), places


def test_each_skill_is_in_a_set_and_the_rest_is_drawn() -> None:
    skills = set(SKILLS_OF[ExerciseAudience.EXAMINER])
    plans = [plan_skills(SeedStream(f"{SEED} {number}"), 12) for number in range(200)]
    assert all(set(plan) == skills and len(plan) == 12 for plan in plans)
    assert len({tuple(sorted(plan)) for plan in plans}) > 50, "who counts skills learns nothing of the last one"
    first = Counter(plan[0] for plan in plans)
    assert all(15 < first[skill] < 55 for skill in skills), first


def test_how_many_exercises_are_in_bounds() -> None:
    for count in (5, 41):
        with pytest.raises(InvalidInput):
            draw_set(SEED, ExerciseAudience.EXAMINER, count)
    for count in (4, 14):
        with pytest.raises(InvalidInput):
            draw_set(SEED, ExerciseAudience.INVESTIGATOR, count)


def test_each_pair_is_what_its_skill_says(pairs_set: DrawnSet) -> None:
    known = open_seal(pairs_set.answers, pairs_set.document).answers
    assert {answer.skill for answer in known} == set(SKILLS_OF[ExerciseAudience.EXAMINER])
    by_skill = {answer.skill: answer for answer in known}
    assert by_skill[ExerciseSkill.SAME_FIREARM].truth is ExerciseTruth.SAME
    assert by_skill[ExerciseSkill.LOOK_ALIKES].truth is ExerciseTruth.DIFFERENT
    assert by_skill[ExerciseSkill.DIFFERENT_FIREARMS].truth is ExerciseTruth.DIFFERENT
    assert [answer.skill for answer in known if not answer.shows_enough] == [ExerciseSkill.TOO_LITTLE]
    score = {skill: answer.comparison["score"] for skill, answer in by_skill.items() if answer.comparison}
    assert (
        score[ExerciseSkill.DIFFERENT_FIREARMS] < score[ExerciseSkill.LOOK_ALIKES] < score[ExerciseSkill.SAME_FIREARM]
    )


@pytest.mark.parametrize("which", ["pairs_set", "questions_set"])
def test_a_participant_finds_no_answer_in_the_set(which: str, request: pytest.FixtureRequest) -> None:
    """Attacked as a file: words, numbers, names, dates, and every digest that could be one of the answers."""
    made: DrawnSet = request.getfixturevalue(which)
    files = members(made)
    document = files["set.json"].decode()
    for secret in (
        SEED,
        *(skill.value for skill in ExerciseSkill),
        '"truth"',
        '"same"',
        '"different"',
        "right",
        "salt",
    ):
        assert secret not in document
    known = open_seal(made.answers, made.document)
    assert known.salt not in document
    assert known.salt.encode() not in made.handed_out
    # the seal is of a file with 32 random bytes in it: the answers without them have another digest
    unsalted = json.loads(made.answers)
    for salt in ("", "0" * 64):
        assert_no_digest(json.dumps({**unsalted, "salt": salt}, indent=1, sort_keys=True) + "\n", document)
    fields = json.loads(document)
    assert set(fields) == {"audience", "format", "guessable", "items", "matcher", "recipe", "seal", "set_id"}
    for item in fields["items"]:
        assert set(item) <= {"number", "scans", "question", "options", "moment"}
        for scan in item.get("scans", ()):
            assert set(scan) == {"file", "sha256"}


def assert_no_digest(text: str, document: str) -> None:
    assert hashlib.sha256(text.encode()).hexdigest() not in document


def test_files_bear_no_date_owner_or_order_that_tells(pairs_set: DrawnSet) -> None:
    with zipfile.ZipFile(io.BytesIO(pairs_set.handed_out)) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == [
        "set.json",
        *(f"scans/{number:02d}{side}.x3p" for number in range(1, 7) for side in "ab"),
    ]
    told = {(e.date_time, e.comment, e.extra, e.external_attr, e.create_system, e.compress_type) for e in entries}
    assert told == {((1980, 1, 1, 0, 0, 0), b"", b"", 0o600 << 16, 3, zipfile.ZIP_STORED)}


def test_what_stands_in_the_scans_besides_heights_is_the_same_in_all(pairs_set: DrawnSet) -> None:
    told = set()
    for name, content in members(pairs_set).items():
        if name == "set.json":
            continue
        with zipfile.ZipFile(io.BytesIO(content)) as scan:
            document = scan.read("main.xml").decode()
            told.add(re.sub(r"[0-9A-Fa-f]{32}", "MD5", document))
            assert {entry.date_time for entry in scan.infolist()} == {(1980, 1, 1, 0, 0, 0)}
            assert [entry.filename for entry in scan.infolist()] == ["main.xml", "bindata/data.bin", "md5checksum.hex"]
    assert len(told) == 1, "size, spacing, instrument and dates tell nothing"
    assert "synthetic" in told.pop()


def test_every_exercise_has_the_same_shape_whatever_is_true_of_it(pairs_set: DrawnSet) -> None:
    shape = re.sub(r"[0-9a-f]{64}|[0-9a-f]{16}", "#", members(pairs_set)["set.json"].decode())
    items = json.loads(shape)["items"]
    assert [sorted(item) for item in items] == [["number", "scans"]] * 6
    assert {json.dumps({**item, "number": 0}).replace(f"{item['number']:02d}", "00") for item in items} == {
        json.dumps({"number": 0, "scans": [{"file": f"scans/00{side}.x3p", "sha256": "#"} for side in "ab"]})
    }


def test_a_guessable_seed_is_told(questions_set: DrawnSet) -> None:
    assert not questions_set.document.guessable
    assert draw_set("7", ExerciseAudience.INVESTIGATOR).document.guessable


def test_other_answers_do_not_fit_the_seal(pairs_set: DrawnSet) -> None:
    altered = pairs_set.answers.replace(b'"truth": "same"', b'"truth": "different"', 1)
    assert altered != pairs_set.answers
    for data in (altered, pairs_set.answers + b" ", b"{}", b""):
        with pytest.raises(InvalidInput, match="not the answers"):
            open_seal(data, pairs_set.document)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('"number": 1', '"number": 2'),
        ("scans/01a.x3p", "../01a.x3p"),
        ("scans/01a.x3p", "scans/01a.x3p\\u0000"),
        ('"guessable": false', '"guessable": false, "more": 1'),
        ("ffp-exercise-set/1", "ffp-exercise-set/2"),
        ('"audience": "examiner"', '"audience": "investigator"'),
        ('"audience": "examiner"', '"audience": "examiner", "audience": "examiner"'),
    ],
)
def test_an_altered_set_is_refused(pairs_set: DrawnSet, was: str, becomes: str) -> None:
    document = members(pairs_set)["set.json"].decode()
    altered = document.replace(was, becomes, 1)
    assert altered != document
    with pytest.raises(InvalidInput, match="not a set of exercises"):
        read_set_document(altered.encode())


def repacked(files: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_a_set_with_other_files_is_refused(pairs_set: DrawnSet) -> None:
    files = members(pairs_set)
    assert unpack_set(repacked(files))[1] == pairs_set.document
    altered = {**files, "scans/01a.x3p": files["scans/01b.x3p"]}
    missing = {name: content for name, content in files.items() if name != "scans/03a.x3p"}
    for packed in (
        repacked(altered),
        repacked(missing),
        repacked({**files, "more.txt": b"1"}),
        repacked(files, zipfile.ZIP_DEFLATED),
        pairs_set.handed_out[:-30],
        b"PK",
    ):
        with pytest.raises(InvalidInput):
            unpack_set(packed)
