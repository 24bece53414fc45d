"""The server of PostgreSQL of a test run, as the tests of the exchange have it."""

from __future__ import annotations

from tests.exchange.conftest import postgresql

__all__ = ["postgresql"]
