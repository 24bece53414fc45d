"""``ffp exercise``: from a drawn set to the counts of the half-year, without any node."""

from __future__ import annotations

import json
import stat
from datetime import datetime
from pathlib import Path

from exchange.clock import stamp
from exchange.coordination.exercises.attempts import answer_exercise, begin_attempt, find_attempt, given_of, hand_in
from exchange.coordination.exercises.exercise_counts import read_counts
from exchange.coordination.exercises.exercise_documents import open_seal, write_exercise_document
from exchange.coordination.exercises.exercise_folder import find_set, make_folder
from exchange.coordination.half_year.half_years import Half
from schemas.vocabulary import Jurisdiction
from tests.exchange.cli.conftest import Ffp, refusal


def test_from_a_set_to_the_counts(ffp: Ffp, tmp_path: Path) -> None:
    out, into, counted = tmp_path / "proficiency", tmp_path / "exercises", tmp_path / "counts.json"
    drawn = ffp("exercise", "draw", "--for", "investigator", "--out", out)
    assert drawn.code == 0, drawn.err
    assert drawn.err == "", "a seed that nobody guesses"
    assert stat.S_IMODE((out / "answers.json").stat().st_mode) == 0o600
    assert "not empty" in refusal(ffp("exercise", "draw", "--for", "investigator", "--out", out))
    assert "is none of examiner, investigator" in refusal(
        ffp("exercise", "draw", "--for", "x", "--out", tmp_path / "x")
    )

    put = ffp("exercise", "put", out / "set.zip", "--into", into, "--json")
    set_id = json.loads(put.out)["set"]
    assert "there already" in refusal(ffp("exercise", "put", out / "set.zip", "--into", into))
    kept = find_set(into, set_id)
    answers = open_seal((out / "answers.json").read_bytes(), kept.document).answers
    taken = []
    for number in range(3):
        code = begin_attempt(kept, Jurisdiction.MK, str(number) * 64)
        for answer in answers:
            answer_exercise(find_attempt(kept, code), answer.number, answer.right or "")
        hand_in(find_attempt(kept, code))
        taken.append(tmp_path / f"given-{number}.json")
        taken[-1].write_bytes(write_exercise_document(given_of(find_attempt(kept, code), code)))

    listed = json.loads(ffp("exercise", "list", "--into", into, "--json").out)
    assert listed == [
        {"set": set_id, "for": "investigator", "use": "proficiency", "exercises": 10, "people": 3, "answers": False}
    ]
    asked = ("exercise", "score", *taken, "--set", out / "set.zip", "--answers", out / "answers.json")
    scored = json.loads(ffp(*asked, "--json").out)
    assert len(scored["by_code"]) == 3
    assert sum(line["answered"] for line in scored["together"]) == 30
    assert "all 3" in ffp(*asked).out
    assert ffp("exercise", "open", out / "answers.json", "--into", into).code == 0

    half = str(Half.of(datetime.fromisoformat(stamp())))
    said = ffp("exercise", "counts", "--half", half, "--into", into, "--out", counted)
    assert said.code == 0, said.err
    found = read_counts(counted.read_bytes())
    assert dict(found.sets[0].people) == {"MK": 3}
    assert found.sets[0].by_skill is not None
    assert ffp("exercise", "remove", set_id, "--into", into).code == 0
    assert "no such set" in refusal(ffp("exercise", "remove", set_id, "--into", into))
    assert "no folder of exercises" in refusal(ffp("exercise", "list", "--into", tmp_path))


def test_a_seed_that_can_be_guessed_is_told(ffp: Ffp, tmp_path: Path) -> None:
    drawn = ffp("exercise", "draw", "--for", "investigator", "--seed", "7", "--out", tmp_path / "one")
    assert "can be guessed" in drawn.err
    ffp("exercise", "draw", "--for", "investigator", "--seed", "7", "--out", tmp_path / "other")
    for name in ("set.zip", "answers.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_counts_of_what_is_no_folder_of_exercises_are_not_written(ffp: Ffp, tmp_path: Path) -> None:
    out, into = tmp_path / "counts.json", tmp_path / "exercises"
    counts = ("exercise", "counts", "--half", "2026H1", "--out", out, "--into")
    for folder in (tmp_path / "absent", tmp_path):
        assert "no folder of exercises" in refusal(ffp(*counts, folder))
    make_folder(into)
    assert ffp(*counts, into).code == 0, "nobody answered anything"
    out.unlink()
    (into / "sets").rmdir()
    assert "no folder of exercises" in refusal(ffp(*counts, into))
    assert not out.exists()


def test_a_seed_that_is_meant_as_an_option_or_a_negative_number_is_refused(ffp: Ffp, tmp_path: Path) -> None:
    drawn = ffp("exercise", "draw", "--for", "investigator", "--seed", "-1", "--out", tmp_path / "one")
    assert "begins with a letter or a digit" in refusal(drawn)
    assert not (tmp_path / "one").exists()
