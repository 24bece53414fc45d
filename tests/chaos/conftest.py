"""The server of PostgreSQL of a test run, and the scans, as the tests of the exchange have them."""

from __future__ import annotations

from tests.exchange.conftest import postgresql, scans

__all__ = ["postgresql", "scans"]
