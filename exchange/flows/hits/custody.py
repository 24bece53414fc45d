"""The way of an exhibit that travels: rule 6 of `exchange.flows.hits.rules`, over the steps that the two sides signed.

    trips = trips_of(pair, steps, known, why_not_sent)

A trip has four steps at most, each of which answers the one before, and so comes after it by its very id:

1. ``sent``: by the owner of the record, after a comparison was agreed.
2. ``received``: by the other side. From here on the exhibits can meet.
3. ``returned``: by who received it.
4. ``received``: by the owner. The exhibit is home.

The head of the exhibit's owner explains what is not as it should be on the way (`CustodyExplanation`).

Of several that answer one step the first counts, by its issuer's log. An exhibit that is away is not sent again: all
that is asked of the order of its trips is in the log of its owner, who signs where they begin and where they end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Final, assert_never

from exchange.flows.hits.vocabulary import Custody, CustodyDiscrepancy, NoEffect, Said, Whereabouts
from schemas import Pair, PhysicalComparison
from schemas.review import CUSTODY
from schemas.vocabulary import Answer, ComparisonStep


@dataclass(frozen=True)
class Trip:
    """From the owner to the other side and home again, as far as it has come."""

    sent: Said
    received: Said | None = None
    returned: Said | None = None
    back: Said | None = None

    @property
    def steps(self) -> tuple[Said, ...]:
        return tuple(one for one in (self.sent, self.received, self.returned, self.back) if one is not None)

    @property
    def record(self) -> str:
        return _step(self.sent).record or ""

    @property
    def where(self) -> Whereabouts:
        return _WHERE[len(self.steps)]


_WHERE: Final = {1: Whereabouts.ON_ITS_WAY, 2: Whereabouts.THERE, 3: Whereabouts.ON_ITS_WAY_BACK, 4: Whereabouts.HOME}


@dataclass(frozen=True)
class Trips:
    """``by_sent``: those that count, by the step that began each; ``no_effect``: which steps count for nothing."""

    by_sent: Mapping[str, Trip]
    no_effect: Mapping[str, NoEffect]

    @cached_property
    def arrivals(self) -> dict[str, Trip]:
        """By the step that received an exhibit at the other side."""
        return {trip.received.statement_id: trip for trip in self.by_sent.values() if trip.received is not None}

    @cached_property
    def by_step(self) -> dict[str, Trip]:
        return {step.statement_id: trip for trip in self.by_sent.values() for step in trip.steps}

    @cached_property
    def by_exhibit(self) -> dict[str, list[Trip]]:
        """The trips of each exhibit by its record, in their order."""
        found: dict[str, list[Trip]] = {}
        for trip in sorted(self.by_sent.values(), key=_place):
            found.setdefault(trip.record, []).append(trip)
        return found


def trips_of(
    pair: Pair, steps: Iterable[Said], known: Mapping[str, Said], why_not_sent: Callable[[Said], NoEffect | None]
) -> Trips:
    """The trips among ``steps``, which are in the order of their issuers' logs. ``why_not_sent`` says why an exhibit
    cannot travel by what was agreed."""
    return _Trips(pair, steps, known, why_not_sent).found()


def custody_of(
    pair: Pair,
    trips: Trips,
    missing: Collection[str],
    explanations: Mapping[str, str],
) -> tuple[Custody, ...]:
    """Where each exhibit of the pair is that has ever been sent. ``missing``: steps that sent an exhibit, after which a
    step is missing on which a confirmed hit should rest."""
    found = []
    for side, other in ((pair.a, pair.b), (pair.b, pair.a)):
        own = trips.by_exhibit.get(side.record, [])
        if own:
            steps = [step for trip in own for step in trip.steps]
            discrepancies = {name: said for trip in own for name, said in seal_discrepancies(trip).items()}
            without = {trip.sent.statement_id for trip in own} & {*missing, *explanations}
            discrepancies |= dict.fromkeys(sorted(without), (CustodyDiscrepancy.STEP_MISSING,))
            since = _step(steps[-1]).on or date.max
            names = tuple(step.statement_id for step in steps)
            found.append(
                Custody(
                    record=side.record,
                    owner=side.issuer,
                    other=other.issuer,
                    steps=names,
                    where=own[-1].where,
                    since=since,
                    discrepancies=discrepancies,
                    explanations={name: explanations[name] for name in names if name in explanations},
                )
            )
    return tuple(found)


class _Trips:
    """Each step of the list above in its turn; of the trips of one exhibit, those that its owner's log lets begin."""

    def __init__(
        self,
        pair: Pair,
        steps: Iterable[Said],
        known: Mapping[str, Said],
        why_not_sent: Callable[[Said], NoEffect | None],
    ) -> None:
        self.owners = {side.record: side.issuer for side in (pair.a, pair.b)}
        self.known = known
        self.why_not_sent = why_not_sent
        self.no_effect: dict[str, NoEffect] = {}
        self.custody = [one for one in steps if _step_of(one) in CUSTODY and self._may_be(one)]

    def found(self) -> Trips:
        trips = {said.statement_id: Trip(said) for said in self._named(ComparisonStep.SENT, self._why_not_sent)}
        received = self._chosen(ComparisonStep.SENT)
        returned = self._chosen(ComparisonStep.RECEIVED)
        back = self._chosen(ComparisonStep.RETURNED)
        for name, trip in trips.items():
            there = received.get(name)
            left = returned.get(there.statement_id) if there is not None else None
            home = back.get(left.statement_id) if left is not None else None
            trips[name] = replace(trip, received=there, returned=left, back=home)
        counting = self._one_at_a_time(trips)
        used = {step.statement_id for trip in counting.values() for step in trip.steps}
        for said in self.custody:
            if said.statement_id not in used:
                self.no_effect.setdefault(said.statement_id, NoEffect.RESTS_ON_NONE)
        return Trips(counting, self.no_effect)

    def _may_be(self, said: Said) -> bool:
        """It is of an exhibit of this pair, which lies at one of two sides."""
        record = _step(said).record
        if len(set(self.owners.values())) == 1:
            return self._noted(said, NoEffect.ONE_SIDE)
        return record in self.owners or self._noted(said, NoEffect.NOT_OF_THE_PAIR)

    def _named(self, step: ComparisonStep, why_not: Callable[[Said], NoEffect | None]) -> Iterator[Said]:
        for said in self.custody:
            if _step_of(said) is step:
                why = why_not(said)
                if why is None:
                    yield said
                else:
                    self._noted(said, why)

    # 1.
    def _why_not_sent(self, said: Said) -> NoEffect | None:
        is_own = self.owners[_step(said).record or ""] == said.statement.issuer
        return self.why_not_sent(said) if is_own else NoEffect.OTHERS_EXHIBIT

    # 2., 3., 4.
    def _chosen(self, answered: ComparisonStep) -> dict[str, Said]:
        """By what they answer: the first steps that follow on steps of this kind."""
        follows = ComparisonStep.RETURNED if answered is ComparisonStep.RECEIVED else ComparisonStep.RECEIVED
        found: dict[str, Said] = {}
        for said in self._named(follows, lambda one: self._why_not_following(one, follows)):
            target = self.known[_step(said).answers or ""]
            if _step_of(target) is not answered:
                continue
            if target.statement_id in found:
                self._noted(said, NoEffect.SIGNED_FOR)
            else:
                found[target.statement_id] = said
        return found

    def _why_not_following(self, said: Said, step: ComparisonStep) -> NoEffect | None:
        target = self.known.get(_step(said).answers or "")
        if target is None:
            return NoEffect.NOT_HERE
        received = step is ComparisonStep.RECEIVED
        before = (ComparisonStep.SENT, ComparisonStep.RETURNED) if received else (ComparisonStep.RECEIVED,)
        if _step_of(target) not in before:
            return NoEffect.NOT_SENT if received else NoEffect.NOT_RECEIVED
        if _step(target).record != _step(said).record:
            return NoEffect.OTHER_EXHIBIT
        is_own = target.statement.issuer == said.statement.issuer
        if received and is_own:
            return NoEffect.OWN_SENDING
        owns = self.owners[_step(said).record or ""] == said.statement.issuer
        if not received and (owns or not is_own):
            return NoEffect.NOT_ITS_HOLDER
        day, earlier = _step(said).on, _step(target).on
        return NoEffect.DAYS_IN_DISORDER if day and earlier and day < earlier else None

    def _one_at_a_time(self, trips: Mapping[str, Trip]) -> dict[str, Trip]:
        found: dict[str, Trip] = {}
        last: dict[str, Trip] = {}
        for name, trip in sorted(trips.items(), key=lambda item: _place(item[1])):
            before = last.get(trip.record)
            if before is None or (before.back is not None and before.back.place < trip.sent.place):
                found[name] = last[trip.record] = trip
            else:
                self._noted(trip.sent, NoEffect.STILL_AWAY)
        return found

    def _noted(self, said: Said, why: NoEffect) -> bool:
        self.no_effect[said.statement_id] = why
        return False


def seal_discrepancies(trip: Trip) -> dict[str, tuple[CustodyDiscrepancy, ...]]:
    """By each step that received the exhibit under a seal that is not as it left."""
    found: dict[str, tuple[CustodyDiscrepancy, ...]] = {}
    for left, came in ((trip.sent, trip.received), (trip.returned, trip.back)):
        if left is None or came is None:
            continue
        differs = (CustodyDiscrepancy.SEAL_DIFFERS,) if seal_differs(_step(left), _step(came)) else ()
        match _step(came).seal_whole:
            case Answer.YES:
                is_whole: tuple[CustodyDiscrepancy, ...] = ()
            case Answer.NO:
                is_whole = (CustodyDiscrepancy.SEAL_BROKEN,)
            case Answer.UNKNOWN | Answer.NOT_EXAMINED | None:
                is_whole = (CustodyDiscrepancy.SEAL_NOT_KNOWN,)
            case other:
                assert_never(other)
        if differs or is_whole:
            found[came.statement_id] = differs + is_whole
    return found


def seal_differs(left: PhysicalComparison, came: PhysicalComparison) -> bool:
    return came.step is ComparisonStep.RECEIVED and left.seal != came.seal


def _step(said: Said) -> PhysicalComparison:
    if not isinstance(said.statement, PhysicalComparison):
        raise TypeError("no step of a comparison")
    return said.statement


def _step_of(said: Said) -> ComparisonStep | None:
    return said.statement.step if isinstance(said.statement, PhysicalComparison) else None


def _place(trip: Trip) -> tuple[int, str]:
    return trip.sent.place
