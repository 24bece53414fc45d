"""Draw a set: one file for participants, and one with the answers for whoever gives it. The same seed, recipe and
matcher draw the same bytes.

Scores of drawn pairs whose truth is known: against these a person sees where the score of an exercise stands.

They were measured once, with the matcher that the file names
(`python -m tests.exchange.coordination.exercises.measure_exercises`), and are displayed next to an exercise only where
this node's matcher is the same. Drawn marks say nothing of real ones.
"""

from __future__ import annotations

import hashlib
import io
import json
import secrets
import tempfile
import zipfile
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

import matcher
from exchange.coordination.exercises.exercise_documents import (
    MOST_ITEMS,
    SEALED_FORMAT,
    SET_FORMAT,
    ExerciseAnswers,
    ExerciseSet,
    ItemAnswer,
    SetItem,
    SetScan,
    write_exercise_document,
)
from exchange.coordination.exercises.exercise_questions import (
    FEWEST_QUESTIONS,
    QUESTIONS,
    RECIPE,
    SeedStream,
    choose_questions,
    drawn_moment,
)
from exchange.coordination.exercises.exercise_vocabulary import (
    SKILLS_OF,
    ExerciseAudience,
    ExerciseSkill,
    ExerciseTruth,
)
from exchange.errors import InvalidInput
from matcher.synthetic.look_alikes import DrawnFirearm, MarkCondition, draw_condition

KNOWN_FILE: Final = "known_scores.json"


@dataclass(frozen=True)
class KnownPairScores:
    """Each from the lowest to the highest. ``different``: of firearms that no tool joins; ``look_alikes``: of firearms
    of one tool; ``same``: of one firearm; all with whole marks."""

    parameters: str
    different: Sequence[float]
    look_alikes: Sequence[float]
    same: Sequence[float]

    @property
    def is_of_this_matcher(self) -> bool:
        return self.parameters == matcher.DEFAULT_PARAMETERS.digest


@dataclass(frozen=True)
class ScorePlace:
    """Of how many known pairs of each kind the score is higher, and how many there are."""

    above_different: int
    different: int
    above_look_alikes: int
    look_alikes: int
    above_same: int
    same: int


@cache
def known_pair_scores() -> KnownPairScores:
    found = json.loads(resources.files(__package__).joinpath(KNOWN_FILE).read_text(encoding="utf-8"))
    return KnownPairScores(
        found["parameters"], sorted(found["different"]), sorted(found["look_alikes"]), sorted(found["same"])
    )


def place_among(score: float, known: KnownPairScores) -> ScorePlace:
    return ScorePlace(
        bisect_left(known.different, score),
        len(known.different),
        bisect_left(known.look_alikes, score),
        len(known.look_alikes),
        bisect_left(known.same, score),
        len(known.same),
    )


FEWEST_PAIRS: Final = len(SKILLS_OF[ExerciseAudience.EXAMINER])
CARRIED: Final = (0.75, 0.95)
"""The smallest and the largest share of a look-alike's breech face that bears the tool's subclass marks."""
_TRIES: Final = 60
_INSTRUMENT: Final = "synthetic drawn"
_CONDITIONS: Final = {
    ExerciseSkill.HALF_MARKS: (MarkCondition.HALF, MarkCondition.FULL),
    ExerciseSkill.NOISE: (MarkCondition.NOISY, MarkCondition.FULL),
    ExerciseSkill.TOO_LITTLE: (MarkCondition.DROWNED, MarkCondition.NOISY),
}


@dataclass(frozen=True)
class DrawnPair:
    """Two scans as x3p files, the truth about them, and the result of the matcher's comparison."""

    skill: ExerciseSkill
    truth: ExerciseTruth
    shows_enough: bool
    scans: tuple[bytes, bytes]
    comparison: dict[str, Any]


def plan_skills(stream: SeedStream, count: int) -> list[ExerciseSkill]:
    """Draw the skill of each pair of a set. Each skill occurs at least once. Raises InvalidInput."""
    if not FEWEST_PAIRS <= count <= MOST_ITEMS:
        raise InvalidInput(f"A set for examiners has {FEWEST_PAIRS} to {MOST_ITEMS} pairs.")
    skills = SKILLS_OF[ExerciseAudience.EXAMINER]
    more = [stream.chosen(skills, "skill", number) for number in range(count - len(skills))]
    return stream.shuffled([*skills, *more], "order")


def draw_pair_of(stream: SeedStream, number: int, skill: ExerciseSkill) -> DrawnPair:
    """Draw pairs for an exercise, and return the first one whose score fits the skill.

    Raises InvalidInput if none of ``_TRIES`` pairs fits.
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
    """Whether a score fits the skill and the truth. Look-alikes score above every known pair of firearms of different
    tools, and below every known pair of one firearm. Other pairs of one firearm score above every known pair of
    firearms of different tools and above nine of ten look-alikes. All other pairs, and marks that show too little,
    score no higher than the highest known pair of firearms of different tools."""
    if skill is ExerciseSkill.TOO_LITTLE:
        return score <= known.different[-1]
    if skill is ExerciseSkill.LOOK_ALIKES:
        return known.different[-1] < score < known.same[0]
    if truth is ExerciseTruth.SAME:
        return score > max(known.different[-1], known.look_alikes[9 * len(known.look_alikes) // 10])
    return score <= known.different[-1]


def _compared(scans: tuple[bytes, bytes]) -> dict[str, Any]:
    """Compare the files as they are handed out, so that anybody who compares them gets the same result."""
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


SET_DOCUMENT: Final = "set.json"
_ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)
_USUAL: Final = {ExerciseAudience.EXAMINER: 12, ExerciseAudience.INVESTIGATOR: 10}


@dataclass(frozen=True)
class DrawnSet:
    """``handed_out``: the zip file for participants; ``answers``: for whoever gives the set, and nobody else."""

    document: ExerciseSet
    handed_out: bytes
    answers: bytes


def new_seed() -> str:
    """A seed that nobody guesses."""
    return secrets.token_hex(16)


def draw_set(
    seed: str,
    audience: ExerciseAudience,
    count: int | None = None,
    *,
    drawn: Callable[[int], object] = lambda _number: None,
) -> DrawnSet:
    """``count``: of exercises. ``drawn`` is told the number of each that is done: a pair takes a second or two.

    1. Draw the exercises in a drawn order; scans are named by their place.
    2. Write the answers, with a salt.
    3. Write the set with the digest of the answers.
    4. Pack it: no file is compressed here or bears a date.

    Raises InvalidInput.
    """
    stream = SeedStream(seed)
    wanted = _USUAL[audience] if count is None else count

    # 1.
    scans: dict[str, bytes] = {}
    items, answers = list[SetItem](), list[ItemAnswer]()
    exercises = _pairs(stream, wanted, scans) if audience is ExerciseAudience.EXAMINER else _asked(stream, wanted)
    for item, answer in exercises:
        items.append(item)
        answers.append(answer)
        drawn(item.number)

    # 2.
    set_id = stream.secret("set id", audience, wanted).hex()[:16]
    sealed = write_exercise_document(
        ExerciseAnswers(
            format=SEALED_FORMAT,
            set_id=set_id,
            salt=stream.secret("salt", audience, wanted).hex(),
            seed=seed,
            answers=answers,
        )
    )

    # 3.
    document = ExerciseSet(
        format=SET_FORMAT,
        set_id=set_id,
        audience=audience,
        recipe=RECIPE,
        matcher=matcher.MATCHER_VERSION,
        guessable=stream.is_guessable,
        seal=hashlib.sha256(sealed).hexdigest(),
        items=items,
    )

    # 4.
    return DrawnSet(document, _packed({SET_DOCUMENT: write_exercise_document(document), **scans}), sealed)


def _pairs(stream: SeedStream, count: int, scans: dict[str, bytes]) -> Iterator[tuple[SetItem, ItemAnswer]]:
    for number, pair in enumerate(drawn_pairs(stream, count), start=1):
        files = {f"scans/{number:02d}{side}.x3p": scan for side, scan in zip("ab", pair.scans, strict=True)}
        scans.update(files)
        named = [SetScan(file=file, sha256=hashlib.sha256(scan).hexdigest()) for file, scan in files.items()]
        yield (
            SetItem(number=number, scans=named),
            ItemAnswer(
                number=number,
                skill=pair.skill,
                truth=pair.truth,
                shows_enough=pair.shows_enough,
                comparison=pair.comparison,
            ),
        )


def _asked(stream: SeedStream, count: int) -> Iterator[tuple[SetItem, ItemAnswer]]:
    if not FEWEST_QUESTIONS <= count <= len(QUESTIONS):
        raise InvalidInput(f"A set for investigators has {FEWEST_QUESTIONS} to {len(QUESTIONS)} questions.")
    for number, name in enumerate(choose_questions(stream, count), start=1):
        question = QUESTIONS[name]
        moment = None if question.hours is None else drawn_moment(stream, name)
        options = stream.shuffled(question.options, "options", name)
        yield (
            SetItem(number=number, question=name, options=options, moment=moment),
            ItemAnswer(number=number, skill=question.skill, right=question.right),
        )


def _packed(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _ZIP_DATE)
            entry.create_system = 3
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, content, zipfile.ZIP_STORED)
    return packed.getvalue()
