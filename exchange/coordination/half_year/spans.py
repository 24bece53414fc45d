"""How long each stage took: the hours of every span that ended in the half-year, to a hundredth."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from exchange.coordination.half_year.figure_definitions import STAGES
from exchange.coordination.half_year.figures_of_exhibits import compared_at, first_versions, opened_at
from exchange.coordination.half_year.figures_of_hits import Joined, column_of
from exchange.coordination.half_year.half_year_rows import HalfYearRows
from schemas import Conclusion, Feedback, Hit, Verification


def spans_of(rows: HalfYearRows, joined: Sequence[Joined]) -> dict[str, list[float]]:
    """Each span that ended in the half-year."""
    first = first_versions(rows)
    entered = {root: at for (issuer, root), at in first.items() if issuer == rows.node_id}
    compared = compared_at(rows)
    opened = opened_at(rows)
    concluded = {
        said.statement_id: said.at
        for said in rows.said
        if isinstance(said.statement, Conclusion) and said.statement.issuer == rows.node_id
    }
    hits = {
        said.statement_id: said
        for said in rows.said
        if isinstance(said.statement, Hit) and column_of(rows, said.statement.pair) not in (None, rows.jurisdiction)
    }
    spans: dict[str, list[tuple[str, str | None]]] = {
        "search": [(entered[root], at) for root, at in compared.items() if root in entered],
        "first_review": [(at, opened.get(root)) for root, at in compared.items()],
        "verification": [],
        "dissemination": [],
        "confirmation": [(item.first_at, item.confirmed_at) for item in joined],
        "feedback": [],
        "decision": [(row.asked_at, row.decided_at) for row in rows.approvals],
        "answer_given": [(row.at, row.answered_at) for row in rows.queries if row.asked == rows.node_id],
        "answer_received": [(row.at, row.answered_at) for row in rows.queries if row.asker == rows.node_id],
    }
    waiting = {statement_id: hit.at for statement_id, hit in hits.items()}
    for said in rows.said:
        match said.statement:
            case Verification() as second if second.verifies in concluded and _counts(rows, second):
                spans["verification"].append((concluded[second.verifies], said.at))
            case Feedback() as told if told.issuer == rows.node_id and told.hit in waiting:
                spans["feedback"].append((waiting.pop(told.hit), said.at))
            case _:
                pass
    for said in rows.sent:
        match said.statement:
            case Hit() as hit if hit.conclusion in concluded and column_of(rows, hit.pair) not in (
                None,
                rows.jurisdiction,
            ):
                spans["dissemination"].append((concluded[hit.conclusion], said.received_at))  # both by the own clock
            case _:
                pass
    return {
        name: [hours for since, until in spans[name] if (hours := _span(rows, since, until)) is not None]
        for name in STAGES
    }


def _counts(rows: HalfYearRows, second: Verification) -> bool:
    """Of this node, or of a partner that it asked."""
    return second.issuer == rows.node_id or second.request is not None


def _span(rows: HalfYearRows, since: str, until: str | None) -> float | None:
    if until is None or not rows.within(until):
        return None
    return max(0.0, round((datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds() / 3600, 2))
