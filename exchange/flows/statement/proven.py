"""A statement with all that proves that it stands in its issuer's log, given away by the node, and verified without
any."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.errors import CheckpointInvalid, Conflict, NotFound, ProofInvalid, StatementInvalid
from exchange.flows.node.node import Node
from exchange.flows.statement.heads import open_head, witness_of
from exchange.flows.statement.peer import peer_keys
from exchange.log import merkle
from exchange.log.checkpoint import Checkpoint
from exchange.log.cosignature import verify_cosignature
from exchange.log.note import parse_note
from exchange.store.log.statement_rows import find_statement, latest_checkpoint, node_reader
from exchange.store.sync.peers import find_peer
from exchange.store.witness.cosignatures import cosignatures
from exchange.trust.card import fingerprint, same_fingerprint
from exchange.trust.key_history import history_of
from exchange.trust.registry import RoundFiles, Trust, verify_rounds
from exchange.trust.verify import VerifiedStatement, verify_statement
from schemas import CONTRACT_VERSION, ContractError, HybridKey, KeyEvent, open_envelope
from schemas.bundle import MAX_BUNDLE_WITNESSES, Bundle, Cosigned, TrustRound, parse_bundle


@dataclass(frozen=True)
class ProvenStatement:
    """A statement that stands in its issuer's log. ``key``: which signed it. ``fingerprint``: of the identity that
    vouches for all of it; whether it is the issuer's, two people must have compared. ``witnesses``: the cards of those
    that cosigned the head. ``trust``: the trust root that stands beside it and names the identity."""

    verified: VerifiedStatement
    key: HybridKey
    card: KeyEvent
    fingerprint: str
    log_index: int
    head: Checkpoint
    witnesses: tuple[KeyEvent, ...]
    trust: Trust | None


def make_proven(node: Node, statement_id: str, *, kind: str, rounds: tuple[TrustRound, ...] = ()) -> Bundle:
    """A statement of this kind of this node's own, with the key-events, the proof and the signed head that it rests on;
    ``rounds``: those of the trust root that stand beside it.

    Raises NotFound for what is not this node's own: its issuer gives the proof. Raises Conflict, code
    "head-not-signed", while no signed head of the log covers it: ask again in a second.
    """
    with node.store.read() as session:
        row, signed = find_statement(session, statement_id), latest_checkpoint(session)
        if row is None or row.envelope is None or row.issuer != node.node_id or row.type != kind:
            raise NotFound(f"There is no {kind} {statement_id} of this node's own; ask the node that made it.")
        if row.refused_by is not None:
            raise Conflict(
                f"The {kind} {statement_id} is not believed any more: its key was in wrong hands by then. Make it "
                "again, under a new Idempotency-Key.",
                code="key-compromised",
            )
        if signed is None or signed.size <= row.log_index:
            raise Conflict(f"The log's head over this {kind} is not signed yet; ask again.", code="head-not-signed")
        proof = merkle.inclusion_proof(row.log_index, signed.size, node_reader(session))
        cosigned = _cosigned(session, signed.size)
    return Bundle(
        contract=CONTRACT_VERSION,
        envelope=base64.b64encode(row.envelope).decode(),
        card=base64.b64encode(node.card_envelope.raw).decode(),
        key_events=tuple(
            base64.b64encode(link.envelope.raw).decode() for link in node.history.links[1:] if link.index < signed.size
        ),
        log_index=row.log_index,
        inclusion=tuple(step.hex() for step in proof),
        checkpoint=base64.b64encode(signed.note).decode(),
        cosigned=cosigned,
        trust_root=rounds,
    )


def verify_proven(data: bytes, *, confirmed: str | None = None, confirmed_root: str | None = None) -> ProvenStatement:
    """Believe that a statement stands in its issuer's log, or raise the reason not to.

    1. It is in the contract's form.
    2. The card is signed by the identity inside; where a fingerprint is known, it is that one's. The key-events follow
       on it, each on the one before, signed by the same identity.
    3. The statement keys in force at the record's index signed it, both; it names the card's node as its issuer.
    4. The log keys in force at the head's size signed it, both; where they changed, both pairs.
    5. The proof leads from the record to that head.
    6. Each cosignature is of that very head, by the witness keys of the card beside it; no node witnesses itself.
    7. Where there is a trust root: its rounds verify from the first on, and one of them names the issuer's identity.

    ``confirmed``: the identity's fingerprint as the verifier knows it from elsewhere; ``confirmed_root``: the digits of
    the last round of the trust root, likewise. Raises StatementInvalid, CheckpointInvalid, ProofInvalid, RootInvalid.
    """
    # 1. and 2.
    try:
        bundle = parse_bundle(data)
        keys = history_of(open_envelope(base64.b64decode(bundle.card)), map(base64.b64decode, bundle.key_events))
    except ContractError as error:
        raise StatementInvalid(str(error), code=error.reason) from error
    card = keys.card
    identity = fingerprint(card.identity)
    if confirmed is not None and not same_fingerprint(confirmed, identity):
        raise StatementInvalid(f"The identity inside has the fingerprint {identity}, not the one that you know.")

    # 3.
    raw = base64.b64decode(bundle.envelope)
    key = keys.statement_key(bundle.log_index)
    verified = verify_statement(raw, issuer=card.issuer, key=key)

    # 4.
    head = open_head(base64.b64decode(bundle.checkpoint), keys)

    # 5.
    if bundle.log_index >= head.size:
        raise ProofInvalid(f"The head covers {head.size} statements, and this is number {bundle.log_index}.")
    proof = [bytes.fromhex(step) for step in bundle.inclusion]
    leaf = merkle.leaf_hash(verified.envelope.leaf_data)
    merkle.verify_inclusion(bundle.log_index, head.size, leaf, proof, head.root)

    # 6.
    witnesses = tuple(_witness(item, head, issuer=card.issuer) for item in bundle.cosigned)
    if len({witness.issuer for witness in witnesses}) != len(witnesses):
        raise StatementInvalid("One node witnesses the head twice.", code="unexpected-type")

    # 7.
    trust = _trusted(bundle, card, confirmed_root)
    return ProvenStatement(verified, key, card, identity, bundle.log_index, head, witnesses, trust)


def _cosigned(session: Session, size: int) -> tuple[Cosigned, ...]:
    found = []
    for row in cosignatures(session, size, limit=MAX_BUNDLE_WITNESSES):
        peer = find_peer(session, row.peer)
        if peer is None:
            continue
        card, *events = (base64.b64encode(link.envelope.raw).decode() for link in peer_keys(peer).links)
        found.append(Cosigned(note=base64.b64encode(row.note).decode(), card=card, key_events=tuple(events)))
    return tuple(found)


def _witness(item: Cosigned, head: Checkpoint, *, issuer: str) -> KeyEvent:
    try:
        keys = history_of(open_envelope(base64.b64decode(item.card)), map(base64.b64decode, item.key_events))
    except ContractError as error:
        raise StatementInvalid(str(error), code=error.reason) from error
    if keys.card.issuer == issuer:
        raise StatementInvalid("The issuer witnesses itself, which tells nothing.", code="unexpected-type")
    cosigned = parse_note(base64.b64decode(item.note))
    if cosigned.text != head.text:
        raise CheckpointInvalid(f"{keys.card.issuer} cosigned another head than that of the bundle.")
    verify_cosignature(cosigned, witness_of(keys))
    return keys.card


def _trusted(bundle: Bundle, card: KeyEvent, confirmed: str | None) -> Trust | None:
    if not bundle.trust_root:
        if confirmed is not None:
            raise StatementInvalid("The bundle has no trust root to compare the digits with.")
        return None
    trust = verify_rounds(
        [RoundFiles(base64.b64decode(item.root), base64.b64decode(item.registry)) for item in bundle.trust_root]
    )
    if confirmed is not None and not same_fingerprint(confirmed, trust.fingerprint):
        raise StatementInvalid(
            f"The last round of the trust root inside has the digits {trust.fingerprint}, not those that you know."
        )
    if last_round_that_names(trust, card) is None:
        raise StatementInvalid("The trust root inside does not name the issuer's identity.", code="unknown-key")
    return trust


def last_round_that_names(trust: Trust, card: KeyEvent) -> int | None:
    """The number of the last round in which the registry has the identity of a card: what was named once stays proven,
    also of a node that left since."""
    for registry in reversed(trust.registries):
        for entry in registry.nodes:
            named = (entry.node_id, entry.jurisdiction, entry.identity)
            if named == (card.issuer, card.jurisdiction, card.identity):
                return registry.version
    return None
