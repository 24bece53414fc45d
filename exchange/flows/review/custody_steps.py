"""Which steps of an exhibit's way this side may sign now: each that would count, not the next one alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exchange import clock
from exchange.errors import Conflict
from exchange.flows.hits.history import Link
from exchange.flows.hits.rules import answered_by
from exchange.flows.hits.signing_checks import check_hit
from exchange.flows.hits.vocabulary import Custody, NoEffect, Stage, Todo, Whereabouts, local_day
from exchange.flows.node.node import Node
from exchange.flows.review.statements import UNANSWERED
from schemas import CONTRACT_VERSION, Maker, PhysicalComparison
from schemas.vocabulary import ComparisonStep

_TRIED: Final = "0" * 64
"""In the place of a nonce, and of a seal's number, of a step that is only tried."""


@dataclass(frozen=True)
class SignableStep:
    """A step that this side may sign of the exhibit of ``record``. ``answers``: the step that it follows on, None of an
    exhibit that leaves its owner, and ``left_under`` the seal of that one. ``is_next``: it is what the hit waits for;
    otherwise it may be signed beside that. ``refused``: it would be next, and why it cannot be signed."""

    step: ComparisonStep
    record: str
    answers: str | None
    is_next: bool
    left_under: str | None = None
    refused: NoEffect | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """Those that its maker states, or looks at."""
        received = ("place", "seal_whole") if self.step is ComparisonStep.RECEIVED else ()
        return ("on", "seal", *received)


def signable_steps(node: Node, maker: Maker, link: Link) -> list[SignableStep]:
    """What is received first, then what is returned, then what is sent; of each, by where the exhibits are.

    1. What is on its way here is received.
    2. What is here of the other side may go home at any time; it is next once nobody compares it any more.
    3. The own exhibit may be sent wherever the rules of hits let it count: also as the second of the two, and after one
       side confirmed. It is next where a comparison is agreed and neither travels.
    """
    under_way = [one for one in link.progress.custody if one.where is not Whereabouts.HOME]
    found = [
        _after(link, one, ComparisonStep.RECEIVED, is_next=True)
        for one in under_way
        if one.at is None and _receiver(one) == node.node_id
    ]
    returns = any((task.todo, task.node) == (Todo.RETURN, node.node_id) for task in link.progress.tasks)
    found += [
        _after(link, one, ComparisonStep.RETURNED, is_next=returns)
        for one in under_way
        if one.where is Whereabouts.THERE and one.other == node.node_id
    ]
    own = {side.record for side in (link.pair.a, link.pair.b) if side.issuer == node.node_id}
    if len(own) == 1 and not own & {one.record for one in under_way}:
        is_next = link.progress.stage is Stage.COMPARISON_AGREED and not under_way
        found += _sent(node, maker, link, own.pop(), is_next=is_next)
    return found


def _after(link: Link, custody: Custody, step: ComparisonStep, *, is_next: bool) -> SignableStep:
    last = next(entry for entry in link.history if entry.statement_id == custody.steps[-1])
    return SignableStep(step, custody.record, last.statement_id, is_next, getattr(last.statement, "seal", None))


def _receiver(custody: Custody) -> str:
    return custody.owner if custody.where is Whereabouts.ON_ITS_WAY_BACK else custody.other


def _sent(node: Node, maker: Maker, link: Link, record: str, *, is_next: bool) -> list[SignableStep]:
    """By trying it on the rules themselves; nothing is stored."""
    if link.progress.stage not in (Stage.COMPARISON_AGREED, Stage.CONFIRMED):
        return []
    tried = PhysicalComparison(
        contract=CONTRACT_VERSION,
        nonce=_TRIED,
        issuer=node.node_id,
        made_by=maker,
        stated_at=clock.stamp(),
        type="physical-comparison",
        hit=link.lead_id,
        step=ComparisonStep.SENT,
        on=local_day(),
        record=record,
        seal=_TRIED[:1],
        answers=UNANSWERED,
    )
    answers = answered_by(link.pair, (entry.said for entry in link.history), tried)
    refused = None
    try:
        with node.store.read() as session:
            check_hit(session, node, tried.model_copy(update={"answers": answers}), link.pair)
    except Conflict as error:
        if not is_next:
            return []
        refused = NoEffect(error.code)
    return [SignableStep(ComparisonStep.SENT, record, None, is_next=is_next, refused=refused)]
