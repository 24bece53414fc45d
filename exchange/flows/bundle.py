"""Give away a statement with all that proves it, and verify what somebody else gave, without any node."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from exchange.errors import Conflict, NotFound, ProofInvalid, StatementInvalid
from exchange.flows.node import Node
from exchange.flows.page import open_head
from exchange.log import merkle
from exchange.log.checkpoint import Checkpoint
from exchange.store.statements import find_statement, latest_checkpoint, node_reader
from exchange.trust.card import fingerprint, open_card, same_fingerprint
from exchange.trust.verify import verify_statement
from schemas import CONTRACT_VERSION, ContractError, KeyEvent, Record, open_envelope
from schemas.bundle import Bundle, parse_bundle
from schemas.exhibit import Sha256Hex


@dataclass(frozen=True)
class VerifiedBundle:
    """A record that stands in its issuer's log. ``fingerprint``: of the identity that vouches for all of it; whether it
    is the issuer's, two people must have compared. ``scans``: the SHA-256 of each that was looked at beside it."""

    statement_id: str
    record: Record
    card: KeyEvent
    fingerprint: str
    log_index: int
    head: Checkpoint
    scans: tuple[Sha256Hex, ...]


def make_bundle(node: Node, statement_id: str) -> Bundle:
    """A record of this node's own, with the key-event, the proof and the signed head that it rests on.

    Raises NotFound for what is not this node's own: its issuer gives the bundle. Raises Conflict, code
    "head-not-signed", while no signed head of the log covers it: ask again in a second.
    """
    with node.store.read() as session:
        row, signed = find_statement(session, statement_id), latest_checkpoint(session)
        if row is None or row.issuer != node.node_id or row.type != "record":
            raise NotFound(f"There is no record {statement_id} of this node's own; ask the node that made it.")
        if signed is None or signed.size <= row.log_index:
            raise Conflict("The log's head over this record is not signed yet; ask again.", code="head-not-signed")
        proof = merkle.inclusion_proof(row.log_index, signed.size, node_reader(session))
    return Bundle(
        contract=CONTRACT_VERSION,
        envelope=base64.b64encode(row.envelope).decode(),
        card=base64.b64encode(node.card_envelope.raw).decode(),
        log_index=row.log_index,
        inclusion=tuple(step.hex() for step in proof),
        checkpoint=base64.b64encode(signed.note).decode(),
    )


def verify_bundle(data: bytes, *, confirmed: str | None = None, scans: Sequence[Path] = ()) -> VerifiedBundle:
    """Believe a bundle, or raise the reason not to.

    1. It is in the contract's form.
    2. The card is signed by the identity inside; where a fingerprint is known, it is that one's.
    3. The card's statement keys signed the record, both; it names the card's node as its issuer.
    4. The card's log keys signed the head, both.
    5. The proof leads from the record to that head.
    6. The scans beside it are those that the record names.

    ``confirmed``: the identity's fingerprint as the verifier knows it from elsewhere. Raises StatementInvalid,
    CheckpointInvalid, ProofInvalid; OSError for a scan that cannot be read.
    """
    # 1. and 2.
    try:
        bundle = parse_bundle(data)
        card = open_card(open_envelope(base64.b64decode(bundle.card)))
    except ContractError as error:
        raise StatementInvalid(str(error), code=error.reason) from error
    identity = fingerprint(card.identity)
    if confirmed is not None and not same_fingerprint(confirmed, identity):
        raise StatementInvalid(f"The identity inside has the fingerprint {identity}, not the one that you know.")

    # 3.
    raw = base64.b64decode(bundle.envelope)
    verified = verify_statement(raw, issuer=card.issuer, key=card.delegation.statement)
    record = verified.statement
    if not isinstance(record, Record):
        raise StatementInvalid("The statement inside is no record.", code="unexpected-type")
    if record.jurisdiction != card.jurisdiction:
        raise StatementInvalid("The record names another jurisdiction than its issuer's.", code="wrong-jurisdiction")

    # 4.
    head = open_head(base64.b64decode(bundle.checkpoint), card)

    # 5.
    if bundle.log_index >= head.size:
        raise ProofInvalid(f"The head covers {head.size} statements, and this is number {bundle.log_index}.")
    proof = [bytes.fromhex(step) for step in bundle.inclusion]
    leaf = merkle.leaf_hash(verified.envelope.leaf_data)
    merkle.verify_inclusion(bundle.log_index, head.size, leaf, proof, head.root)

    # 6.
    return VerifiedBundle(verified.statement_id, record, card, identity, bundle.log_index, head, _named(record, scans))


def _named(record: Record, scans: Sequence[Path]) -> tuple[Sha256Hex, ...]:
    known = {acquisition.blob.sha256 for acquisition in record.acquisitions}
    found = []
    for path in scans:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if sha256 not in known:
            raise StatementInvalid(f"{path.name} has the SHA-256 {sha256}; the record names no such scan.")
        found.append(sha256)
    return tuple(found)
