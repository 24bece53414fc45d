"""The one step of an exhibit that travels which a side may sign next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from exchange.flows.hits.history import Link
from exchange.flows.hits.vocabulary import Custody, Owed, Stage, Whereabouts, local_day
from schemas.vocabulary import ComparisonStep


@dataclass(frozen=True)
class NextStep:
    """What a side may sign next of an exhibit, and what is known of it: today, and the seal that the exhibit left
    under. ``answers`` is what was shown: a step that came meanwhile is not signed over."""

    step: ComparisonStep
    record: str
    on: date
    expected: str | None
    answers: str | None

    @property
    def fields(self) -> tuple[str, ...]:
        """Those that its maker states, or looks at."""
        received = ("place", "seal_whole") if self.step is ComparisonStep.RECEIVED else ()
        return ("on", "seal", *received)


def custody_step(node_id: str, link: Link) -> NextStep | None:
    """The one step of an exhibit that this side may sign now; None where it is another's turn, or nothing travels."""
    under_way = {one.record: one for one in link.progress.custody if one.where is not Whereabouts.HOME}
    for one in under_way.values():
        receiver = one.owner if one.where is Whereabouts.ON_ITS_WAY_BACK else one.other
        if one.at is None and receiver == node_id:
            return _step_of(link, ComparisonStep.RECEIVED, one)
    returns = any((task.owed, task.node) == (Owed.RETURN, node_id) for task in link.progress.tasks)
    for one in under_way.values():
        if returns and one.at == node_id:
            return _step_of(link, ComparisonStep.RETURNED, one)
    own = [side.record for side in (link.pair.a, link.pair.b) if side.issuer == node_id]
    agreed = link.progress.stage is Stage.COMPARISON_AGREED
    if agreed and len(own) == 1 and not under_way:
        return NextStep(ComparisonStep.SENT, own[0], local_day(), None, None)
    return None


def _step_of(link: Link, step: ComparisonStep, custody: Custody) -> NextStep:
    last = next(entry for entry in link.history if entry.statement_id == custody.steps[-1])
    left_under = getattr(last.statement, "seal", None)
    expected = left_under if step is ComparisonStep.RECEIVED else None
    return NextStep(step, custody.record, local_day(), expected, custody.steps[-1])
