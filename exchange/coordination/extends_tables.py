"""Imports the tables of the region's coordination, so that they are defined together with the node's tables."""

from exchange.coordination import draft_steps
from exchange.coordination.half_year import report_tables
from exchange.coordination.incidents import incident_tables
from exchange.coordination.maturity import snapshot_tables
from exchange.coordination.meetings import meeting_tables

__all__ = ["draft_steps", "incident_tables", "meeting_tables", "report_tables", "snapshot_tables"]
