"""The server of PostgreSQL of a test run, and the scans, as the tests of the exchange have them."""

from __future__ import annotations

from tests.exchange.conftest import postgresql, scans
from tests.exchange.flows.conftest import careless_owner

__all__ = ["careless_owner", "postgresql", "scans"]
