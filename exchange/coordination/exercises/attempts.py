"""The answers to an exercise, without the names of those who gave them.

Only its maker knows the code of an attempt. The folder keeps the code's digest, the jurisdiction of the node, the
half-year, and whether this is the person's first attempt at the set: only first attempts are counted. Each answer is
written once to a file of its own, so that the first answer stands, also where two windows answer at the same time.

A person counts once for a set. For this the folder has a mark for each person and set, made with a secret key of the
node. A mark does not show whose it is, and nobody can see that the marks of two sets belong to one person.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import os
import re
import secrets
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from exchange.clock import stamp
from exchange.coordination.exercises.exercise_documents import (
    GIVEN_FORMAT,
    ExerciseSet,
    GivenAnswers,
    ItemAnswer,
    SetItem,
    possible_answers,
)
from exchange.coordination.exercises.exercise_folder import KeptSet
from exchange.coordination.exercises.exercise_vocabulary import (
    ExerciseOutcome,
    ExerciseSkill,
    ExerciseTruth,
    ExerciseUse,
)
from exchange.coordination.half_year.half_years import Half
from exchange.errors import Conflict, InvalidInput, NotFound, TooMany
from exchange.flows.access.sealed_secrets import sealing_key
from exchange.flows.node.node import Node
from schemas.vocabulary import Jurisdiction, ScreenConclusion


def pair_outcome(truth: ExerciseTruth, *, shows_enough: bool, said: ScreenConclusion) -> ExerciseOutcome:
    """Rate a conclusion on two exhibits seen on the screen. ``shows_enough``: whether the marks support the true one.

    1. Whatever the marks show: an association of two firearms is false, and no association of one firearm is a miss.
    2. If they show too little: the true conclusion claims too much, and inconclusive or unsuitable is right.
    3. If they show enough: the true conclusion is right, and unsuitable claims too little. Inconclusive claims too
       little about one firearm; about two firearms it is cautious, and is counted separately.
    """
    if said is ScreenConclusion.POSSIBLE_ASSOCIATION and truth is ExerciseTruth.DIFFERENT:
        return ExerciseOutcome.FALSE_ASSOCIATION
    if said is ScreenConclusion.NO_ASSOCIATION_INDICATED and truth is ExerciseTruth.SAME:
        return ExerciseOutcome.MISSED_ASSOCIATION
    concludes = said in (ScreenConclusion.POSSIBLE_ASSOCIATION, ScreenConclusion.NO_ASSOCIATION_INDICATED)
    if not shows_enough:
        return ExerciseOutcome.OVER_CLAIM if concludes else ExerciseOutcome.RIGHT
    if concludes:
        return ExerciseOutcome.RIGHT
    if said is ScreenConclusion.UNSUITABLE_FOR_EXAMINATION or truth is ExerciseTruth.SAME:
        return ExerciseOutcome.UNDER_CLAIM
    return ExerciseOutcome.INCONCLUSIVE


def question_outcome(right: str, said: str) -> ExerciseOutcome:
    return ExerciseOutcome.RIGHT if said == right else ExerciseOutcome.WRONG


@dataclass(frozen=True)
class SkillResult:
    """The answers of one skill, counted by outcome."""

    skill: ExerciseSkill
    answered: int
    outcomes: Mapping[ExerciseOutcome, int]


def added_up(people: Iterable[Iterable[SkillResult]]) -> list[SkillResult]:
    """What several people did together."""
    return by_skill(
        (line.skill, outcome)
        for results in people
        for line in results
        for outcome, count in line.outcomes.items()
        for _ in range(count)
    )


def by_skill(scored: Iterable[tuple[ExerciseSkill, ExerciseOutcome]]) -> list[SkillResult]:
    """Count outcomes by skill, in the order of the skills. A skill without outcomes is left out."""
    counted = Counter(scored)
    found = []
    for skill in ExerciseSkill:
        outcomes = {outcome: counted[skill, outcome] for outcome in ExerciseOutcome if counted[skill, outcome]}
        if outcomes:
            found.append(SkillResult(skill, sum(outcomes.values()), outcomes))
    return found


MOST_OF_ONE_PERSON: Final = 10
"""Attempts at one set: more would take it from the others of a class."""


def participant_mark(node: Node, pseudonym: str, set_id: str) -> str:
    """Of somebody who is signed in at ``node``, for one set: 64 hex digits."""
    return _digest(node, "exercises", pseudonym, set_id)


def attempt_name(node: Node, pseudonym: str, set_id: str) -> str:
    """Of this person's attempt at a set, for the own browser: 16 hex digits that say nothing of the mark."""
    return _digest(node, "attempt in a browser", pseudonym, set_id)[:16]


@contextmanager
def noted_beginning(kept: KeptSet, mark: str) -> Iterator[bool]:
    """One attempt more of this person, who is noted when it was made: whether it is the first one. Others who begin the
    set wait meanwhile. Raises TooMany."""
    there = _place(kept)
    there.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (there / "lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = _marks(kept)
        if known.get(mark, 0) >= MOST_OF_ONE_PERSON:
            raise TooMany(f"You began this set {MOST_OF_ONE_PERSON} times; go on with an attempt by its code.")
        yield mark not in known
        known[mark] = known.get(mark, 0) + 1
        _write(there, known)


def has_begun(kept: KeptSet, mark: str) -> bool:
    return mark in _marks(kept)


def _place(kept: KeptSet) -> Path:
    return kept.path.parent.parent / "participants" / kept.set_id


def _marks(kept: KeptSet) -> dict[str, int]:
    """How often each began."""
    try:
        lines = (_place(kept) / "marks").read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return {}
    return {mark: int(times) for mark, _, times in (line.partition(" ") for line in lines)}


def _write(there: Path, known: dict[str, int]) -> None:
    with tempfile.NamedTemporaryFile("w", dir=there, encoding="ascii", delete=False) as new:
        new.write("".join(f"{mark} {times}\n" for mark, times in sorted(known.items())))
        new.flush()
        os.fsync(new.fileno())
    Path(new.name).replace(there / "marks")


def _digest(node: Node, what: str, pseudonym: str, set_id: str) -> str:
    said = f"{what} {node.node_id} {pseudonym} {set_id}"
    return hmac.new(sealing_key(node), said.encode(), hashlib.sha256).hexdigest()


MOST_ATTEMPTS: Final = 500
"""Of one set: a folder is for a class, not for a crowd."""
_CODE: Final = re.compile(r"(?:[A-Z2-7]{4}-){3}[A-Z2-7]{4}")
_ANSWER: Final = re.compile(r"([0-9]{2})\.answer")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Attempt:
    """One person's way through a set. ``is_over``: handed in, or the answers were opened; of practice, the half-year in
    which it began is over, so that what is counted of a half-year does not change after it. ``counts``: it is the first
    one of its person at this set, or of before that was noted."""

    path: Path
    kept: KeptSet
    jurisdiction: str
    half: Half
    given: dict[int, str]
    handed_in: bool
    counts: bool

    @property
    def is_over(self) -> bool:
        if self.kept.use is ExerciseUse.PRACTICE:
            return self.handed_in or self.half.end <= stamp()
        return self.handed_in or self.kept.answers is not None

    @property
    def open_numbers(self) -> list[int]:
        return [item.number for item in self.kept.document.items if item.number not in self.given]

    def outcome(self, number: int) -> ExerciseOutcome | None:
        """None before it was answered, and while the answers are sealed."""
        answer, said = self.kept.answer(number), self.given.get(number)
        return None if answer is None or said is None else outcome_of(answer, said)

    def results(self) -> list[SkillResult]:
        """Of what was answered, where the answers are there."""
        answers = self.kept.answers
        if answers is None:
            return []
        return by_skill(
            (answer.skill, outcome_of(answer, self.given[answer.number]))
            for answer in answers.answers
            if answer.number in self.given
        )


def outcome_of(answer: ItemAnswer, said: str) -> ExerciseOutcome:
    if answer.truth is None or answer.shows_enough is None:
        return question_outcome(answer.right or "", said)
    return pair_outcome(answer.truth, shows_enough=answer.shows_enough, said=ScreenConclusion(said))


def begin_attempt(kept: KeptSet, jurisdiction: Jurisdiction, mark: str) -> str:
    """A new attempt; its code. ``mark``: of who begins (``participant_mark``).

    Raises Conflict for a set that was opened, TooMany.
    """
    if kept.use is ExerciseUse.PROFICIENCY and kept.answers is not None:
        raise Conflict("The answers of this set were opened: nobody begins it any more.")
    there = attempts_folder(kept)
    there.mkdir(mode=0o700, parents=True, exist_ok=True)
    if sum(1 for _ in there.iterdir()) >= MOST_ATTEMPTS:
        raise TooMany(f"This set was begun {MOST_ATTEMPTS} times; ask whoever gives it for another one.")
    code = _spelled(secrets.token_bytes(10))
    half = Half.of(datetime.fromisoformat(stamp()))
    with noted_beginning(kept, mark) as is_first, tempfile.TemporaryDirectory(dir=there, prefix="new-") as made:
        new = Path(made) / "attempt"
        new.mkdir(mode=0o700)
        order = "first" if is_first else "further"
        (new / "begun").write_text(f"{jurisdiction} {half} {order}\n", encoding="ascii")
        new.replace(there / _digest_of(code))  # it appears whole
    return code


def find_attempt(kept: KeptSet, code: str) -> Attempt:
    """Raises NotFound."""
    path = attempts_folder(kept) / _digest_of(code)
    if not _CODE.fullmatch(code) or not (path / "begun").is_file():
        raise NotFound("There is no attempt with this code.")
    return _read(path, kept)


def attempts_of(kept: KeptSet) -> Iterator[Attempt]:
    """All of a set, in no order that tells anything."""
    there = attempts_folder(kept)
    for path in sorted(there.iterdir()) if there.is_dir() else ():
        if _DIGEST.fullmatch(path.name) and (path / "begun").is_file():
            yield _read(path, kept)


def answer_exercise(attempt: Attempt, number: int, said: str) -> None:
    """The first answer stands. Raises NotFound, InvalidInput, Conflict."""
    if said not in possible_answers(attempt.kept.item(number)):
        raise InvalidInput("Choose one of the list.", code="invalid-field")
    if attempt.is_over:
        raise Conflict("This attempt is over: nothing is answered any more.")
    try:
        with (attempt.path / f"{number:02d}.answer").open("x", encoding="ascii") as file:
            file.write(said)
    except FileExistsError as error:
        raise Conflict("This exercise was answered already: the first answer stands.") from error


def hand_in(attempt: Attempt) -> None:
    """Whether or not all was answered. Raises InvalidInput where nothing was."""
    if not attempt.given:
        raise InvalidInput("Answer an exercise first.", code="invalid-field")
    (attempt.path / "handed-in").touch(exist_ok=True)


def given_of(attempt: Attempt, code: str) -> GivenAnswers:
    """What a participant carries to whoever gives the set."""
    return GivenAnswers(
        format=GIVEN_FORMAT,
        set_id=attempt.kept.set_id,
        code=code,
        half=str(attempt.half),
        answers={str(number): said for number, said in sorted(attempt.given.items())},
    )


def score_given(document: ExerciseSet, answers: list[ItemAnswer], given: GivenAnswers) -> list[SkillResult]:
    """Of a file that was handed in elsewhere. Raises InvalidInput where it is of another set."""
    if given.set_id != document.set_id:
        raise InvalidInput(f"These are answers to the set {given.set_id}, not to {document.set_id}.")
    scored = []
    for item, answer in zip(document.items, answers, strict=True):
        said = given.answers.get(str(item.number))
        if said is None:
            continue
        if said not in possible_answers(item):
            raise InvalidInput(f"Exercise {item.number} cannot be answered with {said}.")
        scored.append((answer.skill, outcome_of(answer, said)))
    return by_skill(scored)


def each_once(given: Iterable[tuple[str, GivenAnswers]]) -> dict[str, GivenAnswers]:
    """By code; the same answers twice stand once. ``given``: with the name of each file.

    Raises InvalidInput where one code has two different answers: the first answer stands, and nobody can see in files
    which one that was.
    """
    found: dict[str, tuple[str, GivenAnswers]] = {}
    for name, one in given:
        file, known = found.setdefault(one.code, (name, one))
        if known != one:
            raise InvalidInput(
                f"{file} and {name} have the code {one.code} and different answers: ask the participant, and give one "
                "of them.",
                code="doubled",
            )
    return {code: one for code, (_, one) in found.items()}


def attempts_folder(kept: KeptSet) -> Path:
    return kept.path.parent.parent / "attempts" / kept.set_id


def _read(path: Path, kept: KeptSet) -> Attempt:
    jurisdiction, half, *order = (path / "begun").read_text(encoding="ascii")[:100].split()
    given = {}
    for file in sorted(path.iterdir()):
        found = _ANSWER.fullmatch(file.name)
        if found is not None and 1 <= int(found[1]) <= len(kept.document.items):
            item, said = kept.item(int(found[1])), file.read_text(encoding="ascii")[:100]
            if _may_be(item, said):  # empty for the moment in which it is written
                given[item.number] = said
    return Attempt(
        path, kept, jurisdiction, Half.parse(half), given, (path / "handed-in").exists(), order != ["further"]
    )


def _may_be(item: SetItem, said: str) -> bool:
    return said in possible_answers(item)


def _digest_of(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def _spelled(raw: bytes) -> str:
    text = base64.b32encode(raw).decode()
    return "-".join(text[place : place + 4] for place in range(0, len(text), 4))
