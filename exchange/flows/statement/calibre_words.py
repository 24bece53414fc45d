"""What records call a calibre that the list has no designation for, to be shown wherever their calibre is."""

from __future__ import annotations

from collections.abc import Iterable

from exchange.flows.node.node import Node
from exchange.flows.statement.sharing import record_of
from exchange.store.tables.records import RecordRow
from schemas.calibre import Calibre


def calibre_words_of(node: Node, rows: Iterable[RecordRow | None]) -> dict[str, str]:
    """By record, of those whose calibre is ``other``: read from what was signed. Costs nothing where there is none."""
    others = {row.statement_id for row in rows if row is not None and row.calibre == Calibre.OTHER}
    if not others:
        return {}
    found = {}
    with node.store.read() as session:
        for statement_id in sorted(others):
            try:
                words = record_of(session, statement_id).exhibit.calibre_words
            except LookupError:  # erased since its row was read
                continue
            if words is not None:
                found[statement_id] = words
    return found
