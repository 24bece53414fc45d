"""The pairs of exhibits of a set for examiners, drawn and compared: each until it is what its skill says."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matcher
from exchange.coordination.exercises.exercise_documents import MOST_ITEMS
from exchange.coordination.exercises.exercise_vocabulary import (
    SKILLS_OF,
    ExerciseAudience,
    ExerciseSkill,
    ExerciseTruth,
)
from exchange.coordination.exercises.known_scores import KnownPairScores, known_pair_scores
from exchange.coordination.exercises.seed_stream import SeedStream
from exchange.errors import InvalidInput
from matcher.synthetic.look_alikes import DrawnFirearm, MarkCondition, draw_condition

FEWEST_PAIRS: Final = len(SKILLS_OF[ExerciseAudience.EXAMINER])
CARRIED: Final = (0.75, 0.95)
"""On which share of the faces of look-alikes the tool's own marks stand."""
_TRIES: Final = 60
_INSTRUMENT: Final = "synthetic drawn"
_CONDITIONS: Final = {
    ExerciseSkill.HALF_MARKS: (MarkCondition.HALF, MarkCondition.FULL),
    ExerciseSkill.NOISE: (MarkCondition.NOISY, MarkCondition.FULL),
    ExerciseSkill.TOO_LITTLE: (MarkCondition.DROWNED, MarkCondition.NOISY),
}


@dataclass(frozen=True)
class DrawnPair:
    """Two scans as x3p, what is true of them, and how the matcher compares them."""

    skill: ExerciseSkill
    truth: ExerciseTruth
    shows_enough: bool
    scans: tuple[bytes, bytes]
    comparison: dict[str, Any]


def plan_skills(stream: SeedStream, count: int) -> list[ExerciseSkill]:
    """Each skill at least once, the rest drawn; in a drawn order. Raises InvalidInput."""
    if not FEWEST_PAIRS <= count <= MOST_ITEMS:
        raise InvalidInput(f"A set for examiners has {FEWEST_PAIRS} to {MOST_ITEMS} pairs.")
    skills = SKILLS_OF[ExerciseAudience.EXAMINER]
    more = [stream.chosen(skills, "skill", number) for number in range(count - len(skills))]
    return stream.shuffled([*skills, *more], "order")


def draw_pair_of(stream: SeedStream, number: int, skill: ExerciseSkill) -> DrawnPair:
    """The pair of an exercise: of the first numbers that draw one whose score is what the skill says.

    Raises InvalidInput where none of the tries is.
    """
    known = known_pair_scores()
    truth = _truth_of(stream, number, skill)
    for attempt in range(_TRIES):
        scans = _draw(stream, (number, attempt), skill, truth)
        comparison = _compared(scans)
        if _fits(float(comparison["score"]), skill, truth, known):
            return DrawnPair(skill, truth, skill is not ExerciseSkill.TOO_LITTLE, scans, comparison)
    raise InvalidInput(f"Exercise {number} cannot be drawn from this seed; take another seed.")


def _truth_of(stream: SeedStream, number: int, skill: ExerciseSkill) -> ExerciseTruth:
    match skill:
        case ExerciseSkill.SAME_FIREARM:
            return ExerciseTruth.SAME
        case ExerciseSkill.DIFFERENT_FIREARMS | ExerciseSkill.LOOK_ALIKES:
            return ExerciseTruth.DIFFERENT
        case _:
            return stream.chosen(tuple(ExerciseTruth), "truth", number)


def _draw(
    stream: SeedStream, name: Sequence[object], skill: ExerciseSkill, truth: ExerciseTruth
) -> tuple[bytes, bytes]:
    one = DrawnFirearm(stream.number("tool", *name), stream.number("firearm", *name))
    other = one
    if truth is ExerciseTruth.DIFFERENT:
        other = DrawnFirearm(stream.number("other tool", *name), stream.number("other firearm", *name))
    if skill is ExerciseSkill.LOOK_ALIKES:
        carried = stream.between(*CARRIED, "carried", *name)
        one, other = DrawnFirearm(one.tool, one.own, carried), DrawnFirearm(one.tool, other.own, carried)
    conditions = _CONDITIONS.get(skill, (MarkCondition.FULL, MarkCondition.FULL))
    drawn = [
        draw_condition(firearm, stream.number("shot", side, *name), condition)
        for side, (firearm, condition) in enumerate(zip((one, other), conditions, strict=True))
    ]
    first, second = stream.shuffled(drawn, "sides", *name)
    return _as_x3p(first), _as_x3p(second)


def _fits(score: float, skill: ExerciseSkill, truth: ExerciseTruth, known: KnownPairScores) -> bool:
    """Enough to see: above every known pair of firearms that no tool joins, and above nine of ten look-alikes. Too
    little: among those that no tool joins. Look-alikes stand above all of these, and below every pair of one firearm
    with whole marks."""
    if skill is ExerciseSkill.TOO_LITTLE:
        return score <= known.different[-1]
    if skill is ExerciseSkill.LOOK_ALIKES:
        return known.different[-1] < score < known.same[0]
    if truth is ExerciseTruth.SAME:
        return score > max(known.different[-1], known.look_alikes[9 * len(known.look_alikes) // 10])
    return score <= known.different[-1]


def _compared(scans: tuple[bytes, bytes]) -> dict[str, Any]:
    """Of the files as they are handed out: what anybody who compares them finds."""
    with tempfile.TemporaryDirectory(prefix="ffp-exercise-") as folder:
        one, other = (_prepared(Path(folder) / f"{side}.x3p", scan) for side, scan in enumerate(scans))
    return matcher.compare(one, other).as_dict()


def _prepared(path: Path, scan: bytes) -> matcher.Prepared:
    path.write_bytes(scan)
    return matcher.prepare(matcher.read_topography(path))


def _as_x3p(drawn: matcher.Topography) -> bytes:
    with tempfile.TemporaryDirectory(prefix="ffp-exercise-") as folder:
        path = Path(folder) / "scan.x3p"
        matcher.write_topography(drawn, path, instrument=_INSTRUMENT)
        return path.read_bytes()


def drawn_pairs(stream: SeedStream, count: int) -> Iterator[DrawnPair]:
    """All pairs of a set, in its order."""
    for number, skill in enumerate(plan_skills(stream, count), start=1):
        yield draw_pair_of(stream, number, skill)
