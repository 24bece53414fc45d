"""A file that an assessor filled in: what is wrong is told with the file and the question, and nothing untrusted goes
deeper."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from exchange.coordination.maturity.answer_problems import AnswerProblem, ProblemGravity, problems_of
from exchange.coordination.maturity.answers import MAX_TOML_BYTES, read_answers
from exchange.errors import InvalidInput
from tests.exchange.coordination.maturity.filled_assessment import all_best, write_filled

WRONG, MISSING, DOUBTFUL = ProblemGravity.WRONG, ProblemGravity.MISSING, ProblemGravity.DOUBTFUL


def told(path: Path) -> list[AnswerProblem]:
    return problems_of(read_answers(path))


def test_a_whole_file_has_no_problem(tmp_path: Path) -> None:
    path = write_filled(tmp_path, all_best())
    given = read_answers(path)
    assert (given.jurisdiction, str(given.half), given.assessed_on) == ("MD", "2026H1", date(2026, 5, 20))
    assert told(path) == []


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"partly"', "partly"),
        ("12", 12.0),
        ('" 12 "', 12.0),
        ("2.5", 2.5),
        ("true", "yes"),
        ("false", "no"),
        ('""', ""),
    ],
)
def test_an_answer_is_read_as_people_write_it(tmp_path: Path, written: str, read: str | float) -> None:
    path = write_filled(tmp_path, {}, rest=f"[answers.backlog_months]\nanswer = {written}")
    assert read_answers(path).answers["backlog_months"].value == read


@pytest.mark.parametrize(
    ("question", "given", "gravity", "said"),
    [
        ("backlog_months", "long", WRONG, "Answer with a number of months"),
        ("backlog_months", -1, WRONG, "Answer with a number of months"),
        ("backlog_months", 2_000_000, WRONG, "Answer with a number of months"),
        ("coordination_meetings", 2.5, WRONG, "Answer with a whole number"),
        ("examiners_authorised", True, WRONG, "Answer with a whole number"),
        ("succession", "maybe", WRONG, "Answer with one of yes, partly, no"),
        ("succession", 3, WRONG, "Answer with one of yes, partly, no"),
        ("iso_accredited", "yes", WRONG, "Answer with one of in_scope, other_scope, applied, no"),
        ("iso_scope", 17, WRONG, "Answer in words"),
        ("women_staff", 11, WRONG, "11 is more than the 10 of posts_filled"),
        ("succession", "", MISSING, "It is not answered."),
        ("succession", {"answer": "yes"}, MISSING, "It has no evidence."),
        ("succession", {"answer": "yes", "evidence": "It.", "on": "2199-01-01"}, WRONG, "still to come"),
        ("succession", {"answer": "yes", "evidence": "It.", "on": "2025-12-31"}, DOUBTFUL, "before 2026H1 began"),
        ("succession", {"answer": "yes", "evidence": "Asked Petar Petrović."}, DOUBTFUL, "name of a person"),
        ("iso_scope", "Call +381 11 123 4567", DOUBTFUL, "telephone of a person"),
    ],
)
def test_what_is_wrong_is_said_of_its_question(
    tmp_path: Path, question: str, given: object, gravity: ProblemGravity, said: str
) -> None:
    [problem] = told(write_filled(tmp_path, all_best(**{question: given})))
    assert (problem.gravity, problem.place) == (gravity, question)
    assert said in problem.sentence
    assert str(problem).startswith(f"assessment-MD-2026H1.toml, {question}: ")


@pytest.mark.parametrize("word", ["not known", "not applicable"])
def test_what_nobody_knows_or_does_not_apply_is_an_answer(tmp_path: Path, word: str) -> None:
    answers = all_best(
        succession={"answer": word, "evidence": "It."}, backlog_months={"answer": word, "evidence": "It."}
    )
    assert told(write_filled(tmp_path, answers)) == []


def test_what_is_asked_of_the_file_itself(tmp_path: Path) -> None:
    path = write_filled(tmp_path, all_best(no_such_question="yes"))
    text = path.read_text(encoding="utf-8").replace("assessed_on = 2026-05-20", 'assessed_on = ""')
    path.write_text(text.replace('"assessor, regional secretariat"', '""'), encoding="utf-8")
    assert [(item.gravity, item.place) for item in told(path)] == [
        (MISSING, "assessor"),
        (MISSING, "assessed_on"),
        (WRONG, "no_such_question"),
    ]
    unknown = write_filled(tmp_path / "by", all_best(), jurisdiction="BY")
    assert [(item.gravity, item.place) for item in told(unknown)] == [(MISSING, "name")]


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("priority = 4\ntext = 'It.'", "Its priority is 1"),
        ("question = 'nothing'", "Nothing follows from a question"),
        ("question = 'iso_scope'", "Nothing follows from a question"),
        ("priority = 1", "Write its text"),
        ("question = 'succession'\nleave_out = true", "Say in because why"),
        ("question = 'succession'\n[[recommendation]]\nquestion = 'succession'", "stands in an earlier one"),
    ],
)
def test_recommendations_that_say_nothing_are_told(tmp_path: Path, rest: str, said: str) -> None:
    [problem] = told(write_filled(tmp_path, all_best(), rest=f"[[recommendation]]\n{rest}"))
    assert problem.gravity is WRONG
    assert said in problem.sentence


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("ffp-assessment/1", "ffp-assessment/2"), "is no assessment that is read here"),
        (lambda text: text.replace("2026H1", "2026H3"), "A half-year is written"),
        (lambda text: text.replace('"MD"', '"Moldova"'), "jurisdiction must be a code"),
        (lambda text: f"surprise = 1\n{text}", "surprise is no field of this file"),
        (lambda text: text.replace("2026-05-20", '"20.5.2026"'), "assessed_on is no day"),
        (lambda text: f"{text}[answers.succession]\nanswer = [1]", "answers.succession.answer must be words"),
        (lambda text: f"{text}[answers.succession]\nanswer = nan", "is no number that is counted with"),
        (lambda text: f"{text}[answers.succession]\nanswer = {'9' * 400}", "is no number that is counted with"),
        (lambda text: f"{text}[answers.succession]\nanswer = {'9' * 5000}", "is no TOML"),
        (
            lambda text: f'{text}[answers.succession]\nevidence = "{"x" * 4001}"',
            "succession.evidence is longer than what is read",
        ),
        (lambda text: f'{text}[answers.succession]\nevidence = "\\u202Eabc"', "character that no text needs"),
        (lambda text: f'{text}[answers.succession]\nevidence = "\\u0007"', "character that no text needs"),
        (lambda text: f"{text}[answers.succession]\nwho = 'me'", "answers.succession.who is no field"),
        (lambda text: f"{text}[answers.succession]\n[answers.succession]", "is no TOML"),
        (lambda text: f"{text}[answers.succession]\nanswer = “yes”", "Write straight quotation marks"),
        (lambda text: f"{text}deep = {'[' * 5_000}", "is no TOML"),
        (lambda text: f"{text}x{'.x' * 200_000} = 1", "more than 200 dots"),
        (lambda text: text + "[a" + '."b"' * 100_000 + "]", "more than 200 dots"),
        (lambda text: f"{text}x = {{a{' . a' * 100_000} = 1}}", "more than 200 dots"),
        (lambda text: text + "".join(f"[a{number}]\n" for number in range(40_000)), "more than 2000 tables"),
        (lambda text: f"{text}x = [{'1,' * 200_000}]", "x is no field"),
        (lambda text: text + 'x = """' + '\\"' * 200_000, "is no TOML"),
        (lambda text: f"{text}#{'x' * MAX_TOML_BYTES}", "has more than"),
        (
            lambda text: f"{text}[[recommendation]]\npriority = 'high'",
            "recommendation.0.priority must be one of 1, 2, 3",
        ),
        (lambda text: text + "[[recommendation]]\ntext = 'It.'\n" * 101, "recommendation is longer than what is read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_fault(
    tmp_path: Path, change: Callable[[str], str], said: str
) -> None:
    path = write_filled(tmp_path, {})
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(InvalidInput) as refused:
        read_answers(path)
    assert said in str(refused.value)
    assert str(refused.value).startswith(path.name)
    assert len(str(refused.value)) < 600


def test_other_bytes_are_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "assessment.toml"
    path.write_bytes('evidence = "Ђорђе"'.encode("cp1251", "replace"))
    with pytest.raises(InvalidInput, match="is not UTF-8; save it as UTF-8"):
        read_answers(path)
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_answers(tmp_path / "nothing.toml")
    good = write_filled(tmp_path / "good", {})
    good.write_bytes(b"\xef\xbb\xbf" + good.read_bytes())
    assert read_answers(good).jurisdiction == "MD", "an editor's mark at the begin is no fault"
