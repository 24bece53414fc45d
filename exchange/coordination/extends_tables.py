"""Imports the tables of the region's coordination, so that they are defined together with the node's tables."""

from exchange.coordination import approved_rows, draft_steps
from exchange.coordination.meetings import meeting_tables

__all__ = ["approved_rows", "draft_steps", "meeting_tables"]
