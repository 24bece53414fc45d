"""The scored list of an exhibit is open to the examiners who work on it. Another examiner reads what it costs before
opening it: an examiner who was shown a list verifies no pair of it blind."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.errors import Conflict, NotFound
from exchange.flows.node.node import Node
from exchange.store.entry.record_rows import find_record
from exchange.store.review.open_list_rows import lookers_at, open_exhibits_of, put_opened
from exchange.store.review.review_rows import examiners
from exchange.store.tables.record_tables import RecordRow
from schemas.vocabulary import Role


@dataclass(frozen=True)
class ScoredList:
    """The scored list of a record's exhibit, for one person. ``is_open``: this person may look at it. ``left``: the
    examiners of this node who could still verify a pair of the exhibit blind once it is open: those who neither work
    on the exhibit nor opened its list. Those who were shown a single pair of it elsewhere are among them."""

    record: RecordRow
    is_open: bool
    left: tuple[str, ...]


def scored_list(node: Node, role: Role, pseudonym: str, statement_id: str) -> ScoredList:
    """Raises NotFound."""
    with node.store.read() as session:
        return _scored_list(session, role, pseudonym, statement_id)


def open_list(node: Node, role: Role, pseudonym: str, statement_id: str) -> ScoredList:
    """This examiner read what it costs, and looks at the list from now on. Raises NotFound."""
    with node.store.write() as session:
        found = _scored_list(session, role, pseudonym, statement_id)
        if not found.is_open:
            put_opened(session, pseudonym, found.record.exhibit)
        return _scored_list(session, role, pseudonym, statement_id)


def check_open(session: Session, role: Role, pseudonym: str, exhibit: str) -> None:
    """Raises Conflict, code "list-not-open"."""
    if not is_list_open(session, role, pseudonym, exhibit):
        raise Conflict(
            "Another examiner works on this exhibit. An examiner who opens its scored list can verify none of its "
            "pairs: read who would be left, and open the list if it is worth it.",
            code="list-not-open",
        )


def is_list_open(session: Session, role: Role, pseudonym: str, exhibit: str) -> bool:
    """Only examiners are kept blind."""
    return role is not Role.EXAMINER or exhibit in open_exhibits_of(session, pseudonym)


def _scored_list(session: Session, role: Role, pseudonym: str, statement_id: str) -> ScoredList:
    found = find_record(session, statement_id)
    if found is None:
        raise NotFound("There is no such record on this node.")
    record = found[0]
    gone = lookers_at(session, record.exhibit)
    left = tuple(name for name in examiners(session, besides=pseudonym) if name not in gone)
    return ScoredList(record, is_list_open(session, role, pseudonym, record.exhibit), left)
