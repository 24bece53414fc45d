"""Cases that hits join, as the monitoring counts them: two cases once, however many pairs of scans join them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from exchange.config import Settings
from exchange.coordination.half_year.half_year_rows import HalfYearRows
from exchange.flows.hits.stage import Entry, HitProgress, progress
from schemas import Conclusion, Feedback, Hit, Pair, Verification, about
from schemas.vocabulary import HitStage

Cases = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Joined:
    """Two cases, one of them this node's at least. ``column`` is the jurisdiction of the other, ``partner`` its node,
    None where both cases are this node's. ``hits`` are those that stand; ``feedback`` is each of this node's own."""

    column: str
    partner: str | None
    cases: Cases
    hits: tuple[Entry, ...]
    feedback: tuple[Entry, ...]

    @property
    def first_at(self) -> str:
        return self.hits[0].at

    @property
    def confirmed_at(self) -> str | None:
        return next((hit.at for hit in self.hits if _is_confirmed(hit)), None)


def joined_cases(rows: HalfYearRows, terms: Settings) -> list[Joined]:
    """Those that still stood joined at the moment, in the order in which they came to be: by hits that count."""
    hits: dict[Cases, list[Entry]] = defaultdict(list)
    feedback: dict[Cases, list[Entry]] = defaultdict(list)
    columns: dict[Cases, tuple[str, str | None]] = {}
    for pair, history in histories_of(rows).items():
        column, cases = column_of(rows, pair), _cases(rows, pair)
        counts_not = progress(history, terms).no_effect
        standing = [said for said in history if said.statement_id not in counts_not]
        found = [said for said in standing if isinstance(said.statement, Hit)]
        if column is not None and found:
            columns[cases] = column, partner_in(rows, pair)
            hits[cases] += found
            feedback[cases] += [said for said in standing if _is_own_feedback(rows, said, found)]
    joined = [
        Joined(*columns[cases], cases, _in_time(found), _in_time(feedback[cases])) for cases, found in hits.items()
    ]
    return sorted(joined, key=lambda item: (item.first_at, item.hits[0].statement_id))


def _is_own_feedback(rows: HalfYearRows, said: Entry, hits: Sequence[Entry]) -> bool:
    told = said.statement
    if not isinstance(told, Feedback) or told.issuer != rows.node_id:
        return False
    return told.hit in {hit.statement_id for hit in hits}


def _in_time(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: (entry.at, entry.statement_id)))


def column_of(rows: HalfYearRows, pair: Pair) -> str | None:
    """The jurisdiction of the side that is not this node's, this node's own when both are; None when neither is, or
    the other is no partner."""
    others = [side.issuer for side in (pair.a, pair.b) if side.issuer != rows.node_id]
    if len(others) == 2:
        return None
    return rows.column(others[0]) if others else rows.jurisdiction


def partner_in(rows: HalfYearRows, pair: Pair) -> str | None:
    """The node of the side that is not this one's; None where both are."""
    return next((side.issuer for side in (pair.a, pair.b) if side.issuer != rows.node_id), None)


def progress_of_hits(rows: HalfYearRows, terms: Settings) -> list[tuple[str, HitProgress]]:
    """How far each pair of scans that is a hit was at the moment, with its column; as the pages say it."""
    found = ((column_of(rows, pair), history) for pair, history in histories_of(rows).items())
    return [(column, progress(history, terms)) for column, history in found if column is not None]


def histories_of(rows: HalfYearRows) -> dict[Pair, list[Entry]]:
    """All that was said of each pair of which there is a hit."""
    pairs: dict[str, Pair] = {}
    for said in rows.said:
        if isinstance(said.statement, Hit | Conclusion | Verification):
            pairs[said.statement_id] = said.statement.pair
    histories: dict[Pair, list[Entry]] = {
        said.statement.pair: [] for said in rows.said if isinstance(said.statement, Hit)
    }
    for said in rows.said:
        pair = pairs.get(said.statement_id) or pairs.get(about(said.statement) or "")
        if pair in histories:
            histories[pair].append(said)
    return histories


def _cases(rows: HalfYearRows, pair: Pair) -> Cases:
    """A record that is gone stands for a case of its own."""
    return frozenset(rows.cases.get(side.record, (side.issuer, side.record)) for side in (pair.a, pair.b))


def _is_confirmed(hit: Entry) -> bool:
    return isinstance(hit.statement, Hit) and hit.statement.stage is HitStage.CONFIRMED
