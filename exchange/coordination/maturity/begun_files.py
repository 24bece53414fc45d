"""The file that an assessor fills in, as it is begun: each question with its guidance as comments, in the language that
is spoken, and the answers of last time where there are any."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.maturity.answers import (
    ANSWERS_FORMAT,
    EVALUATION_FORMAT,
    NOT_APPLICABLE,
    NOT_KNOWN,
    AnswersFile,
    GivenAnswer,
    OwnRecommendation,
)
from exchange.coordination.maturity.questionnaire import AnswerKind, AssessmentQuestion, headings, questionnaire
from exchange.jurisdictions.directory import shipped_directory
from exchange.web.languages import gettext as _
from exchange.web.languages import spoken, term


def begun_evaluation() -> str:
    """The text of the file, with guidance in the language that is spoken."""
    lines = [
        *comment(_("Mid-term evaluation: what the evaluators answer.")),
        *comment(_("Write between the quotation marks, and save the file as UTF-8. Name no person and no case.")),
        f"format = {toml_text(EVALUATION_FORMAT)}",
        *comment(_("Who evaluates: a role and an institution.")),
        'evaluators = ""',
        'period = ""',
        *comment(_("On which day, written 2026-11-20.")),
        'finished_on = ""',
        'summary = ""',
        *comment(_("One sentence each, between quotation marks, with commas between them.")),
        "conclusions = []",
    ]
    for heading in headings():
        lines += ["", "", f"# ===== {_(heading.fact.text)} =====", *comment(_(heading.asks))]
        for question in heading.questions:
            lines += ["", f"[answers.{question.id}]", *comment(_(question.text)), 'answer = ""', 'evidence = ""']
    return "\n".join(lines) + "\n"


_WIDTH: Final = 110


def toml_text(text: str) -> str:
    """Return a TOML string. TOML reads the escapes of JSON; text of several lines stands in several lines."""
    if "\n" not in text:
        return json.dumps(text, ensure_ascii=False)
    lines = (json.dumps(line, ensure_ascii=False)[1:-1] for line in text.split("\n"))
    return '"""\n' + "\n".join(lines) + '"""'


def toml_value(value: str | float | date) -> str:
    match value:
        case str():
            return toml_text(value)
        case date():
            return value.isoformat()
        case _:
            return f"{value:g}"


def begun_assessment(jurisdiction: str, half: Half, before: AnswersFile | None) -> str:
    """The text of the file. ``before``: the last assessment of this jurisdiction."""
    lines = [*_head(jurisdiction, half, before)]
    for number, area in enumerate(questionnaire().areas, 1):
        lines += ["", "", f"# ===== {number}. {_(area.title)} ====="]
        for question in area.questions:
            given = before.answers.get(question.id) if before is not None else None
            lines += ["", f"[answers.{question.id}]", *_guidance(question), *_answered(given, before)]
    lines += ["", "", *_own(before.recommendation if before is not None else ())]
    return "\n".join(lines) + "\n"


def _head(jurisdiction: str, half: Half, before: AnswersFile | None) -> Iterator[str]:
    place = term(jurisdiction, "jurisdiction")
    yield from comment(_("Assessment of %(jurisdiction)s, %(half)s", jurisdiction=place, half=half))
    for footnote in spoken().footnotes([jurisdiction]):
        yield from comment(footnote)
    yield from comment(
        _(
            "Write between the quotation marks, and save the file as UTF-8. Write roles and counts, never a person's "
            "name. What you do not know stays empty or is answered with: not known."
        )
    )
    yield f"format = {toml_text(ANSWERS_FORMAT)}"
    yield f"jurisdiction = {toml_text(jurisdiction)}"
    if jurisdiction not in shipped_directory():
        yield from comment(_("What the jurisdiction is called in English."))
        yield f"name = {toml_text(before.name if before is not None else '')}"
    yield f"half = {toml_text(str(half))}"
    yield from comment(_("Who assesses: a role and an institution."))
    yield f"assessor = {toml_text(before.assessor if before is not None else '')}"
    yield from comment(_("On which day, written 2026-11-20."))
    yield 'assessed_on = ""'
    yield from comment(_("What a reader should know of this assessment."))
    yield 'remarks = ""'
    yield from comment(
        _(
            "Where the jurisdiction has a node: the 40 digits of its fingerprint, as its operator reads them out. Put "
            "the node's signed snapshot into this folder: it answers what the node proves itself."
        )
    )
    yield f"node_fingerprint = {toml_text(before.node_fingerprint if before is not None else '')}"


def _guidance(question: AssessmentQuestion) -> Iterator[str]:
    yield from comment(_(question.text))
    yield from comment(_("Look at: %(what)s", what=_(question.look)))
    yield from comment(_("Good: %(what)s", what=_(question.good)))
    if question.practices:
        said = _("A node's snapshot in this folder answers this. With one, leave it empty, unless you saw otherwise.")
        yield from comment(said)
    yield from comment(_("Answer: %(how)s", how=_how(question)))
    for choice in question.choices:
        yield from comment(f"  {choice.word}: {_(choice.title)}")


def _how(question: AssessmentQuestion) -> str:
    others = {"unknown": f'"{NOT_KNOWN}"', "none": f'"{NOT_APPLICABLE}"'}
    match question.kind:
        case AnswerKind.TEXT:
            return _("in words")
        case AnswerKind.COUNT:
            return _("a whole number, %(unknown)s or %(none)s", **others)
        case AnswerKind.MONTHS:
            return _("a number of months, %(unknown)s or %(none)s", **others)
        case AnswerKind.DEGREE | AnswerKind.CHOICE:
            words = ", ".join(f'"{word}"' for word in question.words)
            return _("%(words)s, %(unknown)s or %(none)s", words=words, **others)


def _answered(given: GivenAnswer | None, before: AnswersFile | None) -> Iterator[str]:
    if given is None or before is None or given.value == "":
        yield from ('answer = ""', 'evidence = ""', 'on = ""')
        return
    day = given.on or before.assessed_on
    yield from comment(
        _("The answer of %(half)s. Change what changed, with the day on which you saw it.", half=before.half)
    )
    yield f"answer = {toml_value(given.answer)}"
    yield f"evidence = {toml_text(given.evidence)}"
    yield f"on = {toml_text(day.isoformat() if day is not None else '')}"


def _own(moved: Sequence[OwnRecommendation]) -> Iterator[str]:
    yield from comment(
        _(
            "Recommendations of your own, as many as you like; and with the field %(field)s the priority, owner, day "
            "or place of one that follows from an answer. Of one priority those come first that stand here, in this "
            "order.",
            field="question",
        )
    )
    yield from (
        "# [[recommendation]]",
        '# question = ""',
        '# text = ""',
        "# priority = 1",
        '# owner = ""',
        '# by = ""',
        "# leave_out = false",
        '# because = ""',
    )
    for item in moved:
        yield from ("", "[[recommendation]]")
        yield from (f"{name} = {toml_text(value)}" for name, value in _said(item) if value)
        if item.priority is not None:
            yield f"priority = {item.priority}"
        if item.leave_out:
            yield "leave_out = true"


def _said(item: OwnRecommendation) -> tuple[tuple[str, str], ...]:
    return (
        ("question", item.question),
        ("text", item.text),
        ("owner", item.owner),
        ("by", item.by.isoformat() if item.by is not None else ""),
        ("because", item.because),
    )


def comment(text: str) -> list[str]:
    """In lines that a screen holds."""
    indent = text[: len(text) - len(text.lstrip())]
    words = " ".join(text.split())
    return [f"# {line}" for line in textwrap.wrap(words, _WIDTH, initial_indent=indent, subsequent_indent=indent)]
