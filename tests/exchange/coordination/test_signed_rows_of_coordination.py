"""Approved documents of the coordination are compared with the approvals: each column of each table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from exchange.clock import now, stamp
from exchange.coordination.approved_document import NewApproval, approve_document
from exchange.coordination.half_year.counted import keep_report
from exchange.coordination.half_year.editions import editions
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.report_tables import MonitoringEditionRow, MonitoringReportRow
from exchange.coordination.incidents.incident_counts import IncidentCounts
from exchange.coordination.incidents.incident_document import (
    AnnexHead,
    ExactAnnex,
    told_edition,
    write_annex_manifest,
    write_exact,
    write_told,
)
from exchange.coordination.incidents.incident_tables import IncidentAnnexRow, keep_annex
from exchange.coordination.maturity.maturity_snapshot import write_snapshot
from exchange.coordination.maturity.practices_here import maturity_of
from exchange.coordination.maturity.snapshot_tables import MaturitySnapshotRow, add_snapshot
from exchange.coordination.meetings.pack.approve_inputs import approve_inputs, draft_inputs
from exchange.flows.node.node import Node
from tests.exchange.databases import SLOW_ON_POSTGRESQL, Databases, databases_fixture
from tests.exchange.flows.integrity.at_rest_world import HEAD, live
from tests.exchange.flows.integrity.test_signed_rows import CLOCK, alter_and_find, findings, signed_columns
from tests.exchange.flows.network import RS, Network

pytestmark = pytest.mark.slow

databases = databases_fixture("sqlite", SLOW_ON_POSTGRESQL)

NOT_SIGNED_TABLES = {
    "draft_step": "Nobody approved or published it yet. What is handed out stands in the annex or the law statement.",
    "meeting": "What a person entered; what is handed out of it stands in the pack inputs, whose digest is signed.",
    "meeting_attendance": "The same as for a meeting.",
}
NOT_SIGNED = {
    "monitoring_report.half": "The document says it, whose digest is signed.",
    "monitoring_report.approved_at": CLOCK,
    "incident_annex.half": "The manifest says it, whose digest is signed.",
    "incident_annex.approved_at": CLOCK,
    "pack_inputs.half": "The document says it, whose digest is signed.",
    "pack_inputs.approved_at": CLOCK,
    "maturity_snapshot.half": "The document says it, whose digest is signed.",
    "maturity_snapshot.kept_at": CLOCK,
}
COLUMNS = signed_columns("exchange.coordination", {*NOT_SIGNED_TABLES, *NOT_SIGNED})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = live(tmp_path_factory.mktemp("world"), further=approve_all)
    yield made
    made.close()


def approve_all(node: Node) -> None:
    for approve in (_pack_inputs, _report, _annex, _snapshot):
        approve(node)


def _report(node: Node) -> None:
    """As ``approve_report`` keeps one; these nodes are too young for a half-year of their own."""
    both = editions("2025H2", node.node_id, node.settings.jurisdiction, b"for everybody", b"for focal points")

    def keep(session: Session, new: NewApproval) -> None:
        row = MonitoringReportRow(half="2025H2", document=both.manifest, **vars(new))
        keep_report(session, row, MonitoringEditionRow(period=row.half, public=both.public, restricted=both.restricted))

    approve_document(node, HEAD, both.manifest, "Read.", keep)


def _annex(node: Node) -> None:
    """As ``approve_annex`` keeps one."""
    head = AnnexHead(Half(2025, 2), node.node_id, node.settings.jurisdiction, 5)
    exact = ExactAnnex(head, "ab" * 32, IncidentCounts())
    both = {
        "exact": write_exact(exact, node.jurisdictions),
        "told": write_told(told_edition(exact), node.jurisdictions),
    }
    manifest = write_annex_manifest(head, both["exact"], both["told"])

    def keep(session: Session, new: NewApproval) -> None:
        keep_annex(session, IncidentAnnexRow(half="2025H2", manifest=manifest, **both, **vars(new)))

    approve_document(node, HEAD, manifest, "Read.", keep)


def _snapshot(node: Node) -> None:
    """As ``keep_snapshot`` keeps one, likewise."""
    document = write_snapshot(Half(2025, 2), maturity_of(node))

    def keep(session: Session, new: NewApproval) -> None:
        columns = {"sha256": new.sha256, "approval": new.approval, "kept_by": new.approved_by, "kept_at": stamp()}
        add_snapshot(session, MaturitySnapshotRow(half="2025H2", document=document, **columns))

    approve_document(node, HEAD, document, "As the node saw it.", keep)


def _pack_inputs(node: Node) -> None:
    half = Half.of(now())
    approve_inputs(node, HEAD, half, draft_inputs(node, half).sha256, "Read.")


def test_an_altered_edition_is_named_on_either_engine(tmp_path: Path, databases: Databases) -> None:
    made = live(tmp_path, databases, approve_all)
    try:
        node = made.nodes[RS]
        assert findings(node) == []
        with node.store.write() as session:
            done = session.connection().execute(text("update monitoring_edition set public = restricted"))
            assert done.rowcount > 0
        assert "monitoring_edition" in {finding.subject.split()[0] for finding in findings(node)}
    finally:
        made.close()


@pytest.mark.sqlite
@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=[".".join(names) for names in COLUMNS])
def test_an_altered_column_of_coordination_is_named(world: Network, table: str, column: str) -> None:
    alter_and_find(world, table, column)
