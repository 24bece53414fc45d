"""A peer leaves the exchange: what it was given is asked back, what it gave stays or goes, and it is told so."""

from __future__ import annotations

from dataclasses import dataclass

from exchange.errors import Conflict, NotFound
from exchange.flows.node.node import Node
from exchange.flows.statement.sign_statement import enter
from exchange.flows.terms.withdraw import sign_withdrawals, take_away
from exchange.store.entry.record_rows import records_of
from exchange.store.sync.peers import find_peer, given_to, taken_back
from exchange.store.tables.peer_tables import PeerState
from exchange.store.terms.terms_rows import drop_grants
from exchange.store.terms.withdrawals import bury, raise_tombstone, tombstone_for
from schemas import Maker
from schemas.vocabulary import WithdrawalReason


@dataclass(frozen=True)
class Expulsion:
    """``asked_back``: own records that it must erase and acknowledge. ``erased`` or ``kept``: its records here."""

    node_id: str
    asked_back: int
    erased: int
    kept: int


def expel(node: Node, maker: Maker, node_id: str, *, erase: bool) -> Expulsion:
    """Give a peer nothing more but withdrawals, one for each record that it was given.

    It may go on reading its lane, where only those stand, and its acknowledgements are still believed. With ``erase``
    its own records are erased here too, but for those that a court holds. Candidates found with records that stay are
    kept. Raises NotFound; Conflict when it was expelled or revoked before.
    """
    with node.store.read() as session:
        peer = find_peer(session, node_id)
        if peer is None:
            raise NotFound(f"There is no peer {node_id}. See: ffp peer list")
        if peer.state != PeerState.ENROLLED:
            raise Conflict(f"{node_id} is {peer.state} already.")
        given = [
            record
            for record in dict.fromkeys(given_to(session, node_id))
            if tombstone_for(session, record, node_id, issuer=node.node_id) is None
        ]
        theirs = records_of(session, node_id)
    back = sign_withdrawals(node, maker, given, WithdrawalReason.EXPELLED, node_id)
    with node.store.write() as session:
        row = find_peer(session, node_id)
        if row is None or row.state != PeerState.ENROLLED:
            raise Conflict(f"{node_id} was expelled or revoked meanwhile.")
        for said in back:
            index = enter(session, said, to=[node_id])
            raise_tombstone(session, said.statement, said.statement_id, index)
            taken_back(session, node_id, said.statement.record)
            drop_grants(session, said.statement.exhibit, row.jurisdiction, before=index)
        row.state = PeerState.EXPELLED
        for record in theirs if erase else ():
            take_away(session, bury(session, record, node_id, WithdrawalReason.EXPELLED))
    return Expulsion(node_id, len(back), len(theirs) if erase else 0, 0 if erase else len(theirs))
