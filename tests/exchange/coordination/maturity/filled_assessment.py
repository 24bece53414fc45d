"""Files of assessments as assessors fill them in: made up, and of no real laboratory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exchange.coordination.maturity.questionnaire import AnswerKind, AssessmentQuestion, questionnaire

EVIDENCE = "Looked at on the spot: three cases and the register."


def best(question: AssessmentQuestion) -> str | float:
    """An answer that earns all points."""
    match question.kind:
        case AnswerKind.DEGREE | AnswerKind.CHOICE:
            return max(question.words, key=lambda word: question.words[word])
        case AnswerKind.TEXT:
            return "Comparison of cartridge cases, no. 17"
        case AnswerKind.COUNT | AnswerKind.MONTHS:
            falling = question.full_at is not None and question.full_at < (question.zero_at or 0)
            return question.full_at or 0 if falling else max(10, question.full_at or 0)


def worst(question: AssessmentQuestion) -> str | float:
    """An answer that earns nothing."""
    match question.kind:
        case AnswerKind.DEGREE | AnswerKind.CHOICE:
            return min(question.words, key=lambda word: question.words[word])
        case AnswerKind.TEXT:
            return ""
        case AnswerKind.COUNT | AnswerKind.MONTHS:
            return 0 if question.of is not None else question.zero_at or 0


def all_best(**changes: Any) -> dict[str, Any]:
    return {question.id: best(question) for question in questionnaire()} | changes


def write_filled(
    folder: Path,
    answers: Mapping[str, Any],
    *,
    jurisdiction: str = "MD",
    half: str = "2026H1",
    on: str = "2026-05-20",
    more: str = "",
    rest: str = "",
    name: str | None = None,
) -> Path:
    """``answers``: by question a value, or a dict of the fields of its table. ``more``: lines at the head of the file;
    ``rest``: at its end."""
    lines = [
        'format = "ffp-assessment/1"',
        f'jurisdiction = "{jurisdiction}"',
        f'half = "{half}"',
        'assessor = "assessor, regional secretariat"',
        f"assessed_on = {on}",
        more,
    ]
    for question, given in answers.items():
        fields = given if isinstance(given, dict) else {"answer": given, "evidence": EVIDENCE}
        lines += [f"[answers.{question}]", *(f"{key} = {_toml(value)}" for key, value in fields.items())]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (name or f"assessment-{jurisdiction}-{half}.toml")
    path.write_text("\n".join([*lines, rest]) + "\n", encoding="utf-8")
    return path


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()
