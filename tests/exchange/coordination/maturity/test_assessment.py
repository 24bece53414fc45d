"""What answers earn, what follows from them, what changed since last time, and what a node's snapshot answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.maturity.assessment import Answered, Assessment, FindingKind, assessment_of
from exchange.coordination.maturity.assessment_folder import MAX_FILES, read_folder
from exchange.coordination.maturity.begun_files import assessment_json, begun_assessment
from exchange.coordination.maturity.questionnaire import questionnaire
from exchange.errors import InvalidInput, NotFound
from exchange.jurisdictions.directory import shipped_directory
from exchange.web.languages import CODES, Spoken
from exchange.web.languages.spoken import speaking
from tests.exchange.coordination.maturity.filled_assessment import EVIDENCE, all_best, best, worst, write_filled

WORST = {question.id: worst(question) for question in questionnaire()}


def made(folder: Path, answers: dict[str, Any], **how: Any) -> Assessment:
    write_filled(folder, answers, **how)
    return assessment_of(read_folder(folder))


def answered(found: Assessment, question: str) -> Answered:
    return next(answer for answer in found.answers if answer.question.id == question)


# What answers earn


def test_the_best_answers_earn_all_and_the_worst_nothing(tmp_path: Path) -> None:
    good = made(tmp_path / "good", all_best())
    assert good.whole.share == 1
    assert {item.now.rated.share for item in good.areas} == {1}
    assert good.recommended.made == ()
    assert good.findings == ()
    bad = made(tmp_path / "bad", WORST)
    assert bad.whole.share == 0
    advised = {item.question for item in bad.recommended.made}
    numbers_of_nobody = {question.id for question in questionnaire() if question.of is not None}
    assert advised == {question.id for question in questionnaire() if question.advice} - numbers_of_nobody


@pytest.mark.parametrize(
    ("question", "value", "points"),
    [
        ("backlog_months", 1, 1),
        ("backlog_months", 6.5, 0.5),
        ("backlog_months", 12, 0),
        ("backlog_months", 99, 0),
        ("examiners_authorised", 1, 1 / 3),
        ("examiners_authorised", 30, 1),
        ("succession", "partly", 0.5),
        ("authorisation_review", "two_years", 0.7),
        ("posts_filled", 10, 1),
        ("posts_filled", 5, 0),
        ("posts_filled", 8, 0.6),
        ("posts_total", 10, None),
        ("iso_scope", "no. 17", None),
        ("succession", "not known", None),
        ("backlog_months", "not applicable", None),
    ],
)
def test_points(tmp_path: Path, question: str, value: object, points: float | None) -> None:
    answers: dict[str, Any] = {"posts_total": 10, question: value}
    found = answered(made(tmp_path, answers), question).points
    assert found == (None if points is None else pytest.approx(points))


def test_a_share_of_what_nobody_counted_is_no_data(tmp_path: Path) -> None:
    assert answered(made(tmp_path, {"women_staff": 3}), "women_staff").points is None
    zero = made(tmp_path, {"posts_filled": 0, "posts_total": 0, "women_staff": 0})
    assert answered(zero, "women_staff").points is None


def test_no_data_is_not_zero(tmp_path: Path) -> None:
    """Of gender, 4 of 7 by the weights are told, then 2 of 7; what does not apply is not asked for."""
    answers = all_best(women_staff="not known", women_trained="")
    [gender] = [item.now.rated for item in made(tmp_path / "a", answers).areas if item.now.area.id == "gender"]
    assert (gender.share, gender.told, gender.asked) == (1, 2, 4)
    [gender] = [
        item.now.rated
        for item in made(tmp_path / "b", answers | {"women_examiners": ""}).areas
        if item.now.area.id == "gender"
    ]
    assert (gender.share, gender.told, gender.asked) == (None, 1, 4)
    left = answers | {"women_examiners": "not applicable", "women_trained": "not applicable"}
    [gender] = [item.now.rated for item in made(tmp_path / "c", left).areas if item.now.area.id == "gender"]
    assert (gender.share, gender.told, gender.asked) == (1, 1, 2)


# What follows


def test_of_one_question_the_first_advice_that_fits_is_given(tmp_path: Path) -> None:
    for number, priority in ((0, 1), (1, 1), (2, 2)):
        [advice] = made(tmp_path / str(number), {"examiners_authorised": number}).recommended.made
        assert (advice.question, advice.priority) == ("examiners_authorised", priority)
    assert made(tmp_path / "three", {"examiners_authorised": 3}).recommended.made == ()
    assert made(tmp_path / "unknown", {"examiners_authorised": "not known"}).recommended.made == ()


def test_an_assessor_adds_moves_changes_and_leaves_out(tmp_path: Path) -> None:
    answers = {
        "backlog_months": 9,
        "legal_exchange": "no",
        "succession": "no",
        "gender_data": "no",
        "custody_store": "no",
    }
    plain = made(tmp_path / "plain", answers)
    assert [(item.priority, item.question) for item in plain.recommended.made] == [
        (1, "legal_exchange"),
        (1, "backlog_months"),
        (2, "succession"),
        (2, "custody_store"),
        (2, "gender_data"),
    ]
    own = """
        [[recommendation]]
        text = "Write to the minister."
        priority = 1
        owner = "head of the laboratory"
        by = 2026-12-31
        [[recommendation]]
        question = "gender_data"
        owner = "statistics"
        [[recommendation]]
        question = "succession"
        priority = 3
        text = "Train two."
        [[recommendation]]
        question = "custody_store"
        leave_out = true
        because = "A new store opens in spring."
        [[recommendation]]
        question = "feedback"
        because = "It is answered well."
    """
    found = made(tmp_path / "own", answers, rest=own).recommended
    assert [(item.priority, item.question, item.own_words) for item in found.made] == [
        (1, None, True),
        (1, "legal_exchange", False),
        (1, "backlog_months", False),
        (2, "gender_data", False),
        (3, "succession", True),
    ]
    assert (found.made[0].owner, str(found.made[0].by), found.made[4].text) == (
        "head of the laboratory",
        "2026-12-31",
        "Train two.",
    )
    assert [(item.question, item.because) for item in found.left_out] == [
        ("custody_store", "A new store opens in spring.")
    ]


# Last time


def test_what_changed_since_last_time_is_told(tmp_path: Path) -> None:
    write_filled(tmp_path, all_best(succession="no", feedback="partly"))
    now = all_best(feedback="no", prosecutors="", it_keys={"answer": "yes", "evidence": "It.", "on": "2026-05-01"})
    found = made(tmp_path, now, half="2026H2", on="2026-11-20")
    assert found.before is not None
    assert (str(found.half), str(found.before.half)) == ("2026H2", "2026H1")
    kinds = [(item.kind, item.answer.question.id) for item in found.findings]
    assert kinds == [
        (FindingKind.FELL_BACK, "feedback"),
        (FindingKind.BETTER, "succession"),
        (FindingKind.OF_BEFORE, "it_keys"),
        (FindingKind.NOT_TOLD, "prosecutors"),
    ]
    then = assessment_of(read_folder(tmp_path), Half(2026, 1))
    assert then.before is None
    assert [item.kind for item in then.findings] == [FindingKind.LITTLE]
    with pytest.raises(NotFound, match="no assessment of 2025H1"):
        assessment_of(read_folder(tmp_path), Half(2025, 1))


def test_beside_the_first_one_where_that_is_asked_for(tmp_path: Path) -> None:
    for half in ("2025H1", "2025H2", "2026H1"):
        write_filled(tmp_path, all_best(), half=half, on=f"{half[:4]}-0{1 if half.endswith('1') else 7}-20")
    folder = read_folder(tmp_path)
    assert str(assessment_of(folder).before.half) == "2025H2"  # type: ignore[union-attr]  # there is one
    assert str(assessment_of(folder, since_the_first=True).before.half) == "2025H1"  # type: ignore[union-attr]  # there is one


@pytest.mark.parametrize("language", CODES)
def test_a_new_file_asks_everything_and_brings_the_answers_of_last_time(tmp_path: Path, language: str) -> None:
    write_filled(
        tmp_path,
        all_best(succession={"answer": "no", "evidence": 'Two \\"words\\"\\nand a back\\\\slash', "on": "2026-05-01"}),
        rest='[[recommendation]]\ntext = "Write."\npriority = 1\nby = 2026-12-01',
    )
    before = read_folder(tmp_path).assessments[0] if language == "en" else None
    if before is None:
        (tmp_path / "assessment-MD-2026H1.toml").unlink()
    with speaking(Spoken(language)):
        text = begun_assessment("MD", Half(2026, 2), before)
    (tmp_path / "assessment-MD-2026H2.toml").write_text(text, encoding="utf-8")
    begun = read_folder(tmp_path).chosen(Half(2026, 2))
    assert list(begun.answers) == [question.id for question in questionnaire()]
    if before is None:
        assert all(answer.value == "" for answer in begun.answers.values())
        return
    for name, given in before.answers.items():
        new = begun.answers[name]
        assert (new.value, new.evidence) == (given.value, given.evidence)
        assert new.on == (given.on or before.assessed_on) if given.value != "" else new.on is None
    assert begun.recommendation == before.recommendation
    assert (begun.assessor, begun.assessed_on) == (before.assessor, None)


# The folder


def test_what_lies_in_a_folder_beside_it_is_told(tmp_path: Path) -> None:
    write_filled(tmp_path, all_best())
    (tmp_path / "notes.txt").write_text("Not read.")
    (tmp_path / "other.json").write_text("{}")
    (tmp_path / "linked.toml").symlink_to(tmp_path / "notes.txt")
    (tmp_path / "folder.toml").mkdir()
    found = assessment_of(read_folder(tmp_path))
    assert [item.name for item in found.left] == ["other.json"]
    assert "no file of a signed snapshot" in found.left[0].why


def test_folders_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no folder"):
        read_folder(tmp_path / "nothing")
    with pytest.raises(NotFound, match="Begin one with"):
        read_folder(tmp_path)
    write_filled(tmp_path, all_best())
    copy = write_filled(tmp_path, all_best(), name="copy.toml")
    with pytest.raises(InvalidInput, match="are both of 2026H1"):
        read_folder(tmp_path)
    copy.unlink()
    other = write_filled(tmp_path, all_best(), half="2026H2", jurisdiction="UA")
    with pytest.raises(InvalidInput, match=r"assessment-MD-2026H1.toml is of MD, assessment-UA-2026H2.toml of UA"):
        read_folder(tmp_path)
    other.unlink()
    for number in range(MAX_FILES):
        (tmp_path / f"{number}.txt").touch()
    with pytest.raises(InvalidInput, match=f"at most {MAX_FILES}"):
        read_folder(tmp_path)


def test_nothing_is_made_of_what_is_wrong_now_or_last_time(tmp_path: Path) -> None:
    write_filled(tmp_path, all_best(succession="maybe"))
    with pytest.raises(InvalidInput, match="succession: Answer with one of yes, partly, no") as refused:
        assessment_of(read_folder(tmp_path))
    assert refused.value.code == "wrong-answers"
    write_filled(tmp_path, all_best(), half="2026H2", on="2026-11-20")
    with pytest.raises(InvalidInput, match=r"assessment-MD-2026H1.toml, succession"):
        assessment_of(read_folder(tmp_path))


# For programs


def test_as_json(tmp_path: Path) -> None:
    write_filled(tmp_path, all_best(), jurisdiction="XK")
    found = made(
        tmp_path, all_best(backlog_months=9, succession="not known"), half="2026H2", jurisdiction="XK", on="2026-11-20"
    )
    told = json.loads(assessment_json(found, shipped_directory()))
    assert told["jurisdiction"] == {"code": "XK", "name": "Kosovo*"}
    assert "1244 (1999)" in told["note"]
    assert (told["half"], told["last_time"], told["node_snapshot"]) == ("2026H2", "2026H1", None)
    answers = {answer["id"]: answer for area in told["areas"] for answer in area["answers"]}
    assert (answers["backlog_months"]["answer"], answers["backlog_months"]["last_time"]["answer"]) == (9, 1)
    assert answers["backlog_months"]["evidence"] == EVIDENCE
    assert (answers["succession"]["answer"], answers["succession"]["points"]) == ("not known", None)
    assert [item["question"] for item in told["recommendations"]] == ["backlog_months"]
    assert assessment_json(found, shipped_directory()) == assessment_json(replace(found), shipped_directory())
    assert best(questionnaire().by_id["backlog_months"]) == 1
