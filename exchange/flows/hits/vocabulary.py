"""The words of hits: how far one is, why a statement of it has no effect, and what is known of a statement of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from exchange import clock
from schemas import AnyStatement
from schemas.kinds import KINDS
from schemas.vocabulary import ComparisonStep, FeedbackOutcome, Role

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
    DISAGREEMENT = "disagreement-open"
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
    ONE_SIDE = "one-side"
    NOT_OF_THE_PAIR = "not-of-the-pair"
    OTHERS_EXHIBIT = "others-exhibit"
    STILL_AWAY = "still-away"
    NOT_SENT = "not-sent"
    OWN_SENDING = "own-sending"
    OTHER_EXHIBIT = "other-exhibit"
    NOT_RECEIVED = "not-received"
    NOT_ITS_HOLDER = "not-its-holder"
    SIGNED_FOR = "signed-for"
    DAYS_IN_DISORDER = "days-in-disorder"
    EXHIBIT_AWAY = "exhibit-away"
    BEFORE_IT_ARRIVED = "before-it-arrived"
    CUSTODY_UNEXPLAINED = "custody-unexplained"
    NOTHING_TO_EXPLAIN = "nothing-to-explain"
    EXPLAINED_BEFORE = "explained-before"
    NOT_THE_OWNER = "not-the-owner"
    NOT_THE_HEAD = "not-the-head"
    DAY_IS_OVER = "day-is-over"
    """This and what follows: of what is about to be signed here alone. What arrives is not judged by this node's clock,
    nor by what this node asks of itself."""
    DAY_TO_COME = "day-to-come"
    NOT_MET = "not-met"


AT_SIGNING: Final = frozenset({NoEffect.DAY_IS_OVER, NoEffect.DAY_TO_COME, NoEffect.NOT_MET})


class Todo(StrEnum):
    """What a side does next."""

    ASK = "ask"
    """Ask for a comparison of the exhibits: the answer to a lead."""
    AGREE = "agree"
    """Agree to the day that the other side named."""
    NAME_DAY = "name_day"
    """Agree, and name a day: the other side named none, or the day is over."""
    SEND = "send"
    """Send one exhibit under seal."""
    RECEIVE = "receive"
    RETURN = "return"
    EXPLAIN = "explain"
    """Explain a custody discrepancy of the own exhibit."""
    CONCLUDE = "conclude"
    """Two examiners compare the exhibits independently."""
    VERIFY = "verify"
    """Another examiner verifies a conclusion on the exhibits."""
    CONFIRM = "confirm"
    """Sign the confirmed hit."""
    END = "end"
    """Sign that the exhibits were compared, and that the hit is not confirmed."""
    OUTCOME = "outcome"
    """State what became of the hit."""


def statement_of(todo: Todo) -> str:
    """The kind of statement that does it."""
    match todo:
        case Todo.ASK | Todo.AGREE | Todo.NAME_DAY | Todo.SEND | Todo.RECEIVE | Todo.RETURN | Todo.END:
            return "physical-comparison"
        case Todo.EXPLAIN:
            return "custody-explanation"
        case Todo.CONCLUDE:
            return "conclusion"
        case Todo.VERIFY:
            return "verification"
        case Todo.CONFIRM:
            return "hit"
        case Todo.OUTCOME:
            return "feedback"
        case _:
            assert_never(todo)


def may_do(todo: Todo, role: Role) -> bool:
    """Whether a person may sign what does it in this role: by the table that the permission check reads."""
    return role in KINDS[statement_of(todo)].said_by


@dataclass(frozen=True)
class HitTask:
    """What ``node`` is to do until ``due_at``."""

    todo: Todo
    node: str
    due_at: str


class Whereabouts(StrEnum):
    """Of an exhibit that was sent."""

    ON_ITS_WAY = "on_its_way"
    THERE = "there"
    """At the side that received it."""
    ON_ITS_WAY_BACK = "on_its_way_back"
    HOME = "home"


class CustodyDiscrepancy(StrEnum):
    """What is not as it should be at a step of an exhibit that travels."""

    SEAL_DIFFERS = "seal_differs"
    """The exhibit arrived under another seal than it left under."""
    SEAL_BROKEN = "seal_broken"
    SEAL_NOT_KNOWN = "seal_not_known"
    """Whether the seal was whole is not stated."""
    STEP_MISSING = "step_missing"
    """The exhibit was sent, and a step that should have followed was not signed."""


@dataclass(frozen=True)
class Said:
    """One signed statement, with its place in its issuer's log. ``countersigned_at`` is when the other side signed that
    it had read it, where that is known: a time that both sides have (``countersigned`` in
    exchange/store/hits/joined_pairs.py). ``same_exhibits_since`` is set for a
    review of the same two exhibits as the pair's, also on other scans or versions of their records: -1, or the place in
    its issuer's log of the record whose number shows that two of the issuer's exhibits are one."""

    statement_id: str
    statement: AnyStatement
    log_index: int
    countersigned_at: str | None = None
    same_exhibits_since: int | None = None

    @property
    def place(self) -> tuple[int, str]:
        return self.log_index, self.statement_id


@dataclass(frozen=True)
class Custody:
    """An exhibit that travels, or has: its steps in order, by their ids, over all its trips; ``where`` it is ``since``
    the day of the last one. ``discrepancies`` by step, and ``explanations``: the statement that explains each."""

    record: str
    owner: str
    other: str
    steps: tuple[str, ...]
    where: Whereabouts
    since: date
    discrepancies: Mapping[str, tuple[CustodyDiscrepancy, ...]]
    explanations: Mapping[str, str]

    @property
    def at(self) -> str | None:
        """The side where it is; None on its way."""
        match self.where:
            case Whereabouts.HOME:
                return self.owner
            case Whereabouts.THERE:
                return self.other
            case _:
                return None


@dataclass(frozen=True)
class Unexplained:
    """A discrepancy that stops confirmation until the head of ``owner``, which owns the exhibit, explains ``step``."""

    owner: str
    step: str


@dataclass(frozen=True)
class OpenDisagreement:
    """A ``verification`` that found otherwise than a ``conclusion`` of ``side``, and is not settled. ``open_reviews``
    are the issuers and ids of the statements that still stop a hit of that side. Each is taken back by its signer or by
    the head of its issuer."""

    side: str
    conclusion: str
    verification: str
    open_reviews: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Move:
    """The next step of an exhibit that is due beside whatever else is: ``node`` receives it, or returns it."""

    node: str
    step: ComparisonStep
    record: str


@dataclass(frozen=True)
class Weighed:
    """``brought_by`` is the statement that brought the hit to its stage, ``turn`` the nodes whose turn it is, ``on``
    the day that was agreed, ``proposed`` the other day that each side would have, ``feedback`` each side's last word,
    ``no_effect`` what counts for nothing and why. ``custody``: the exhibits that travel, or have. ``moves``: what is to
    be received or returned although the comparison does not wait for it. ``unexplained``: the custody discrepancies
    that stop confirmation now. ``disagreements``: those on the two exhibits that are open. ``met``: the comparison that
    ended rests on an exhibit that was received, or both are of one side. ``signed_by``: the sides that signed a
    confirmed hit of their own that counts; ``unsigned``: of a confirmed hit between two, those who have not."""

    stage: Stage
    brought_by: str
    turn: tuple[str, ...]
    on: date | None
    proposed: Mapping[str, date]
    feedback: Mapping[str, FeedbackOutcome]
    disputed: bool
    no_effect: Mapping[str, NoEffect]
    custody: tuple[Custody, ...]
    moves: tuple[Move, ...]
    unexplained: tuple[Unexplained, ...]
    disagreements: tuple[OpenDisagreement, ...]
    met: bool
    signed_by: tuple[str, ...]
    unsigned: tuple[str, ...]


def begin_of(day: date) -> str:
    return clock.midnight(day, LOCAL)


def local_day() -> date:
    """Today, by the clock that days of comparisons go by."""
    return clock.now().astimezone(LOCAL).date()


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
    NoEffect.DISAGREEMENT: (
        "An examiner found otherwise on these two exhibits before, and that statement stands. After the two examiners "
        "have conferred, its signer takes it back, or the head of the signer's side does, with the reason."
    ),
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
    NoEffect.ONE_SIDE: "Both exhibits are of one side, and none travels. Compare them, and conclude.",
    NoEffect.NOT_OF_THE_PAIR: "The record is neither one of this pair. Name the record of the exhibit that travels.",
    NoEffect.OTHERS_EXHIBIT: (
        "Only the owner of an exhibit signs that it was sent. When it arrives, sign that it was received."
    ),
    NoEffect.STILL_AWAY: (
        "This exhibit was sent already, and is not home again. When it is back, sign that it was received; then it can "
        "be sent anew."
    ),
    NoEffect.NOT_SENT: "Nobody signed that this exhibit was sent here. Ask the other side to sign that first.",
    NoEffect.OWN_SENDING: "Who sends an exhibit does not sign that it arrived. Wait for the other side to sign that.",
    NoEffect.OTHER_EXHIBIT: (
        "The step that it answers is of the other exhibit. Name the record that stands in that step."
    ),
    NoEffect.NOT_RECEIVED: (
        "Nobody signed that this exhibit was received. Sign that first; then sign that it left for its owner."
    ),
    NoEffect.NOT_ITS_HOLDER: "Only the side that received an exhibit sends it back to its owner. Wait for that side.",
    NoEffect.SIGNED_FOR: "This step of the exhibit's way was signed already. Sign the step that follows on it.",
    NoEffect.DAYS_IN_DISORDER: (
        "Its day is before the day of the step that it answers. Name the day on which it happened."
    ),
    NoEffect.EXHIBIT_AWAY: (
        "An exhibit travels for this comparison, and what was signed does not rest on its arrival. Sign that it was "
        "received, compare then, and conclude anew; or the head of the side that owns the exhibit explains why its "
        "arrival was not signed."
    ),
    NoEffect.BEFORE_IT_ARRIVED: (
        "The examiners concluded on the exhibits before the one that travels was received. Compare them, and conclude "
        "anew."
    ),
    NoEffect.CUSTODY_UNEXPLAINED: (
        "A custody discrepancy stops the confirmation: a seal differs, was broken or is not known to have been whole, "
        "or a step of an exhibit's way was not signed. The head of the side that owns the exhibit signs an explanation "
        "first."
    ),
    NoEffect.NOTHING_TO_EXPLAIN: (
        "The step that it explains shows no custody discrepancy, or has no effect itself. Name the step at which the "
        "discrepancy shows."
    ),
    NoEffect.NOT_THE_OWNER: "Only the side that owns the exhibit explains its custody. Wait for that side.",
    NoEffect.NOT_THE_HEAD: "Only the head of a Firearms Focal Point explains a custody discrepancy. Ask the head.",
    NoEffect.DAY_IS_OVER: "The day is over. Name today or a later one.",
    NoEffect.DAY_TO_COME: "The day has not come. Sign this step when it has happened.",
    NoEffect.EXPLAINED_BEFORE: "This custody discrepancy is explained already. Its explanation stands.",
    NoEffect.NOT_MET: (
        "Between two sides a comparison rests on an exhibit that was sent and received. Have one side sign that it "
        "sent its exhibit and the other that it received it; then compare, and conclude."
    ),
}
"""What is wrong with a statement, and where it helps, what to do next."""
