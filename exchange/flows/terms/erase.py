"""Erase what lies beside the database of a withdrawn record, and acknowledge it to the owner."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import structlog

from exchange.clock import stamp
from exchange.flows.log.log_objects import settle_object
from exchange.flows.node.last_head import last_head_fault
from exchange.flows.node.node import Node
from exchange.flows.scan.prepared_scans import prepared_files
from exchange.flows.scan.references import erase_entries
from exchange.flows.statement.sign_statement import THE_NODE, SignedStatement, enter, say
from exchange.flows.terms.withdraw import kept_of
from exchange.store.entry.draft_rows import every_file
from exchange.store.entry.record_rows import acquisitions_of
from exchange.store.log.statement_rows import find_statement
from exchange.store.scan.deliveries import is_kept
from exchange.store.scan.objects import promise_removal
from exchange.store.sync.peers import items_at
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.terms_tables import RemainsRow, TombstoneRow
from exchange.store.terms.withdrawals import erase_rows, holds_on, no_remains, note_kept, remains_of
from schemas import Acknowledgement
from schemas.vocabulary import ErasureOutcome

log = structlog.get_logger(__name__)


def erase(node: Node, tombstone_id: int) -> None:
    """Make the content of a withdrawn record disappear from this node. Doing it twice changes nothing. Whoever
    withdraws what is another's is told that it was never held.

    1. What a court holds leaves the galleries alone, and stays; that is said to the owner, also where the record was
       granted again since.
    2. Otherwise what is left in the database goes first, then galleries, prepared scans, parts, previews, and the scans
       that no other record keeps, in the object store too.
    3. Only then the acknowledgement is signed and put on the owner's lane. It says which scans that the owner
       delivered stay, and by whose records.

    Raises StoreUnavailable, ComputeFailed: the worker tries again later.
    """
    with node.store.read() as session:
        stone = session.get(TombstoneRow, tombstone_id)
        if stone is None:
            return
        named = find_statement(session, stone.record)
        is_its_own = named is not None and named.issuer == stone.issuer
        is_here = is_its_own and session.get(RecordRow, stone.record) is not None
        held = is_here and bool(holds_on(session, stone.exhibit))
        kept = held and (not stone.lifted or not remains_of(session, stone.record))
    _erase_evidence(node, stone.issuer, stone.record)
    if not is_its_own:  # nothing of it was here, or it is another's: the same answer
        _settle(node, stone, ErasureOutcome.NEVER_HELD)
        return

    # 1.
    if kept and not stone.lifted:
        with node.store.read() as session:
            scans = [(stone.record, row.acquisition_id) for row in acquisitions_of(session, stone.record)]
        erase_entries(node, scans)
        _erase_previews(node)
    if kept:
        _settle(node, stone, ErasureOutcome.RESTRICTED)
        return

    # 2.
    with node.store.write() as session:
        if not stone.lifted and session.get(RecordRow, stone.record) is not None:
            erase_rows(session, stone.record)
    _erase_remains(node, stone.record)

    # 3.
    _settle(node, stone, ErasureOutcome.ERASED)


def _erase_remains(node: Node, record: str) -> None:
    with node.store.read() as session:
        remains = remains_of(session, record)
    erase_entries(node, [(record, row.acquisition_id) for row in remains])
    for row in remains:
        _delete(node.settings.incoming.glob(f"{row.sha256}.{row.acquisition_id}.*"))
        _delete(prepared_files(node, row.sha256))  # what another record needs is made again
    _erase_previews(node)
    objects, kept = [], set[str]()
    with node.store.write() as session:  # nobody delivers the scan meanwhile
        for row in remains:
            if is_kept(session, row.sha256):
                kept |= told_of(row)
            else:
                node.blobs.remove(row.sha256)
                objects.append(promise_removal(session, row.sha256))
    for object_id in filter(None, objects):  # at once, although it is promised: the owner is told when it is gone
        settle_object(node, object_id)
    with node.store.write() as session:
        if remains:
            note_kept(session, record, kept)
        no_remains(session, record)
    node.store.forget_overwritten()


def told_of(row: RemainsRow) -> set[str]:
    """The scan whose staying the owner is told of: only one that it delivered. Of a digest that it merely named it
    learns nothing, neither that the scan is here nor by whose record."""
    return {row.sha256} if row.delivered else set()


def _erase_previews(node: Node) -> None:
    """Of drafts that are gone with their record."""
    with node.store.write() as session:  # whoever begins a file commits its row first
        if last_head_fault(node.settings, session) is None:  # else their rows may be lost alone
            node.draft_files.sweep(every_file(session))


def _delete(paths: Iterable[Path]) -> None:
    for path in list(paths):
        path.unlink(missing_ok=True)


def _settle(node: Node, stone: TombstoneRow, outcome: ErasureOutcome) -> None:
    with node.store.read() as session:
        kept = kept_of(session, session.get_one(TombstoneRow, stone.tombstone_id))
    stays: dict[str, Any] = {"kept": kept} if kept and outcome is ErasureOutcome.ERASED else {}
    said: SignedStatement[Acknowledgement] | None = None
    if stone.withdrawal is not None and stone.issuer != node.node_id:
        said = say(
            node,
            Acknowledgement,
            THE_NODE,
            owner=stone.issuer,
            withdrawal=stone.withdrawal,
            record=stone.record,
            outcome=outcome,
            **stays,
        )
    with node.store.write() as session:
        row = session.get(TombstoneRow, stone.tombstone_id)
        if row is None or row.outcome == outcome:
            return
        row.outcome, row.at = outcome, stamp()
        if said is not None:
            enter(session, said, to=[stone.issuer])
    log.info("a withdrawn record is gone", record=stone.record, outcome=outcome)


def _erase_evidence(node: Node, peer: str, statement_id: str) -> None:
    """What a peer took back is not kept as evidence either; the reason and the place stay, and the lane adds up."""
    with node.store.read() as session:
        places = items_at(session, peer, statement_id)
    for position in places:
        node.evidence.erase(peer, position)
