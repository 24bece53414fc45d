"""The questions for investigators: which skill, which options, which one is right. Their words are the pages'
(`exchange.coordination.exercises.exercise_words`), in ten languages.

The questions and what is right stand in the software, as the rules do in its documents: they are no secret, and a
blind set of them asks whether somebody can apply the rules, each time with other moments and in another order.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from exchange.coordination.exercises.exercise_vocabulary import ExerciseSkill
from exchange.errors import InvalidInput

RECIPE: Final = "ffp-exercises-1"
"""The version of the recipe for sets: it changes whenever the same seed would draw another set."""
LONGEST_SEED: Final = 200
UNGUESSABLE: Final = 16
"""The fewest characters of a seed that nobody guesses. Whoever has this program can try shorter ones, and numbers."""

_T = TypeVar("_T")


class SeedStream:
    """Numbers drawn by name. Each depends on the seed, the recipe and its name alone, not on earlier numbers."""

    def __init__(self, seed: str) -> None:
        """Raises InvalidInput."""
        if not 1 <= len(seed) <= LONGEST_SEED or not seed.isprintable() or not seed[0].isalnum():
            raise InvalidInput(
                f"A seed is one line of 1 to {LONGEST_SEED} characters that begins with a letter or a digit."
            )
        self.seed = seed
        self._key = hashlib.sha256(f"{RECIPE}\0{seed}".encode()).digest()

    @property
    def is_guessable(self) -> bool:
        return len(self.seed) < UNGUESSABLE or self.seed.isdecimal() or len(set(self.seed)) < UNGUESSABLE // 2

    def secret(self, *name: object) -> bytes:
        """32 bytes."""
        return hmac.new(self._key, "\0".join(map(str, name)).encode(), "sha256").digest()

    def number(self, *name: object) -> int:
        """From 0 to 2**63 - 1."""
        return int.from_bytes(self.secret(*name)[:8], "big") >> 1

    def below(self, count: int, *name: object) -> int:
        """From 0 to ``count`` - 1."""
        return self.number(*name) % count

    def between(self, low: float, high: float, *name: object) -> float:
        return low + (high - low) * math.ldexp(self.number(*name), -63)

    def chosen(self, items: Sequence[_T], *name: object) -> _T:
        return items[self.below(len(items), *name)]

    def shuffled(self, items: Sequence[_T], *name: object) -> list[_T]:
        return [items[place] for place in sorted(range(len(items)), key=lambda place: self.secret(*name, place))]


@dataclass(frozen=True)
class InvestigatorQuestion:
    """``options``: the first one is right. ``hours``: of options that are moments, how long after the one in the
    question each lies."""

    skill: ExerciseSkill
    options: tuple[str, ...]
    hours: Mapping[str, int] | None = None

    @property
    def right(self) -> str:
        return self.options[0]


QUESTIONS: Final[Mapping[str, InvestigatorQuestion]] = {
    "score_of_lead": InvestigatorQuestion(ExerciseSkill.READING_A_HIT, ("possible", "proven", "share")),
    "confirmed_hit": InvestigatorQuestion(
        ExerciseSkill.READING_A_HIT, ("under_microscope", "second_screen", "high_score")
    ),
    "no_candidate": InvestigatorQuestion(ExerciseSkill.READING_A_HIT, ("nothing_stood_out", "never_there", "refused")),
    "evidence_abroad": InvestigatorQuestion(
        ExerciseSkill.NEXT_STEP, ("legal_assistance", "print_it", "attach_picture")
    ),
    "candidate_of_query": InvestigatorQuestion(ExerciseSkill.NEXT_STEP, ("request_release", "by_mail", "ask_again")),
    "overdue_answer": InvestigatorQuestion(ExerciseSkill.NEXT_STEP, ("write_there", "close_it", "wait")),
    "no_inquiry": InvestigatorQuestion(
        ExerciseSkill.PURPOSE_AND_LAW, ("do_not_search", "as_prevention", "under_own_case")
    ),
    "handling_h1": InvestigatorQuestion(ExerciseSkill.PURPOSE_AND_LAW, ("ask_owner", "use_it", "without_code")),
    "first_review": InvestigatorQuestion(
        ExerciseSkill.DEADLINES, ("day", "two_days", "week"), {"day": 24, "two_days": 48, "week": 168}
    ),
    "dissemination": InvestigatorQuestion(
        ExerciseSkill.DEADLINES, ("two_days", "day", "week"), {"day": 24, "two_days": 48, "week": 168}
    ),
    "verifier": InvestigatorQuestion(ExerciseSkill.WHO_MAY_SEE, ("nothing", "score_alone", "first_conclusion")),
    "level_search": InvestigatorQuestion(ExerciseSkill.WHO_MAY_SEE, ("handle_and_band", "scan_alone", "case_alone")),
    "own_search": InvestigatorQuestion(ExerciseSkill.WHO_MAY_SEE, ("head_and_auditor", "nobody", "all_partners")),
}
"""By their names."""
FEWEST_QUESTIONS: Final = 5
_BEGIN: Final = datetime(2027, 1, 4, 6, 0, tzinfo=UTC)
_DAYS, _MINUTES_A_DAY = 330, 14 * 60


def choose_questions(stream: SeedStream, count: int) -> list[str]:
    """``count`` names in a drawn order, each skill among them."""
    order = stream.shuffled(list(QUESTIONS), "questions")
    first = {QUESTIONS[name].skill: name for name in reversed(order)}.values()
    rest = [name for name in order if name not in first]
    chosen = {*first, *rest[: max(count - len(first), 0)]}
    return [name for name in order if name in chosen]


def drawn_moment(stream: SeedStream, name: str) -> datetime:
    """The moment that a question is about: a made-up one of 2027."""
    minutes = 24 * 60 * stream.below(_DAYS, "day", name) + 5 * stream.below(_MINUTES_A_DAY // 5, "minute", name)
    return _BEGIN + timedelta(minutes=minutes)
