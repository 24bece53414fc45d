"""Verification of a statement's envelope: one ordered list of checks, no I/O, the verified object or an error."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey

from exchange.errors import StatementInvalid, StatementTooNew
from exchange.trust.keys import ED25519, ML_DSA_65, key_id, key_ids
from schemas import (
    AnyStatement,
    Envelope,
    HybridKey,
    open_envelope,
    parse_statement,
    pre_authentication_encoding,
)
from schemas.errors import ContractError, NewerContract
from schemas.statements import statement_id

VerificationReason = Literal[
    "unknown-key",
    "bad-signature",
    "wrong-issuer",
    "unexpected-type",
    "key-compromised",
    "unchangeable",
    "out-of-order",
    "key-reused",
    "possession-missing",
    "possession-invalid",
]
"""Why a statement in the contract's form is not believed; each has a bad example in ``schemas/vectors``."""


@dataclass(frozen=True)
class VerifiedStatement:
    """A statement whose both signatures were verified, with the exact bytes that were signed."""

    statement_id: str
    envelope: Envelope
    statement: AnyStatement


def verify_statement(raw: bytes, *, issuer: str, key: HybridKey) -> VerifiedStatement:
    """Believe a statement from ``issuer``, whose statement key is ``key``, or raise StatementInvalid.

    1. The bytes are an envelope of this exchange.
    2. Both signatures, Ed25519 and ML-DSA-65, verify with the issuer's keys; no third key signs along.
    3. The payload is a statement of the contract; only now is it parsed.
    4. The statement names that issuer as its own.
    What is signed so and of a newer contract than this release reads raises StatementTooNew instead.
    The caller must still check the log's inclusion proof, and whether it may have the statement.
    """
    try:
        envelope = open_envelope(raw)
        verify_envelope(envelope, key)
        statement = parse_statement(envelope.payload)
    except NewerContract as error:
        raise StatementTooNew(str(error), needs=error.version) from error
    except ContractError as error:
        raise StatementInvalid(str(error), code=error.reason) from error
    if statement.issuer != issuer:
        raise not_believed("wrong-issuer", f"{issuer} signed a statement that names {statement.issuer} as its issuer.")
    return VerifiedStatement(statement_id(envelope.payload), envelope, statement)


def verify_envelope(envelope: Envelope, key: HybridKey) -> None:
    """Both signatures, each required by name. Raises StatementInvalid, code "unknown-key" or "bad-signature"."""
    if set(envelope.signatures) != key_ids(key):
        raise not_believed(
            "unknown-key", "The envelope is not signed by exactly the issuer's Ed25519 and ML-DSA-65 keys."
        )
    verify_signatures(envelope.signatures, pre_authentication_encoding(envelope.payload), key)


def verify_signatures(signatures: Mapping[str, bytes], message: bytes, key: HybridKey) -> None:
    """Both signatures over the message, which are there by the ids of the keys. Raises as ``verify_envelope``."""
    try:
        ed25519 = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.ed25519, validate=True))
        ml_dsa = MLDSA65PublicKey.from_public_bytes(base64.b64decode(key.ml_dsa, validate=True))
        ed25519.verify(signatures[key_id(ED25519, key.ed25519)], message)
        ml_dsa.verify(signatures[key_id(ML_DSA_65, key.ml_dsa)], message)
    except ValueError as error:
        raise not_believed("unknown-key", "The issuer's key is not a key.") from error
    except InvalidSignature as error:
        raise not_believed(
            "bad-signature", "A signature does not verify: the statement was altered or forged."
        ) from error


def not_believed(reason: VerificationReason, message: str) -> StatementInvalid:
    """The error to raise, its code one of the declared reasons."""
    return StatementInvalid(message, code=reason)
