"""Approved documents of the coordination are compared with the approvals: each column of each table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from exchange.clock import now
from exchange.coordination.approved_document import approve_document
from exchange.coordination.approved_rows import ApprovedKind, Editions
from exchange.coordination.half_year.editions import editions
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.maturity.maturity_snapshot import write_snapshot
from exchange.coordination.maturity.practices_here import maturity_of
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
    "approved_document.kind": "The document says it, whose digest is signed.",
    "approved_document.period": "The document says it, whose digest is signed.",
    "approved_document.approved_at": CLOCK,
}
COLUMNS = signed_columns("exchange.coordination", {*NOT_SIGNED_TABLES, *NOT_SIGNED})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = live(tmp_path_factory.mktemp("world"), further=approve_all)
    yield made
    made.close()


def approve_all(node: Node) -> None:
    """These nodes are too young for a report and an annex of their own."""
    _pack_inputs(node)
    owner = (node.node_id, node.settings.jurisdiction)
    for kind in (ApprovedKind.REPORT, ApprovedKind.ANNEX):
        both = editions(kind, "2025H2", *owner, b"for everybody", b"for focal points")
        approve_document(node, HEAD, kind, "2025H2", both, "Read.")
    snapshot = Editions(write_snapshot(Half(2025, 2), maturity_of(node)))
    approve_document(node, HEAD, ApprovedKind.SNAPSHOT, "2025H2", snapshot, "As the node saw it.")


def _pack_inputs(node: Node) -> None:
    half = Half.of(now())
    approve_inputs(node, HEAD, half, draft_inputs(node, half).sha256, "Read.")


def test_an_altered_edition_is_named_on_either_engine(tmp_path: Path, databases: Databases) -> None:
    made = live(tmp_path, databases, approve_all)
    try:
        node = made.nodes[RS]
        assert findings(node) == []
        with node.store.write() as session:
            done = session.connection().execute(text("update approved_document set public = restricted"))
            assert done.rowcount > 0
        assert "approved_document" in {finding.subject.split()[0] for finding in findings(node)}
    finally:
        made.close()


@pytest.mark.sqlite
@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=[".".join(names) for names in COLUMNS])
def test_an_altered_column_of_coordination_is_named(world: Network, table: str, column: str) -> None:
    alter_and_find(world, table, column)
