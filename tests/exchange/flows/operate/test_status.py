"""What a node's status asks its database."""

from __future__ import annotations

from sqlalchemy import Engine, event

from exchange.flows.operate.status import node_status
from tests.exchange.flows.network import RS, Network


def test_no_table_of_singles_is_read_twice(network: Network) -> None:
    """Programs ask for the status all day: the peers, for one, were read nine times for each."""
    node = network.nodes[RS]
    node_status(node)
    asked: list[str] = []

    def note(*told: object) -> None:
        asked.append(str(told[2]))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        node_status(node)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    for table in ("peer", "log_state", "webhook", "log_start"):
        assert len([said for said in asked if f"FROM {table} " in " ".join(said.split()) + " "]) <= 1, table
