"""What has an effect on a hit, and how far it is: one pure function of the set of statements, the same on every node.

    weigh(pair, said).stage

The order in which statements arrived plays no part: a statement has an effect when what it names is in the set and has
one itself. The rules, from the ground up:

1. A retraction takes back a conclusion, a verification or a hit of its own issuer; nothing else lowers a stage but 5.
2. A lead rests on a conclusion and its verification: of its issuer, one of the two sides; of this pair; on one basis;
   by two people; neither finds that no association is indicated, or that the marks are unsuitable. On the screen the
   verification may be a partner's: of a node that was asked for it, and that states that its examiner was blind.
   A disagreement is a conclusion and a verification of it that found otherwise, on the same two exhibits, whatever
   versions of their records and scans it names. It is open until who found otherwise takes that back: the signer, or
   the head. An open disagreement stops each later lead, confirmed hit and elimination of the conclusion's side, except
   an elimination, and a lead on exhibits that are all of one side, where it was on the screen: exhibits under a
   microscope are stronger evidence. What a side signs after its hit, and a partner's answer that the side had not read
   when it signed, undo nothing. As with a lead that is taken back, what the other side signed on such a lead stands.
3. A comparison is asked for by a side, of a lead.
4. It is agreed by the other side, and names what it answers. Either may propose another day by agreeing anew: the first
   day holds until the other side agrees to the new one.
5. It is declined by either side: the question that it answers is over, with all that was agreed on it, unless the
   exhibits had been compared.
6. An exhibit travels by four steps that answer each other: its owner sent it after a comparison was agreed, the other
   side received it, returned it, and its owner received it (`exchange.flows.hits.custody`).
   A custody discrepancy is a seal that differs, was broken or is not known to have been whole where an exhibit arrived,
   or a step that is missing on its way. Only the head of the side that owns the exhibit explains it.
7. It is done, or the hit confirmed, where both examiners of a side concluded on the exhibits after a comparison was
   agreed (after what their side signed of the agreement, by its log) and not before its day. Where an exhibit was sent
   for it, that one was received, and they concluded after that; or its owner's head explains why that was not signed.
   Both eliminate: eliminated. Both identify: confirmed by a hit that says so, once each custody discrepancy from before
   the conclusions is explained. All else: inconclusive. Of two outcomes the one further down in ``RANK`` stands, and
   the other side's is shown as a dispute.
8. Feedback is a side's own word on a hit; its last counts. A side that stated an outcome has no turn any more.

Of one conclusion the verification counts that was named first; of one side's steps the first ``MOST_STEPS``, of its
hits the first ``MOST_HITS``.
What breaks a rule is kept, has no effect, and is shown with its reason (ADR 7).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property

from exchange.flows.hits.agreements import last_of
from exchange.flows.hits.comparisons import Comparisons
from exchange.flows.hits.custody import Trip, custody_of
from exchange.flows.hits.vocabulary import (
    RANK,
    Custody,
    Move,
    NoEffect,
    Said,
    Stage,
    Unexplained,
    Weighed,
    Whereabouts,
)
from schemas import (
    Feedback,
    Hit,
    Pair,
    PhysicalComparison,
    Retraction,
)
from schemas.vocabulary import (
    ComparisonStep,
    FeedbackOutcome,
    HitStage,
)

_COMES_TO_IT = frozenset({Stage.COMPARISON_ASKED, Stage.COMPARISON_AGREED, Stage.COMPARED})
"""Who has the exhibits still needs them."""


def weigh(pair: Pair, said: Iterable[Said]) -> Weighed:
    """How far a pair is by all that was said of it, one hit at least. Raises ValueError where there is none."""
    return _Weighing(pair, said).result()


def lead_of(pair: Pair, said: Iterable[Said]) -> str | None:
    """The lead that a next step names: the first that stands."""
    standing = _Weighing(pair, said).standing_leads
    return min(standing, key=lambda one: one.place).statement_id if standing else None


def answered_by(pair: Pair, said: Iterable[Said], statement: PhysicalComparison | Hit) -> str | None:
    """What a new step follows on, where its maker did not say: as ``answers`` has it."""
    return _Weighing(pair, said).to_answer(statement)


def agreement_of(pair: Pair, said: Iterable[Said], statement_id: str) -> Said | None:
    """The agreement in force of the comparison that a statement of this set says is done, or confirms; None of any
    other."""
    weighing = _Weighing(pair, said)
    ends = {one.statement_id: one for one in weighing.ends}
    return weighing.latest_for(ends[statement_id]) if statement_id in ends else None


def arrival_of(pair: Pair, said: Iterable[Said], statement_id: str) -> Said | None:
    """The step that received the exhibit on which a statement of this set rests that says the comparison is done, or
    confirms; None of any other."""
    weighing = _Weighing(pair, said)
    ends = {one.statement_id: one for one in weighing.ends}
    trip = weighing.arrival_for(ends[statement_id]) if statement_id in ends else None
    return trip.received if trip is not None else None


def rests_on_custody(pair: Pair, said: Iterable[Said], statement_id: str) -> bool:
    """Whether a statement of this set that says the comparison is done, or confirms, rests on an exhibit that was
    received, or whose missing arrival is explained."""
    weighing = _Weighing(pair, said)
    end = next((one for one in weighing.ends if one.statement_id == statement_id), None)
    return end is not None and (weighing.arrival_for(end) is not None or weighing.is_excused(end))


def is_declined(pair: Pair, said: Iterable[Said], step: str) -> bool:
    """Whether the question is over that a step which agreed answers."""
    weighing = _Weighing(pair, said)
    return weighing.rounds.get(step, ("", 0))[0] in weighing.over


def has_open_question(pair: Pair, said: Iterable[Said], side: str) -> bool:
    """Whether this side asked for a comparison, and nobody has declined."""
    weighing = _Weighing(pair, said)
    return any(ask.statement.issuer == side for name, ask in weighing.asks.items() if name not in weighing.over)


def stated_outcome(feedback: Mapping[str, FeedbackOutcome]) -> set[str]:
    """The sides that stated a final outcome."""
    return {side for side, outcome in feedback.items() if outcome is not FeedbackOutcome.UNDER_INVESTIGATION}


class _Weighing(Comparisons):
    """The rules in their order; each part is worked out once, from those before it."""

    # 8.
    @cached_property
    def feedback(self) -> dict[str, FeedbackOutcome]:
        found: dict[str, FeedbackOutcome] = {}
        hits = self.leads.keys() | {said.statement_id for said in self.ends if isinstance(said.statement, Hit)}
        for said, told in self._all(Feedback):
            why = self._why_not_a_side(told.issuer)
            if why is None and told.hit not in hits:
                why = NoEffect.TAKEN_BACK if told.hit in self.taken_back else NoEffect.RESTS_ON_NONE
            if self._noted(said, why) is None:
                found[told.issuer] = told.outcome
        return found

    def result(self) -> Weighed:
        stage, by, turn, on = self._stand()
        outcomes = {self.outcome(said) for said in self.ends}
        disputed = FeedbackOutcome.DISPUTED in self.feedback.values() or outcomes >= {Stage.CONFIRMED, Stage.ELIMINATED}
        for said in self.known.values():
            if self._is_taken_back(said):
                self.no_effect[said.statement_id] = NoEffect.TAKEN_BACK
        proposed = self._proposals(self.known[by]) if stage is Stage.COMPARISON_AGREED else {}
        unexplained = self._unexplained() if stage in _COMES_TO_IT else ()
        turn = self._turn(stage, turn, unexplained)
        custody = custody_of(self.pair, self.trips, self.missing, self.explanations)
        return Weighed(
            stage=stage,
            brought_by=by,
            turn=turn,
            on=on,
            proposed=proposed,
            feedback=self.feedback,
            disputed=disputed,
            no_effect=dict(self.no_effect),
            custody=custody,
            moves=tuple(self._moves(stage, turn, custody)),
            unexplained=unexplained,
            disagreements=self.open_disagreements,
            met=self._met(stage),
            signed_by=self.signed_by,
            unsigned=self._unsigned(stage),
        )

    def _unexplained(self) -> tuple[Unexplained, ...]:
        """In the order of the pair's sides, and of the steps of each."""
        steps = (self.seal_discrepancies | self.missing) - self.explanations.keys()
        return tuple(
            Unexplained(side.issuer, step.statement_id)
            for side in (self.pair.a, self.pair.b)
            for trip in self.trips.by_exhibit.get(side.record, ())
            for step in trip.steps
            if step.statement_id in steps
        )

    def _turn(self, stage: Stage, turn: tuple[str, ...], unexplained: Iterable[Unexplained]) -> tuple[str, ...]:
        """Who is to do something: an owner who is to explain before anybody else; nobody who stated an outcome."""
        stated = self.feedback.keys() if stage is Stage.CONFIRMED else stated_outcome(self.feedback)
        left = tuple(side for side in turn if side not in stated)
        owners = {one.owner for one in unexplained} - stated
        return tuple(side for side in self.sides if side in owners) if left and owners else left

    @cached_property
    def signed_by(self) -> tuple[str, ...]:
        """The sides that signed a confirmed hit of their own."""
        issuers = {said.statement.issuer for said in self.ends if isinstance(said.statement, Hit)}
        return tuple(side for side in self.sides if side in issuers)

    def _unsigned(self, stage: Stage) -> tuple[str, ...]:
        missing = tuple(side for side in self.sides if side not in self.signed_by)
        return missing if stage is Stage.CONFIRMED else ()

    def _met(self, stage: Stage) -> bool:
        ends = [said for said in self.ends if self.outcome(said) is stage]
        return bool(ends) and (len(self.sides) == 1 or any(self.arrival_for(said) is not None for said in ends))

    def _moves(self, stage: Stage, turn: tuple[str, ...], custody: Iterable[Custody]) -> Iterator[Move]:
        """An exhibit goes home when nobody compares it any more, and is received whatever has become of the hit."""
        for one in custody:
            over = stage not in _COMES_TO_IT or not turn or self.root_of(self._last_trip(one)) in self.over
            match one.where:
                case Whereabouts.ON_ITS_WAY if over:
                    yield Move(one.other, ComparisonStep.RECEIVED, one.record)
                case Whereabouts.THERE if over:
                    yield Move(one.other, ComparisonStep.RETURNED, one.record)
                case Whereabouts.ON_ITS_WAY_BACK:
                    yield Move(one.owner, ComparisonStep.RECEIVED, one.record)
                case _:
                    pass

    def _last_trip(self, custody: Custody) -> Trip:
        own = (trip for trip in self.trips.by_sent.values() if trip.record == custody.record)
        return max(own, key=lambda trip: trip.sent.place)

    def _next_of_agreed(self, root: str | None) -> tuple[str, ...]:
        """Who has the next step of a comparison that was agreed: who waits for the exhibit, or has it; where none
        travels, either side."""
        waiting = {
            side
            for trip in self.trips_on(root)
            if trip.where in (Whereabouts.ON_ITS_WAY, Whereabouts.THERE)
            for side in self.sides
            if side != trip.sent.statement.issuer
        }
        return tuple(side for side in self.sides if side in waiting) or self.sides

    def _proposals(self, agreed: Said) -> dict[str, date]:
        """The day that each side named last since this agreement, where it is another one."""
        found: dict[str, date] = {}
        for name in sorted(self.rounds, key=self._depth_and_place):
            step = self.known[name]
            day = getattr(step.statement, "on", None)
            if day and self._root(step) == self._root(agreed) and self._depth(step) > self._depth(agreed):
                found[step.statement.issuer] = day
        return {side: day for side, day in found.items() if day != getattr(agreed.statement, "on", None)}

    def _stand(self) -> tuple[Stage, str, tuple[str, ...], date | None]:
        over = self.over
        if not self.standing_leads and not any(isinstance(said.statement, Hit) for said in self.ends):
            return self._nothing_stands()
        if self.ends:
            return self._ended()
        last = next((one for one in self.agreements if self._root(one) not in over), None)
        if last is not None:
            turn = self._next_of_agreed(self._root(last))
            return Stage.COMPARISON_AGREED, last.statement_id, turn, getattr(last.statement, "on", None)
        asked = [ask for name, ask in self.asks.items() if name not in over]
        if asked:
            return Stage.COMPARISON_ASKED, last_of(asked).statement_id, self._others(asked), None
        declined = [self.known[name] for name in self.declines]
        if declined:
            return Stage.LEAD, last_of(declined).statement_id, self._others([last_of(declined)]), None
        first = min(self.standing_leads, key=lambda one: one.place)
        return Stage.LEAD, first.statement_id, self._others(self.standing_leads), None

    def _ended(self) -> tuple[Stage, str, tuple[str, ...], date | None]:
        stage = max(map(self.outcome, self.ends), key=RANK.index)
        by = min((said for said in self.ends if self.outcome(said) is stage), key=lambda one: one.place)
        turn: tuple[str, ...] = ()
        if stage is Stage.CONFIRMED:
            turn = self.sides
        elif stage is Stage.COMPARED:
            turn = (by.statement.issuer,)
        return stage, by.statement_id, turn, None

    def _nothing_stands(self) -> tuple[Stage, str, tuple[str, ...], date | None]:
        hits = [said for said, _ in self._all(Hit)]
        if not hits:
            raise ValueError("there is no hit of this pair")
        if not any(self._is_taken_back(hit) for hit in hits):
            return Stage.NO_EFFECT, hits[0].statement_id, (), None
        back = [said for said, _ in self._all(Retraction) if said.statement_id not in self.no_effect]
        return Stage.RETRACTED, last_of(back).statement_id, (), None

    def _others(self, spoke: Iterable[Said]) -> tuple[str, ...]:
        """Those who have not spoken; both, where both have; nobody, where there is but one."""
        issuers = {said.statement.issuer for said in spoke}
        silent = tuple(side for side in self.sides if side not in issuers)
        return silent or (self.sides if len(self.sides) > 1 else ())

    def to_answer(self, statement: PhysicalComparison | Hit) -> str | None:
        over = self.over
        live = [name for name, (root, _) in self.rounds.items() if root not in over]
        last = max(live, key=self._depth_and_place, default=None)
        in_force = [one.statement_id for one in self.agreements]
        agreed = next((name for name in in_force if name in live), next(iter(in_force), None))
        arrived = self._last_arrival(statement.issuer, agreed)
        if isinstance(statement, Hit):
            return (arrived or agreed) if statement.stage is HitStage.CONFIRMED else None
        asked = [ask for name, ask in self.asks.items() if name not in over]
        others = [ask for ask in asked if ask.statement.issuer != statement.issuer or len(self.sides) == 1]
        match statement.step:
            case ComparisonStep.ASKED:
                return statement.hit
            case ComparisonStep.AGREED:
                return (
                    self._proposed(statement, agreed, live)
                    or last
                    or (last_of(others or asked).statement_id if asked else None)
                )
            case ComparisonStep.DECLINED:
                return last or (last_of(others or asked).statement_id if asked else None)
            case ComparisonStep.DONE:
                return arrived or agreed
            case ComparisonStep.SENT:
                return agreed or statement.hit
            case ComparisonStep.RECEIVED | ComparisonStep.RETURNED:
                return self._on_its_way(statement) or statement.hit

    def _last_arrival(self, issuer: str, agreed: str | None) -> str | None:
        """The last exhibit that was received for the comparison; what this side itself received before any other."""
        root = self._root(self.known[agreed]) if agreed is not None else None
        there = [trip.received for trip in self.trips_on(root) if trip.received is not None]
        last = max(there, key=lambda one: (one.statement.issuer == issuer, one.place), default=None)
        return last.statement_id if last is not None else None

    def _on_its_way(self, statement: PhysicalComparison) -> str | None:
        """What a step that receives or returns an exhibit follows on, of its last trip."""
        own = [trip for trip in self.trips.by_sent.values() if trip.record == statement.record]
        trip = max(own, key=lambda one: one.sent.place, default=None)
        if trip is None:
            return None
        before = trip.returned if statement.step is ComparisonStep.RECEIVED else trip.received
        return (before or trip.sent).statement_id

    def _proposed(self, statement: PhysicalComparison, agreed: str | None, live: Iterable[str]) -> str | None:
        """The other side's proposal of this very day, if none was agreed since."""
        depth = self.rounds[agreed][1] if agreed is not None else 0
        agrees = Said("", statement, 0)
        theirs = [one for one in live if self.rounds[one][1] >= depth and self._agrees_to(agrees, self.known[one])]
        return max(theirs, key=self._depth_and_place, default=None)
