"""Once after the upgrade: which hits had another stage by the rule of before, for the head to be told.

Before, statements were followed in the order in which they arrived, and one that broke a rule counted all the same.
That rule stands here for this list alone. Reports that were approved stay as they are (``flows/monitoring.py``).
"""

from __future__ import annotations

from collections.abc import Sequence

from exchange.flows.blind import Hidden
from exchange.flows.hit_stage import Stage
from exchange.flows.links import all_links, find_link
from exchange.flows.node import Node
from exchange.flows.stages import Entry
from exchange.store.hits import ALL_LOOKED_AT, all_looked_at, keep_stage_change
from schemas import Conclusion, Hit, PhysicalComparison, Retraction
from schemas.vocabulary import AfteConclusion, ComparisonStep, HitStage

LOOKED_AT = "all were looked at"


def list_stage_changes(node: Node) -> None:
    """Compare both rules over every hit that is here, the first time that this release runs."""
    with node.store.read() as session:
        if all_looked_at(session):
            return
        changed = []
        for known in all_links(session, Hidden()):
            link = find_link(session, node, known.link_id, Hidden())
            before = stage_before(link.history)
            if before is not link.progress.stage:
                changed.append((link.link_id, before, link.progress.stage))
    with node.store.write() as session:
        for link_id, before, after in changed:
            keep_stage_change(session, link_id, before, after)
        keep_stage_change(session, ALL_LOOKED_AT, LOOKED_AT, LOOKED_AT)


def stage_before(history: Sequence[Entry]) -> Stage:
    """By the order of arrival, whoever said what."""
    arrived = sorted(history, key=lambda entry: (entry.received_at, entry.statement.issuer, entry.log_index))
    retracted = {entry.statement.retracts for entry in history if isinstance(entry.statement, Retraction)}
    concluded = {entry.statement_id: entry.statement for entry in history if isinstance(entry.statement, Conclusion)}
    stage, standing = Stage.LEAD, False
    for entry in arrived:
        if entry.statement_id in retracted:
            continue
        match entry.statement:
            case Hit() as said:
                stage, standing = Stage.CONFIRMED if said.stage is HitStage.CONFIRMED else Stage.LEAD, True
            case PhysicalComparison() as said if standing:
                stage = _stage_after(said, concluded)
            case _:
                pass
    return stage if standing else Stage.RETRACTED


def _stage_after(said: PhysicalComparison, concluded: dict[str, Conclusion]) -> Stage:
    match said.step:
        case ComparisonStep.ASKED:
            return Stage.COMPARISON_ASKED
        case ComparisonStep.AGREED:
            return Stage.COMPARISON_AGREED
        case ComparisonStep.DECLINED:
            return Stage.LEAD
        case ComparisonStep.DONE:
            first = concluded.get(said.conclusion or "")
            apart = first is not None and first.conclusion is AfteConclusion.ELIMINATION
            return Stage.ELIMINATED if apart else Stage.INCONCLUSIVE
