"""A recipient of what leaves the exchange: a key pair of somebody who has no node, and what is sealed for it.

Sealed by HPKE (RFC 9180) with ML-KEM-768 and X25519 together, HKDF-SHA256 and AES-256-GCM: what is recorded today is
not read when one of the two is broken. The private key is a file of the recipient's; the public one goes to whoever
sends, who compares its fingerprint by telephone.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from pydantic import AfterValidator, Field, ValidationError

from exchange.clock import stamp
from exchange.errors import ConfigurationError, InvalidInput
from exchange.trust.card import same_fingerprint, spoken_fingerprint
from exchange.trust.encrypted_files import seal_files, unseal
from schemas.errors import ContractError
from schemas.exhibit import Contract, plain_line
from schemas.lane import Base64Text
from schemas.strict_json import contract_error, read_strict

MAX_PURPOSE: Final = 200
_LABEL: Final = b"ffp-report-file/1\0"


class SealedEdition(Contract):
    """What stands here beside ``sealed`` is authenticated with it."""

    recipient: Annotated[str, Field(min_length=1, max_length=120), AfterValidator(plain_line)]
    fingerprint: Annotated[str, Field(pattern=r"^([0-9]{5} ){7}[0-9]{5}$")]
    purpose: Annotated[str, Field(min_length=1, max_length=MAX_PURPOSE), AfterValidator(plain_line)]
    released_at: Annotated[str, Field(max_length=30)]
    suite: Annotated[str, Field(max_length=100)]
    sealed: Base64Text


def seal_edition(content: bytes, manifest: bytes, recipient: NamedRecipient, purpose: str) -> SealedEdition:
    """``manifest``: what was approved, which names this edition."""
    said = SealedEdition(
        recipient=recipient.name,
        fingerprint=recipient.fingerprint,
        purpose=purpose,
        released_at=stamp(),
        suite=SUITE,
        sealed="",
    )
    sealed = seal_for_recipient(recipient, content, _info(manifest, said))
    return said.model_copy(update={"sealed": base64.b64encode(sealed).decode()})


def open_edition(said: SealedEdition, manifest: bytes, key: RecipientKey) -> bytes:
    """Raises InvalidInput, code "not-for-this-key": for somebody else, or changed on the way."""
    return key.open(base64.b64decode(said.sealed), _info(manifest, said))


def _info(manifest: bytes, said: SealedEdition) -> bytes:
    """What is bound to the sealed edition: the manifest, and for whom and why it was sealed."""
    fields = said.model_dump(mode="json", exclude={"sealed"})
    told = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    return _LABEL + hashlib.sha256(manifest).digest() + told


RECIPIENT_FORMAT: Final = "ffp-recipient/1"
PRIVATE_FORMAT: Final = "ffp-recipient-private/1"
SUITE: Final = "MLKEM768-X25519, HKDF-SHA256, AES-256-GCM"
MAX_RECIPIENT_BYTES: Final = 16 * 1024
_SEALED: Final = b"ffp-sealed-1\n"
_INSIDE: Final = "recipient.json"

_Key = Annotated[str, Field(max_length=2048, pattern=r"^[A-Za-z0-9+/]+=*$")]


class NamedRecipient(Contract):
    """The public file. ``name``: whom it is of, in words, as those who seal for it will write down."""

    format: Literal["ffp-recipient/1"]
    name: Annotated[str, Field(min_length=1, max_length=120), AfterValidator(plain_line)]
    ml_kem_768: _Key
    x25519: _Key

    @property
    def fingerprint(self) -> str:
        """Eight groups of five digits, of both keys."""
        return spoken_fingerprint(hashlib.sha256(_raw(self.ml_kem_768) + _raw(self.x25519)).digest())


class _Private(Contract):
    """What the recipient keeps: the seeds of both keys."""

    format: Literal["ffp-recipient-private/1"]
    name: Annotated[str, Field(min_length=1, max_length=120)]
    ml_kem_768: _Key
    x25519: _Key


@dataclass(frozen=True)
class RecipientKey:
    """Both, of whoever opens."""

    recipient: NamedRecipient
    ml_kem_768: MLKEM768PrivateKey
    x25519: X25519PrivateKey

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """Raises InvalidInput, code "not-for-this-key": for somebody else, or changed on the way."""
        pair = MLKEM768X25519PrivateKey(self.ml_kem_768, self.x25519)
        try:
            return _suite().decrypt(sealed, pair, info)
        except (InvalidTag, ValueError) as error:
            raise InvalidInput(
                "This key does not open it: it was sealed for another recipient, or changed on the way. Ask the sender "
                f"for a file for {self.recipient.name}, fingerprint {self.recipient.fingerprint}.",
                code="not-for-this-key",
            ) from error


def make_recipient(name: str) -> RecipientKey:
    """A new key pair. Raises InvalidInput for a name that is empty or too long."""
    ml_kem, x25519 = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
    return _key_of(name, ml_kem, x25519)


def seal_for_recipient(recipient: NamedRecipient, content: bytes, info: bytes) -> bytes:
    """``info`` is what is said beside it: whoever changes a byte of that cannot open it either."""
    try:
        pair = MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(_raw(recipient.ml_kem_768)),
            X25519PublicKey.from_public_bytes(_raw(recipient.x25519)),
        )
        return _suite().encrypt(content, pair, info)
    except ValueError as error:
        raise InvalidInput("The recipient's file holds no keys that can be used.", code="no-recipient") from error


def check_recipient(recipient: NamedRecipient, confirmed: str) -> None:
    """Raises InvalidInput unless the digits are those of the recipient's keys."""
    if not same_fingerprint(confirmed, recipient.fingerprint):
        raise InvalidInput(
            "The fingerprint is not that of the recipient's file. Ask the recipient for its 40 digits by telephone, "
            "and for the file again.",
            code="fingerprint-differs",
        )


def write_recipient(recipient: NamedRecipient) -> bytes:
    return (json.dumps(recipient.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n").encode()


def read_recipient(data: bytes) -> NamedRecipient:
    """From bytes of whoever. Raises InvalidInput, code "no-recipient"."""
    try:
        return read_strict(NamedRecipient, data, max_bytes=MAX_RECIPIENT_BYTES)
    except ContractError as error:
        raise InvalidInput("This is no recipient's file, as ffp region key makes one.", code="no-recipient") from error


def write_recipient_key(key: RecipientKey, passphrase: bytes | None) -> bytes:
    """The private file: JSON, or that sealed with the passphrase."""
    private = _Private(
        format=PRIVATE_FORMAT,
        name=key.recipient.name,
        ml_kem_768=_text(key.ml_kem_768.private_bytes_raw()),
        x25519=_text(key.x25519.private_bytes_raw()),
    )
    content = (json.dumps(private.model_dump(mode="json"), ensure_ascii=False, indent=1) + "\n").encode()
    return content if passphrase is None else seal_files({_INSIDE: content}, passphrase)


def is_sealed(data: bytes) -> bool:
    """Whether a private file needs a passphrase."""
    return data.startswith(_SEALED)


def read_recipient_key(data: bytes, passphrase: bytes | None) -> RecipientKey:
    """The private file. Raises ConfigurationError."""
    if is_sealed(data):
        if passphrase is None:
            raise ConfigurationError("The recipient's key is sealed with a passphrase: give it.")
        data = unseal(data, passphrase).get(_INSIDE, b"")
    try:
        private = read_strict(_Private, data, max_bytes=MAX_RECIPIENT_BYTES)
        return _key_of(
            private.name,
            MLKEM768PrivateKey.from_seed_bytes(_raw(private.ml_kem_768)),
            X25519PrivateKey.from_private_bytes(_raw(private.x25519)),
        )
    except (ContractError, ValidationError, ValueError) as error:
        raise ConfigurationError("This is no recipient's private key, as ffp region key makes one.") from error


def _key_of(name: str, ml_kem: MLKEM768PrivateKey, x25519: X25519PrivateKey) -> RecipientKey:
    try:
        recipient = NamedRecipient(
            format=RECIPIENT_FORMAT,
            name=name,
            ml_kem_768=_text(ml_kem.public_key().public_bytes_raw()),
            x25519=_text(x25519.public_key().public_bytes_raw()),
        )
    except ValidationError as error:
        raise InvalidInput(f"The recipient's name: {contract_error(error)}", code="invalid-field") from error
    return RecipientKey(recipient, ml_kem, x25519)


def _suite() -> Suite:
    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _raw(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
