"""Addresses for e-mail, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.store.tables.mail_tables import MailAddressRow
from exchange.store.tables.sign_in_tables import UserRow


def mail_address_of(session: Session, pseudonym: str) -> MailAddressRow | None:
    return session.get(MailAddressRow, pseudonym)


def forget_address(session: Session, pseudonym: str) -> None:
    session.execute(delete(MailAddressRow).where(MailAddressRow.pseudonym == pseudonym))


def addressees(session: Session) -> Sequence[tuple[MailAddressRow, UserRow]]:
    """Whose letter was tried longest ago first. Who was revoked is told nothing."""
    tried = func.coalesce(MailAddressRow.tried_at, "")
    query = select(MailAddressRow, UserRow).join(UserRow, UserRow.pseudonym == MailAddressRow.pseudonym)
    found = session.execute(query.where(UserRow.revoked_at.is_(None)).order_by(tried, MailAddressRow.pseudonym))
    return [(row, user) for row, user in found]


def note_sent(row: MailAddressRow) -> None:
    row.tried_at, row.failed_since, row.failure = stamp(), None, None


def note_failure(row: MailAddressRow, what: str) -> None:
    row.tried_at = stamp()
    row.failed_since, row.failure = row.failed_since or row.tried_at, what


def failures(session: Session) -> tuple[int, str, str] | None:
    """To how many people nothing leaves, since when, and what was said last; None when all does."""
    failed = MailAddressRow.failed_since.is_not(None)
    count, since = session.execute(select(func.count(), func.min(MailAddressRow.failed_since)).where(failed)).one()
    if since is None:
        return None
    last = select(MailAddressRow.failure).where(failed).order_by(MailAddressRow.failed_since.desc()).limit(1)
    return count, since, session.scalar(last) or ""
