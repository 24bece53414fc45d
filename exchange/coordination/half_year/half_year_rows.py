"""What a half-year is counted from: rows and signed statements as they were known at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.coordination.half_year import counted
from exchange.coordination.half_year.counted import Compared, Given, Version
from exchange.coordination.half_year.half_years import Half
from exchange.flows.hits.stage import Entry, both_have
from exchange.flows.node.node import Node
from exchange.store.hits.joined_pairs import countersigned
from exchange.store.sync.node_hours import hours_between
from exchange.store.sync.peers import all_peers
from exchange.store.tables.queries import QueryRow
from exchange.store.tables.records import StatementRow
from exchange.store.tables.reviews import VerificationTaskRow
from exchange.store.tables.terms import ApprovalRow
from schemas import Hit, open_envelope, parse_statement
from schemas.kinds import OF_A_HIT

BETWEEN_TWO = ("hit", *sorted(OF_A_HIT), "retraction")
REVIEWING = (*BETWEEN_TWO, "conclusion", "verification", "withdrawal")


@dataclass(frozen=True)
class HalfYearRows:
    """``moment`` is the end of the half-year, or now while it lasts: nothing that came later is in here, so that the
    same half-year is counted the same at any later time. ``began_at``: None of a node without a log.

    ``partners`` has the jurisdiction of each peer that was enrolled by then. ``audited_since``: None when all audit
    rows are kept. ``hours``: by node, in how many it was asked and in how many it answered.
    """

    node_id: str
    jurisdiction: str
    half: Half
    moment: str
    began_at: str | None
    partners: Mapping[str, str]
    versions: tuple[Version, ...]
    said: tuple[Entry, ...]
    sent: tuple[Entry, ...]
    """Own hits by when this node signed them: also those that the other side read after the moment."""
    cases: Mapping[str, tuple[str, str]]
    given: tuple[Given, ...]
    audited_since: str | None
    compared: tuple[Compared, ...]
    tasks: tuple[VerificationTaskRow, ...]
    approvals: tuple[ApprovalRow, ...]
    queries: tuple[QueryRow, ...]
    hours: Mapping[str, tuple[int, int]]

    @property
    def columns(self) -> list[str]:
        """The codes of the partners, in their order."""
        return sorted(set(self.partners.values()) - {self.jurisdiction})

    def column(self, issuer: str) -> str | None:
        """The jurisdiction of a node; None of one that is no partner."""
        return self.jurisdiction if issuer == self.node_id else self.partners.get(issuer)

    def within(self, at: str | None) -> bool:
        """Whether it happened in the half-year, as far as it has come."""
        return self.half.holds(at) and at is not None and at < self.moment


def rows_of(session: Session, node: Node, half: Half) -> HalfYearRows:
    moment = min(half.end, stamp())
    entries = _reviewing(session, node)
    return HalfYearRows(
        node_id=node.node_id,
        jurisdiction=node.settings.jurisdiction,
        half=half,
        moment=moment,
        began_at=counted.begun_at(session, node.node_id),
        partners={peer.node_id: peer.jurisdiction for peer in all_peers(session) if peer.enrolled_at < moment},
        versions=tuple(counted.versions_before(session, moment)),
        said=tuple(sorted((entry for entry in entries if entry.at < moment), key=lambda entry: entry.at)),
        sent=tuple(
            entry
            for entry in entries
            if isinstance(entry.statement, Hit)
            and entry.statement.issuer == node.node_id
            and entry.received_at < moment
        ),
        cases=counted.cases_of(session),
        given=tuple(counted.given_before(session, node.node_id, moment)),
        audited_since=counted.audit_kept_since(session),
        compared=tuple(counted.compared_records(session, node.node_id)),
        tasks=tuple(counted.tasks_before(session, moment)),
        approvals=tuple(counted.approvals_before(session, moment)),
        queries=tuple(counted.queries_before(session, moment)),
        hours=hours_between(session, half.start[:10], half.end[:10]),
    )


def _reviewing(session: Session, node: Node) -> list[Entry]:
    """What both sides of a hit say to each other, by the time that both have; the rest by this node's own. An own one
    that the other side has not countersigned yet counts from when it was signed."""
    rows = counted.said_before(session, REVIEWING, stamp())
    shared = [row.statement_id for row in rows if row.type in BETWEEN_TWO]
    times = countersigned(session, node.node_id, shared)
    return [entry_of(row, times.get(row.statement_id)) for row in rows]


def entry_of(row: StatementRow, countersigned_at: str | None = None) -> Entry:
    statement = parse_statement(open_envelope(row.envelope or b"").payload)
    return Entry(row.statement_id, statement, row.received_at, row.log_index, both_have(statement, countersigned_at))


def asked_hours(rows: HalfYearRows) -> dict[str, tuple[int, int]]:
    """By node, this one first: in how many hours it was asked, and in how many of these it answered. Of this node: the
    hours since it began, and those in which it ran."""
    others = {node_id: rows.hours.get(node_id, (0, 0)) for node_id in sorted(rows.partners)}
    own = own_hours(rows)
    return {rows.node_id: (own, min(own, rows.hours.get(rows.node_id, (0, 0))[1])), **others}


def own_hours(rows: HalfYearRows) -> int:
    """The hours of the half-year that were touched since the node began; 0 when it never ran in it."""
    if rows.began_at is None or rows.began_at >= rows.moment or rows.node_id not in rows.hours:
        return 0
    since, until = (datetime.fromisoformat(at) for at in (max(rows.began_at, rows.half.start), rows.moment))
    first = since.replace(minute=0, second=0, microsecond=0)
    return -int(-(until - first).total_seconds() // 3600)
