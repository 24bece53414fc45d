"""How much was practised in a half-year, for the meeting pack: counts by set, jurisdiction and skill, and never of a
person."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from exchange.clock import stamp
from exchange.coordination.exercises.attempts import Attempt, SkillResult, attempts_of, by_skill, outcome_of
from exchange.coordination.exercises.exercise_documents import SetId
from exchange.coordination.exercises.exercise_folder import KeptSet, check_exercises, list_sets
from exchange.coordination.exercises.exercise_vocabulary import (
    OUTCOMES_OF,
    ExerciseAudience,
    ExerciseOutcome,
    ExerciseSkill,
    ExerciseUse,
)
from exchange.coordination.half_year.half_years import Half
from exchange.errors import InvalidInput
from exchange.jurisdictions.directory import shipped_directory
from schemas.errors import ContractError
from schemas.exhibit import Contract
from schemas.strict_json import read_strict
from schemas.vocabulary import Jurisdiction

COUNTS_FORMAT: Final = "ffp-exercise-counts/1"
FEWEST_PEOPLE: Final = 3
"""Results of fewer people would be those of a person: they are left out."""
MAX_COUNTS_BYTES: Final = 256 * 1024
_Count = Annotated[int, Field(ge=0, le=10**6)]


class CountedSkill(Contract):
    """``outcomes`` add up to ``answered``."""

    skill: ExerciseSkill
    answered: _Count
    outcomes: dict[ExerciseOutcome, _Count]


class CountedSet(Contract):
    """One set in one half-year. ``people``: who answered something at their first attempt, by the jurisdiction of the
    node. ``by_skill``: None where fewer than ``FEWEST_PEOPLE`` took part, the answers are sealed, or more people may
    still answer."""

    set_id: SetId
    audience: ExerciseAudience
    use: ExerciseUse
    exercises: _Count
    people: dict[Jurisdiction, _Count]
    answered: _Count
    by_skill: list[CountedSkill] | None


class ExerciseCounts(Contract):
    """One half-year of one folder of exercises. All exhibits are made up."""

    format: Literal["ffp-exercise-counts/1"]
    half: Annotated[str, Field(pattern=r"^20[0-9]{2}H[12]$")]
    synthetic: Literal[True]
    sets: Annotated[list[CountedSet], Field(max_length=100)]
    footnotes: list[Annotated[str, Field(max_length=400)]]

    @property
    def people(self) -> int:
        """Whoever practised with several sets stands in each."""
        return sum(sum(one.people.values()) for one in self.sets)


@dataclass(frozen=True)
class PeopleOfSet:
    """Those who answered something of a set, and what all of them together did; None: too few, or sealed."""

    people: int
    results: Sequence[SkillResult] | None


def exercise_counts(folder: Path, half: Half) -> ExerciseCounts:
    """The half-year's counts of exercises and proficiency sets, from a folder of exercises: for each set that somebody
    answered, how many people of which jurisdiction, how many answers, and how many of each skill were worth what.

    Nobody is named anywhere in the folder. Results by skill stand for three people or more alone, and once nobody can
    join them: else two counts would differ by what one person did. The meeting pack reads them from a file
    (``write_counts``, ``read_counts``): exercises are done on nodes to practise with, the pack is made on a real one.

    Raises ConfigurationError where it is no folder of exercises.
    """
    check_exercises(folder)
    counted = [_counted(kept, half) for kept in list_sets(folder)]
    sets = [one for one in counted if one is not None]
    named = sorted({name for one in sets for name in one.people})
    return ExerciseCounts(
        format=COUNTS_FORMAT,
        half=str(half),
        synthetic=True,
        sets=sets,
        footnotes=list(shipped_directory().footnotes(named)),
    )


def write_counts(counts: ExerciseCounts) -> bytes:
    """As JSON: the same bytes for the same counts."""
    said: dict[str, Any] = counts.model_dump(mode="json")
    return (json.dumps(said, indent=1, ensure_ascii=False) + "\n").encode()


def read_counts(data: bytes) -> ExerciseCounts:
    """Raises InvalidInput for what is not that, and for counts that do not add up."""
    try:
        found = read_strict(ExerciseCounts, data, max_bytes=MAX_COUNTS_BYTES)
    except ContractError as error:
        raise InvalidInput(f"These are no counts of exercises: {error}", code="no-exercises") from error
    if len({one.set_id for one in found.sets}) != len(found.sets):
        raise InvalidInput("One set stands twice: it would count twice.", code="no-exercises")
    for one in found.sets:
        if not _adds_up(one):
            raise InvalidInput(f"The counts of the set {one.set_id} do not add up.", code="no-exercises")
    return found


def _adds_up(one: CountedSet) -> bool:
    """Each of the people answered at least one exercise, and none twice; results are those of as many answers."""
    people, lines = sum(one.people.values()), one.by_skill
    if not people <= one.answered <= people * one.exercises:
        return False
    if lines is None:
        return True
    return (
        all(sum(line.outcomes.values()) == line.answered for line in lines)
        and sum(line.answered for line in lines) == one.answered
        and people >= FEWEST_PEOPLE
        and all(outcome in OUTCOMES_OF[one.audience] for line in lines for outcome in line.outcomes)
    )


def people_of_set(kept: KeptSet) -> PeopleOfSet:
    """What all made of a set whose answers were opened: nobody answers it any more, so that what is told does not
    change with one person more."""
    attempts = _counting(kept)
    tells = kept.use is ExerciseUse.PROFICIENCY and kept.answers is not None and len(attempts) >= FEWEST_PEOPLE
    return PeopleOfSet(len(attempts), _together(kept, attempts) if tells else None)


def _counting(kept: KeptSet) -> list[Attempt]:
    """One of each person who answered something: who tries again knows what is right, and two attempts more of one
    person would leave over what another one did."""
    return [one for one in attempts_of(kept) if one.counts and one.given]


def _counted(kept: KeptSet, half: Half) -> CountedSet | None:
    answering = _counting(kept)
    attempts = [one for one in answering if one.half == half]
    if not attempts:
        return None
    tells = len(attempts) >= FEWEST_PEOPLE and _is_complete(kept, half, answering)
    people = Counter(Jurisdiction(one.jurisdiction) for one in attempts)
    return CountedSet(
        set_id=kept.set_id,
        audience=kept.document.audience,
        use=kept.use,
        exercises=len(kept.document.items),
        people=dict(sorted(people.items())),
        answered=sum(len(one.given) for one in attempts),
        by_skill=[
            CountedSkill(skill=line.skill, answered=line.answered, outcomes=dict(line.outcomes))
            for line in _together(kept, attempts)
        ]
        if tells
        else None,
    )


def _is_complete(kept: KeptSet, half: Half, answering: Sequence[Attempt]) -> bool:
    """Nobody joins the half-year's attempts any more; and the pages' results of a whole proficiency set, less those of
    the half-years that are told, are not those of one or two people."""
    if kept.use is ExerciseUse.PRACTICE:
        return half.end <= stamp()
    untold = sum(people for people in Counter(one.half for one in answering).values() if people < FEWEST_PEOPLE)
    return kept.answers is not None and (untold == 0 or untold >= FEWEST_PEOPLE)


def _together(kept: KeptSet, attempts: Sequence[Attempt]) -> list[SkillResult]:
    if kept.answers is None:
        return []
    return by_skill(
        (answer.skill, outcome_of(answer, one.given[answer.number]))
        for one in attempts
        for answer in kept.answers.answers
        if answer.number in one.given
    )
