"""An assessment as JSON for another program, with ids instead of sentences, and as a table for a spreadsheet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from exchange.coordination.maturity.assessment import Answered, Assessment, ComparedArea, Rated, Recommendation
from exchange.coordination.maturity.assessment_words import (
    answer_evidence,
    answer_words,
    place_words,
    priority_words,
    recommendation_words,
    who_and_when,
)
from exchange.jurisdictions.directory import Directory
from exchange.web.languages import gettext as _
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
