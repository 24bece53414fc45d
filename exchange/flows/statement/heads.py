"""The signed heads of nodes' logs, opened with the keys that must have signed them."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from exchange.errors import CheckpointInvalid
from exchange.log.checkpoint import Checkpoint, open_checkpoint, parse_text
from exchange.log.cosignature import LINES_A_SIGNER, Cosignature, Witness, verify_cosignature, witness_name
from exchange.log.note import parse_note
from exchange.trust.key_history import KeyHistory


def open_head(signed: bytes, keys: KeyHistory) -> Checkpoint:
    """The signed head of a node's log: by the keys in force at its size, by both pairs where they changed.

    Raises CheckpointInvalid.
    """
    head = parse_text(parse_note(signed).text)  # its size says which keys; believed only when they signed it
    for key in keys.log_keys(head.size):
        head = open_checkpoint(
            signed,
            keys.card.log_origin,
            Ed25519PublicKey.from_public_bytes(base64.b64decode(key.ed25519)),
            MLDSA44PublicKey.from_public_bytes(base64.b64decode(key.ml_dsa)),
        )
    return head


def open_cosigned(raw: bytes, log: KeyHistory, witness: KeyHistory) -> tuple[Checkpoint, Cosignature]:
    """A head that one node's log signed and the other's witness cosigned. Raises CheckpointInvalid.

    The note has these four lines and no other, since it is kept and passed on; six where the log's keys changed. The
    head is not that of an empty log, which says nothing.
    """
    return open_cosigned_by(raw, log, witness_of(witness))


def open_cosigned_by(raw: bytes, log: KeyHistory, witness: Witness) -> tuple[Checkpoint, Cosignature]:
    """As ``open_cosigned``, with the keys of the witness alone."""
    head = open_head(raw, log)
    lines, due = len(parse_note(raw).signatures), own_lines(log, head) + LINES_A_SIGNER
    if lines != due or head.size == 0:
        raise CheckpointInvalid(f"a cosigned head has {due} lines and a size above 0, this one {lines} and {head.size}")
    return head, verify_cosignature(parse_note(raw), witness)


def own_lines(log: KeyHistory, head: Checkpoint) -> int:
    """How many lines of its own a log's head has: a pair, or two where its keys changed."""
    return LINES_A_SIGNER * len(log.log_keys(head.size))


def witness_of(history: KeyHistory) -> Witness:
    """Under which name and with which keys a node cosigns today."""
    keys = history.in_force.witness
    return Witness(
        witness_name(history.card.issuer),
        Ed25519PublicKey.from_public_bytes(base64.b64decode(keys.ed25519)),
        MLDSA44PublicKey.from_public_bytes(base64.b64decode(keys.ml_dsa)),
    )


def head_of(signed_head: bytes) -> Checkpoint:
    """The head that a note states which was verified before it was stored."""
    return parse_text(parse_note(signed_head).text)
