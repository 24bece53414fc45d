"""What was asked, agreed and declined of a comparison: rules 3 to 5 of `exchange.flows.hits.rules`, over the set of
what was said of a pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property

from exchange.flows.hits.bases import Bases
from exchange.flows.hits.vocabulary import MOST_STEPS, NoEffect, Said
from schemas import AnyStatement, PhysicalComparison
from schemas.vocabulary import ComparisonStep


class Agreements(Bases):
    """Questions, and the days that the sides agreed on; each part is worked out once, from those before it."""

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
        return self.known.get(getattr(said.statement, "answers", None) or "")

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

    def _depth(self, step: Said) -> tuple[int, tuple[int, str]]:
        return self._depth_and_place(step.statement_id)

    def _depth_and_place(self, step: str) -> tuple[int, tuple[int, str]]:
        return self.rounds[step][1], self.known[step].place

    def _declined_before(self, said: Said, root: str | None) -> bool:
        """Whether its own issuer had declined before, by its own log."""
        first = self.first_declines.get((root or "", said.statement.issuer))
        return first is not None and first < said.log_index

    def _steps(self, step: ComparisonStep) -> list[Said]:
        return [said for said in self.steps.values() if is_step(said, step)]


def is_step(said: Said, step: ComparisonStep) -> bool:
    return isinstance(said.statement, PhysicalComparison) and said.statement.step is step


def last_of(said: Iterable[Said]) -> Said:
    return max(said, key=lambda one: one.place)
