"""Counts of exercises for a meeting pack: from files of the nodes to practise with, which nobody signed."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from exchange.coordination.exercises.exercise_counts import (
    MAX_COUNTS_BYTES,
    CountedSet,
    CountedSkill,
    ExerciseCounts,
    read_counts,
    write_counts,
)
from exchange.coordination.exercises.exercise_vocabulary import (
    ExerciseAudience,
    ExerciseOutcome,
    ExerciseSkill,
    ExerciseUse,
)
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.region_files.report_file import RefusedFile
from exchange.errors import InvalidInput
from exchange.home import read_bounded
from schemas.errors import shown
from schemas.vocabulary import Jurisdiction

_HEAD_OF_A_FILE: Final = 4096


def read_exercise_files(paths: Iterable[Path], half: Half) -> tuple[CountedSet, ...]:
    """The sets of all files; one that was given in several places stands once, with the people of all.

    1. Read each within its bound, and check that it adds up.
    2. It is of this half-year, and no other file says the same, however it is written.
    3. Add up what was counted of one set.
    Raises InvalidInput, which names the file.
    """
    read: list[tuple[str, ExerciseCounts]] = []
    for path in paths:
        name = shown(path.name, 255)
        # 1.
        data = _read(path, name)
        try:
            counts = read_counts(data)
        except InvalidInput as error:
            raise InvalidInput(f"{name}: {error}", code="no-exercises") from error

        # 2.
        if counts.half != str(half):
            raise InvalidInput(
                f"{name} has the exercises of {counts.half}, and {half} is asked for.", code="other-period"
            )
        read.append((name, counts))

    # 2. and 3.
    found, refused = exercises_of_half(read, half)
    for item in refused:
        raise InvalidInput(f"{item.file}: {item.why}", code=item.code)
    return found or ()


def is_counts(data: bytes) -> bool:
    """Whether a file says that it is of this kind; nothing of it is believed."""
    return b"ffp-exercise-counts" in data[:_HEAD_OF_A_FILE]


def exercises_of_half(
    read: Iterable[tuple[str, ExerciseCounts]], half: Half
) -> tuple[tuple[CountedSet, ...] | None, list[RefusedFile]]:
    """As ``read_exercise_files``, of whatever lies on a desk: files of other half-years are left out, and what stands
    twice is refused by its name. None: there is no file of this half-year."""
    found: list[CountedSet] | None = None
    refused: list[RefusedFile] = []
    known: dict[str, str] = {}
    for name, counts in read:
        if counts.half != str(half):
            continue
        digest = _digest(counts)
        if digest in known:
            why = f"It is the same as {known[digest]}: it would count twice."
            refused.append(RefusedFile(name, None, "doubled", why, "Take one of them away."))
            continue
        known[digest] = name
        found = [*(found or ()), *counts.sets]
    return None if found is None else _added_up(found), refused


def skills_of(
    sets: Iterable[CountedSet], audience: ExerciseAudience
) -> list[tuple[ExerciseUse, ExerciseSkill, Counter[ExerciseOutcome]]]:
    """Of all sets that tell it: what the answers of each use and skill were worth."""
    counted: dict[tuple[ExerciseUse, ExerciseSkill], Counter[ExerciseOutcome]] = defaultdict(Counter)
    for one in sets:
        if one.audience is audience:
            for line in one.by_skill or ():
                counted[one.use, line.skill].update(line.outcomes)
    return [
        (use, skill, counted[use, skill])
        for use in ExerciseUse
        for skill in ExerciseSkill
        if counted[use, skill].total()
    ]


def _digest(counts: ExerciseCounts) -> str:
    return hashlib.sha256(write_counts(_in_order(counts))).hexdigest()


def _in_order(counts: ExerciseCounts) -> ExerciseCounts:
    """Without the order of its parts, and without its footnotes: neither says anything of what was counted."""
    sets = [
        one.model_copy(
            update={
                "people": dict(sorted(one.people.items())),
                "by_skill": None
                if one.by_skill is None
                else [
                    CountedSkill(skill=line.skill, answered=line.answered, outcomes=dict(sorted(line.outcomes.items())))
                    for line in sorted(one.by_skill, key=lambda line: (line.skill, line.answered))
                ],
            }
        )
        for one in sorted(counts.sets, key=lambda one: one.set_id)
    ]
    return counts.model_copy(update={"sets": sets, "footnotes": []})


def _read(path: Path, name: str) -> bytes:
    try:
        return read_bounded(path, MAX_COUNTS_BYTES)
    except OSError as error:
        raise InvalidInput(f"{name} cannot be read: {error.strerror}.") from error


def _added_up(found: Sequence[CountedSet]) -> tuple[CountedSet, ...]:
    alike: dict[tuple[str, str, str, int], list[CountedSet]] = defaultdict(list)
    for one in found:
        alike[one.audience, one.use, one.set_id, one.exercises].append(one)
    return tuple(_together(alike[key]) for key in sorted(alike))


def _together(parts: Sequence[CountedSet]) -> CountedSet:
    """``by_skill``: of those parts that tell it."""
    people = Counter[Jurisdiction]()
    for one in parts:
        people.update(one.people)
    told = [one for one in parts if one.by_skill is not None]
    return parts[0].model_copy(
        update={
            "people": dict(sorted(people.items())),
            "answered": sum(one.answered for one in parts),
            "by_skill": [
                CountedSkill(skill=skill, answered=outcomes.total(), outcomes=dict(outcomes))
                for _use, skill, outcomes in skills_of(told, parts[0].audience)
            ]
            if told
            else None,
        }
    )
