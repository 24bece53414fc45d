"""Draw a set: one file for participants, and one with the answers for whoever gives it. The same seed, recipe and
matcher draw the same bytes."""

from __future__ import annotations

import hashlib
import io
import secrets
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import matcher
from exchange.coordination.exercises.draw_pairs import drawn_pairs
from exchange.coordination.exercises.exercise_documents import (
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
    choose_questions,
    drawn_moment,
)
from exchange.coordination.exercises.exercise_vocabulary import ExerciseAudience
from exchange.coordination.exercises.seed_stream import RECIPE, SeedStream
from exchange.errors import InvalidInput

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
