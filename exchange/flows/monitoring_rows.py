"""What a half-year is counted from: rows and signed statements as they were known at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.flows.monitoring_half import Half
from exchange.flows.node import Node
from exchange.flows.stages import Entry
from exchange.store import monitoring
from exchange.store.monitoring import Compared, Given, Version
from exchange.store.peers import all_peers
from exchange.store.review_tables import VerificationTaskRow
from exchange.store.tables import ApprovalRow, QueryRow, StatementRow
from schemas import open_envelope, parse_statement

REVIEWING = ("hit", "conclusion", "verification", "physical-comparison", "feedback", "retraction", "withdrawal")


@dataclass(frozen=True)
class Rows:
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


def rows_of(session: Session, node: Node, half: Half) -> Rows:
    moment = min(half.end, stamp())
    return Rows(
        node_id=node.node_id,
        jurisdiction=node.settings.jurisdiction,
        half=half,
        moment=moment,
        began_at=monitoring.begun_at(session, node.node_id),
        partners={peer.node_id: peer.jurisdiction for peer in all_peers(session) if peer.enrolled_at < moment},
        versions=tuple(monitoring.versions_before(session, moment)),
        said=tuple(entry_of(row) for row in monitoring.said_before(session, REVIEWING, moment)),
        cases=monitoring.cases_of(session),
        given=tuple(monitoring.given_before(session, node.node_id, moment)),
        audited_since=monitoring.audit_kept_since(session),
        compared=tuple(monitoring.compared_records(session, node.node_id)),
        tasks=tuple(monitoring.tasks_before(session, moment)),
        approvals=tuple(monitoring.approvals_before(session, moment)),
        queries=tuple(monitoring.queries_before(session, moment)),
        hours=monitoring.hours_between(session, half.start[:10], half.end[:10]),
    )


def entry_of(row: StatementRow) -> Entry:
    statement = parse_statement(open_envelope(row.envelope or b"").payload)
    return Entry(row.statement_id, statement, row.received_at, row.log_index)
