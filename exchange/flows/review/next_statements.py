"""What one person may sign next of a hit: each as the draft that ``speak`` takes, with all that is known filled in.

A draft is offered where ``speak`` would sign it now, by the very same checks. While it is checked, a value that fits
stands in place of each field that its maker is still to state.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy.orm import Session

from exchange.flows.hits.history import Link
from exchange.flows.hits.rules import stated_outcome
from exchange.flows.hits.sides import other_side, own_hit
from exchange.flows.hits.signing_checks import can_conclude_on_exhibits
from exchange.flows.hits.vocabulary import CLOSED, Stage, Whereabouts, local_day
from exchange.flows.node.node import Node
from exchange.flows.review.custody_steps import SignableStep, signable_steps
from exchange.flows.review.reviews import Review
from exchange.flows.review.statements import may_say, may_take_back, would_sign
from exchange.flows.review.visible_hits import VisibleHit
from schemas import Maker, PhysicalComparison
from schemas.vocabulary import AfteConclusion, Answer, Basis, ComparisonStep, FeedbackOutcome, HitStage, Role

NO_MORE_ASKED: Final = frozenset({*CLOSED, Stage.COMPARED, Stage.CONFIRMED})
"""Nobody asks for a comparison any more."""


@dataclass(frozen=True)
class NextStatement:
    """``draft`` is without the fields of ``missing``, which its maker states; a dot leads into a field. ``expected``:
    fields that are filled in with what is to be expected; the maker looks, and states what is found. ``optional``: what
    may be stated too."""

    draft: Mapping[str, Any]
    missing: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


def next_statements(node: Node, maker: Maker, found: VisibleHit) -> list[NextStatement]:
    """What this person may sign now in this role: of an exhibit that travels, of the comparison, of the exhibits, and
    what may be said at any time. Another day that the other side proposes is answered before anything travels."""
    with node.store.read() as session:
        of_exhibits = (*_explanations(node, found.link), *_of_custody(node, maker, found.link))
        of_comparison = _of_comparison(node, found.link)
        proposed = other_side(node.node_id, found.link) in found.link.progress.proposed
        offered = [
            *((*of_comparison, *of_exhibits) if proposed else (*of_exhibits, *of_comparison)),
            *_on_exhibits(session, node, maker, found),
            *_at_any_time(node, maker, found.link),
        ]
        return [one for one in offered if _may_be_signed(session, node, maker, one)]


def end_of_comparison(link: Link, review: Review) -> dict[str, Any]:
    """What both examiners who concluded on the exhibits make of the hit: an identification confirms it, all else ends
    the way. Raises ValueError where no other examiner has verified."""
    if review.verified is None:
        raise ValueError("no other examiner has verified it")
    rests_on = {"conclusion": review.statement_id, "verification": review.verified.statement_id}
    if both_identified(review):
        pair = link.pair.model_dump(mode="json")
        return {"type": "hit", "pair": pair, "stage": HitStage.CONFIRMED, "basis": Basis.EXHIBITS, **rests_on}
    return {"type": "physical-comparison", "hit": link.lead_id, "step": ComparisonStep.DONE, **rests_on}


def both_identified(review: Review) -> bool:
    """Whether two examiners concluded on the exhibits that one firearm fired both."""
    second = review.verified
    return second is not None and (
        review.said.result.conclusion is second.said.result.conclusion is AfteConclusion.IDENTIFICATION
    )


def concludes_on_exhibits(node_id: str, role: Role, link: Link) -> bool:
    """Whether examiners of this side still conclude on the exhibits of this hit."""
    stage = link.progress.stage
    signed = stage is Stage.CONFIRMED and node_id not in link.progress.unsigned
    return role is Role.EXAMINER and stage not in CLOSED and not signed


def _may_be_signed(session: Session, node: Node, maker: Maker, offered: NextStatement) -> bool:
    if not may_say(offered.draft["type"], maker.role):
        return False
    tried = completed(offered.draft, {name: _fitting(name) for name in offered.missing})
    return would_sign(session, node, maker, json.dumps(tried).encode())


def completed(draft: Mapping[str, Any], stated: Mapping[str, str]) -> dict[str, Any]:
    """The draft with the fields of ``missing`` that its maker stated."""
    found = dict(draft)
    for name, value in stated.items():
        outer, _, inner = name.rpartition(".")
        found |= {outer: {**found[outer], inner: value}} if outer else {name: value}
    return found


def _fitting(name: str) -> str:
    """A value for a field that its maker is still to state: no check of a hit depends on it."""
    match name:
        case "on":
            return str(local_day())
        case "seal_whole":
            return Answer.YES
        case "outcome":
            return FeedbackOutcome.NO_USE
        case "result.conclusion":
            return AfteConclusion.INCONCLUSIVE_A
        case _:
            return "-"


def _of_custody(node: Node, maker: Maker, link: Link) -> Iterator[NextStatement]:
    for may in signable_steps(node, maker, link):
        if may.refused is None:
            yield _moved(link, may)


def _explanations(node: Node, link: Link) -> Iterator[NextStatement]:
    """Of each custody discrepancy of an exhibit of this side; and of one that was sent and whose arrival nobody signed
    yet."""
    stopping = {one.step for one in link.progress.unexplained}
    for one in link.progress.custody:
        without_arrival = one.steps[-1:] if one.where is Whereabouts.ON_ITS_WAY else ()
        steps = dict.fromkeys((*one.discrepancies, *without_arrival))
        for step in sorted(steps, key=lambda step: step not in stopping):
            if one.owner == node.node_id and step not in one.explanations:
                draft = {"type": "custody-explanation", "hit": link.lead_id, "explains": step}
                yield NextStatement(draft, missing=("explanation",))


def _moved(link: Link, may: SignableStep) -> NextStatement:
    expected = may.left_under if may.step is ComparisonStep.RECEIVED else None
    draft = _step(link, may.step, record=may.record, on=str(local_day()), seal=expected, answers=may.answers)
    return NextStatement(
        draft,
        missing=tuple(name for name in may.fields if name not in draft),
        expected=tuple(name for name in may.fields if name in draft),
        optional=("remark",),
    )


def _of_comparison(node: Node, link: Link) -> Iterator[NextStatement]:
    sides = {link.pair.a.issuer, link.pair.b.issuer}
    if link.progress.stage in NO_MORE_ASKED or sides <= stated_outcome(link.progress.feedback):
        return
    if link.progress.stage is Stage.LEAD:
        yield NextStatement(_step(link, ComparisonStep.ASKED), optional=("on", "place", "remark"))
        return
    yield _agreed(node, link)
    yield NextStatement(_step(link, ComparisonStep.DECLINED), optional=("remark",))


def _agreed(node: Node, link: Link) -> NextStatement:
    """To the day that the other side named, where it named one that is still to come; else to another one."""
    day, place = named_day(node.node_id, link)
    if day is None or day < local_day():
        return NextStatement(_step(link, ComparisonStep.AGREED), missing=("on",), optional=("place", "remark"))
    draft = _step(link, ComparisonStep.AGREED, on=str(day), place=place)
    expected = tuple(name for name in ("on", "place") if name in draft)
    optional = ("remark",) if place else ("place", "remark")
    return NextStatement(draft, expected=expected, optional=optional)


def named_day(node_id: str, link: Link) -> tuple[date | None, str | None]:
    """When and where the other side last asked for, or proposes in place of the day that was agreed."""
    proposed = link.progress.proposed.get(other_side(node_id, link) or "")
    if link.progress.stage is Stage.COMPARISON_AGREED and proposed is None:
        return None, None
    one_side = link.pair.a.issuer == link.pair.b.issuer
    named = [
        step
        for entry in link.history
        if isinstance(step := entry.statement, PhysicalComparison)
        and step.step in (ComparisonStep.ASKED, ComparisonStep.AGREED)
        and entry.statement_id not in link.progress.no_effect
        and (one_side or step.issuer != node_id)
        and proposed in (None, step.on)
    ]
    return (named[-1].on, named[-1].place) if named else (None, None)


def _on_exhibits(session: Session, node: Node, maker: Maker, found: VisibleHit) -> Iterator[NextStatement]:
    """What two examiners concluded that can be signed; where there is nothing of that, and none waits for another
    examiner or for the explanation of a custody discrepancy, a conclusion of one's own, once it can end the
    comparison."""
    link = found.link
    if not concludes_on_exhibits(node.node_id, maker.role, link):
        return
    verified = [NextStatement(end_of_comparison(link, review)) for review in found.reviews if review.verified]
    ends = [one for one in verified if _may_be_signed(session, node, maker, one)]
    yield from ends
    waits = any(review.verified is None for review in found.reviews)
    stopped = bool(verified) and bool(link.progress.unexplained)
    if not ends and not waits and not stopped and can_conclude_on_exhibits(link):
        pair = link.pair.model_dump(mode="json")
        draft = {"type": "conclusion", "pair": pair, "result": {"basis": Basis.EXHIBITS}}
        yield NextStatement(draft, missing=("result.conclusion",), optional=("remark",))


def _at_any_time(node: Node, maker: Maker, link: Link) -> Iterator[NextStatement]:
    yield NextStatement({"type": "feedback", "hit": link.lead_id}, missing=("outcome",), optional=("remark",))
    peer = other_side(node.node_id, link)
    if peer is not None:
        draft = {"type": "message", "to": peer, "about": link.lead_id}
        yield NextStatement(draft, missing=("text",), optional=("reference",))
    own = own_hit(node.node_id, link)
    if own is not None and may_take_back(own.statement.made_by, maker.pseudonym, maker.role):
        yield NextStatement({"type": "retraction", "retracts": own.statement_id}, missing=("reason",))


def _step(link: Link, step: ComparisonStep, **known: str | None) -> dict[str, Any]:
    """A step of the comparison, with what is known of it."""
    filled = {name: value for name, value in known.items() if value is not None}
    return {"type": "physical-comparison", "hit": link.lead_id, "step": step, **filled}
