"""The half-year so far in four figures, for the first page of whoever heads the node. The report has all of them,
counted by its own definitions and held back where they are small: these stay here."""

from __future__ import annotations

from dataclasses import dataclass

from exchange.clock import now
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year_report.glance_counts import count_decided, count_entered, stages_of_hits
from exchange.flows.hits.vocabulary import CLOSED, Stage
from exchange.flows.node.node import Node


@dataclass(frozen=True)
class HalfYearSoFar:
    """``entered`` and ``decided`` since the half-year began; ``open_hits`` and ``confirmed`` as they stand now."""

    half: Half
    entered: int
    decided: int
    open_hits: int
    confirmed: int


def half_year_so_far(node: Node) -> HalfYearSoFar:
    half = Half.of(now())
    with node.store.read() as session:
        stages = stages_of_hits(session)
        return HalfYearSoFar(
            half,
            count_entered(session, node.node_id, half.start),
            count_decided(session, half.start),
            sum(count for stage, count in stages.items() if stage not in CLOSED and stage != Stage.CONFIRMED),
            stages.get(Stage.CONFIRMED, 0),
        )
