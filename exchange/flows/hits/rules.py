"""What has an effect on a hit, and how far it is: one pure function of the set of statements, the same on every node.

    weigh(pair, said).stage

The order in which statements arrived plays no part: a statement has an effect when what it names is in the set and has
one itself. The rules, from the ground up:

1. A retraction takes back a conclusion, a verification or a hit of its own issuer; nothing else lowers a stage but 5.
2. A lead rests on a conclusion and its verification: of its issuer, one of the two sides; of this pair; on one basis;
   by two people; neither eliminates or finds the marks unsuitable.
3. A comparison is asked for by a side, of a lead.
4. It is agreed by the other side, and names what it answers. Either may propose another day by agreeing anew: the first
   day holds until the other side agrees to the new one.
5. It is declined by either side: the question that it answers is over, with all that was agreed on it, unless the
   exhibits had been compared.
6. An exhibit travels by four steps that answer each other: its owner sent it after a comparison was agreed, the other
   side received it, returned it, and its owner received it (`exchange.flows.hits.custody`).
7. It is done, or the hit confirmed, where both examiners of a side concluded on the exhibits after a comparison was
   agreed (after what their side signed of the agreement, by its log) and not before its day. Where an exhibit was sent
   for it, that one was received, and they concluded after that. Both eliminate: eliminated. Both identify: confirmed by
   a hit that says so. All else: inconclusive. Of two outcomes the one further down in ``RANK`` stands, and the other
   side's is shown as a dispute.
8. Feedback is a side's own word on a hit; its last counts.

Of one conclusion the verification counts that was named first; of one side's steps the first ``MOST_STEPS``, of its
hits the first ``MOST_HITS``.
What breaks a rule is kept, has no effect, and is shown with its reason (ADR 20).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import cached_property

from exchange.flows.hits.agreements import Agreements, is_step, last_of
from exchange.flows.hits.custody import Trip, Trips, custody_of, trips_of
from exchange.flows.hits.vocabulary import (
    RANK,
    Custody,
    Move,
    NoEffect,
    Said,
    Stage,
    Weighed,
    Whereabouts,
    begin_of,
)
from schemas import (
    AnyStatement,
    Feedback,
    Hit,
    Pair,
    PhysicalComparison,
    Retraction,
)
from schemas.review import CUSTODY
from schemas.vocabulary import AfteConclusion, Basis, ComparisonStep, FeedbackOutcome, HitStage, ScreenConclusion

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


def is_declined(pair: Pair, said: Iterable[Said], step: str) -> bool:
    """Whether the question is over that a step which agreed answers."""
    weighing = _Weighing(pair, said)
    return weighing.rounds.get(step, ("", 0))[0] in weighing.over


def has_open_question(pair: Pair, said: Iterable[Said], side: str) -> bool:
    """Whether this side asked for a comparison, and nobody has declined."""
    weighing = _Weighing(pair, said)
    return any(ask.statement.issuer == side for name, ask in weighing.asks.items() if name not in weighing.over)


class _Weighing(Agreements):
    """The rules in their order; each part is worked out once, from those before it."""

    def __init__(self, pair: Pair, said: Iterable[Said]) -> None:
        super().__init__(pair, said)
        self._agreed_for: dict[str, Said | None] = {}

    @cached_property
    def over(self) -> frozenset[str]:
        """Questions that were declined, and whose exhibits did not meet."""
        compared = {self._root(step) for said in self.ends if (step := self.agreed_for(said)) is not None}
        for declined, root in self.declines.items():
            if root in compared:
                self.no_effect[declined] = NoEffect.COMPARED
        over = frozenset(self.declines.values()) - compared
        for name in (*self.asks, *self.rounds):
            if self._root(self.known[name]) in over:
                self.no_effect[name] = NoEffect.DECLINED
        return over

    # 6.
    @cached_property
    def trips(self) -> Trips:
        found = trips_of(self.pair, self.steps.values(), self.known, self._why_not_sent)
        self.no_effect.update(found.no_effect)
        return found

    def _why_not_sent(self, said: Said) -> NoEffect | None:
        """What was agreed lets no exhibit travel."""
        if (why := self._why_no_step(said.statement)) is not None:
            return why
        target = self._target(said)
        if target is None:
            return NoEffect.NOT_HERE
        if target.statement_id not in self.in_force:
            return NoEffect.RESTS_ON_NONE if is_step(target, ComparisonStep.AGREED) else NoEffect.NO_COMPARISON
        return NoEffect.DECLINED if self._declined_before(said, self._root(target)) else None

    def _root_of(self, trip: Trip) -> str | None:
        target = self._target(trip.sent)
        return self._root(target) if target is not None else None

    # 7.
    @cached_property
    def ends(self) -> list[Said]:
        """Comparisons that are done, and confirmed hits."""
        hits = [said for said, hit in self._all(Hit) if hit.stage is HitStage.CONFIRMED]
        ended = [*self._steps(ComparisonStep.DONE), *hits]
        return [said for said in ended if self._noted(said, self._why_not_ended(said, said.statement)) is None]

    def _why_not_ended(self, said: Said, statement: AnyStatement) -> NoEffect | None:
        if not isinstance(statement, Hit | PhysicalComparison):
            return NoEffect.NO_LEAD
        is_hit = isinstance(statement, Hit)
        why = self._why_not_a_side(statement.issuer) if is_hit else self._why_no_step(statement)
        why = why or self._why_too_many(said) or self._why_bases(statement, Basis.EXHIBITS)
        if why is not None:
            return why
        if isinstance(statement, Hit) and self._conclusions(statement) != {AfteConclusion.IDENTIFICATION}:
            return NoEffect.NOT_IDENTIFIED
        if self._is_taken_back(said):
            return NoEffect.TAKEN_BACK
        return self._why_not_compared(said)

    def _why_not_compared(self, said: Said) -> NoEffect | None:
        """Exhibits of one side need nobody's leave to meet."""
        step = self.agreed_for(said)
        if step is None:
            return self._why_none_agreed(said) if len(self.sides) > 1 else None
        if self._declined_before(said, self._root(step)):
            return NoEffect.DECLINED
        if len(self.sides) > 1 and self._concluded_before(said, self._part(said.statement.issuer, step)):
            return NoEffect.BEFORE_AGREED
        if (why := self._why_not_met(said, step)) is not None:
            return why
        day = getattr(step.statement, "on", None)
        early = day is not None and said.countersigned_at is not None and said.countersigned_at < begin_of(day)
        return NoEffect.BEFORE_THE_DAY if early else None

    def _why_none_agreed(self, said: Said) -> NoEffect:
        answered = self.steps.get(getattr(said.statement, "answers", None) or "")
        if answered is None or getattr(answered.statement, "step", None) not in CUSTODY:
            return NoEffect.NO_COMPARISON
        return NoEffect.RESTS_ON_NONE if answered.statement_id in self.trips.no_effect else NoEffect.EXHIBIT_AWAY

    def _why_not_met(self, said: Said, step: Said) -> NoEffect | None:
        """Where an exhibit was sent, the comparison rests on its arrival."""
        trip = self.arrival_for(said)
        if trip is None:
            away = any(self._is_away(trip, said) for trip in self._trips_on(self._root(step)))
            return NoEffect.EXHIBIT_AWAY if away else None
        own = trip.sent if trip.sent.statement.issuer == said.statement.issuer else trip.received
        return NoEffect.BEFORE_IT_ARRIVED if self._concluded_before(said, own) else None

    def arrival_for(self, said: Said) -> Trip | None:
        """The trip on whose arrival a comparison rests which is done, or confirmed: the step that it names; else what
        its own side had received before, by its log."""
        named = self.steps.get(getattr(said.statement, "answers", None) or "")
        if named is not None and is_step(named, ComparisonStep.DONE) and isinstance(said.statement, Hit):
            return self.arrival_for(named)
        if named is not None and named.statement_id in self.trips.arrivals:
            return self.trips.arrivals[named.statement_id]
        step = self.agreed_for(said)
        here = [trip for trip in self._trips_on(self._root(step)) if self._had_received(said, trip)] if step else []
        return max(here, key=lambda trip: trip.sent.place, default=None)

    def _had_received(self, said: Said, trip: Trip) -> bool:
        there = trip.received
        return there is not None and there.statement.issuer == said.statement.issuer and there.place < said.place

    def _trips_on(self, root: str | None) -> list[Trip]:
        return [trip for trip in self.trips.by_sent.values() if root is not None and self._root_of(trip) == root]

    def _is_away(self, trip: Trip, said: Said) -> bool:
        """Whether an exhibit was on its way when a side said that it had been compared: of its own one by its log; of
        the other's, unless it stated that before it signed to have read that the exhibit was sent. So nobody undoes the
        other side's comparison by sending an exhibit afterwards."""
        if trip.sent.statement.issuer == said.statement.issuer:
            home = trip.back is not None and trip.back.place < said.place
            return trip.sent.place < said.place and not home
        stated, read_at = said.statement.stated_at, trip.sent.countersigned_at
        return stated is None or read_at is None or stated >= read_at

    def _concluded_before(self, said: Said, part: Said | None) -> bool:
        """Whether its examiners concluded before what their own side had signed: its own log alone tells."""
        rests_on = (getattr(said.statement, "conclusion", ""), getattr(said.statement, "verification", ""))
        return part is not None and min(self.known[name].log_index for name in rests_on) < part.log_index

    def _part(self, issuer: str, step: Said) -> Said | None:
        """What a side signed of an agreement: itself, or what it answers."""
        return step if step.statement.issuer == issuer else self._target(step)

    def agreed_for(self, said: Said) -> Said | None:
        """The agreed step that a comparison rests on which is done, or confirmed."""
        if said.statement_id not in self._agreed_for:
            self._agreed_for[said.statement_id] = self._find_agreed_for(said)
        return self._agreed_for[said.statement_id]

    def _find_agreed_for(self, said: Said) -> Said | None:
        answers = getattr(said.statement, "answers", None)
        named = self.steps.get(answers or "")
        if named is not None and is_step(named, ComparisonStep.DONE) and isinstance(said.statement, Hit):
            return self.agreed_for(named)
        if (trip := self.trips.arrivals.get(answers or "")) is not None:
            answers = getattr(trip.sent.statement, "answers", None)
        if answers is None or answers not in self.in_force:
            return None
        own = (one for one in self.agreements if self._closed_before(said, one, self.rounds[answers][0]))
        return max(next(own, self.known[self.in_force[answers]]), self.known[self.in_force[answers]], key=self._depth)

    def _closed_before(self, said: Said, step: Said, root: str) -> bool:
        """Whether its issuer itself had agreed to this day before, by its own log: it is bound by that."""
        own = step.statement.issuer == said.statement.issuer and step.place < said.place
        return own and self._root(step) == root

    def latest_for(self, said: Said) -> Said | None:
        """The last agreement on the same question, whoever closed it."""
        step = self.agreed_for(said)
        on_it = (one for one in self.agreements if step is not None and self._root(one) == self._root(step))
        return next(on_it, None)

    def _conclusions(self, said: Hit | PhysicalComparison) -> set[AfteConclusion | ScreenConclusion]:
        return {result.conclusion for result in self._results(said)}

    def _outcome(self, said: Said) -> Stage:
        if not isinstance(said.statement, PhysicalComparison):
            return Stage.CONFIRMED
        match self._conclusions(said.statement):
            case both if both == {AfteConclusion.ELIMINATION}:
                return Stage.ELIMINATED
            case both if both == {AfteConclusion.IDENTIFICATION}:
                return Stage.COMPARED
            case _:
                return Stage.INCONCLUSIVE

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
        outcomes = {self._outcome(said) for said in self.ends}
        disputed = FeedbackOutcome.DISPUTED in self.feedback.values() or outcomes >= {Stage.CONFIRMED, Stage.ELIMINATED}
        for said in self.known.values():
            if self._is_taken_back(said):
                self.no_effect[said.statement_id] = NoEffect.TAKEN_BACK
        proposed = self._proposals(self.known[by]) if stage is Stage.COMPARISON_AGREED else {}
        custody = custody_of(self.pair, self.trips)
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
            moves=tuple(self._moves(stage, custody)),
            met=self._met(stage),
            signed_by=self.signed_by,
            unsigned=self._unsigned(stage),
        )

    @cached_property
    def signed_by(self) -> tuple[str, ...]:
        """The sides that signed a confirmed hit of their own."""
        issuers = {said.statement.issuer for said in self.ends if isinstance(said.statement, Hit)}
        return tuple(side for side in self.sides if side in issuers)

    def _unsigned(self, stage: Stage) -> tuple[str, ...]:
        missing = tuple(side for side in self.sides if side not in self.signed_by)
        return missing if stage is Stage.CONFIRMED else ()

    def _met(self, stage: Stage) -> bool:
        ends = [said for said in self.ends if self._outcome(said) is stage]
        return bool(ends) and (len(self.sides) == 1 or any(self.arrival_for(said) is not None for said in ends))

    def _moves(self, stage: Stage, custody: Iterable[Custody]) -> Iterator[Move]:
        """An exhibit goes home when nobody compares it any more, and is received whatever has become of the hit."""
        for one in custody:
            over = stage not in _COMES_TO_IT or self._root_of(self._last_trip(one)) in self.over
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
            for trip in self._trips_on(root)
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
        stage = max(map(self._outcome, self.ends), key=RANK.index)
        by = min((said for said in self.ends if self._outcome(said) is stage), key=lambda one: one.place)
        turn: tuple[str, ...] = ()
        if stage is Stage.CONFIRMED:
            to_sign = self._unsigned(stage) if self._met(stage) else ()
            turn = tuple(side for side in self.sides if side not in self.feedback or side in to_sign)
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
        there = [trip.received for trip in self._trips_on(root) if trip.received is not None]
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
