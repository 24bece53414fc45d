"""Which statements were shown to one person, each on a page of its own: by the audit rows, which are written before an
answer leaves."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.log.audit_entry import Act, ActorKind
from exchange.store.log.audit import audit_state
from exchange.store.tables.log import AuditRow, AuditSubjectRow


@dataclass(frozen=True)
class StatementsRead:
    """``to``: the last audit row that was looked at."""

    to: int
    statement_ids: frozenset[str]


def statements_read(session: Session, pseudonym: str, *, after: int, since: str) -> StatementsRead:
    """By rows that follow on ``after`` and are no older than ``since``. What a list showed is not read by that."""
    last = audit_state(session).last  # first, since rows may be written meanwhile
    if last <= after:
        return StatementsRead(after, frozenset())
    found = session.scalars(
        select(AuditSubjectRow.subject)
        .join(AuditRow, AuditRow.number == AuditSubjectRow.number)
        .where(
            AuditRow.actor == pseudonym,
            AuditRow.number > after,
            AuditRow.number <= last,
            AuditRow.act == Act.READ_STATEMENT,
            AuditRow.kind == ActorKind.PERSON,
            AuditRow.at >= since,
        )
    )
    return StatementsRead(last, frozenset(found))
