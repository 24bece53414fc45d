"""What a node writes down of who saw and asked what, and the statements by which its log vouches for these rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from exchange.clock import DAY_S, stamp_in
from exchange.flows.log.start import may_sign
from exchange.flows.node.node import Node
from exchange.flows.statement.sign_statement import THE_NODE, enter, say
from exchange.log.audit_entry import Act, Actor, ActorKind, AuditEntry, Deed, batch_root
from exchange.policy import Purpose
from exchange.store.log.audit import (
    AuditFilter,
    KeptEntry,
    OpenRows,
    add_batch,
    add_deeds,
    count_not_stated,
    entries_of_batch,
    erase_batch_rows,
    last_batch,
    leaves_between,
    oldest_kept_batch,
    open_rows,
    sealed_to,
    search_entries,
)
from exchange.store.log.statement_rows import latest_checkpoint
from exchange.store.tables.peer_tables import PeerRow
from schemas import AuditBatch
from schemas.vocabulary import Role

MAX_BATCH = 2**16
"""Rows for one statement: 2 MB of hashes. What is left waits for the next."""

NODE_ITSELF = Actor(ActorKind.NODE, "node", Role.NODE)
CONSOLE = Actor(ActorKind.PERSON, "console", Role.OPERATOR)
"""Who works with ``ffp`` on the node's own machine: the machine knows them, this software does not."""


def dealt_with(peer: PeerRow, act: Act, subjects: tuple[str, ...], count: int, asked: str | None = None) -> Deed:
    """What passed between this node and a peer: for correlation, under the legal basis of the peer's enrolment."""
    actor = Actor(ActorKind.PEER, peer.node_id, Role.NODE)
    return Deed(actor, act, count, subjects, asked, purpose=Purpose.CORRELATION, legal_basis=peer.legal_basis)


def took(session: Session, peer: PeerRow, act: Act, subjects: tuple[str, ...], count: int) -> None:
    """Write down what this node took from a peer, in the transaction that stores it; a page without an envelope leaves
    nothing."""
    if subjects:
        add_deeds(session, [dealt_with(peer, act, subjects, count)])


def newest_rows(
    node: Node, *, actor: str | None, subject: str | None, act: Act | None, day: date | None, limit: int
) -> tuple[list[AuditEntry], int]:
    """The newest rows that fit, the oldest first; and of all that fit, how many are acts of people who stated no
    purpose. None does not restrict; the day is one of UTC."""
    wanted = AuditFilter(actor, subject, act, day)
    with node.store.read() as session:
        found = search_entries(session, wanted, before=None, limit=limit)
        return [kept.entry for kept in reversed(found)], count_not_stated(session, wanted)


def rows_of_batch(node: Node, statement_id: str) -> list[AuditEntry]:
    """The rows that an audit-batch statement vouches for, in order; none of an unknown one or after retention."""
    with node.store.read() as session:
        return [kept.entry for kept in entries_of_batch(session, statement_id)]


def seal_audit(node: Node) -> bool:
    """Make one audit-batch statement of the rows that wait. Called before a head is signed; returns whether it did.

    1. Only when the oldest row has waited long enough, the log may be signed, and the last batch has its head.
    2. The root is signed outside of any transaction.
    3. Rows never change and only grow, so what was signed is still true; unless another batch came first.

    Making a batch is no audited act: the log stands still where nobody asks anything.
    """
    with node.store.read() as session:
        waiting = _due(session, node)
        if waiting is None:
            return False
        last = min(waiting.last, waiting.first + MAX_BATCH - 1)
        leaves = leaves_between(session, waiting.first, last)
    root = batch_root(leaves).hex()
    said = say(node, AuditBatch, THE_NODE, first=waiting.first, count=len(leaves), root=root)
    with node.store.write() as session:
        if sealed_to(session) != waiting.first - 1:
            return False
        index = enter(session, said, to=[])
        add_batch(session, first=waiting.first, count=len(leaves), statement_id=said.statement_id, log_index=index)
    return True


def erase_outlived_rows(node: Node) -> bool:
    """Erase the rows of the oldest batch when its retention is over, and write that down. Returns whether it did."""
    limit = stamp_in(-node.settings.audit_retention_days * DAY_S)
    with node.store.read() as session:
        if oldest_kept_batch(session, sealed_before=limit) is None:
            return False
    with node.store.write() as session:
        batch = oldest_kept_batch(session, sealed_before=limit)
        if batch is None:
            return False
        erase_batch_rows(session, batch)
        add_deeds(session, [Deed(NODE_ITSELF, Act.ERASE_AUDIT, batch.count, (batch.statement_id,))])
    return True


@dataclass(frozen=True)
class FoundActs:
    """The newest first. ``not_stated`` counts the acts of people without a purpose among all that fit."""

    entries: list[KeptEntry]
    not_stated: int


def search_audit(
    node: Node,
    *,
    actor: str | None,
    subject: str | None,
    act: Act | None,
    day: date | None,
    before: int | None,
    limit: int,
) -> FoundActs:
    """The acts that fit, of those with numbers below ``before``; None does not restrict."""
    wanted = AuditFilter(actor=actor, subject=subject, act=act, day=day)
    with node.store.read() as session:
        found = search_entries(session, wanted, before=before, limit=limit)
        return FoundActs(found, count_not_stated(session, wanted))


def _due(session: Session, node: Node) -> OpenRows | None:
    waiting = open_rows(session)
    if waiting is None or waiting.oldest_at > stamp_in(-node.settings.audit_interval_s) or not may_sign(node, session):
        return None
    batch, head = last_batch(session), latest_checkpoint(session)
    covered = batch is None or (head is not None and batch.log_index < head.size)
    return waiting if covered else None
