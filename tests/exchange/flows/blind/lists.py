"""Examiners who read what it costs and opened the scored lists all the same."""

from __future__ import annotations

from sqlalchemy import select

from exchange.flows.node.node import Node
from exchange.store.review.open_list_rows import put_opened
from exchange.store.tables.record_tables import RecordRow


def open_all_lists(node: Node, *pseudonyms: str) -> None:
    """Of all exhibits that are here now."""
    with node.store.write() as session:
        for exhibit in set(session.scalars(select(RecordRow.exhibit))):
            for pseudonym in pseudonyms:
                put_opened(session, pseudonym, exhibit)
