"""An assessment as JSON, for another program: the same figures as on paper, with ids instead of sentences."""

from __future__ import annotations

import json
from typing import Any, Final

from exchange.coordination.assessment.assessment import Assessment, ComparedArea
from exchange.coordination.assessment.rating import Answered, Rated
from exchange.coordination.assessment.recommendations import Recommendation
from exchange.jurisdictions.directory import Directory

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
