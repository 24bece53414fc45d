"""A node's card: the key-event with which it introduces itself, and the fingerprint that two people compare."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import string

from exchange.errors import StatementInvalid
from exchange.trust.keys import HybridSigner, NodeKeys
from exchange.trust.possession import check_possession, prove_possession
from exchange.trust.verify import not_believed, verify_envelope
from schemas import (
    CONTRACT_VERSION,
    Envelope,
    HybridKey,
    KeyEvent,
    Maker,
    parse_statement,
    statement_payload,
)
from schemas.errors import ContractError
from schemas.keys import KEY_ROLES, log_origin_of
from schemas.vocabulary import Jurisdiction, Role, SignedInBy

FINGERPRINT_GROUPS = 8


def make_card(
    identity: HybridSigner, keys: NodeKeys, *, node_id: str, jurisdiction: Jurisdiction, url: str
) -> Envelope:
    """The first key-event of a node, signed with its identity key."""
    card = KeyEvent(
        contract=CONTRACT_VERSION,
        type="key-event",
        event="delegate",
        nonce=secrets.token_hex(32),
        issuer=node_id,
        made_by=Maker(pseudonym="operator", role=Role.OPERATOR, signed_in=SignedInBy.NODE_KEY),
        jurisdiction=jurisdiction,
        url=url,
        log_origin=log_origin_of(node_id),
        identity=identity.public,
        delegation=keys.delegated(0),
        possession=prove_possession(keys, KEY_ROLES, issuer=node_id, identity=identity.public, previous=None),
    )
    return identity.sign(statement_payload(card))


def open_card(envelope: Envelope) -> KeyEvent:
    """Read a card that vouches for itself; whether its identity is the right one only the fingerprint tells.

    The order: the payload is read for its identity key alone, then both signatures are verified with that key, then the
    proofs of possession with all four working keys. Raises StatementInvalid.
    """
    try:
        card = parse_statement(envelope.payload)
    except ContractError as error:
        raise StatementInvalid(f"The node's card is not in the contract's form: {error}", code=error.reason) from error
    if not isinstance(card, KeyEvent) or card.event != "delegate":
        raise not_believed("unexpected-type", "This is no node's card but another statement.")
    verify_envelope(envelope, card.identity)
    check_possession(card, KEY_ROLES)
    return card


def fingerprint(identity: HybridKey) -> str:
    """Eight groups of five digits (132 bits) from the SHA-256 of both raw identity keys, to read out by telephone."""
    return spoken_fingerprint(
        hashlib.sha256(base64.b64decode(identity.ed25519) + base64.b64decode(identity.ml_dsa)).digest()
    )


def spoken_fingerprint(digest: bytes) -> str:
    """A SHA-256 as people read it out: eight groups of five digits, from the digest as a number modulo 10^40."""
    number = int.from_bytes(digest, "big") % 10 ** (5 * FINGERPRINT_GROUPS)
    digits = f"{number:0{5 * FINGERPRINT_GROUPS}d}"
    return " ".join(digits[start : start + 5] for start in range(0, len(digits), 5))


def same_fingerprint(one: str, other: str) -> bool:
    """Compare two fingerprints as typed, whatever separates their digits."""
    digits = ["".join(character for character in text if character in string.digits) for text in (one, other)]
    return len(digits[0]) == 5 * FINGERPRINT_GROUPS and hmac.compare_digest(*digits)
