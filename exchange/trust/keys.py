"""A node's private keys: one key per role, each in its own PEM file, readable by the node's user alone."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA65PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from exchange.errors import ConfigurationError
from schemas import Envelope, HybridKey, LogKey, pre_authentication_encoding, seal

PrivateKey = Ed25519PrivateKey | MLDSA44PrivateKey | MLDSA65PrivateKey
K = TypeVar("K", Ed25519PrivateKey, MLDSA44PrivateKey, MLDSA65PrivateKey)

ED25519 = "ed25519"
ML_DSA_65 = "ml-dsa-65"


@dataclass(frozen=True)
class HybridSigner:
    """Signs with Ed25519 and ML-DSA-65, so that what is signed today still convinces when one of them is broken."""

    ed25519: Ed25519PrivateKey
    ml_dsa: MLDSA65PrivateKey

    @property
    def public(self) -> HybridKey:
        return HybridKey(ed25519=raw_public(self.ed25519), ml_dsa=raw_public(self.ml_dsa))

    def sign(self, payload: bytes) -> Envelope:
        """The payload in an envelope, both signatures over its DSSE pre-authentication encoding."""
        message = pre_authentication_encoding(payload)
        public = self.public
        return seal(
            payload,
            {
                key_id(ED25519, public.ed25519): self.ed25519.sign(message),
                key_id(ML_DSA_65, public.ml_dsa): self.ml_dsa.sign(message),
            },
        )


@dataclass(frozen=True)
class LogKeys:
    """Sign heads of a log, one's own or, with another pair, a peer's: Ed25519, and ML-DSA-44 as C2SP has no note type
    for ML-DSA-65."""

    ed25519: Ed25519PrivateKey
    ml_dsa: MLDSA44PrivateKey

    @property
    def public(self) -> LogKey:
        return LogKey(ed25519=raw_public(self.ed25519), ml_dsa=raw_public(self.ml_dsa))


@dataclass(frozen=True)
class NodeKeys:
    """The working keys that a running node needs. ``nonce_secret`` makes statement nonces from what a client sent,
    so that a repeated submission gets the same id and nobody else can guess it."""

    statement: HybridSigner
    log: LogKeys
    witness: LogKeys
    transport: Ed25519PrivateKey
    nonce_secret: bytes = field(repr=False)


def key_id(algorithm: str, public_base64: str) -> str:
    """``algorithm:`` and the first 128 bits of the SHA-256 of the raw public key."""
    return f"{algorithm}:{hashlib.sha256(base64.b64decode(public_base64)).hexdigest()[:32]}"


def raw_public(key: PrivateKey) -> str:
    """The raw public key in Base64."""
    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def create_keys(folder: Path) -> None:
    """Make all keys of a new node. Refuses to touch a folder that holds any: keys are never overwritten."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ConfigurationError(f"{folder} holds keys already; they are never overwritten.")
    makers: dict[str, Callable[[], PrivateKey]] = {
        "identity-ed25519": Ed25519PrivateKey.generate,
        "identity-ml-dsa-65": MLDSA65PrivateKey.generate,
        "statement-ed25519": Ed25519PrivateKey.generate,
        "statement-ml-dsa-65": MLDSA65PrivateKey.generate,
        "log-ed25519": Ed25519PrivateKey.generate,
        "log-ml-dsa-44": MLDSA44PrivateKey.generate,
        "witness-ed25519": Ed25519PrivateKey.generate,
        "witness-ml-dsa-44": MLDSA44PrivateKey.generate,
        "transport-ed25519": Ed25519PrivateKey.generate,
    }
    for name, make in makers.items():
        pem = make().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write_secret(folder / f"{name}.pem", pem)
    _write_secret(folder / "nonce-secret", secrets.token_bytes(32))


def load_identity(folder: Path) -> HybridSigner:
    """The identity key, which signs key-events and nothing else. May be kept offline between key-events."""
    return HybridSigner(
        _load(folder, "identity-ed25519", Ed25519PrivateKey), _load(folder, "identity-ml-dsa-65", MLDSA65PrivateKey)
    )


def load_keys(folder: Path) -> NodeKeys:
    """The working keys. Raises ConfigurationError naming a key that is missing, unreadable or open to others."""
    secret = _read_secret(folder / "nonce-secret")
    if len(secret) != 32:
        raise ConfigurationError(f"{folder / 'nonce-secret'} must hold 32 bytes; restore it from the key backup.")
    return NodeKeys(
        statement=HybridSigner(
            _load(folder, "statement-ed25519", Ed25519PrivateKey),
            _load(folder, "statement-ml-dsa-65", MLDSA65PrivateKey),
        ),
        log=LogKeys(_load(folder, "log-ed25519", Ed25519PrivateKey), _load(folder, "log-ml-dsa-44", MLDSA44PrivateKey)),
        witness=LogKeys(
            _load(folder, "witness-ed25519", Ed25519PrivateKey), _load(folder, "witness-ml-dsa-44", MLDSA44PrivateKey)
        ),
        transport=_load(folder, "transport-ed25519", Ed25519PrivateKey),
        nonce_secret=secret,
    )


def _load(folder: Path, name: str, kind: type[K]) -> K:
    path = folder / f"{name}.pem"
    try:
        key = load_pem_private_key(_read_secret(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(
            f"{path} is no readable private key in PEM; restore it from the key backup."
        ) from error
    if not isinstance(key, kind):
        raise ConfigurationError(f"{path} holds another kind of key than its name says.")
    return key


def _read_secret(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigurationError(f"{path} can be read by others; make it private with: chmod 600 {path}")
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"The key {path} cannot be read: {error.strerror}.") from error


def _write_secret(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
