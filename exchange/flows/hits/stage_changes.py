"""Once after the upgrade: which hits had another stage, or another day, by the rule of before, for the head to be told.

Before, statements were followed in the order in which they arrived, and one that broke a rule counted all the same.
That rule stands here for this list alone. Reports that were approved stay as they are (``flows/monitoring/report.py``).
"""

from __future__ import annotations

from collections.abc import Sequence

from exchange.flows.hits.history import links_of
from exchange.flows.hits.stage import Entry, HitProgress
from exchange.flows.hits.vocabulary import Stage
from exchange.flows.node.node import Node
from exchange.store.hits.joined_pairs import (
    ALL_LOOKED_AT,
    all_looked_at,
    all_pairs,
    keep_stage_change,
    note_stage_changes_read,
)
from exchange.store.long_lists import AT_ONCE
from schemas import Conclusion, Hit, PhysicalComparison, Retraction
from schemas.review import CUSTODY
from schemas.vocabulary import AfteConclusion, ComparisonStep, HitStage

LOOKED_AT = "all were looked at"


def list_stage_changes(node: Node) -> None:
    """Compare both rules over every hit that is here, the first time that this release runs."""
    with node.store.read() as session:
        if all_looked_at(session):
            return
        changed = []
        pairs = [row.pair for row in all_pairs(session, without=())]
        for start in range(0, len(pairs), AT_ONCE):
            for link in links_of(session, node, pairs[start : start + AT_ONCE]):
                before, after = state_before(link.history), state_now(link.progress)
                if before != after:
                    changed.append((link.link_id, before, after))
    with node.store.write() as session:
        for link_id, before, after in changed:
            keep_stage_change(session, link_id, before, after)
        keep_stage_change(session, ALL_LOOKED_AT, LOOKED_AT, LOOKED_AT)


def note_changes_read(node: Node) -> None:
    """The head has seen the list."""
    with node.store.write() as session:
        note_stage_changes_read(session)


def state_now(found: HitProgress) -> str:
    """The stage, and after it the day that was agreed for the comparison."""
    return f"{found.stage} {found.on}" if found.on is not None else str(found.stage)


def state_before(history: Sequence[Entry]) -> str:
    """By the order of arrival, whoever said what."""
    arrived = sorted(history, key=lambda entry: (entry.received_at, entry.statement.issuer, entry.log_index))
    retracted = {entry.statement.retracts for entry in history if isinstance(entry.statement, Retraction)}
    concluded = {entry.statement_id: entry.statement for entry in history if isinstance(entry.statement, Conclusion)}
    stage, standing = str(Stage.LEAD), False
    for entry in arrived:
        if entry.statement_id in retracted:
            continue
        match entry.statement:
            case Hit() as said:
                stage, standing = Stage.CONFIRMED if said.stage is HitStage.CONFIRMED else Stage.LEAD, True
            case PhysicalComparison() as said if standing and said.step not in CUSTODY:
                stage = _state_after(said, concluded)
            case _:
                pass
    return stage if standing else Stage.RETRACTED


def _state_after(said: PhysicalComparison, concluded: dict[str, Conclusion]) -> str:
    match said.step:
        case ComparisonStep.ASKED:
            return Stage.COMPARISON_ASKED
        case ComparisonStep.AGREED:
            return f"{Stage.COMPARISON_AGREED} {said.on}"
        case ComparisonStep.DECLINED:
            return Stage.LEAD
        case _:
            first = concluded.get(said.conclusion or "")
            apart = first is not None and first.result.conclusion is AfteConclusion.ELIMINATION
            return Stage.ELIMINATED if apart else Stage.INCONCLUSIVE
