"""The exact counts of a half-year, for the node's own people. `small_counts` says what of them may leave the node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from exchange.clock import hours_after
from exchange.config import Settings
from exchange.coordination.half_year.figure_definitions import COUNTS, STAGES
from exchange.coordination.half_year.half_year_rows import (
    HalfYearRows,
    Joined,
    column_of,
    compared_at,
    first_versions,
    joined_cases,
    opened_at,
    progress_of_hits,
    shared_with,
)
from exchange.store.tables.query_tables import QueryRow
from exchange.store.tables.terms_tables import ApprovalRow
from schemas import Conclusion, Feedback, Hit, Retraction, Verification, Withdrawal
from schemas.vocabulary import Decision


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


Counts = Mapping[str, int | None]
"""By jurisdiction: this one's own, or the pair of it with a partner. None where there is no data, which is not 0."""


@dataclass(frozen=True)
class Counted:
    """``counts`` by the name of the indicator, ``hours`` by that of the stage: how long each of them took that ended in
    the half-year."""

    counts: Mapping[str, Counts]
    hours: Mapping[str, Sequence[float]]


def count(rows: HalfYearRows, terms: Settings, joined: Sequence[Joined] | None = None) -> Counted:
    """Count each indicator; ``joined``: the pairs of cases, where the caller has them. Of a half-year that was over
    before the node began there is no data."""
    joined = joined_cases(rows, terms) if joined is None else joined
    counts = {
        **_exhibits(rows),
        **_hits(rows, joined, terms),
        **_overdue(rows, terms),
        **_decisions(rows),
    }
    if rows.began_at is None or rows.began_at >= rows.moment:
        nothing: Counts = {rows.jurisdiction: None}
        return Counted(dict.fromkeys(COUNTS, nothing), {name: [] for name in STAGES})
    return Counted({name: counts[name] for name in COUNTS}, spans_of(rows, joined))


def _exhibits(rows: HalfYearRows) -> dict[str, Counts]:
    first = first_versions(rows)
    entered = [at for (issuer, _), at in first.items() if issuer == rows.node_id]
    compared = compared_at(rows)
    audited = rows.audited_since is None or rows.audited_since <= rows.half.start
    withdrawn = {
        said.statement.record
        for said in rows.said
        if isinstance(said.statement, Withdrawal)
        and said.statement.issuer == rows.node_id
        and said.statement.holder is None
        and rows.within(said.at)
    }
    concluded = [
        column_of(rows, said.statement.pair)
        for said in rows.said
        if isinstance(said.statement, Conclusion) and said.statement.issuer == rows.node_id and rows.within(said.at)
    ]
    return {
        "exhibits_entered": _own(rows, sum(rows.within(at) for at in entered)),
        "exhibits_searched": _own(rows, sum(rows.within(at) for at in compared.values())),
        "exhibits_shared": _by_partner(rows, shared_with(rows)) if audited else dict.fromkeys(rows.columns),
        "exhibits_received": _by_partner(
            rows, (rows.column(issuer) for (issuer, _), at in first.items() if rows.within(at))
        ),
        "queries_asked": _by_partner(
            rows, (rows.column(query.asked) for query in rows.queries if _asked_here(rows, query))
        ),
        "queries_received": _by_partner(
            rows, (rows.column(query.asker) for query in rows.queries if _asked_there(rows, query))
        ),
        "conclusions": _by_all(rows, concluded),
        "records_withdrawn": _own(rows, len(withdrawn)),
    }


def _hits(rows: HalfYearRows, joined: Sequence[Joined], terms: Settings) -> dict[str, Counts]:
    hits = {said.statement_id: said.statement for said in rows.said if isinstance(said.statement, Hit)}
    taken_back = [
        column_of(rows, hit.pair)
        for said in rows.said
        if isinstance(said.statement, Retraction) and rows.within(said.at)
        if (hit := hits.get(said.statement.retracts)) is not None and hit.issuer == said.statement.issuer
    ]
    due = [
        item
        for item in joined
        if item.column != rows.jurisdiction and rows.within(hours_after(item.first_at, terms.feedback_h))
    ]
    return {
        "leads": _by_all(rows, (item.column for item in joined if rows.within(item.first_at))),
        "confirmed_hits": _by_all(rows, (item.column for item in joined if rows.within(item.confirmed_at))),
        "hits_retracted": _by_all(rows, taken_back),
        "feedback_given": _by_partner(rows, (item.column for item in due if item.feedback)),
        "feedback_missing": _by_partner(rows, (item.column for item in due if not item.feedback)),
    }


def _overdue(rows: HalfYearRows, terms: Settings) -> dict[str, Counts]:
    """What was late at the moment, whenever it began."""
    opened = opened_at(rows)
    unopened = [
        at for root, at in compared_at(rows, across=True).items() if root not in opened or opened[root] >= rows.moment
    ]
    verifications = [
        task
        for task in rows.tasks
        if task.due_at < rows.moment and (task.done_at is None or task.done_at >= rows.moment)
    ]
    waiting = [
        column
        for column, found in progress_of_hits(rows, terms)
        if column != rows.jurisdiction
        and any(task.node == rows.node_id and task.due_at < rows.moment for task in found.tasks)
    ]
    undecided = [row for row in rows.approvals if row.decided_at is None or row.decided_at >= rows.moment]
    return {
        "overdue_first_reviews": _own(
            rows, sum(hours_after(at, terms.first_review_h) < rows.moment for at in unopened)
        ),
        "overdue_verifications": _own(rows, len(verifications)),
        "overdue_answers": _by_partner(rows, waiting),
        "overdue_approvals": _by_partner(rows, (row.jurisdiction for row in undecided if row.due_at < rows.moment)),
    }


def _decisions(rows: HalfYearRows) -> dict[str, Counts]:
    decided = [row for row in rows.approvals if rows.within(row.decided_at)]
    return {
        "releases_approved": _by_partner(rows, _of(decided, Decision.APPROVED)),
        "releases_refused": _by_partner(rows, _of(decided, Decision.REFUSED)),
    }


def _of(decided: Sequence[ApprovalRow], decision: Decision) -> list[str]:
    return [row.jurisdiction for row in decided if row.decision == decision]


def _asked_here(rows: HalfYearRows, query: QueryRow) -> bool:
    return query.asker == rows.node_id and rows.within(query.at)


def _asked_there(rows: HalfYearRows, query: QueryRow) -> bool:
    return query.asked == rows.node_id and rows.within(query.at)


def _own(rows: HalfYearRows, count: int) -> Counts:
    return {rows.jurisdiction: count}


def _by_partner(rows: HalfYearRows, found: Iterable[str | None]) -> Counts:
    counted = Counter(found)
    return {column: counted[column] for column in rows.columns}


def _by_all(rows: HalfYearRows, found: Iterable[str | None]) -> Counts:
    counted = Counter(found)
    return {column: counted[column] for column in (rows.jurisdiction, *rows.columns)}
