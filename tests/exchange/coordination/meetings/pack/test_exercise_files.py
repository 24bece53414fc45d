"""Counts of exercises come into a pack from files: of its half-year, each once, and one set adds up over several."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.coordination.desk import pack_desk
from exchange.coordination.desk.pack_desk import PackDesk
from exchange.coordination.exercises.exercise_counts import MAX_COUNTS_BYTES, ExerciseCounts, read_counts, write_counts
from exchange.coordination.exercises.exercise_vocabulary import (
    ExerciseAudience,
    ExerciseOutcome,
    ExerciseSkill,
    ExerciseUse,
)
from exchange.coordination.meetings.pack.exercise_files import (
    exercises_of_half,
    is_counts,
    read_exercise_files,
    skills_of,
)
from exchange.coordination.region.indicators import shipped_indicators
from exchange.coordination.region_files.report_file import Believed, DeskKeys
from exchange.errors import InvalidInput
from tests.exchange.coordination.meetings.pack.made_up_counts import PAIRS, QUESTIONS, counted, made_up_counts
from tests.exchange.coordination.region.region_world import H1, H2


def written(path: Path, *sets: object, half: str = "2026H2") -> Path:
    path.write_bytes(write_counts(made_up_counts(*sets, half=half)))
    return path


def test_one_set_of_two_trainings_adds_up(tmp_path: Path) -> None:
    one = written(tmp_path / "one.json", PAIRS, QUESTIONS)
    other = written(tmp_path / "other.json", counted(PAIRS, {"RS": 1, "MK": 4}, right=30, over_claim=20))
    few = written(
        tmp_path / "few.json", PAIRS.model_copy(update={"people": {"AL": 1}, "answered": 5, "by_skill": None})
    )
    found = read_exercise_files([one, other, few], H2)
    assert [(item.set_id, item.audience) for item in found] == [
        (PAIRS.set_id, "examiner"),
        (QUESTIONS.set_id, "investigator"),
    ]
    pairs = found[0]
    assert dict(pairs.people) == {"AL": 1, "MK": 4, "RS": 3, "XK": 1}
    assert pairs.answered == 36 + 50 + 5
    [(use, skill, outcomes)] = skills_of(found, ExerciseAudience.EXAMINER)
    assert (use, skill) == (ExerciseUse.PROFICIENCY, ExerciseSkill.LOOK_ALIKES)
    assert outcomes == {ExerciseOutcome.RIGHT: 60, ExerciseOutcome.OVER_CLAIM: 26}, "of those that tell it"
    assert found == read_exercise_files([few, other, one], H2), "in whatever order"


def test_what_is_refused_is_named(tmp_path: Path) -> None:
    good = written(tmp_path / "good.json", PAIRS)
    before = written(tmp_path / "before.json", PAIRS, half=str(H1))
    with pytest.raises(InvalidInput, match=r"before\.json has the exercises of 2026H1, and 2026H2 is asked for"):
        read_exercise_files([good, before], H2)
    again = tmp_path / "again.json"
    again.write_bytes(good.read_bytes())
    with pytest.raises(InvalidInput, match=r"again\.json: It is the same as good\.json"):
        read_exercise_files([good, again], H2)
    with pytest.raises(InvalidInput, match=r"absent\.json cannot be read"):
        read_exercise_files([tmp_path / "absent.json"], H2)
    for content in (b"", b"[]", b"{}", good.read_bytes()[:-5], good.read_bytes() + b" " * MAX_COUNTS_BYTES):
        again.write_bytes(content)
        with pytest.raises(InvalidInput, match=r"again\.json: These are no counts of exercises"):
            read_exercise_files([again], H2)
    again.write_bytes(good.read_bytes().replace(b'"RS": 2', b'"RS": 1'))
    with pytest.raises(InvalidInput, match=r"again\.json: The counts .* do not add up"):
        read_exercise_files([again], H2)


def test_one_file_does_not_count_twice_however_it_is_written(tmp_path: Path) -> None:
    good = written(tmp_path / "good.json", PAIRS, QUESTIONS)
    again = tmp_path / "again.json"
    said = json.loads(good.read_bytes())
    turned = {**said, "sets": said["sets"][::-1], "footnotes": []}
    for content in (good.read_bytes() + b"\n", json.dumps(said).encode(), json.dumps(turned).encode()):
        again.write_bytes(content)
        with pytest.raises(InvalidInput, match=r"again\.json: It is the same as good\.json"):
            read_exercise_files([good, again], H2)
    again.write_bytes(json.dumps({**said, "sets": said["sets"] * 2}).encode())
    with pytest.raises(InvalidInput, match="One set stands twice"):
        read_exercise_files([again], H2)


def test_nobody_answers_more_exercises_than_there_are(tmp_path: Path) -> None:
    few = {"people": {"AL": 1}, "by_skill": None}
    for answered, is_taken in ((0, False), (1, True), (12, True), (13, False), (10**6, False)):
        path = written(tmp_path / f"{answered}.json", PAIRS.model_copy(update={**few, "answered": answered}))
        if is_taken:
            assert read_exercise_files([path], H2)[0].answered == answered
        else:
            with pytest.raises(InvalidInput, match="do not add up"):
                read_exercise_files([path], H2)


def test_of_what_lies_on_a_desk_each_file_of_the_half_year_counts_once(tmp_path: Path) -> None:
    counts, before = made_up_counts(PAIRS), made_up_counts(QUESTIONS, half=str(H1))
    assert is_counts(write_counts(counts))
    assert not is_counts(b'{"format": "ffp-report-file/2"}')
    sets, refused = exercises_of_half([("one.json", counts), ("before.json", before), ("again.json", counts)], H2)
    assert sets == read_exercise_files([written(tmp_path / "one.json", PAIRS)], H2)
    assert [(item.file, item.code) for item in refused] == [("again.json", "doubled")]
    assert exercises_of_half([("before.json", before)], H2) == (None, []), "no section, where no file is of it"


@pytest.mark.parametrize(
    ("told", "instead"),
    [
        (b'"answered": 36', b'"answered": "36"'),
        (b'"answered": 36', b'"answered": 3.6e1'),
        (b'"XK": 1', b'"XK": true'),
    ],
)
def test_a_count_is_a_number_and_nothing_that_is_like_one(told: bytes, instead: bytes) -> None:
    good = write_counts(made_up_counts(PAIRS))
    assert read_counts(good).sets == [PAIRS]
    assert told in good
    with pytest.raises(InvalidInput, match="These are no counts of exercises"):
        read_counts(good.replace(told, instead))


def on_a_desk(folder: Path) -> PackDesk:
    return PackDesk(folder, DeskKeys(Believed(), None), shipped_indicators())


def test_a_desk_reads_each_file_of_counts_once_and_no_more_of_it_than_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths: list[int] = []

    def noted(data: bytes) -> ExerciseCounts:
        lengths.append(len(data))
        return read_counts(data)

    monkeypatch.setattr("exchange.coordination.desk.pack_desk.read_counts", noted)
    good = written(tmp_path / "a.json", PAIRS)
    with (tmp_path / "b.json").open("wb") as file:
        file.write(b'{"format":"ffp-exercise-counts/1",')
        file.truncate(40 * 2**20)
    desk = on_a_desk(tmp_path)
    for _ in range(3):
        one, huge = desk.exercises_listed()
        assert one.found == made_up_counts(PAIRS)
        assert huge.refused is not None
        assert huge.refused.code == "no-exercises"
    assert lengths == [good.stat().st_size, MAX_COUNTS_BYTES + 1]
    written(good, QUESTIONS)
    assert desk.exercises_listed()[0].found == made_up_counts(QUESTIONS), "what was changed is read anew"


@pytest.mark.parametrize("kind", ["ffp-exercise-counts/1", "ffp-approved-document/1", "ffp-report-file/1"])
def test_what_is_taken_away_while_a_page_is_made_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    desk = on_a_desk(tmp_path)
    for act in (desk.listed, desk.inputs_listed, desk.exercises_listed):
        (tmp_path / "a.json").write_text(json.dumps({"format": kind}))
        with monkeypatch.context() as patched:
            patched.setattr(pack_desk, "_begin", _then_gone(pack_desk._begin))
            assert act() == []
    (tmp_path / "a.json").write_text(json.dumps({"format": kind}))
    listed = desk.listed()
    (tmp_path / "a.json").unlink()
    monkeypatch.setattr(desk, "listed", lambda: listed)
    assert desk.read(H2).refused == ()


def _then_gone(begin: Callable[[Path], bytes]) -> Callable[[Path], bytes]:
    def read(path: Path) -> bytes:
        found = begin(path)
        path.unlink(missing_ok=True)
        return found

    return read
