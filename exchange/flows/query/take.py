"""Take a peer's query: verify all of it before any of it is believed, store it, and only then say so."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime

from sqlalchemy.orm import Session

from exchange.clock import now, stamp, stamp_in
from exchange.errors import CheckpointInvalid, InvalidInput, ProofInvalid, QuotaReached, StatementInvalid
from exchange.flows.log.head_gossip import note_head
from exchange.flows.node.node import Node
from exchange.flows.query.ask import ANSWER_S
from exchange.flows.statement.addressee import NOT_MEANT_FOR_US
from exchange.flows.statement.heads import open_head
from exchange.flows.statement.peer import peer_keys
from exchange.flows.statement.received_scan import ReceivedScan
from exchange.log import merkle
from exchange.log.checkpoint import Checkpoint
from exchange.store.log.statement_rows import add_statement, check_places, find_statement
from exchange.store.node.jobs import JobKind, promise
from exchange.store.query.queries import QueryState, add_query, asked_since
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.tables.query_tables import QueryRow
from exchange.trust.key_history import KeyHistory
from exchange.trust.verify import VerifiedStatement, verify_statement
from schemas import ContractError, Query
from schemas.query_request import QueryRequest, parse_query_request

QUOTA_S = 86_400


def check_quota(node: Node, peer: str) -> None:
    """Whether a peer may ask once more. Raises QuotaReached, which says when it may."""
    with node.store.read() as session:
        _check_quota(session, node, peer)


def take_query(node: Node, peer: PeerRow, request: bytes, scans: list[ReceivedScan]) -> str:
    """Take a query that an enrolled peer sent with a signed request. Returns its statement id.

    1. Verify it: ``verify_query``.
    2. The scan that came is the one that the query names, and no other came.
    3. Hold the signed head that came with it against what is known of that log.
    4. What is here already is not taken again: whoever did not hear the answer sends once more.
    5. In one transaction: quota, statement, what is to be done; and last the scan's name, apart from all others.

    Raises InvalidInput, QuotaReached, DigestDiffers, StoreUnavailable; nothing is stored then.
    """
    # 1.
    try:
        asked = parse_query_request(request)
        verified, query, head = verify_query(asked, peer_keys(peer), node.node_id)
    except ContractError as error:
        raise InvalidInput(str(error), code=error.reason, problems=error.problems) from error
    except (StatementInvalid, ProofInvalid, CheckpointInvalid) as error:
        raise InvalidInput(f"The query is not believed: {error}", code=error.code) from error

    # 2.
    blob = query.acquisition.blob
    if len(scans) != 1 or (scans[0].sha256, scans[0].arrival.size) != (blob.sha256, blob.size):
        raise InvalidInput(
            "The scan that came is not the one that the query names; send that one.", code="scan-differs"
        )

    # 3.
    note_head(node, peer, head, base64.b64decode(asked.checkpoint))

    # 4. and 5.
    with node.store.write() as session:
        if find_statement(session, verified.statement_id) is None:
            _check_quota(session, node, peer.node_id)
            _check_place(session, query, asked.log_index, verified.statement_id)
            row = _row(verified.statement_id, query)
            add_statement(session, verified.statement_id, query, query.type, verified.envelope, asked.log_index)
            add_query(session, row)
            promise(session, JobKind.ANSWER_QUERY, row.number)
            session.flush()
            node.query_scans.keep(scans[0].arrival, verified.statement_id, blob.sha256)
    return verified.statement_id


def verify_query(asked: QueryRequest, keys: KeyHistory, reader: str) -> tuple[VerifiedStatement, Query, Checkpoint]:
    """Believe a query of the node that these are the keys of, and the head that came with it. Raises StatementInvalid,
    ProofInvalid, CheckpointInvalid.

    1. Both signatures of its issuer, by the statement keys in force at its index; then the contract.
    2. It is a query, and meant for this node.
    3. The head that came with it is signed by the log keys in force at its size.
    4. The query stands in that log: nobody asks without leaving a trace at home.
    """
    raw = base64.b64decode(asked.envelope)
    verified = verify_statement(raw, issuer=keys.card.issuer, key=keys.statement_key(asked.log_index))
    query = verified.statement
    if not isinstance(query, Query):
        raise StatementInvalid(f"A statement of the type {query.type} asks nothing.", code="unexpected-type")
    if query.to != reader:
        raise StatementInvalid("The query is meant for another node; it was not kept.", code=NOT_MEANT_FOR_US)
    signed = open_head(base64.b64decode(asked.checkpoint), keys)
    leaf = merkle.leaf_hash(hashlib.sha256(raw).digest())
    proof = [bytes.fromhex(step) for step in asked.inclusion]
    merkle.verify_inclusion(asked.log_index, signed.size, leaf, proof, signed.root)
    return verified, query, signed


def _check_quota(session: Session, node: Node, peer: str) -> None:
    quota = node.settings.query_quota
    count, first = asked_since(session, peer, stamp_in(-QUOTA_S))
    if count >= quota:
        passed = (now() - datetime.fromisoformat(first)).total_seconds() if first else 0.0
        raise QuotaReached(
            f"{quota} queries in 24 hours are taken from one node, and {count} came. Ask again later; where an "
            "inquiry needs more, telephone this node's operator.",
            retry_after_s=max(1, int(QUOTA_S - passed) + 1),
        )


def _check_place(session: Session, query: Query, log_index: int, statement_id: str) -> None:
    taken = check_places(session, query.issuer, {log_index: statement_id})
    if taken:
        raise InvalidInput(str(taken[statement_id]), code=taken[statement_id].code)


def _row(statement_id: str, query: Query) -> QueryRow:
    return QueryRow(
        statement_id=statement_id,
        asker=query.issuer,
        asked=query.to,
        roi=query.acquisition.roi,
        calibre=query.calibre,
        case_reference=query.case_reference,
        purpose=query.purpose,
        legal_basis=query.legal_basis,
        made_by=query.made_by.pseudonym,
        state=QueryState.ASKED,
        at=stamp(),
        due_at=stamp_in(ANSWER_S),
    )
