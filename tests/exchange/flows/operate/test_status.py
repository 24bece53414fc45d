"""What a node's status asks its database."""

from __future__ import annotations

from exchange.flows.operate.status import node_status
from tests.exchange.counted_sql import counted_sql
from tests.exchange.flows.network import RS, Network


def test_no_table_of_singles_is_read_twice(network: Network) -> None:
    """Programs ask for the status all day: the peers, for one, were read nine times for each."""
    node = network.nodes[RS]
    node_status(node)
    with counted_sql() as statements:
        node_status(node)
    for table in ("peer", "log_state", "webhook", "log_start"):
        reads = [statement for statement in statements if f"FROM {table} " in statement + " "]
        assert len(reads) <= 1, (table, reads)
