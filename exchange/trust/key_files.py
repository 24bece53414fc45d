"""Private keys on disk: PEM files that the node's user alone may read, encrypted where a passphrase is given, and
folders of them that are exchanged whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA65PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from exchange.errors import ConfigurationError, PassphraseNeeded

PrivateKey = Ed25519PrivateKey | MLDSA44PrivateKey | MLDSA65PrivateKey
_K = TypeVar("_K", Ed25519PrivateKey, MLDSA44PrivateKey, MLDSA65PrivateKey)

MIN_PASSPHRASE_CHARACTERS = 16
"""PKCS#8 as OpenSSL and `cryptography` write it derives its key by 2,048 rounds of PBKDF2: a short passphrase would be
guessed. ``openssl rand -base64 24`` makes one that will not be."""
NONCE_SECRET = "nonce-secret"  # noqa: S105 - a file's name
NONCE_SECRET_BYTES = 32
_ENCRYPTED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"
_TO_COME, _GONE = ".new", ".old"


EVENTS = "key-events.json"
"""Beside the keys, the key-events up to the one that names them: a database that is older than they are does not know
all of these. Nothing in it is secret."""


def check_passphrase(passphrase: bytes) -> None:
    """Raises ConfigurationError for a passphrase that protects nothing."""
    if len(passphrase.decode(errors="replace")) < MIN_PASSPHRASE_CHARACTERS:
        raise ConfigurationError(
            f"The passphrase of the keys has fewer than {MIN_PASSPHRASE_CHARACTERS} characters; take a longer one, "
            "such as that of: openssl rand -base64 24"
        )


def pem(key: PrivateKey, passphrase: bytes | None) -> bytes:
    """PKCS#8 in PEM, encrypted when there is a passphrase."""
    encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def nonce_secret_file(secret: bytes, passphrase: bytes | None) -> bytes:
    """The 32 bytes as they are; or, encrypted as the keys are: in a PEM whose private key, an Ed25519 seed, they are.
    Nothing is ever signed with it; so there is one form of encryption, which OpenSSL reads too."""
    return secret if passphrase is None else pem(Ed25519PrivateKey.from_private_bytes(secret), passphrase)


def read_key(path: Path, kind: type[_K], passphrase: bytes | None) -> _K:
    """The private key in a file. Raises ConfigurationError naming a key that is missing, unreadable, of another kind,
    or open to others; PassphraseNeeded."""
    return key_in(path, read_secret(path), kind, passphrase)


def key_in(path: Path, content: bytes, kind: type[_K], passphrase: bytes | None) -> _K:
    """As ``read_key``, of what was read of the file already."""
    key = _opened(path, content, passphrase)
    if not isinstance(key, kind):
        raise ConfigurationError(f"{path} holds another kind of key than its name says.")
    return key


def read_nonce_secret(path: Path, passphrase: bytes | None) -> bytes:
    """Raises as ``read_key`` does."""
    content = read_secret(path)
    if is_encrypted_key(content):
        key = _opened(path, content, passphrase)
        content = key.private_bytes_raw() if isinstance(key, Ed25519PrivateKey) else b""
    if len(content) != NONCE_SECRET_BYTES:
        raise ConfigurationError(f"{path} must hold {NONCE_SECRET_BYTES} bytes; restore it from the key backup.")
    return content


def is_encrypted(folder: Path) -> bool:
    """Whether any file in the folder of keys is encrypted."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return any(is_encrypted_key(read_secret(path)) for path in files)


def is_encrypted_key(content: bytes) -> bool:
    """Of the content of one key file."""
    return content.startswith(_ENCRYPTED)


def recrypted(folder: Path, old: bytes | None, new: bytes | None) -> dict[str, bytes]:
    """Every file of a folder of keys as it is under another passphrase, or under none: file name -> content."""
    files = {}
    for path in sorted(folder.iterdir()):
        content = read_secret(path)
        if path.name == EVENTS:
            files[path.name] = content
        elif path.name == NONCE_SECRET:
            files[path.name] = nonce_secret_file(read_nonce_secret(path, old), new)
        else:
            files[path.name] = pem(_opened(path, content, old), new)
    return files


def prepare_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write a whole folder of keys beside the one in use. When this returns where it is, all of it is on disk."""
    to_come = _beside(folder, _TO_COME)
    if to_come.exists():
        shutil.rmtree(to_come)
    to_come.mkdir(mode=0o700)
    for name, content in files.items():
        write_key_file(to_come / name, content)
    _sync(to_come)
    _sync(folder.parent)
    return to_come


def keep_events(folder: Path, chain: bytes) -> None:
    """Write the key-events into the prepared folder."""
    to_come = _beside(folder, _TO_COME)
    write_key_file(to_come / EVENTS, chain)
    _sync(to_come)


def kept_events(folder: Path) -> list[bytes]:
    """The key-events that lie beside keys, of each folder of keys that is there: those in use first."""
    paths = [place / EVENTS for place in (folder, *folders_beside(folder))]
    return [read_secret(path) for path in paths if path.is_file()]


def exchange_folder(folder: Path) -> None:
    """Put the prepared folder in the place of the one in use, and remove that. What breaks off is settled by
    ``settle_folder``: the one or the other is whole at every moment."""
    gone = _beside(folder, _GONE)
    if gone.exists():
        shutil.rmtree(gone)
    folder.rename(gone)
    _beside(folder, _TO_COME).rename(folder)
    _sync(folder.parent)
    shutil.rmtree(gone)


def settle_folder(folder: Path) -> None:
    """After a crash within ``exchange_folder``: go back to the folder that was in use, or finish. A prepared one
    stays until somebody decides (``prepared``, ``exchange_folder``, ``drop_prepared``)."""
    gone = _beside(folder, _GONE)
    if gone.exists():
        if folder.exists():
            shutil.rmtree(gone)
        else:
            gone.rename(folder)


def folders_beside(folder: Path) -> tuple[Path, Path]:
    """Where keys may be while they are exchanged: those to come, those that go."""
    return _beside(folder, _TO_COME), _beside(folder, _GONE)


def prepared(folder: Path) -> Path | None:
    """The folder that was prepared and neither taken nor dropped."""
    to_come = _beside(folder, _TO_COME)
    return to_come if to_come.is_dir() else None


def drop_prepared(folder: Path) -> None:
    shutil.rmtree(_beside(folder, _TO_COME), ignore_errors=True)


def read_secret(path: Path) -> bytes:
    """Raises ConfigurationError for a file that cannot be read, or that others can."""
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigurationError(f"{path} can be read by others; make it private with: chmod 600 {path}")
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"The key {path} cannot be read: {error.strerror}.") from error


def write_key_file(path: Path, content: bytes) -> None:
    """A new file, private from its first byte. When this returns, its content is on disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _opened(path: Path, content: bytes, passphrase: bytes | None) -> PrivateKey:
    encrypted = is_encrypted_key(content)
    if encrypted and passphrase is None:
        raise PassphraseNeeded(
            f"{path} is encrypted: give its passphrase in FFP_NODE_KEY_PASSPHRASE or in the secret file of that name."
        )
    try:
        key = load_pem_private_key(content, password=passphrase if encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if encrypted:  # decryption gives noise for a wrong passphrase as for a damaged file: nobody can tell them apart
            raise ConfigurationError(
                f"The passphrase does not open {path}: give the right one, or restore the file from the key backup."
            ) from error
        raise ConfigurationError(
            f"{path} is no readable private key in PEM; restore it from the key backup."
        ) from error
    if not isinstance(key, Ed25519PrivateKey | MLDSA44PrivateKey | MLDSA65PrivateKey):
        raise ConfigurationError(f"{path} holds another kind of key than its name says.")
    return key


def _beside(folder: Path, suffix: str) -> Path:
    return folder.with_name(folder.name + suffix)


def _sync(folder: Path) -> None:
    """A renamed or new file is on disk when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
