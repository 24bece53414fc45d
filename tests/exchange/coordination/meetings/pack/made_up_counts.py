"""Counts of exercises as two trainings might write them."""

from __future__ import annotations

import json
from typing import Any

from exchange.coordination.exercises.exercise_counts import COUNTS_FORMAT, CountedSet, ExerciseCounts
from schemas.vocabulary import KOSOVO_FOOTNOTE


def counted(of: CountedSet, people: dict[str, int], **outcomes: int) -> CountedSet:
    """The same set with other people, and all answers of its first skill."""
    answered = sum(outcomes.values())
    skill = of.by_skill[0].skill if of.by_skill else ""
    lines = [{"skill": skill, "answered": answered, "outcomes": outcomes}]
    said: dict[str, Any] = of.model_dump(mode="json")
    return CountedSet.model_validate_json(
        json.dumps(said | {"people": people, "answered": answered, "by_skill": lines})
    )


def made_up_counts(*sets: object, half: str = "2026H2") -> ExerciseCounts:
    said = [item.model_dump(mode="json") for item in sets if isinstance(item, CountedSet)]
    whole = {"format": COUNTS_FORMAT, "half": half, "synthetic": True, "sets": said, "footnotes": [KOSOVO_FOOTNOTE]}
    return ExerciseCounts.model_validate_json(json.dumps(whole))


def _set(set_id: str, audience: str, use: str, people: dict[str, int], skill: str, **outcomes: int) -> CountedSet:
    answered = sum(outcomes.values())
    return CountedSet.model_validate_json(
        json.dumps(
            {
                "set_id": set_id,
                "audience": audience,
                "use": use,
                "exercises": 12,
                "people": people,
                "answered": answered,
                "by_skill": [{"skill": skill, "answered": answered, "outcomes": outcomes}],
            }
        )
    )


PAIRS = _set("00aa11bb22cc33dd", "examiner", "proficiency", {"RS": 2, "XK": 1}, "look_alikes", right=30, over_claim=6)
QUESTIONS = _set("11aa11bb22cc33dd", "investigator", "practice", {"MK": 3}, "deadlines", right=20, wrong=7)
