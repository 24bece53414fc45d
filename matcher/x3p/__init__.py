"""Topographies in x3p files (ISO 5436-2, ISO 25178-72): read rightly, or refused with the reason."""

from matcher.x3p.reader import read_topography
from matcher.x3p.writer import write_topography

__all__ = ["read_topography", "write_topography"]
