"""A jurisdiction's own key pair for the trust root: private parts encrypted at home, the public part carried about."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner

from exchange.errors import ConfigurationError, InvalidInput
from exchange.home import read_bounded
from exchange.trust.keys import HybridSigner
from schemas import ContractError, HybridKey
from schemas.exhibit import Contract
from schemas.strict_json import read_strict
from schemas.vocabulary import Jurisdiction

_K = TypeVar("_K", Ed25519PrivateKey, MLDSA65PrivateKey)

# The library stretches the passphrase of a PKCS #8 file by 2,048 rounds only, so it must be long by itself: twenty
# characters are five or six words drawn by lot.
MIN_PASSPHRASE = 20
MAX_KEY_BYTES = 16 * 1024
ED25519_FILE = "root-ed25519.pem"
ML_DSA_FILE = "root-ml-dsa-65.pem"


class RootKey(Contract):
    """The public part of a jurisdiction's key pair, as it is carried to the ceremony."""

    jurisdiction: Jurisdiction
    key: HybridKey


@dataclass(frozen=True)
class RootSigner:
    """Both private keys of one jurisdiction, decrypted."""

    keys: HybridSigner

    @property
    def signers(self) -> tuple[CryptoSigner, CryptoSigner]:
        """Each signs for TUF: Ed25519 the canonical bytes, ML-DSA-65 their SHA-512 behind a tag (TAP 21)."""
        return CryptoSigner(self.keys.ed25519), CryptoSigner(self.keys.ml_dsa)


def create_root_key(folder: Path, jurisdiction: Jurisdiction, passphrase: str) -> RootKey:
    """Make a key pair in a new folder: two encrypted private keys, and beside them the public part to carry away.

    Raises ConfigurationError for a folder that holds anything, InvalidInput for a short passphrase.
    """
    if len(passphrase) < MIN_PASSPHRASE:
        raise InvalidInput(
            f"The passphrase has {len(passphrase)} characters; at least {MIN_PASSPHRASE} are needed. Draw six words by "
            "lot."
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ConfigurationError(f"{folder} is not empty; a key is never overwritten. Name a new folder.")
    signer = HybridSigner(Ed25519PrivateKey.generate(), MLDSA65PrivateKey.generate())
    encryption = BestAvailableEncryption(passphrase.encode())
    for name, key in ((ED25519_FILE, signer.ed25519), (ML_DSA_FILE, signer.ml_dsa)):
        _write_new(folder / name, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    public = RootKey(jurisdiction=jurisdiction, key=signer.public)
    _write_new(folder / f"{jurisdiction}.json", (public.model_dump_json(indent=1) + "\n").encode())
    return public


def load_root_signer(folder: Path, passphrase: str) -> RootSigner:
    """Decrypt a jurisdiction's key pair. Raises ConfigurationError, InvalidInput for a wrong passphrase."""
    return RootSigner(
        HybridSigner(
            _load(folder / ED25519_FILE, passphrase, Ed25519PrivateKey),
            _load(folder / ML_DSA_FILE, passphrase, MLDSA65PrivateKey),
        )
    )


def read_root_key(path: Path) -> RootKey:
    """The public part of a key pair, from a file that somebody brought. Raises InvalidInput."""
    try:
        return read_strict(RootKey, read_bounded(path, MAX_KEY_BYTES), max_bytes=MAX_KEY_BYTES)
    except ContractError as error:
        raise InvalidInput(f"{path} is no root key of a jurisdiction: {error}") from error


def _load(path: Path, passphrase: str, kind: type[_K]) -> _K:
    try:
        key = load_pem_private_key(path.read_bytes(), passphrase.encode())
    except FileNotFoundError as error:
        raise ConfigurationError(f"There is no {path}; name the folder that ffp root key made.") from error
    except TypeError as error:
        raise ConfigurationError(f"{path} is not encrypted; a root key must be.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput(f"{path} does not open: the passphrase is wrong, or the file is damaged.") from error
    if not isinstance(key, kind):
        raise ConfigurationError(f"{path} holds another kind of key than its name says.")
    return key


def _write_new(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
