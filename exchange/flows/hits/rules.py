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
6. It is done, or the hit confirmed, where both examiners of a side concluded on the exhibits after a comparison was
   agreed (after what their side signed of the agreement, by its log) and not before its day. Both eliminate:
   eliminated. Both identify: confirmed by a hit that says so. All else: inconclusive. Of two outcomes the one further
   down in ``RANK`` stands, and the other side's is shown as a dispute.
7. Feedback is a side's own word on a hit; its last counts.

Of one conclusion the first verification counts; of one side's steps the first ``MOST_STEPS``, of its hits the first
``MOST_HITS``.
What breaks a rule is kept, has no effect, and is shown with its reason (ADR 20).
A statement of before the field ``answers`` is given one here (``_implied``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property

from exchange.flows.hits.bases import Bases
from exchange.flows.hits.vocabulary import MOST_STEPS, RANK, NoEffect, Said, Stage, Weighed, begin_of
from schemas import (
    AnyStatement,
    Feedback,
    Hit,
    Pair,
    PhysicalComparison,
    Retraction,
)
from schemas.vocabulary import AfteConclusion, Basis, ComparisonStep, FeedbackOutcome, HitStage


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


def has_open_question(pair: Pair, said: Iterable[Said], side: str) -> bool:
    """Whether this side asked for a comparison, and nobody has declined."""
    weighing = _Weighing(pair, said)
    return any(ask.statement.issuer == side for name, ask in weighing.asks.items() if name not in weighing.over)


class _Weighing(Bases):
    """The rules in their order; each part is worked out once, from those before it."""

    def __init__(self, pair: Pair, said: Iterable[Said]) -> None:
        super().__init__(pair, said)
        self._agreed_for: dict[str, Said | None] = {}

    # 3.
    @cached_property
    def steps(self) -> dict[str, Said]:
        """Those of the two sides, of each the first of its log."""
        found: dict[str, Said] = {}
        counted: Counter[str] = Counter()
        for said, step in self._all(PhysicalComparison):
            counted[step.issuer] += 1
            too_many = NoEffect.TOO_MANY if counted[step.issuer] > MOST_STEPS else None
            if self._noted(said, self._why_not_a_side(step.issuer) or too_many) is None:
                found[said.statement_id] = said
        return found

    @cached_property
    def asks(self) -> dict[str, Said]:
        return {
            said.statement_id: said
            for said in self._steps(ComparisonStep.ASKED)
            if self._noted(said, self._why_no_step(said.statement)) is None
        }

    def _why_no_step(self, step: AnyStatement) -> NoEffect | None:
        return None if getattr(step, "hit", None) in self.leads else NoEffect.NO_LEAD

    # 4.
    @cached_property
    def rounds(self) -> dict[str, tuple[str, int]]:
        """Each step that agreed: the question at its root, and how many agreements lead there."""
        found: dict[str, tuple[str, int]] = {}
        to_judge = {said.statement_id for said in self._steps(ComparisonStep.AGREED)}
        for said in self._steps(ComparisonStep.AGREED):
            path: list[Said] = []
            step: Said | None = said
            while step is not None and step.statement_id in to_judge:
                to_judge.remove(step.statement_id)
                path.append(step)
                step = self._target(step)
            for one in reversed(path):  # from the question on
                target = self._target(one)
                if self._noted(one, self._why_not_agreed(one, target, found)) is None and target is not None:
                    root, depth = found.get(target.statement_id, (target.statement_id, 0))
                    found[one.statement_id] = root, depth + 1
        return found

    def _why_not_agreed(self, said: Said, target: Said | None, found: Mapping[str, object]) -> NoEffect | None:
        if (why := self._why_no_step(said.statement)) is not None:
            return why
        if target is None:
            return NoEffect.NOT_HERE if getattr(said.statement, "answers", None) else NoEffect.NOT_ASKED
        if target.statement_id in found:
            return None
        if target.statement_id not in self.asks:
            return NoEffect.RESTS_ON_NONE
        own = target.statement.issuer == said.statement.issuer and len(self.sides) > 1
        return NoEffect.OWN_QUESTION if own else None

    @cached_property
    def in_force(self) -> dict[str, str]:
        """For each step that agreed, the one whose day holds where it stands: of the answers to a question the first;
        after that, each that agrees to the day which the other side named. Any other proposes a day."""
        found: dict[str, str] = {}
        answered: dict[str, str] = {}
        for name in sorted(self.rounds, key=self._depth_and_place):
            said, target = self.known[name], self._target(self.known[name])
            if len(self.sides) == 1:
                found[name] = name
            elif target is None or target.statement_id not in self.rounds:
                found[name] = answered.setdefault(self.rounds[name][0], name)
            elif self._agrees_to(said, target):
                found[name] = name
            else:
                found[name] = found[target.statement_id]
        return found

    def _agrees_to(self, said: Said, other: Said) -> bool:
        is_others = said.statement.issuer != other.statement.issuer
        return is_others and getattr(said.statement, "on", None) == getattr(other.statement, "on", None)

    @cached_property
    def agreements(self) -> list[Said]:
        """Those steps whose day holds, or held until a later one; the latest first."""
        names = sorted(set(self.in_force.values()), key=self._depth_and_place, reverse=True)
        return [self.known[name] for name in names]

    def _target(self, said: Said) -> Said | None:
        """What a step answers."""
        named = getattr(said.statement, "answers", None)
        return self.known.get(named or self._implied.get(said.statement_id, ""))

    @cached_property
    def _implied(self) -> dict[str, str]:
        """What steps of before ``answers`` answer, by their issuer's log alone. A decline takes back its issuer's own
        last step, if that still stood; otherwise the n-th answer of a side is to the n-th question of the other, and
        what is more, to its last. Where the other asked nothing, who agrees answers the other's last agreement on the
        own question, one to the same day before any."""
        found: dict[str, str] = {}
        for side in self.sides:
            questions = [ask for ask in self.asks.values() if ask.statement.issuer != side or len(self.sides) == 1]
            questions.sort(key=lambda one: one.place)
            answered, own = 0, ""
            for said in self.steps.values():
                step = said.statement
                if not isinstance(step, PhysicalComparison) or step.issuer != side or step.step is ComparisonStep.DONE:
                    continue
                if step.answers is None and step.step is not ComparisonStep.ASKED:
                    if step.step is ComparisonStep.DECLINED and own:
                        found[said.statement_id] = own
                    elif questions:
                        found[said.statement_id] = questions[min(answered, len(questions) - 1)].statement_id
                        answered += 1
                    elif (agreed := self._agreed_on_own(said)) is not None:
                        found[said.statement_id] = agreed
                own = "" if step.step is ComparisonStep.DECLINED else said.statement_id
        return found

    def _agreed_on_own(self, said: Said) -> str | None:
        """What one of before that agrees to its own question follows on: the other side's last agreement."""
        own = any(ask.statement.issuer == said.statement.issuer for ask in self.asks.values())
        if not own or not _is_step(said, ComparisonStep.AGREED):
            return None
        theirs = [
            one
            for one in self._steps(ComparisonStep.AGREED)
            if one.statement.issuer != said.statement.issuer and getattr(one.statement, "answers", None) is None
        ]
        last = max(theirs, key=lambda one: (self._agrees_to(said, one), one.place), default=None)
        return last.statement_id if last is not None else None

    # 5.
    @cached_property
    def declines(self) -> dict[str, str]:
        """Each step that declined: the question that it ends."""
        found = {}
        for said in self._steps(ComparisonStep.DECLINED):
            target = self._target(said)
            root = self._root(target) if target is not None else None
            why = self._why_no_step(said.statement) or (NoEffect.NOT_ASKED if root is None else None)
            if self._noted(said, why) is None and root is not None:
                found[said.statement_id] = root
        return found

    @cached_property
    def first_declines(self) -> dict[tuple[str, str], int]:
        """By question and issuer: where in its log the issuer declined first."""
        found: dict[tuple[str, str], int] = {}
        for declined, root in self.declines.items():
            said = self.known[declined]
            found.setdefault((root, said.statement.issuer), said.log_index)
        return found

    def _root(self, step: Said) -> str | None:
        if step.statement_id in self.asks:
            return step.statement_id
        return self.rounds.get(step.statement_id, (None, 0))[0]

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
        if isinstance(statement, Hit) and set(self._concluded(statement)) != {AfteConclusion.IDENTIFICATION}:
            return NoEffect.NOT_IDENTIFIED
        if self._is_taken_back(said):
            return NoEffect.TAKEN_BACK
        return self._why_not_compared(said)

    def _why_not_compared(self, said: Said) -> NoEffect | None:
        """Exhibits of one side need nobody's leave to meet."""
        step = self.agreed_for(said)
        if step is None:
            return NoEffect.NO_COMPARISON if len(self.sides) > 1 else None
        if self._declined_before(said, self._root(step)):
            return NoEffect.DECLINED
        if len(self.sides) > 1 and self._concluded_before(said, step):
            return NoEffect.BEFORE_AGREED
        day = getattr(step.statement, "on", None)
        early = day is not None and said.countersigned_at is not None and said.countersigned_at < begin_of(day)
        return NoEffect.BEFORE_THE_DAY if early else None

    def _concluded_before(self, said: Said, step: Said) -> bool:
        """Whether its examiners concluded before their own side spoke of the agreement: its own log alone tells."""
        part = self._part(said.statement.issuer, step)
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
        if named is not None and _is_step(named, ComparisonStep.DONE) and isinstance(said.statement, Hit):
            return self.agreed_for(named)
        if answers is None:
            open_to_it = (one for one in self.agreements if self._is_open_to(said, one))
            return next(open_to_it, self.agreements[0] if self.agreements else None)
        if answers not in self.in_force:
            return None
        own = (one for one in self.agreements if self._closed_before(said, one, self.rounds[answers][0]))
        return max(next(own, self.known[self.in_force[answers]]), self.known[self.in_force[answers]], key=self._depth)

    def _is_open_to(self, said: Said, step: Said) -> bool:
        part = self._part(said.statement.issuer, step)
        return not self._declined_before(said, self._root(step)) and part is not None and part.place < said.place

    def _closed_before(self, said: Said, step: Said, root: str) -> bool:
        """Whether its issuer itself had agreed to this day before, by its own log: it is bound by that."""
        own = step.statement.issuer == said.statement.issuer and step.place < said.place
        return own and self._root(step) == root

    def latest_for(self, said: Said) -> Said | None:
        """The last agreement on the same question, whoever closed it."""
        step = self.agreed_for(said)
        on_it = (one for one in self.agreements if step is not None and self._root(one) == self._root(step))
        return next(on_it, None)

    def _depth(self, step: Said) -> tuple[int, tuple[int, str]]:
        return self._depth_and_place(step.statement_id)

    def _depth_and_place(self, step: str) -> tuple[int, tuple[int, str]]:
        return self.rounds[step][1], self.known[step].place

    def _declined_before(self, said: Said, root: str | None) -> bool:
        """Whether its own issuer had declined before, by its own log."""
        first = self.first_declines.get((root or "", said.statement.issuer))
        return first is not None and first < said.log_index

    def _outcome(self, said: Said) -> Stage:
        if not isinstance(said.statement, PhysicalComparison):
            return Stage.CONFIRMED
        match set(self._concluded(said.statement)):
            case both if both == {AfteConclusion.ELIMINATION}:
                return Stage.ELIMINATED
            case both if both == {AfteConclusion.IDENTIFICATION}:
                return Stage.COMPARED
            case _:
                return Stage.INCONCLUSIVE

    # 7.
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
        return Weighed(stage, by, turn, on, proposed, self.feedback, disputed, dict(self.no_effect))

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
            return Stage.COMPARISON_AGREED, last.statement_id, self.sides, getattr(last.statement, "on", None)
        asked = [ask for name, ask in self.asks.items() if name not in over]
        if asked:
            return Stage.COMPARISON_ASKED, _last(asked).statement_id, self._others(asked), None
        declined = [self.known[name] for name in self.declines]
        if declined:
            return Stage.LEAD, _last(declined).statement_id, self._others([_last(declined)]), None
        first = min(self.standing_leads, key=lambda one: one.place)
        return Stage.LEAD, first.statement_id, self._others(self.standing_leads), None

    def _ended(self) -> tuple[Stage, str, tuple[str, ...], date | None]:
        stage = max(map(self._outcome, self.ends), key=RANK.index)
        by = min((said for said in self.ends if self._outcome(said) is stage), key=lambda one: one.place)
        turn: tuple[str, ...] = ()
        if stage is Stage.CONFIRMED:
            turn = tuple(side for side in self.sides if side not in self.feedback)
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
        return Stage.RETRACTED, _last(back).statement_id, (), None

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
        if isinstance(statement, Hit):
            return agreed if statement.stage is HitStage.CONFIRMED else None
        asked = [ask for name, ask in self.asks.items() if name not in over]
        others = [ask for ask in asked if ask.statement.issuer != statement.issuer or len(self.sides) == 1]
        match statement.step:
            case ComparisonStep.ASKED:
                return statement.hit
            case ComparisonStep.AGREED:
                return (
                    self._proposed(statement, agreed, live)
                    or last
                    or (_last(others or asked).statement_id if asked else None)
                )
            case ComparisonStep.DECLINED:
                return last or (_last(others or asked).statement_id if asked else None)
            case ComparisonStep.DONE:
                return agreed

    def _proposed(self, statement: PhysicalComparison, agreed: str | None, live: Iterable[str]) -> str | None:
        """The other side's proposal of this very day, if none was agreed since."""
        depth = self.rounds[agreed][1] if agreed is not None else 0
        agrees = Said("", statement, 0)
        theirs = [one for one in live if self.rounds[one][1] >= depth and self._agrees_to(agrees, self.known[one])]
        return max(theirs, key=self._depth_and_place, default=None)

    def _steps(self, step: ComparisonStep) -> list[Said]:
        return [said for said in self.steps.values() if _is_step(said, step)]


def _is_step(said: Said, step: ComparisonStep) -> bool:
    return isinstance(said.statement, PhysicalComparison) and said.statement.step is step


def _last(said: Iterable[Said]) -> Said:
    return max(said, key=lambda one: one.place)
