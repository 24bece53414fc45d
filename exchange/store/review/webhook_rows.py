"""Programs that are told that something is new: kept, and promised what they are told with its cause."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import String, and_, cast, delete, select
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.store.node.jobs import JobKind, JobState, forget, promise
from exchange.store.tables.webhook_tables import WebhookMessageRow, WebhookRow
from exchange.store.tables.work_tables import JobRow


class WebhookEvent(StrEnum):
    """What a program may be told of. No event says what was found, of which pair, or who said what."""

    CANDIDATES = "candidates"
    """A scan of an own record was compared for the first time: its candidate list can be read, be it empty or not."""
    HITS = "hits"
    """Some hit is new, or at another stage: the list of hits can be read by whoever may see it."""


def announce_event(session: Session, event: WebhookEvent, record: str | None = None) -> None:
    """Promise to tell whoever wants to know, within the transaction of the cause. What is still to be told of the same
    is told once."""
    for row in session.scalars(select(WebhookRow).where(WebhookRow.stopped_at.is_(None))).all():
        if event in row.events.split():
            add_message(session, row.webhook_id, event, record)


def add_message(session: Session, webhook_id: int, event: str, record: str | None) -> None:
    """One that is under way may be read before the cause of this one is stored: then this is another."""
    job = and_(JobRow.kind == JobKind.TELL_WEBHOOK, JobRow.subject == cast(WebhookMessageRow.message_id, String))
    same = (
        select(WebhookMessageRow.message_id)
        .join(JobRow, job)
        .where(
            WebhookMessageRow.webhook_id == webhook_id,
            WebhookMessageRow.event == event,
            WebhookMessageRow.record.is_(None) if record is None else WebhookMessageRow.record == record,
            JobRow.state != JobState.RUNNING,
        )
    )
    waiting = session.scalar(same.limit(1))
    if waiting is None:
        row = WebhookMessageRow(
            webhook_id=webhook_id, event=event, record=record, name=f"msg_{secrets.token_hex(16)}", made_at=stamp()
        )
        session.add(row)
        session.flush()
        waiting = row.message_id
    promise(session, JobKind.TELL_WEBHOOK, waiting)


_ALL = select(WebhookRow).order_by(WebhookRow.webhook_id)


def all_webhooks(session: Session) -> Sequence[WebhookRow]:
    return session.scalars(_ALL).all()


def find_webhook(session: Session, webhook_id: int) -> WebhookRow | None:
    return session.get(WebhookRow, webhook_id)


def message_for(session: Session, message_id: int) -> tuple[WebhookMessageRow, WebhookRow] | None:
    """None when it was told, or nobody is to be told any more."""
    row = session.get(WebhookMessageRow, message_id)
    hook = session.get(WebhookRow, row.webhook_id) if row is not None else None
    return (row, hook) if row is not None and hook is not None else None


def drop_messages(session: Session, webhook_id: int) -> int:
    """Nobody is told any more what one program was still to be told; returns how much that was."""
    waiting = session.scalars(
        select(WebhookMessageRow.message_id).where(WebhookMessageRow.webhook_id == webhook_id)
    ).all()
    for message_id in waiting:
        forget(session, JobKind.TELL_WEBHOOK, message_id)
    session.execute(delete(WebhookMessageRow).where(WebhookMessageRow.webhook_id == webhook_id))
    return len(waiting)


def forget_messages_on(session: Session, record: str) -> None:
    """Of a record that is erased nobody is told any more."""
    waiting = select(WebhookMessageRow.message_id).where(WebhookMessageRow.record == record)
    for message_id in session.scalars(waiting).all():
        forget(session, JobKind.TELL_WEBHOOK, message_id)
    session.execute(delete(WebhookMessageRow).where(WebhookMessageRow.record == record))


def drop_webhook(session: Session, row: WebhookRow) -> None:
    drop_messages(session, row.webhook_id)
    session.delete(row)
    session.flush()
