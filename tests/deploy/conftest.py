"""What the tests of deployment share with those of nodes."""

from __future__ import annotations

from tests.exchange.conftest import (
    _logs_where_pytest_keeps_them,
    _nodes_take_shortcuts,
    _what_a_test_left_is_spare,
    node_shortcuts,
    postgresql,
    scans,
)

__all__ = [
    "_logs_where_pytest_keeps_them",
    "_nodes_take_shortcuts",
    "_what_a_test_left_is_spare",
    "node_shortcuts",
    "postgresql",
    "scans",
]
