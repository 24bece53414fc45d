"""How the exhibits of a pair travel, meet and are compared: rules 6 and 7 of `exchange.flows.hits.rules`, over the set
of what was said of a pair."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from exchange.flows.hits.agreements import Agreements, is_step
from exchange.flows.hits.custody import Trip, Trips, seal_discrepancies, trips_of
from exchange.flows.hits.vocabulary import NoEffect, Said, Stage, begin_of
from schemas import AnyStatement, CustodyExplanation, Hit, Pair, PhysicalComparison
from schemas.review import CUSTODY
from schemas.vocabulary import AfteConclusion, Basis, ComparisonStep, HitStage, Role, ScreenConclusion


class Comparisons(Agreements):
    """Exhibits that travel, explained discrepancies, and how comparisons ended; each part is worked out once, from
    those before it."""

    def __init__(self, pair: Pair, said: Iterable[Said]) -> None:
        super().__init__(pair, said)
        self._agreed_for: dict[str, Said | None] = {}
        self.missing: set[str] = set()
        """Steps that sent an exhibit, after which a step is missing on which an end should rest: as far as ``ends``
        was worked out."""

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

    @cached_property
    def seal_discrepancies(self) -> frozenset[str]:
        """The steps that received an exhibit under a seal that is not as it left."""
        return frozenset(name for trip in self.trips.by_sent.values() for name in seal_discrepancies(trip))

    @cached_property
    def explanations(self) -> dict[str, str]:
        """By the step of custody that is explained: the first statement of the owner's log that explains it."""
        found: dict[str, str] = {}
        for said, explanation in self._all(CustodyExplanation):
            before = NoEffect.EXPLAINED_BEFORE if explanation.explains in found else None
            if self._noted(said, self._why_not_explained(explanation) or before) is None:
                found[explanation.explains] = said.statement_id
        return found

    def _why_not_explained(self, explanation: CustodyExplanation) -> NoEffect | None:
        why = self._why_not_a_side(explanation.issuer) or self._why_no_step(explanation)
        if why is not None:
            return why
        trip = self.trips.by_step.get(explanation.explains)
        if trip is None:
            return NoEffect.NOTHING_TO_EXPLAIN if explanation.explains in self.known else NoEffect.NOT_HERE
        if explanation.issuer != trip.sent.statement.issuer:
            return NoEffect.NOT_THE_OWNER
        if explanation.made_by.role is not Role.HEAD:
            return NoEffect.NOT_THE_HEAD
        explains_seal = explanation.explains in self.seal_discrepancies
        explains_step = explanation.explains == trip.sent.statement_id
        return None if explains_seal or explains_step else NoEffect.NOTHING_TO_EXPLAIN

    def root_of(self, trip: Trip) -> str | None:
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
        why = self._why_disputed(said, statement, Basis.EXHIBITS) or self._why_not_compared(said)
        return self._why_unexplained(said) if why is None and is_hit else why

    def _why_unexplained(self, said: Said) -> NoEffect | None:
        """A custody discrepancy from before the conclusions that nobody explained."""
        before = {step.statement_id for step in self._custody_before(said)}
        apart = {trip.sent.statement_id for trip in self._kept_apart(said)}
        self.missing |= apart
        return (
            NoEffect.CUSTODY_UNEXPLAINED
            if (before & self.seal_discrepancies | apart) - self.explanations.keys()
            else None
        )

    def _custody_before(self, said: Said) -> Iterator[Said]:
        """The steps of both exhibits of which its side knew when its examiners concluded: those of its own log, the
        arrival that it names, and whatever these follow on."""
        arrival = self.arrival_for(said)
        for side in (self.pair.a, self.pair.b):
            way = [step for trip in self.trips.by_exhibit.get(side.record, ()) for step in trip.steps]
            known = [
                place
                for place, step in enumerate(way, start=1)
                if self._signed_before(said, step) or (arrival is not None and step is arrival.received)
            ]
            yield from way[: max(known, default=0)]

    def _kept_apart(self, said: Said) -> list[Trip]:
        """The trips of its side's own exhibit that were not over when its examiners concluded, where they had the other
        side's exhibit: the two were not at one place."""
        trips = self.trips.by_sent.values()
        has_others = any(
            self._signed_before(said, trip.received) and not self._signed_before(said, trip.returned)
            for trip in trips
            if trip.sent.statement.issuer != said.statement.issuer
        )
        return [
            trip
            for trip in trips
            if has_others and self._signed_before(said, trip.sent) and not self._signed_before(said, trip.back)
        ]

    def _signed_before(self, said: Said, step: Said | None) -> bool:
        """Whether its own side signed a step before its examiners concluded."""
        is_own = step is not None and step.statement.issuer == said.statement.issuer
        return is_own and not self._concluded_before(said, step)

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
            away = {trip.sent.statement_id for trip in self.trips_on(self._root(step)) if self._is_away(trip, said)}
            self.missing |= away
            return NoEffect.EXHIBIT_AWAY if away - self.explanations.keys() else None
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
        here = [trip for trip in self.trips_on(self._root(step)) if self._had_received(said, trip)] if step else []
        return max(here, key=lambda trip: trip.sent.place, default=None)

    def is_excused(self, said: Said) -> bool:
        """Whether an exhibit was sent for it, and its owner's head explains why its arrival was not signed."""
        step = self.agreed_for(said)
        trips = self.trips_on(self._root(step)) if step is not None else []
        return any(trip.sent.statement_id in self.explanations for trip in trips)

    def _had_received(self, said: Said, trip: Trip) -> bool:
        there = trip.received
        return there is not None and there.statement.issuer == said.statement.issuer and there.place < said.place

    def trips_on(self, root: str | None) -> list[Trip]:
        return [trip for trip in self.trips.by_sent.values() if root is not None and self.root_of(trip) == root]

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

    def outcome(self, said: Said) -> Stage:
        if not isinstance(said.statement, PhysicalComparison):
            return Stage.CONFIRMED
        match self._conclusions(said.statement):
            case both if both == {AfteConclusion.ELIMINATION}:
                return Stage.ELIMINATED
            case both if both == {AfteConclusion.IDENTIFICATION}:
                return Stage.COMPARED
            case _:
                return Stage.INCONCLUSIVE
