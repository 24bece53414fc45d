"""Which statements a report tells of a pair: of each node so many, so that what one signs without an end neither takes
the place of what another signed, nor makes a report or a bundle that nobody can read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Final

from sqlalchemy.orm import Session

from exchange.flows.hits.history import Link, believed
from exchange.flows.node.node import Node
from exchange.flows.review.statements import may_see
from exchange.store.log.statement_rows import find_statements, statements_about
from exchange.store.tables.record_tables import StatementRow
from schemas import AnyStatement, Conclusion, Hit, Verification, open_envelope, parse_statement
from schemas.kinds import OF_A_HIT

SAID_OF: Final = {
    "record": ("conclusion",),
    "conclusion": ("verification", "hit", "retraction"),
    "verification": ("retraction",),
    "hit": (*sorted(OF_A_HIT), "retraction"),
}
"""Which statements speak of which: from the records to what became of a hit."""
MOST_OF_SIDE: Final = 100
"""Of each of the two sides; a pair has a handful, and each is a line of the report."""
MOST_OF_OTHERS: Final = 20
"""Of all other nodes together: nothing of theirs has an effect."""

ComparedScans = frozenset[tuple[str, str]]
"""Both records, each with the scan that was compared."""


def rows_to_report(
    session: Session, node: Node, pseudonym: str, sides: Collection[str], scans: ComparedScans, hit: Link | None
) -> list[StatementRow]:
    """What has an effect on the hit comes first, then what else was said, from the records on; in the order in which it
    came to be known here. ``sides``: the issuers of both records."""
    gathered = _Gathered(session, node, pseudonym, sides, scans)
    if hit is not None:
        counting = [one.statement_id for one in hit.history if one.statement_id not in hit.progress.no_effect]
        rows = find_statements(session, counting)
        for name in counting:
            gathered.take(rows[name])
    asked = [*((record, "record") for record, _ in sorted(scans)), *gathered.found]
    while asked:
        subject, kind = asked.pop()
        said = statements_about(session, subject, SAID_OF.get(kind, ()))
        asked += [(row.statement_id, row.type) for row in said if gathered.take(row)]
    return sorted(gathered.rows.values(), key=lambda row: (row.received_at, row.log_index, row.statement_id))


def statement_in(row: StatementRow) -> AnyStatement:
    return parse_statement(open_envelope(row.envelope or b"").payload)


class _Gathered:
    """What is told, each once, and how much of it each node said."""

    def __init__(
        self, session: Session, node: Node, pseudonym: str, sides: Collection[str], scans: ComparedScans
    ) -> None:
        self._session, self._node, self._pseudonym = session, node, pseudonym
        self._sides, self._scans = frozenset(sides), scans
        self._told: Counter[str | None] = Counter()
        self.rows: dict[str, StatementRow] = {}

    @property
    def found(self) -> list[tuple[str, str]]:
        return [(row.statement_id, row.type) for row in self.rows.values()]

    def take(self, row: StatementRow) -> bool:
        """Whether it is told, and was not before."""
        side = row.issuer if row.issuer in self._sides else None
        most = MOST_OF_OTHERS if side is None else MOST_OF_SIDE
        if row.statement_id in self.rows or self._told[side] >= most or not self._may_be_told(row):
            return False
        self.rows[row.statement_id] = row
        self._told[side] += 1
        return True

    def _may_be_told(self, row: StatementRow) -> bool:
        if not believed(row) or not any(row.type in kinds for kinds in SAID_OF.values()):
            return False
        if not may_see(self._session, self._node, row, self._pseudonym):
            return False
        said = statement_in(row)
        if not isinstance(said, Conclusion | Verification | Hit):
            return True
        return {(said.pair.a.record, said.pair.a.scan), (said.pair.b.record, said.pair.b.scan)} == self._scans
