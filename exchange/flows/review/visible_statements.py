"""What was said, as far as one person may be told: hidden first, counted after."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from sqlalchemy.orm import Session

from exchange.errors import NotFound
from exchange.flows.blind.visibility import Hidden, hidden_pairs, note_told, spoken_pair, tells_of
from exchange.flows.node.node import Node
from exchange.flows.review.signed_scores import not_validated_by_statement
from exchange.flows.review.statements import may_see
from exchange.store.log.statement_rows import find_statement, search_statements
from exchange.store.tables.record_tables import StatementRow
from schemas import Pair, open_envelope, parse_statement
from schemas.vocabulary import Role

VisibleStatement: TypeAlias = StatementRow
"""A statement that one person may be told, with its envelope."""

STATEMENTS_AT_ONCE = 200
"""So many are read before those that are hidden are left out."""


@dataclass(frozen=True)
class StatementReader:
    """Whom it may be told, in which role."""

    node: Node
    pseudonym: str
    role: Role


def visible_statements(
    reader: StatementReader, *, kinds: Collection[str], about: str | None, issuer: str | None, limit: int
) -> list[VisibleStatement]:
    """The newest first; as many as were asked for, as long as there are more. Whoever is told what was concluded on two
    exhibits does not verify it."""
    with reader.node.store.read() as session:
        hidden = hidden_pairs(session, reader.role, reader.pseudonym)
        every = _newest_first(session, kinds, about, issuer)
        shown = list(islice((row for row in every if _may_be_told(session, reader, hidden, row)), limit))
        told = _pairs_told(session, shown)
    note_told(reader.node, reader.role, reader.pseudonym, told)
    return shown


def visible_statement(reader: StatementReader, statement_id: str, kinds: Collection[str]) -> VisibleStatement:
    """One of these. Raises NotFound: none, or not for this person."""
    with reader.node.store.read() as session:
        row = find_statement(session, statement_id)
        hidden = hidden_pairs(session, reader.role, reader.pseudonym)
        if row is None or row.envelope is None or row.type not in kinds:
            raise NotFound(f"There is no such statement as {statement_id} on this node.")
        if not _may_be_told(session, reader, hidden, row):
            raise NotFound(f"There is no such statement as {statement_id} on this node.")
        told = _pairs_told(session, [row])
    note_told(reader.node, reader.role, reader.pseudonym, told)
    return row


def scores_not_validated(node: Node, rows: Collection[VisibleStatement]) -> dict[str, str]:
    """By statement, why the score that it states is not validated."""
    said = [(row.statement_id, parse_statement(open_envelope(row.envelope or b"").payload)) for row in rows]
    with node.store.read() as session:
        return not_validated_by_statement(session, said)


def _may_be_told(session: Session, reader: StatementReader, hidden: Hidden, row: StatementRow) -> bool:
    return may_see(session, reader.node, row, reader.pseudonym, reader.role) and not tells_of(session, row, hidden)


def _newest_first(
    session: Session, kinds: Collection[str], about: str | None, issuer: str | None
) -> Iterator[StatementRow]:
    last: StatementRow | None = None
    while True:
        rows = search_statements(session, kinds=kinds, about=about, issuer=issuer, limit=STATEMENTS_AT_ONCE, after=last)
        yield from rows
        if len(rows) < STATEMENTS_AT_ONCE:
            return
        last = rows[-1]


def _pairs_told(session: Session, rows: Collection[StatementRow]) -> set[Pair]:
    found = set()
    for row in rows:
        try:
            pair = spoken_pair(session, row)
        except NotFound:
            continue  # what it is about is not known here, and so not told
        if pair is not None:
            found.add(pair)
    return found
