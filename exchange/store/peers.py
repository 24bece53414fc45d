"""Enrolled peers and their lanes, inside the caller's transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from enum import StrEnum

from sqlalchemy import Integer, cast, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import RequestReplayed
from exchange.store.jobs import JobKind
from exchange.store.tables import (
    AcquisitionRow,
    JobRow,
    LaneItemRow,
    LaneRow,
    NonceRow,
    PeerRow,
    QuarantineRow,
    RecordRow,
    StatementRow,
)
from exchange.store.witness import disagreements
from schemas.errors import shown

EMPTY_HEAD = bytes(32)


class PeerState(StrEnum):
    ENROLLED = "enrolled"
    REVOKED = "revoked"


def next_head(head: bytes, statement_id: str) -> bytes:
    """head' = SHA-256(head || statement id), over raw bytes."""
    return hashlib.sha256(head + bytes.fromhex(statement_id)).digest()


def new_peer(
    *, node_id: str, jurisdiction: str, url: str, card: bytes, transport_key_id: str, legal_basis: str
) -> PeerRow:
    """A peer as it will be enrolled, with an empty cursor."""
    return PeerRow(
        node_id=node_id,
        jurisdiction=jurisdiction,
        url=url,
        card=card,
        transport_key_id=transport_key_id,
        legal_basis=legal_basis,
        state=PeerState.ENROLLED,
        enrolled_at=stamp(),
        cursor_count=0,
        cursor_head=EMPTY_HEAD,
    )


def add_peer(session: Session, peer: PeerRow) -> None:
    """Enrol a peer, with an empty lane. Needs a write transaction."""
    session.add(peer)
    session.flush()
    session.add(
        LaneRow(peer=peer.node_id, count=0, head=EMPTY_HEAD, acknowledged_count=0, acknowledged_head=EMPTY_HEAD)
    )
    session.flush()


def find_peer(session: Session, node_id: str) -> PeerRow | None:
    return session.get(PeerRow, node_id)


def peer_by_key(session: Session, transport_key_id: str) -> PeerRow | None:
    return session.scalars(select(PeerRow).where(PeerRow.transport_key_id == transport_key_id)).one_or_none()


def all_peers(session: Session) -> Sequence[PeerRow]:
    return session.scalars(select(PeerRow).order_by(PeerRow.node_id)).all()


def put_on_lane(session: Session, peer: str, statement_id: str) -> bool:
    """Append a statement to a peer's lane; false when it is there already. Needs a write transaction."""
    there = select(LaneItemRow.position).where(LaneItemRow.peer == peer, LaneItemRow.statement_id == statement_id)
    if session.scalar(there) is not None:
        return False
    extend_lane(session, peer, [statement_id])
    return True


def extend_lane(session: Session, peer: str, statement_ids: Iterable[str]) -> None:
    """Append statements that are not on the lane yet, in this order. Needs a write transaction."""
    lane = session.get_one(LaneRow, peer)
    for statement_id in statement_ids:
        lane.head = next_head(lane.head, statement_id)
        session.add(LaneItemRow(peer=peer, position=lane.count, statement_id=statement_id, head=lane.head))
        lane.count += 1
    session.flush()


def is_on_lane(session: Session, peer: str, statement_id: str) -> bool:
    return (
        session.scalar(
            select(LaneItemRow.position).where(LaneItemRow.peer == peer, LaneItemRow.statement_id == statement_id)
        )
        is not None
    )


def lane_of(session: Session, peer: str) -> LaneRow:
    return session.get_one(LaneRow, peer)


def lane_head_at(session: Session, peer: str, count: int) -> bytes | None:
    """The running head after ``count`` items; None when the lane is not that long."""
    if count == 0:
        return EMPTY_HEAD
    return session.scalar(select(LaneItemRow.head).where(LaneItemRow.peer == peer, LaneItemRow.position == count - 1))


def lane_items(
    session: Session, peer: str, *, start: int, below_log_index: int, limit: int
) -> list[tuple[LaneItemRow, StatementRow]]:
    """Neighbouring items from ``start`` on, as far as the signed head of the log covers them."""
    rows = session.execute(
        select(LaneItemRow, StatementRow)
        .join(StatementRow, StatementRow.statement_id == LaneItemRow.statement_id)
        .where(LaneItemRow.peer == peer, LaneItemRow.position >= start)
        .order_by(LaneItemRow.position)
        .limit(limit)
    ).all()
    covered: list[tuple[LaneItemRow, StatementRow]] = []
    for item, statement in rows:
        if statement.log_index >= below_log_index:
            break
        covered.append((item, statement))
    return covered


def remember_nonce(session: Session, key_id: str, nonce: str, expires: int, now: int) -> None:
    """Take a request's nonce once. Raises RequestReplayed the second time. Needs a write transaction."""
    session.execute(delete(NonceRow).where(NonceRow.expires < now))
    session.add(NonceRow(key_id=key_id, nonce=nonce, expires=expires))
    try:
        session.flush()
    except IntegrityError as error:
        raise RequestReplayed("This request was answered before; sign each request anew.") from error


def quarantine(session: Session, peer: str, position: int, envelope: bytes, reason: str, detail: str) -> None:
    session.merge(
        QuarantineRow(peer=peer, position=position, envelope=envelope, reason=reason, detail=detail[:1000], at=stamp())
    )


def quarantined(session: Session, peer: str) -> int:
    return session.scalar(select(func.count()).select_from(QuarantineRow).where(QuarantineRow.peer == peer)) or 0


def failed_fetches(session: Session, peer: str) -> list[tuple[JobRow, AcquisitionRow]]:
    """The peer's scans that were asked for in vain so far, with why; those in state "dead" are asked for no more."""
    rows = session.execute(
        select(JobRow, AcquisitionRow)
        .join(AcquisitionRow, AcquisitionRow.acquisition_id == cast(JobRow.subject, Integer))
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(JobRow.kind == JobKind.FETCH_SCAN, JobRow.error.is_not(None), RecordRow.issuer == peer)
        .order_by(JobRow.job_id)
    ).all()
    return [(row[0], row[1]) for row in rows]


def standing_alarm(session: Session, peer: str) -> str | None:
    """What the operator must know of a peer although its lane goes on; None when all is well."""
    found = [f"{row.found_at} {row.detail}" for row in disagreements(session, peer)[:1]]
    last = session.scalars(
        select(QuarantineRow).where(QuarantineRow.peer == peer).order_by(QuarantineRow.position.desc()).limit(1)
    ).first()
    if last is not None:
        count = quarantined(session, peer)
        found.append(
            f"{last.at} {count} of its items are set aside and not believed, the last at place {last.position}, "
            f"{last.reason}: {last.detail}"
        )
    failed = failed_fetches(session, peer)
    if failed:
        job, acquisition = failed[-1]
        found.append(f"{len(failed)} of its scans did not come so far, the last {acquisition.sha256}, {job.error}")
    return shown(" ".join(found), 1000) or None
