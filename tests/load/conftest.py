"""Drawn scans, and the server of PostgreSQL of a test run, as the tests of the exchange have them."""

from __future__ import annotations

from tests.exchange.conftest import postgresql, scans

__all__ = ["postgresql", "scans"]
