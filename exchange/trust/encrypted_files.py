"""Files that leave the machine sealed with a passphrase: scrypt (RFC 7914) makes the key, AES-256-GCM does the rest.

    b"ffp-sealed-1\\n" | salt (16) | nonce (12) | ciphertext and tag

What stands before the ciphertext is authenticated with it. Inside is JSON: path -> content in base64.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import TypeAdapter, ValidationError

from exchange.errors import ConfigurationError
from exchange.trust.key_files import check_passphrase

_MAGIC = b"ffp-sealed-1\n"
_SALT, _NONCE = 16, 12
_COST = {"n": 2**17, "r": 8, "p": 1}
"""128 MiB and half a second for each guess (OWASP's recommendation of 2023)."""

_Files = TypeAdapter(dict[str, str])


def seal_files(files: Mapping[str, bytes], passphrase: bytes) -> bytes:
    """Raises ConfigurationError for a passphrase that protects nothing."""
    check_passphrase(passphrase)
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    head = _MAGIC + salt + nonce
    content = json.dumps({path: base64.b64encode(files[path]).decode() for path in sorted(files)}).encode()
    return head + AESGCM(_key(passphrase, salt)).encrypt(nonce, content, head)


def unseal(sealed: bytes, passphrase: bytes) -> dict[str, bytes]:
    """The files by their paths, which are whatever the one who sealed them wrote: the caller checks them before it
    writes anything (`exchange.store.operate.backup_paths`).

    Raises ConfigurationError when the passphrase is another, or a byte was changed.
    """
    length = len(_MAGIC) + _SALT + _NONCE
    head, rest = sealed[:length], sealed[length:]
    if not head.startswith(_MAGIC) or len(head) < length:
        raise ConfigurationError("These are no sealed keys of this software; take another backup.")
    salt, nonce = head[len(_MAGIC) : -_NONCE], head[-_NONCE:]
    try:
        content = AESGCM(_key(passphrase, salt)).decrypt(nonce, rest, head)
    except InvalidTag as error:
        raise ConfigurationError(
            "The passphrase does not open the sealed keys: give the right one, or take another backup."
        ) from error
    try:
        return {path: base64.b64decode(text, validate=True) for path, text in _Files.validate_json(content).items()}
    except (ValidationError, binascii.Error) as error:
        raise ConfigurationError("The sealed keys are no files by their paths; take another backup.") from error


def _key(passphrase: bytes, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, **_COST).derive(passphrase)
