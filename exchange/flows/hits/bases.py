"""What a hit rests on: rules 1 and 2 of `exchange.flows.hits.rules`, over the set of what was said of a pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from functools import cached_property
from typing import Final, TypeVar

from exchange.flows.blind.visibility import is_worth_pursuing
from exchange.flows.hits.vocabulary import MOST_HITS, NoEffect, OpenDisagreement, Said
from schemas import (
    Conclusion,
    ConclusionResult,
    CustodyExplanation,
    Feedback,
    Hit,
    Pair,
    PhysicalComparison,
    Retraction,
    Verification,
)
from schemas.vocabulary import AfteConclusion, Basis, HitStage, Role


class HitClaim(StrEnum):
    """What a hit, or the step that ends a comparison, claims about two exhibits."""

    LEAD = "lead"
    IDENTIFICATION = "identification"
    ELIMINATION = "elimination"


def claims_of(result: ConclusionResult) -> frozenset[HitClaim]:
    """Return the claims that a result supports. Two results disagree if they support different claims."""
    claims = {HitClaim.LEAD} if is_worth_pursuing(result) else set()
    if result.conclusion is AfteConclusion.IDENTIFICATION:
        claims.add(HitClaim.IDENTIFICATION)
    elif result.conclusion is AfteConclusion.ELIMINATION:
        claims.add(HitClaim.ELIMINATION)
    return frozenset(claims)


_S = TypeVar("_S", Hit, Verification, PhysicalComparison, CustodyExplanation, Feedback, Retraction)


class Bases:
    """Retractions, leads, and the conclusions and verifications that they rest on; each part is worked out once."""

    def __init__(self, pair: Pair, said: Iterable[Said]) -> None:
        self.pair = pair
        self.sides = tuple(dict.fromkeys((pair.a.issuer, pair.b.issuer)))
        self.known = {one.statement_id: one for one in said}
        self.in_order = sorted(self.known.values(), key=lambda one: one.place)
        self.no_effect: dict[str, NoEffect] = {}

    # 1.
    @cached_property
    def taken_back(self) -> frozenset[str]:
        return frozenset(
            back.retracts
            for said, back in self._all(Retraction)
            if self._noted(said, self._why_not_retracted(back)) is None
        )

    def _why_not_retracted(self, back: Retraction) -> NoEffect | None:
        of = self.known.get(back.retracts)
        if of is None or not isinstance(of.statement, Conclusion | Verification | Hit):
            return NoEffect.NOT_HERE
        return None if of.statement.issuer == back.issuer else NoEffect.NOT_ITS_OWN

    # 2.
    @cached_property
    def leads(self) -> dict[str, Said]:
        """Those that were leads when they were signed: what was asked of one stays a question when it is taken back."""
        return {
            said.statement_id: said
            for said, hit in self._all(Hit)
            if hit.stage is HitStage.LEAD and self._noted(said, self._why_no_lead(said, hit)) is None
        }

    @cached_property
    def standing_leads(self) -> list[Said]:
        """The leads that still count: neither the lead nor what it rests on was taken back, and no unsettled
        disagreement stops it."""
        return [
            said
            for said, hit in self._all(Hit)
            if said.statement_id in self.leads
            and not self._is_taken_back(said)
            and self._noted(said, self._why_disputed(said, hit, hit.basis)) is None
        ]

    def _why_no_lead(self, said: Said, hit: Hit) -> NoEffect | None:
        why = self._why_not_a_side(hit.issuer) or self._why_too_many(said)
        return why or self._why_bases(hit, hit.basis) or self._why_apart(hit)

    @cached_property
    def _beyond(self) -> frozenset[str]:
        """Hits of one issuer after the first of its log that count."""
        counted: Counter[str] = Counter()
        found = set()
        for said, hit in self._all(Hit):
            counted[hit.issuer] += 1
            if counted[hit.issuer] > MOST_HITS:
                found.add(said.statement_id)
        return frozenset(found)

    def _why_too_many(self, said: Said) -> NoEffect | None:
        return NoEffect.TOO_MANY if said.statement_id in self._beyond else None

    def _why_not_a_side(self, issuer: str) -> NoEffect | None:
        return None if issuer in self.sides else NoEffect.NOT_A_SIDE

    def _why_bases(self, said: Hit | PhysicalComparison, basis: Basis) -> NoEffect | None:
        """A conclusion and its verification: there, of this pair, on this basis, by two people; the conclusion its
        issuer's own, and the verification too, unless its issuer asked a partner for it."""
        named = self._bases(said)
        if named is None:
            return NoEffect.NOT_HERE
        first, second = named
        if first.issuer != said.issuer or not self._may_verify(first, second):
            return NoEffect.NOT_ITS_OWN
        of_pair = first.pair == second.pair == self.pair and (not isinstance(said, Hit) or said.pair == self.pair)
        if not of_pair or second.verifies != said.conclusion:
            return NoEffect.OTHER_PAIR
        if not first.result.basis == second.result.basis == basis:
            return NoEffect.OTHER_BASIS
        if (first.issuer, first.made_by.pseudonym) == (second.issuer, second.made_by.pseudonym):
            return NoEffect.SAME_EXAMINER
        is_first = self.first_verifications.get(second.verifies) == said.verification
        return None if is_first else NoEffect.VERIFIED_BEFORE

    @cached_property
    def first_verifications(self) -> dict[str, str]:
        """Of each conclusion that which a statement of its issuer's named first, by its issuer's log; both sides have
        what is named. Who does not like it does not get another; and who names an older one afterwards undoes nothing
        of what rests on the first."""
        found: dict[str, str] = {}
        for said in self.in_order:
            second = self._verification_of(said)
            first = self.known.get(second.verifies) if second is not None else None
            concluded = first.statement if first is not None else None
            if second is None or not isinstance(concluded, Conclusion):
                continue
            if concluded.issuer == said.statement.issuer and self._may_verify(concluded, second):
                found.setdefault(second.verifies, getattr(said.statement, "verification", ""))
        return found

    def _verification_of(self, said: Said) -> Verification | None:
        named = self.known.get(getattr(said.statement, "verification", None) or "")
        second = named.statement if named is not None else None
        return second if isinstance(second, Verification) else None

    def _bases(self, said: Hit | PhysicalComparison) -> tuple[Conclusion, Verification] | None:
        first, second = (self.known.get(name or "") for name in (said.conclusion, said.verification))
        if first is None or second is None:
            return None
        if not isinstance(first.statement, Conclusion) or not isinstance(second.statement, Verification):
            return None
        return first.statement, second.statement

    def _why_apart(self, hit: Hit) -> NoEffect | None:
        return None if all(map(is_worth_pursuing, self._results(hit))) else NoEffect.NOT_AGREED

    @cached_property
    def disagreements(self) -> list[tuple[Said, Said]]:
        """Return each conclusion on the two exhibits of this pair with a verification of it that found otherwise.
        Conclusions and verifications that were taken back are included. Only a partner's first verification of a
        conclusion counts, because a later one would undo the lead that rests on the first."""
        found = []
        answered: set[tuple[str, str]] = set()
        for said, second in self._all(Verification):
            first = self.known.get(second.verifies)
            concluded = first.statement if first is not None else None
            if first is None or not isinstance(concluded, Conclusion) or not self._may_verify(concluded, second):
                continue
            if second.issuer != concluded.issuer:
                if (second.issuer, second.verifies) in answered:
                    continue
                answered.add((second.issuer, second.verifies))
            of_exhibits = concluded.pair == self.pair or first.same_exhibits_since is not None
            alike = concluded.pair == second.pair and concluded.result.basis is second.result.basis
            if of_exhibits and alike and claims_of(concluded.result) != claims_of(second.result):
                found.append((first, said))
        return found

    @cached_property
    def open_disagreements(self) -> tuple[OpenDisagreement, ...]:
        """Return the disagreements that stop a hit which would be confirmed now."""
        found = []
        for first, second in self.disagreements:
            claim = _CLAIMED_BY_A_HIT[_result(first).basis]
            if open_reviews := self._against(claim, first, second):
                issuers = tuple((one.statement.issuer, one.statement_id) for one in open_reviews)
                found.append(OpenDisagreement(first.statement.issuer, first.statement_id, second.statement_id, issuers))
        return tuple(found)

    def _why_disputed(self, said: Said, statement: Hit | PhysicalComparison, basis: Basis) -> NoEffect | None:
        """Return the reason why a hit, or the end of a comparison, has no effect because of an earlier disagreement.
        The disagreement is on the same two exhibits, and the conclusion in it is of the same side. A disagreement on
        weaker evidence than that of the statement is ignored."""
        for first, second in self.disagreements:
            on = _result(first).basis
            if first.statement.issuer != statement.issuer or not self._came_before(said, first, second):
                continue
            if self._is_stronger(statement, basis, on):
                continue
            claim = self._claim(statement, on)
            if claim is not None and self._against(claim, first, second):
                return NoEffect.DISAGREEMENT
        return None

    def _came_before(self, said: Said, first: Said, second: Said) -> bool:
        """Return whether a side knew of a disagreement when it signed a statement. For its own reviews, the order of
        its log decides. For a partner's verification, two times that the side itself signed decide: when it read the
        verification, and when it signed the statement. So a late verification undoes nothing."""
        if max(first.log_index, first.same_exhibits_since or -1) > said.log_index:
            return False
        if second.statement.issuer == said.statement.issuer:
            return second.place < said.place
        stated, read_at = said.statement.stated_at, second.countersigned_at
        return read_at is not None and (stated is None or read_at <= stated)

    def _is_stronger(self, statement: Hit | PhysicalComparison, basis: Basis, on: Basis) -> bool:
        """Return whether a statement rests on a comparison of the exhibits themselves, and the disagreement on images.
        A lead between two sides is signed before the exhibits are together, so it is not stronger. A confirmed hit is
        not either: it waits until disagreements on the screen are settled."""
        is_lead = isinstance(statement, Hit) and statement.stage is HitStage.LEAD
        together = len(self.sides) == 1 if is_lead else not isinstance(statement, Hit)
        return together and basis is Basis.EXHIBITS and on is Basis.SCREEN

    def _claim(self, statement: Hit | PhysicalComparison, on: Basis) -> HitClaim | None:
        """Return the claim of a statement that a disagreement on the basis ``on`` can contradict, or None."""
        if isinstance(statement, Hit):
            return HitClaim.LEAD if statement.stage is HitStage.LEAD else _CLAIMED_BY_A_HIT[on]
        results = [claims_of(result) for result in self._results(statement)]
        decided = (HitClaim.IDENTIFICATION, HitClaim.ELIMINATION)
        return next((claim for claim in decided if results and all(claim in one for one in results)), None)

    def _against(self, claim: HitClaim, *reviews: Said) -> list[Said]:
        """Return those of the reviews (conclusions or verifications) that do not support the claim and were not taken
        back."""
        return [
            one for one in reviews if claim not in claims_of(_result(one)) and one.statement_id not in self._settled
        ]

    @cached_property
    def _settled(self) -> frozenset[str]:
        """What its own signer, or the head, took back."""
        found = set()
        for _, back in self._all(Retraction):
            of = self.known.get(back.retracts)
            signer = getattr(of.statement, "made_by", None) if of is not None else None
            is_allowed = back.made_by.role is Role.HEAD or back.made_by.pseudonym == getattr(signer, "pseudonym", None)
            if is_allowed and self._why_not_retracted(back) is None:
                found.add(back.retracts)
        return frozenset(found)

    def _results(self, said: Hit | PhysicalComparison) -> list[ConclusionResult]:
        return [one.result for one in self._bases(said) or ()]

    def _is_taken_back(self, said: Said) -> bool:
        """It, or what it rests on."""
        rests_on = (getattr(said.statement, "conclusion", None), getattr(said.statement, "verification", None))
        return bool({said.statement_id, *rests_on} & self.taken_back)

    def _noted(self, said: Said, why: NoEffect | None) -> NoEffect | None:
        if why is not None:
            self.no_effect[said.statement_id] = why
        return why

    def _all(self, kind: type[_S]) -> list[tuple[Said, _S]]:
        """By the index in the issuer's log, ties by the id: an order that every node has."""
        return [(one, one.statement) for one in self.in_order if isinstance(one.statement, kind)]

    def _may_verify(self, first: Conclusion, second: Verification) -> bool:
        """Return whether a verification counts for a conclusion.

        It counts if an examiner of the same node signed it, or if the other owner of the pair signed it on request and
        states that the examiner was blind. So both owners have every verification that counts. Any other node may
        verify a pair that has one owner, because no other node reads the hits of such a pair.
        """
        if second.issuer == first.issuer:
            return True
        is_owner = second.issuer in self.sides or len(self.sides) == 1
        return is_owner and second.request is not None and second.blind


_CLAIMED_BY_A_HIT: Final = {Basis.SCREEN: HitClaim.LEAD, Basis.EXHIBITS: HitClaim.IDENTIFICATION}
"""The claim of a confirmed hit that a disagreement on each basis can contradict."""


def _result(said: Said) -> ConclusionResult:
    if not isinstance(said.statement, Conclusion | Verification):
        raise TypeError("no review")
    return said.statement.result
