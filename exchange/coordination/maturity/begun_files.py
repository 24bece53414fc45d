"""The file that an assessor fills in, as it is begun: each question with its guidance as comments, in the language that
is spoken, and the answers of last time where there are any."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

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
from exchange.coordination.maturity.assessment import Answered, Assessment, ComparedArea, Rated, Recommendation
from exchange.coordination.maturity.assessment_words import (
    answer_evidence,
    answer_words,
    place_words,
    priority_words,
    recommendation_words,
    who_and_when,
)
from exchange.coordination.maturity.questionnaire import AnswerKind, AssessmentQuestion, headings, questionnaire
from exchange.jurisdictions.directory import Directory, shipped_directory
from exchange.web.languages import gettext as _
from exchange.web.languages import spoken, term
from exchange.web.report.sheet import written_sheet

ASSESSMENT_COLUMNS = (
    *("half", "jurisdiction", "part", "area", "id", "text", "now", "last_time"),
    *("percent", "percent_last_time", "evidence", "good", "priority", "who"),
)


def assessment_sheet(found: Assessment) -> bytes:
    """``part`` is "area", "answer" or "recommendation"; what is not told is empty."""
    rows = ((str(found.half), place_words(found), *cells) for cells in _lines(found))
    return written_sheet(ASSESSMENT_COLUMNS, rows, named=[found.jurisdiction])


def _lines(found: Assessment) -> Iterator[Sequence[str]]:
    for item in found.areas:
        area, before = item.now.area, item.before
        shares = (_percent(item.now.rated.share), _percent(before.rated.share if before is not None else None))
        yield "area", area.id, area.id, _(area.title), "", "", *shares, "", "", "", ""
    for item in found.areas:
        for answer in item.now.answers:
            then = item.answer_before(answer)
            yield (
                *("answer", item.now.area.id, answer.question.id, _(answer.question.text)),
                *(answer_words(answer), answer_words(then) if then is not None else ""),
                *(_percent(answer.points), _percent(then.points if then is not None else None)),
                *(answer_evidence(answer), _(answer.question.good), "", ""),
            )
    for item_made in found.recommended.made:
        text = recommendation_words(item_made)
        place = ("recommendation", "", item_made.question or "", text, "", "", "", "", item_made.because, "")
        yield *place, priority_words(item_made.priority), who_and_when(item_made)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share * 100:.0f}"


REPORT_OF_ASSESSMENT: Final = "ffp-assessment-report/1"


def assessment_json(found: Assessment, known: Directory) -> bytes:
    """The same assessment gives the same bytes."""
    snapshot = found.snapshot
    fields = {
        "format": REPORT_OF_ASSESSMENT,
        "jurisdiction": {"code": found.jurisdiction, "name": known.name(found.jurisdiction)},
        "half": str(found.half),
        "assessor": found.given.assessor,
        "assessed_on": found.given.assessed_on.isoformat() if found.given.assessed_on is not None else None,
        "last_time": str(found.before.half) if found.before is not None else None,
        "whole": {**_rated(found.whole), "last_time": _rated(found.whole_before)},
        "areas": [_area(item) for item in found.areas],
        "recommendations": [_recommendation(item) for item in found.recommended.made],
        "not_recommended": [_recommendation(item) for item in found.recommended.left_out],
        "node_snapshot": None
        if snapshot is None
        else {
            "node": snapshot.snapshot.node_id,
            "sha256": snapshot.sha256,
            "statement": snapshot.statement_id,
            "fingerprint": snapshot.fingerprint,
            "fingerprint_confirmed": snapshot.confirmed,
            "reached": snapshot.snapshot.reached,
        },
        "path": {str(half): level for half, level in found.path.levels.items()},
        "not_read": [{"file": item.name, "why": item.why} for item in found.left],
        "note": " ".join(known.footnotes([found.jurisdiction])),
    }
    return (json.dumps(fields, ensure_ascii=False, indent=1) + "\n").encode()


def _area(item: ComparedArea) -> dict[str, Any]:
    return {
        "id": item.now.area.id,
        "title": item.now.area.title,
        **_rated(item.now.rated),
        "last_time": _rated(item.before.rated if item.before is not None else None),
        "answers": [
            {
                "id": answer.question.id,
                "question": answer.question.text,
                "kind": answer.question.kind,
                **_answer(answer),
                "last_time": _answer(item.answer_before(answer)),
            }
            for answer in item.now.answers
        ],
    }


def _rated(rated: Rated | None) -> dict[str, Any]:
    if rated is None:
        return {"share": None, "told": None, "asked": None}
    return {"share": None if rated.share is None else round(rated.share, 4), "told": rated.told, "asked": rated.asked}


def _answer(answer: Answered | None) -> dict[str, Any]:
    if answer is None:
        return {}
    return {
        "answer": answer.value,
        "share": None if answer.share is None else round(answer.share, 4),
        "evidence": answer.evidence,
        "on": answer.on.isoformat() if answer.on is not None else None,
        "points": None if answer.points is None else round(answer.points, 4),
        "by_node": answer.by_node,
        "node_says": answer.proof.answer if answer.proof is not None else None,
    }


def _recommendation(item: Recommendation) -> dict[str, Any]:
    return {
        "priority": item.priority,
        "text": item.text,
        "question": item.question,
        "owner": item.owner,
        "by": item.by.isoformat() if item.by is not None else None,
        "because": item.because,
    }


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
