"""The words of hits: how far one is, why a statement of it has no effect, and what is known of a statement of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from exchange.clock import midnight
from schemas import AnyStatement
from schemas.vocabulary import FeedbackOutcome

LOCAL = ZoneInfo("Europe/Belgrade")
"""The day on which exhibits meet begins and ends with the region's midnight."""


MOST_HITS: Final = 50
"""Of one side on one pair."""
MOST_STEPS: Final = 200
"""Of one side on one pair: far more than two FFPs need, and few enough to be weighed again with each that comes."""


class Stage(StrEnum):
    LEAD = "lead"
    COMPARISON_ASKED = "comparison_asked"
    COMPARISON_AGREED = "comparison_agreed"
    COMPARED = "compared"
    """Two examiners identified on the exhibits; the confirmed hit is still to be signed."""
    CONFIRMED = "confirmed"
    INCONCLUSIVE = "inconclusive"
    ELIMINATED = "eliminated"
    RETRACTED = "retracted"
    NO_EFFECT = "no_effect"
    """Nothing that was signed as a hit is one by the rules."""


CLOSED = frozenset({Stage.INCONCLUSIVE, Stage.ELIMINATED, Stage.RETRACTED, Stage.NO_EFFECT})
RANK = (Stage.INCONCLUSIVE, Stage.COMPARED, Stage.ELIMINATED, Stage.CONFIRMED)
"""Of several ends of comparisons the last of these stands."""


class NoEffect(StrEnum):
    """Why a statement is kept and counts for nothing."""

    TAKEN_BACK = "taken-back"
    NOT_HERE = "names-unknown"
    RESTS_ON_NONE = "rests-on-none"
    NOT_A_SIDE = "not-a-side"
    NOT_ITS_OWN = "not-its-own"
    OTHER_PAIR = "other-pair"
    OTHER_BASIS = "other-basis"
    SAME_EXAMINER = "same-examiner"
    VERIFIED_BEFORE = "verified-before"
    NOT_AGREED = "not-agreed"
    NOT_IDENTIFIED = "not-identified"
    NO_LEAD = "no-lead"
    NOT_ASKED = "not-asked"
    OWN_QUESTION = "own-question"
    NO_COMPARISON = "no-comparison"
    BEFORE_AGREED = "before-the-agreement"
    BEFORE_THE_DAY = "before-the-day"
    DECLINED = "comparison-declined"
    COMPARED = "compared-already"
    TOO_MANY = "too-many-steps"
    DAY_IS_OVER = "day-is-over"
    """Of what is about to be signed here alone: what arrives is not judged by this node's clock."""


@dataclass(frozen=True)
class Said:
    """One signed statement, with its place in its issuer's log. ``countersigned_at`` is when the other side signed that
    it had read it, where that is known: a time that both sides have (``countersigned`` in
    exchange/store/hits/joined_pairs.py)."""

    statement_id: str
    statement: AnyStatement
    log_index: int
    countersigned_at: str | None = None

    @property
    def place(self) -> tuple[int, str]:
        return self.log_index, self.statement_id


@dataclass(frozen=True)
class Weighed:
    """``brought_by`` is the statement that brought the hit to its stage, ``turn`` the nodes whose turn it is, ``on``
    the day that was agreed, ``proposed`` the other day that each side would have, ``feedback`` each side's last word,
    ``no_effect`` what counts for nothing and why."""

    stage: Stage
    brought_by: str
    turn: tuple[str, ...]
    on: date | None
    proposed: Mapping[str, date]
    feedback: Mapping[str, FeedbackOutcome]
    disputed: bool
    no_effect: Mapping[str, NoEffect]


def begin_of(day: date) -> str:
    return midnight(day, LOCAL)


HIT_SENTENCES: Final = {
    NoEffect.TAKEN_BACK: "It, or what it rests on, was taken back. Conclude anew, and let it rest on that.",
    NoEffect.NOT_HERE: "A statement that it names is not on this node.",
    NoEffect.RESTS_ON_NONE: "A statement that it names has no effect itself.",
    NoEffect.NOT_A_SIDE: "Its issuer owns neither record of the pair.",
    NoEffect.NOT_ITS_OWN: "It names a statement of another node; only its issuer disposes of it.",
    NoEffect.OTHER_PAIR: "The conclusion and the verification that it rests on are of another pair.",
    NoEffect.OTHER_BASIS: "What it rests on has another basis: screen and exhibits do not go together.",
    NoEffect.SAME_EXAMINER: "One person made the conclusion and its verification; two examiners are needed.",
    NoEffect.VERIFIED_BEFORE: (
        "The conclusion had been verified before, and its first verification counts. Name that one."
    ),
    NoEffect.NOT_AGREED: "The two examiners do not agree that this is a lead.",
    NoEffect.NOT_IDENTIFIED: (
        "A hit is confirmed when both examiners identified on the exhibits. State that the comparison is done."
    ),
    NoEffect.NO_LEAD: "It names no lead of this pair.",
    NoEffect.NOT_ASKED: "Nobody asked for this comparison, or the question is over. Ask for it first.",
    NoEffect.OWN_QUESTION: "The side that asked for the comparison cannot agree to it itself. Wait for the other side.",
    NoEffect.NO_COMPARISON: "No comparison of the exhibits was agreed with the other side. Ask for one first.",
    NoEffect.BEFORE_AGREED: (
        "The examiners concluded on the exhibits before the comparison was agreed. Compare them, and conclude anew."
    ),
    NoEffect.BEFORE_THE_DAY: (
        "The day that was agreed for the comparison had not come. Compare the exhibits on that day, and conclude then; "
        "or agree on another day with the other side."
    ),
    NoEffect.DECLINED: "The comparison was declined. Ask for it anew.",
    NoEffect.COMPARED: "The exhibits had been compared already.",
    NoEffect.TOO_MANY: "This side took more steps on this hit than count. Write to the other side.",
    NoEffect.DAY_IS_OVER: "The day is over. Name today or a later one.",
}
"""What is wrong with a statement, and where it helps, what to do next."""
