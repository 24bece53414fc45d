"""Cases that hits join, as the monitoring counts them: two cases once, however many pairs of scans join them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from exchange.config import Settings
from exchange.flows.monitoring_rows import Rows
from exchange.flows.stages import Entry, Progress, progress
from schemas import Feedback, Hit, Pair, PhysicalComparison, Retraction
from schemas.vocabulary import HitStage

Cases = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Joined:
    """Two cases, one of them this node's at least. ``column`` is the jurisdiction of the other. ``hits`` are those that
    stand; ``feedback`` is each of this node's own."""

    column: str
    hits: tuple[Entry, ...]
    feedback: tuple[Entry, ...]

    @property
    def first_at(self) -> str:
        return self.hits[0].at

    @property
    def confirmed_at(self) -> str | None:
        return next((hit.at for hit in self.hits if _is_confirmed(hit)), None)


def joined_cases(rows: Rows) -> list[Joined]:
    """Those that still stood joined at the moment, in the order in which they came to be."""
    retracted = {said.statement.retracts for said in rows.said if isinstance(said.statement, Retraction)}
    hits: dict[Cases, list[Entry]] = defaultdict(list)
    columns: dict[Cases, str] = {}
    cases_of_hit: dict[str, Cases] = {}
    for said in rows.said:
        column = column_of(rows, said.statement.pair) if isinstance(said.statement, Hit) else None
        if isinstance(said.statement, Hit) and column is not None and said.statement_id not in retracted:
            cases = _cases(rows, said.statement.pair)
            hits[cases].append(said)
            columns[cases] = column
            cases_of_hit[said.statement_id] = cases
    feedback: dict[Cases, list[Entry]] = defaultdict(list)
    for said in rows.said:
        told = said.statement
        if isinstance(told, Feedback) and told.issuer == rows.node_id and told.hit in cases_of_hit:
            feedback[cases_of_hit[told.hit]].append(said)
    return [Joined(columns[cases], tuple(found), tuple(feedback[cases])) for cases, found in hits.items()]


def column_of(rows: Rows, pair: Pair) -> str | None:
    """The jurisdiction of the side that is not this node's, this node's own when both are; None when neither is, or
    the other is no partner."""
    others = [side.issuer for side in (pair.a, pair.b) if side.issuer != rows.node_id]
    if len(others) == 2:
        return None
    return rows.column(others[0]) if others else rows.jurisdiction


def progress_of_hits(rows: Rows, terms: Settings) -> list[tuple[str, Progress]]:
    """How far each pair of scans that is a hit was at the moment, with its column; as the pages say it."""
    named = {said.statement_id: said for said in rows.said}
    histories: dict[Pair, dict[str, Entry]] = defaultdict(dict)
    pair_of_hit = {said.statement_id: said.statement.pair for said in rows.said if isinstance(said.statement, Hit)}
    for said in rows.said:
        pair = _pair_of(said, pair_of_hit)
        if pair is None:
            continue
        history = histories[pair]
        history[said.statement_id] = said
        conclusion = getattr(said.statement, "conclusion", None)
        if isinstance(conclusion, str) and conclusion in named:
            history.setdefault(conclusion, named[conclusion])
    found = []
    for pair, history in histories.items():
        column = column_of(rows, pair)
        ordered = sorted(history.values(), key=lambda entry: (entry.at, entry.statement.issuer, entry.log_index))
        if column is not None:
            found.append((column, progress(ordered, terms)))
    return found


def _pair_of(said: Entry, pair_of_hit: Mapping[str, Pair]) -> Pair | None:
    """The pair of a hit, or of what speaks of one."""
    match said.statement:
        case Hit() as hit:
            return hit.pair
        case Feedback() | PhysicalComparison() as about:
            return pair_of_hit.get(about.hit)
        case Retraction() as back:
            return pair_of_hit.get(back.retracts)
        case _:
            return None


def _cases(rows: Rows, pair: Pair) -> Cases:
    """A record that is gone stands for a case of its own."""
    return frozenset(rows.cases.get(side.record, (side.issuer, side.record)) for side in (pair.a, pair.b))


def _is_confirmed(hit: Entry) -> bool:
    return isinstance(hit.statement, Hit) and hit.statement.stage is HitStage.CONFIRMED
