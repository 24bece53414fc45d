"""Checkpoints (C2SP tlog-checkpoint): the signed heads of a log.

A head is signed twice by the log: with Ed25519 as a plain note (type 0x01), which every tool reads today, and with
ML-DSA-44 as a cosignature by the log itself (type 0x06, C2SP tlog-cosignature), which stands when a quantum
computer exists. Both are required, always. The name of both keys is the log's origin. What witnesses add stands in
`cosignature`.
"""

from __future__ import annotations

import base64
import re
import struct
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from exchange.errors import CheckpointInvalid
from exchange.log import merkle, note

MAX_ORIGIN_BYTES: Final = 255
"""The signed structure of a cosignature gives its length one byte."""
_MAX_TIMESTAMP: Final = 2**63 - 1
_TIMESTAMP_BYTES: Final = 8
MLDSA44_BYTES: Final = 2420
_LABEL: Final = b"subtree/v1\n\0"
_TEXT: Final = re.compile(r"(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[^\n]{44})\n")


@dataclass(frozen=True)
class Checkpoint:
    """The head of the log `origin` at `size` leaves with the 32-byte `root`.

    Raises CheckpointInvalid for an origin that is no key's name, a size out of range, a root that cannot be.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        note.check_name(self.origin)
        if len(self.origin.encode()) > MAX_ORIGIN_BYTES:
            raise CheckpointInvalid(f"an origin has at most {MAX_ORIGIN_BYTES} bytes")
        if not 0 <= self.size <= merkle.MAX_SIZE:
            raise CheckpointInvalid(f"no log has the size {self.size}")
        if len(self.root) != merkle.HASH_BYTES or (self.size == 0) != (self.root == merkle.EMPTY_ROOT):
            raise CheckpointInvalid(f"no log of size {self.size} has this root")

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def sign_checkpoint(
    checkpoint: Checkpoint,
    ed25519_key: Ed25519PrivateKey,
    mldsa44_key: MLDSA44PrivateKey,
    timestamp: int,
) -> bytes:
    """The signed note of the head, with both signatures of the log. `timestamp` is in POSIX seconds.

    The caller must be sure that the head goes on from every head that the log signed before: signing a second one
    that does not is a fork, and can never be undone.
    """
    ed25519_id, _ = _key_ids(checkpoint.origin, ed25519_key.public_key(), mldsa44_key.public_key())
    return note.Note(
        checkpoint.text,
        (
            note.Signature(checkpoint.origin, ed25519_id, ed25519_key.sign(checkpoint.text.encode())),
            sign_mldsa44(checkpoint, checkpoint.origin, mldsa44_key, timestamp),
        ),
    ).encoded()


def open_checkpoint(
    note_bytes: bytes,
    origin: str,
    ed25519_public: Ed25519PublicKey,
    mldsa44_public: MLDSA44PublicKey,
) -> Checkpoint:
    """The head in `note_bytes`, signed by the log `origin` with both its keys. Raises CheckpointInvalid otherwise.

    1. The note has its form.
    2. Each of the two named keys signed exactly once. Lines of other keys (witnesses, a key to come) are ignored.
    3. The Ed25519 signature over the text is good.
    4. The text has its form, three lines and no extension line, and its origin is the one that is asked for.
    5. The ML-DSA-44 signature over the cosigned structure is good. Its time is what the log says, no more.

    The caller must then check consistency with the last head that it has seen (`merkle.verify_consistency`).
    """
    signed = note.parse_note(note_bytes)
    ed25519_id, mldsa44_id = _key_ids(origin, ed25519_public, mldsa44_public)
    plain = signed.signature_of(origin, ed25519_id)
    timed = signed.signature_of(origin, mldsa44_id)
    try:
        ed25519_public.verify(plain, signed.text.encode())
    except InvalidSignature as error:
        raise CheckpointInvalid(f"the Ed25519 signature of {origin} is not good") from error
    checkpoint = parse_text(signed.text)
    if checkpoint.origin != origin:
        raise CheckpointInvalid(f"this is a head of {checkpoint.origin}, not of {origin}")
    verify_mldsa44(timed, checkpoint, origin, mldsa44_public)
    return checkpoint


def sign_mldsa44(checkpoint: Checkpoint, cosigner: str, key: MLDSA44PrivateKey, timestamp: int) -> note.Signature:
    """The line of type 0x06 with which `cosigner`, the log itself or a witness, signs the head (tlog-cosignature)."""
    public = key.public_key().public_bytes_raw()
    signature = key.sign(_cosigned(checkpoint, cosigner, timestamp))
    return note.Signature(
        cosigner, note.note_key_id(cosigner, note.MLDSA44_TYPE, public), stamped(timestamp, signature)
    )


def verify_mldsa44(value: bytes, checkpoint: Checkpoint, cosigner: str, public: MLDSA44PublicKey) -> int:
    """The time that a good line of type 0x06 states. Raises CheckpointInvalid for any other."""
    timestamp, signature = unstamped(value, MLDSA44_BYTES)
    try:
        public.verify(signature, _cosigned(checkpoint, cosigner, timestamp))
    except InvalidSignature as error:
        raise CheckpointInvalid(f"the ML-DSA-44 signature of {cosigner} is not good") from error
    return timestamp


def stamped(timestamp: int, signature: bytes) -> bytes:
    """A `timestamped_signature` (tlog-cosignature, Format)."""
    return timestamp.to_bytes(_TIMESTAMP_BYTES, "big") + signature


def unstamped(value: bytes, signature_bytes: int) -> tuple[int, bytes]:
    """The time and the signature of a `timestamped_signature`. Raises CheckpointInvalid when its form is another."""
    timestamp = int.from_bytes(value[:_TIMESTAMP_BYTES], "big")
    if len(value) != _TIMESTAMP_BYTES + signature_bytes or timestamp > _MAX_TIMESTAMP:
        raise CheckpointInvalid(
            f"a cosignature is a time below 2**63 in 8 bytes and a signature of {signature_bytes:,} bytes"
        )
    return timestamp, value[_TIMESTAMP_BYTES:]


def vkeys(origin: str, ed25519_public: Ed25519PublicKey, mldsa44_public: MLDSA44PublicKey) -> tuple[str, str]:
    """Both keys of a log in the text form that public verifiers take: Ed25519, then ML-DSA-44."""
    return (
        note.vkey(origin, note.ED25519_TYPE, ed25519_public.public_bytes_raw()),
        note.vkey(origin, note.MLDSA44_TYPE, mldsa44_public.public_bytes_raw()),
    )


def _key_ids(origin: str, ed25519_public: Ed25519PublicKey, mldsa44_public: MLDSA44PublicKey) -> tuple[bytes, bytes]:
    return (
        note.note_key_id(origin, note.ED25519_TYPE, ed25519_public.public_bytes_raw()),
        note.note_key_id(origin, note.MLDSA44_TYPE, mldsa44_public.public_bytes_raw()),
    )


def _cosigned(checkpoint: Checkpoint, cosigner: str, timestamp: int) -> bytes:
    """The `cosigned_message` structure of a whole tree (tlog-cosignature, ML-DSA-44 signed message)."""
    start = 0  # a whole tree, not a subtree further right
    return b"".join(
        (
            _LABEL,
            _opaque(cosigner),
            struct.pack(">Q", timestamp),
            _opaque(checkpoint.origin),
            struct.pack(">QQ", start, checkpoint.size),
            checkpoint.root,
        )
    )


def _opaque(name: str) -> bytes:
    encoded = name.encode()
    if not 0 < len(encoded) <= MAX_ORIGIN_BYTES:
        raise CheckpointInvalid(f"a cosigner's name has 1 to {MAX_ORIGIN_BYTES} bytes")
    return bytes([len(encoded)]) + encoded


def parse_text(text: str) -> Checkpoint:
    """The head that a note's text states, not verified. Raises CheckpointInvalid unless it has exactly the form."""
    # fullmatch: an extension line would not be covered by the ML-DSA-44 signature, so none is taken.
    lines = _TEXT.fullmatch(text)
    if lines is None:
        raise CheckpointInvalid("a head has three lines: origin, size, root in base64")
    return Checkpoint(lines["origin"], int(lines["size"]), note.strict_base64(lines["root"]))
