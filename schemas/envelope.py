"""DSSE envelopes over exact payload bytes (github.com/secure-systems-lab/dsse, protocol.md and envelope.md).

Nothing here signs or verifies: this module only knows the bytes. Verify first, parse the payload after.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from schemas.errors import ContractError
from schemas.exhibit import Contract
from schemas.strict_json import MAX_STATEMENT_BYTES, check_json

PAYLOAD_TYPE = "application/vnd.ffp.statement+json"
ENVELOPE_MEDIA_TYPE = "application/vnd.dsse.envelope+json"
MAX_ENVELOPE_BYTES = 2 * MAX_STATEMENT_BYTES  # Base64 takes a third more, and two signatures 5 kB
MAX_ENVELOPE_SIGNATURES = 4


class SignatureForm(Contract):
    """``keyid`` is the algorithm and the first 128 bits of the SHA-256 of the raw public key; ``sig`` is Base64."""

    keyid: Annotated[str, Field(pattern=r"^[a-z0-9-]{3,20}:[0-9a-f]{32}$")]
    sig: Annotated[str, Field(max_length=8192)]


class EnvelopeForm(Contract):
    """A DSSE envelope: the payload's exact bytes in Base64, and at most four signatures over them."""

    payload: str
    payloadType: Literal["application/vnd.ffp.statement+json"]  # noqa: N815 - DSSE's own name
    signatures: tuple[SignatureForm, ...] = Field(min_length=1, max_length=MAX_ENVELOPE_SIGNATURES)


@dataclass(frozen=True)
class Envelope:
    """An envelope as received: ``raw`` is kept and passed on byte for byte. ``signatures`` by key id."""

    raw: bytes
    payload: bytes
    signatures: dict[str, bytes]

    @property
    def leaf_data(self) -> bytes:
        """What the log holds of it: the SHA-256 of the envelope's bytes (32 bytes)."""
        return hashlib.sha256(self.raw).digest()


def pre_authentication_encoding(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """The bytes that are signed: DSSE protocol.md, "PAE(type, body)". What has another type is never a statement."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, signatures: dict[str, bytes]) -> Envelope:
    """Put a payload and its signatures (key id -> bytes) into an envelope."""
    form = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [
            {"keyid": key_id, "sig": base64.b64encode(signature).decode()} for key_id, signature in signatures.items()
        ],
    }
    return Envelope(json.dumps(form, separators=(",", ":")).encode(), payload, dict(signatures))


def open_envelope(raw: bytes) -> Envelope:
    """Take an untrusted envelope apart; its payload is still unverified bytes.

    Raises ContractError: those of ``check_json``, "not-an-envelope", "not-base64", "duplicate-signature".
    """
    check_json(raw, max_bytes=MAX_ENVELOPE_BYTES)
    try:
        form = EnvelopeForm.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise ContractError("not-an-envelope", "This is not a DSSE envelope of this exchange.") from error
    signatures: dict[str, bytes] = {}
    for item in form.signatures:
        if item.keyid in signatures:
            raise ContractError("duplicate-signature", f"The envelope names the key {item.keyid} twice.")
        signatures[item.keyid] = _decoded(item.sig)
    return Envelope(raw, _decoded(form.payload), signatures)


def _decoded(text: str) -> bytes:
    """Base64 in its one canonical spelling: another one would make another log leaf of the same statement."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ContractError("not-base64", "The envelope holds text that is not Base64.") from error
    if base64.b64encode(decoded).decode() != text:
        raise ContractError("not-base64", "The envelope holds Base64 in another than the canonical spelling.")
    return decoded
