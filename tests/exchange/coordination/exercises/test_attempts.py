"""What people answer: the first answer stands, nobody is named, and results are told of three or more."""

from __future__ import annotations

import errno
import json
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exchange.coordination.exercises.attempts import (
    MOST_OF_ONE_PERSON,
    Attempt,
    answer_exercise,
    attempts_of,
    begin_attempt,
    each_once,
    find_attempt,
    given_of,
    hand_in,
    has_begun,
    score_given,
)
from exchange.coordination.exercises.draw_set import DrawnSet
from exchange.coordination.exercises.exercise_counts import exercise_counts, people_of_set, read_counts, write_counts
from exchange.coordination.exercises.exercise_documents import open_seal, read_given, write_exercise_document
from exchange.coordination.exercises.exercise_folder import (
    KeptSet,
    check_exercises,
    find_set,
    list_sets,
    make_folder,
    open_set,
    put_set,
    remove_set,
)
from exchange.coordination.exercises.exercise_vocabulary import ExerciseOutcome, ExerciseUse
from exchange.coordination.half_year.half_years import Half
from exchange.errors import ConfigurationError, Conflict, InvalidInput, NotFound, TooMany
from schemas.vocabulary import KOSOVO_FOOTNOTE, Jurisdiction
from tests.exchange.coordination.half_year.monitoring_world import Clock

H2 = Half(2026, 2)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock(datetime(2026, 11, 25, tzinfo=UTC))
    monkeypatch.setattr("exchange.clock.now", made)
    return made


def rights_of(made: DrawnSet) -> list[str]:
    return [answer.right or "" for answer in open_seal(made.answers, made.document).answers]


def somebody() -> str:
    """The mark of a person who was not here before."""
    return secrets.token_hex(32)


def person(
    kept: KeptSet,
    said: Sequence[str],
    of: Jurisdiction = Jurisdiction.RS,
    *,
    mark: str | None = None,
    hands_in: bool = True,
) -> str:
    code = begin_attempt(kept, of, mark or somebody())
    for number, one in enumerate(said, start=1):
        answer_exercise(find_attempt(kept, code), number, one)
    if hands_in:
        hand_in(find_attempt(kept, code))
    return code


def again(folder: Path, kept: KeptSet, code: str) -> Attempt:
    return find_attempt(find_set(folder, kept.set_id), code)


@pytest.mark.usefixtures("clock")
def test_the_first_answer_stands(folder: Path, questions_set: DrawnSet) -> None:
    kept = put_set(folder, questions_set.handed_out, questions_set.answers)
    options = kept.item(1).options or []
    code = person(kept, options[:1], hands_in=False)
    attempt = again(folder, kept, code)
    with pytest.raises(Conflict, match="first answer stands"):
        answer_exercise(attempt, 1, options[1])
    assert again(folder, kept, code).given == {1: options[0]}
    with pytest.raises(InvalidInput):
        answer_exercise(attempt, 2, "possible_association")
    for number in (0, 11, 99):
        with pytest.raises(NotFound):
            answer_exercise(attempt, number, options[0])


@pytest.mark.usefixtures("clock")
def test_what_is_right_is_not_known_before_the_answers_are_opened(folder: Path, questions_set: DrawnSet) -> None:
    kept = put_set(folder, questions_set.handed_out)
    assert (kept.use, kept.answers, kept.answer(1)) == (ExerciseUse.PROFICIENCY, None, None)
    code = person(kept, rights_of(questions_set)[:9])
    attempt = again(folder, kept, code)
    assert (attempt.is_over, attempt.results(), attempt.outcome(1)) == (True, [], None)
    with pytest.raises(Conflict, match="over"):
        answer_exercise(attempt, 10, (kept.item(10).options or [])[0])
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for secret in (b'"right"', b"salt", b'"seed"'):
        assert secret not in everything

    opened = open_set(folder, questions_set.answers)
    assert opened.use is ExerciseUse.PROFICIENCY
    assert again(folder, kept, code).outcome(1) is ExerciseOutcome.RIGHT
    assert again(folder, kept, code).outcome(10) is None
    with pytest.raises(Conflict, match="opened"):
        begin_attempt(opened, Jurisdiction.RS, somebody())
    with pytest.raises(InvalidInput, match="no set"):
        open_set(folder, questions_set.answers + b"\n")


@pytest.mark.usefixtures("clock")
def test_who_had_not_handed_in_answers_nothing_once_the_answers_are_open(folder: Path, questions_set: DrawnSet) -> None:
    kept = put_set(folder, questions_set.handed_out)
    code = person(kept, rights_of(questions_set)[:1], hands_in=False)
    opened = open_set(folder, questions_set.answers)
    with pytest.raises(Conflict, match="over"):
        answer_exercise(again(folder, opened, code), 2, rights_of(questions_set)[1])


@pytest.mark.usefixtures("clock")
def test_nobody_is_named_and_the_code_is_not_kept(folder: Path, questions_set: DrawnSet) -> None:
    kept = put_set(folder, questions_set.handed_out)
    code = person(kept, rights_of(questions_set))
    (place,) = (folder / "attempts" / kept.set_id).iterdir()
    names = sorted(path.name for path in place.iterdir())
    assert names == [*(f"{number:02d}.answer" for number in range(1, 11)), "begun", "handed-in"]
    assert (place / "begun").read_text() == "RS 2026H2 first\n", "the jurisdiction and the half-year, and nothing else"
    kept_bytes = b"".join(path.read_bytes() + path.name.encode() for path in folder.rglob("*") if path.is_file())
    assert code.encode() not in kept_bytes + place.name.encode()
    for wrong in ("", "x", code.lower(), code[:-1], f"{code[:-1]}{'A' if code[-1] != 'A' else 'B'}", "../../etc"):
        with pytest.raises(NotFound):
            find_attempt(kept, wrong)


@pytest.mark.usefixtures("clock")
def test_what_is_taken_along_is_scored_elsewhere(folder: Path, questions_set: DrawnSet) -> None:
    kept = put_set(folder, questions_set.handed_out)
    code = person(kept, rights_of(questions_set))
    taken = read_given(write_exercise_document(given_of(again(folder, kept, code), code)))
    answers = open_seal(questions_set.answers, questions_set.document).answers
    results = score_given(questions_set.document, answers, taken)
    assert sum(line.answered for line in results) == 10
    assert all(set(line.outcomes) == {ExerciseOutcome.RIGHT} for line in results)
    fields = json.loads(write_exercise_document(taken))
    assert set(fields) == {"answers", "code", "format", "half", "set_id"}
    for altered in ({**fields, "set_id": "0" * 16}, {**fields, "answers": {"1": "possible_association"}}):
        with pytest.raises(InvalidInput):
            score_given(questions_set.document, answers, read_given(json.dumps(altered).encode()))
    with pytest.raises(InvalidInput, match="handed in"):
        read_given(json.dumps({**fields, "name": "somebody"}).encode())


@pytest.mark.usefixtures("clock")
def test_results_are_told_of_three_people_or_more(folder: Path, questions_set: DrawnSet) -> None:
    kept = put_set(folder, questions_set.handed_out)
    right = rights_of(questions_set)
    for of in (Jurisdiction.RS, Jurisdiction.XK):
        person(kept, right, of)
    begin_attempt(kept, Jurisdiction.MK, somebody())  # who answers nothing took no part
    opened = open_set(folder, questions_set.answers)
    (counted,) = exercise_counts(folder, H2).sets
    assert (dict(counted.people), counted.answered, counted.by_skill) == ({"RS": 1, "XK": 1}, 20, None)
    assert (people_of_set(opened).people, people_of_set(opened).results) == (2, None)


@pytest.mark.usefixtures("clock")
def test_who_tries_twice_more_does_not_learn_what_another_one_did(folder: Path, questions_set: DrawnSet) -> None:
    """Attempts of three would be those of two: less their own, somebody had what the other one answered."""
    kept = put_set(folder, questions_set.handed_out)
    right, curious = rights_of(questions_set), somebody()
    person(kept, right[:4])
    for said in (right, right[:2], right[:3]):
        person(kept, said, mark=curious)
    opened = open_set(folder, questions_set.answers)
    (counted,) = exercise_counts(folder, H2).sets
    assert (dict(counted.people), counted.answered, counted.by_skill) == ({"RS": 2}, 14, None)
    assert (people_of_set(opened).people, people_of_set(opened).results) == (2, None)


@pytest.mark.usefixtures("clock")
def test_one_person_does_not_fill_a_set(folder: Path, questions_set: DrawnSet) -> None:
    kept, eager = put_set(folder, questions_set.handed_out), somebody()
    for _ in range(MOST_OF_ONE_PERSON):
        begin_attempt(kept, Jurisdiction.RS, eager)
    with pytest.raises(TooMany, match="by its code"):
        begin_attempt(kept, Jurisdiction.RS, eager)
    assert begin_attempt(kept, Jurisdiction.RS, somebody())
    assert [one.counts for one in attempts_of(kept)].count(True) == 2


@pytest.mark.usefixtures("clock")
def test_of_those_who_begin_at_once_each_has_one_first_attempt(folder: Path, questions_set: DrawnSet) -> None:
    kept, people = put_set(folder, questions_set.handed_out), [somebody() for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda turn: begin_attempt(kept, Jurisdiction.RS, people[turn % 4]), range(16)))
    assert [one.counts for one in attempts_of(kept)].count(True) == len(people)
    assert all(has_begun(kept, mark) for mark in people)


@pytest.mark.usefixtures("clock")
def test_who_could_not_begin_has_not_begun(
    folder: Path, questions_set: DrawnSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, mark = put_set(folder, questions_set.handed_out), somebody()
    with monkeypatch.context() as broken:
        broken.setattr(Path, "write_text", _on_a_full_disk)
        with pytest.raises(OSError, match="No space left"):
            begin_attempt(kept, Jurisdiction.RS, mark)
    assert (list(attempts_of(kept)), has_begun(kept, mark)) == ([], False)
    begin_attempt(kept, Jurisdiction.RS, mark)
    assert [one.counts for one in attempts_of(kept)] == [True]


def _on_a_full_disk(*_: object, **__: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.usefixtures("clock")
def test_nothing_joins_who_began_to_an_attempt(folder: Path, questions_set: DrawnSet) -> None:
    """All marks of a set lie in one file, by their own order."""
    kept, people = put_set(folder, questions_set.handed_out), [somebody() for _ in range(9)]
    for mark in people:
        begin_attempt(kept, Jurisdiction.RS, mark)
    there = folder / "participants" / kept.set_id
    assert sorted(path.name for path in there.iterdir()) == ["lock", "marks"]
    assert [line.split()[0] for line in (there / "marks").read_text().splitlines()] == sorted(people)


@pytest.mark.usefixtures("clock")
def test_attempts_of_before_count(folder: Path, questions_set: DrawnSet) -> None:
    kept = put_set(folder, questions_set.handed_out)
    attempt = find_attempt(kept, person(kept, rights_of(questions_set)))
    (attempt.path / "begun").write_text("RS 2026H2\n")
    assert [dict(one.people) for one in exercise_counts(folder, H2).sets] == [{"RS": 1}]


def test_the_half_year_is_counted_for_the_pack(folder: Path, questions_set: DrawnSet, clock: Clock) -> None:
    kept = put_set(folder, questions_set.handed_out)
    right = rights_of(questions_set)
    for of in (Jurisdiction.RS, Jurisdiction.RS, Jurisdiction.XK):
        person(kept, right, of)
    sealed = exercise_counts(folder, H2)
    assert sealed.sets[0].by_skill is None, "sealed answers are counted by nobody"
    opened = open_set(folder, questions_set.answers)
    found = exercise_counts(folder, H2)
    (counted,) = found.sets
    assert (counted.use, counted.exercises, counted.answered) == (ExerciseUse.PROFICIENCY, 10, 30)
    assert dict(counted.people) == {"RS": 2, "XK": 1}
    assert counted.by_skill is not None
    assert sum(line.outcomes[ExerciseOutcome.RIGHT] for line in counted.by_skill) == 30
    assert found.footnotes == [KOSOVO_FOOTNOTE]
    told = people_of_set(opened)
    assert (told.people, sum(line.answered for line in told.results or ())) == (3, 30)
    data = write_counts(found)
    assert read_counts(data) == found
    assert write_counts(exercise_counts(folder, H2)) == data
    assert exercise_counts(folder, H2.before()).sets == []
    for was, becomes in (
        (b'"answered": 30', b'"answered": 31'),
        (b'"RS": 2', b'"RS": 1'),
        (b"true", b"false"),
        (b'"right"', b'"over_claim"'),
    ):
        with pytest.raises(InvalidInput):
            read_counts(data.replace(was, becomes, 1))
    assert clock() == datetime(2026, 11, 25, tzinfo=UTC)


def test_practice_is_counted_by_skill_once_the_half_year_is_over(
    folder: Path, questions_set: DrawnSet, clock: Clock
) -> None:
    kept = put_set(folder, questions_set.handed_out, questions_set.answers)
    right = rights_of(questions_set)
    codes = [person(kept, right[:9], hands_in=False) for _ in range(3)]
    (lasting,) = exercise_counts(folder, H2).sets
    assert (dict(lasting.people), lasting.answered, lasting.by_skill) == ({"RS": 3}, 27, None)
    answer_exercise(again(folder, kept, codes[0]), 10, right[9])
    clock.moment = datetime(2027, 1, 1, tzinfo=UTC)
    with pytest.raises(Conflict, match="over"):
        answer_exercise(again(folder, kept, codes[1]), 10, right[9])
    person(kept, right, hands_in=False)
    (over,) = exercise_counts(folder, H2).sets
    assert (dict(over.people), over.answered) == ({"RS": 3}, 28)
    assert sum(line.answered for line in over.by_skill or ()) == 28


def test_of_a_proficiency_set_nobody_is_what_is_left_over(folder: Path, questions_set: DrawnSet, clock: Clock) -> None:
    """The pages show the results of all; less those of a half-year they would be one person's."""
    kept = put_set(folder, questions_set.handed_out)
    right = rights_of(questions_set)
    for _ in range(3):
        person(kept, right)
    clock.moment = datetime(2027, 1, 5, tzinfo=UTC)
    person(kept, right)
    opened = open_set(folder, questions_set.answers)
    assert people_of_set(opened).results is not None
    for half in (H2, Half(2027, 1)):
        assert exercise_counts(folder, half).sets[0].by_skill is None


@pytest.mark.usefixtures("clock")
def test_practice_tells_after_each_answer(folder: Path, questions_set: DrawnSet) -> None:
    kept = put_set(folder, questions_set.handed_out, questions_set.answers)
    wrong = next(one for one in kept.item(1).options or () if one != rights_of(questions_set)[0])
    code = person(kept, [wrong], hands_in=False)
    attempt = again(folder, kept, code)
    assert (kept.use, attempt.outcome(1), attempt.outcome(2)) == (ExerciseUse.PRACTICE, ExerciseOutcome.WRONG, None)
    assert [line.answered for line in attempt.results()] == [1]
    assert people_of_set(kept).results is None, "with one person more it would tell what that person did"


def test_a_folder_is_one_of_exercises(tmp_path: Path, folder: Path, questions_set: DrawnSet) -> None:
    make_folder(folder)
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").write_text("x")
    with pytest.raises(ConfigurationError):
        make_folder(other)
    with pytest.raises(ConfigurationError):
        check_exercises(other)
    with pytest.raises(ConfigurationError):
        put_set(other, questions_set.handed_out)
    kept = put_set(folder, questions_set.handed_out)
    with pytest.raises(Conflict):
        put_set(folder, questions_set.handed_out)
    assert [one.set_id for one in list_sets(folder)] == [kept.set_id]
    for set_id in ("0" * 16, "..", "../../x", ""):
        with pytest.raises(NotFound):
            find_set(folder, set_id)
    begin_attempt(kept, Jurisdiction.RS, somebody())
    assert len(list(attempts_of(kept))) == 1
    remove_set(folder, kept.set_id)
    assert list_sets(folder) == []
    assert list((folder / "attempts").iterdir()) == list((folder / "participants").iterdir()) == []


def test_of_one_code_one_file_of_answers_is_scored(folder: Path, questions_set: DrawnSet, clock: Clock) -> None:
    """Else whoever hands in later, under their own code or another's, replaces what was handed in."""
    assert clock
    kept = put_set(folder, questions_set.handed_out)
    code = person(kept, rights_of(questions_set))
    given = given_of(find_attempt(kept, code), code)
    assert each_once([("a.json", given), ("b.json", given)]) == {code: given}
    other = given.model_copy(update={"answers": {**given.answers, "1": "another"}})
    with pytest.raises(InvalidInput, match=r"a\.json and b\.json have the code"):
        each_once([("a.json", given), ("b.json", other)])
