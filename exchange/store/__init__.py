"""Rows in, rows out. All tables are known as soon as anything of this package is imported."""

from exchange.store import tables

__all__ = ["tables"]
