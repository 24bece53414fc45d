"""Cosignatures (C2SP tlog-cosignature): a witness says that it saw this head, and that the log only grew to it.

A witness signs twice, as a log does: with Ed25519 (type 0x04) and with ML-DSA-44 (type 0x06), in this order, at one
time. Both are required, always. Semantically: as of that time this is the largest head of the log that the witness
saw, and it is consistent with every earlier one. The time is what the witness says, no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from exchange.errors import CheckpointInvalid
from exchange.log import note
from exchange.log.checkpoint import Checkpoint, parse_text, sign_mldsa44, stamped, unstamped, verify_mldsa44

LINES_A_SIGNER: Final = 2
MAX_WITNESSES: Final = note.MAX_SIGNATURES // LINES_A_SIGNER - 1
"""So many fit on one note beside the log itself."""
_ED25519_BYTES: Final = 64


@dataclass(frozen=True)
class Witness:
    """Who may cosign under `name`, and with which keys."""

    name: str
    ed25519: Ed25519PublicKey
    mldsa44: MLDSA44PublicKey


@dataclass(frozen=True)
class Cosignature:
    """A verified cosignature: the witness's two lines, and the time that they state, in POSIX seconds."""

    timestamp: int
    lines: tuple[note.Signature, ...]


def witness_name(node_id: str) -> str:
    """The name of a node's witness keys, as its log's origin is made of the same id."""
    return f"{node_id}.ffp-exchange/witness"


def cosign(
    signed_head: bytes,
    name: str,
    ed25519_key: Ed25519PrivateKey,
    mldsa44_key: MLDSA44PrivateKey,
    timestamp: int,
    *,
    own_lines: int = LINES_A_SIGNER,
) -> bytes:
    """The note of a head with both lines of the witness `name` in place of all others but the log's own.

    The caller must have verified the head, and that it is consistent with, and not smaller than, every head of that
    log that it cosigned before. `timestamp` is in POSIX seconds, above 0; `own_lines` are those that the head must have
    of its log, twice as many where the log's keys changed. Raises CheckpointInvalid for a time out of range, and for a
    note that has not exactly these.
    """
    if not 0 < timestamp < 2**63:
        raise CheckpointInvalid("a cosignature states a time above 0 and below 2**63")
    signed = note.parse_note(signed_head)
    checkpoint = parse_text(signed.text)
    public = ed25519_key.public_key().public_bytes_raw()
    plain = note.Signature(
        name,
        note.note_key_id(name, note.COSIGNATURE_ED25519, public),
        stamped(timestamp, ed25519_key.sign(_message(checkpoint, timestamp))),
    )
    own = tuple(line for line in signed.signatures if line.name == checkpoint.origin)
    if len(own) != own_lines:  # more would let a log fill the note that its witnesses pass on
        raise CheckpointInvalid(
            f"the head of {checkpoint.origin} has {len(own)} lines of its log in place of {own_lines}"
        )
    lines = (*own, plain, sign_mldsa44(checkpoint, name, mldsa44_key, timestamp))
    return note.Note(signed.text, lines).encoded()


def verify_cosignature(signed: note.Note, witness: Witness) -> Cosignature:
    """The witness's cosignature of the head that the note states. Raises CheckpointInvalid unless it is whole.

    1. Each of the witness's two keys signed exactly once.
    2. Both lines have their form, and state one time, which is not 0.
    3. The Ed25519 signature over `cosignature/v1`, the time and the text is good.
    4. The ML-DSA-44 signature over the cosigned structure is good.

    Whether the log signed the head, `checkpoint.open_checkpoint` says.
    """
    checkpoint = parse_text(signed.text)
    lines = tuple(
        note.Signature(witness.name, key_id, signed.signature_of(witness.name, key_id)) for key_id in _key_ids(witness)
    )
    plain, timed = lines
    timestamp, signature = unstamped(plain.value, _ED25519_BYTES)
    if timestamp == 0 or timestamp != int.from_bytes(timed.value[:8], "big"):
        raise CheckpointInvalid(f"the two cosignatures of {witness.name} do not state one time")
    try:
        witness.ed25519.verify(signature, _message(checkpoint, timestamp))
    except InvalidSignature as error:
        raise CheckpointInvalid(f"the Ed25519 cosignature of {witness.name} is not good") from error
    verify_mldsa44(timed.value, checkpoint, witness.name, witness.mldsa44)
    return Cosignature(timestamp, lines)


def with_lines(signed_head: bytes, lines: tuple[note.Signature, ...]) -> bytes:
    """The note of a head with more lines under those that it has, as many as a note may have."""
    signed = note.parse_note(signed_head)
    return note.Note(signed.text, (*signed.signatures, *lines)[: note.MAX_SIGNATURES]).encoded()


def _key_ids(witness: Witness) -> tuple[bytes, bytes]:
    return (
        note.note_key_id(witness.name, note.COSIGNATURE_ED25519, witness.ed25519.public_bytes_raw()),
        note.note_key_id(witness.name, note.MLDSA44_TYPE, witness.mldsa44.public_bytes_raw()),
    )


def _message(checkpoint: Checkpoint, timestamp: int) -> bytes:
    """Header line, time line, the note's text (tlog-cosignature, Ed25519 signed message)."""
    return f"cosignature/v1\ntime {timestamp}\n{checkpoint.text}".encode()
