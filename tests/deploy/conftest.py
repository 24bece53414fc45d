"""What the tests of deployment share with those of nodes."""

from __future__ import annotations

from tests.exchange.conftest import (
    _logs_where_pytest_keeps_them,
    _nodes_have_warm_processes,
    _what_a_test_left_is_spare,
    postgresql,
    scans,
)

__all__ = [
    "_logs_where_pytest_keeps_them",
    "_nodes_have_warm_processes",
    "_what_a_test_left_is_spare",
    "postgresql",
    "scans",
]
