"""What a database states in the place of its schema version: served, an unfinished copy of a move, or left by one.

While a node is moved from one database to another (`exchange.flows.move`), the copy and later the one that was left
have no bare number there. No release opens such a database, this one or an earlier one: two can never serve one log.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_MARK = re.compile(r"(copy|moved)-(\d{1,6})-([0-9a-f]{16})", re.ASCII)


class Use(StrEnum):
    """What a database is good for. The values stand in databases, and are read by later releases."""

    SERVED = "served"
    COPY = "copy"
    """A move fills it and has not ended: what it holds is not whole, or not yet the node's."""
    MOVED = "moved"
    """The node left it for another one. What it holds is of that moment, and grows old."""


@dataclass(frozen=True)
class DatabaseStanding:
    """``version`` is the database schema version; ``move`` names the move that made the copy, or left the database."""

    version: int
    use: Use = Use.SERVED
    move: str | None = None

    def __str__(self) -> str:
        """At most 32 characters: so much has the column."""
        return str(self.version) if self.use is Use.SERVED else f"{self.use}-{self.version}-{self.move}"


def parse_standing(text: str | None) -> DatabaseStanding | None:
    """None for what no release writes there."""
    if text is None:
        return None
    if text.isascii() and text.isdecimal():
        return DatabaseStanding(int(text))
    marked = _MARK.fullmatch(text)
    return None if marked is None else DatabaseStanding(int(marked[2]), Use(marked[1]), marked[3])
