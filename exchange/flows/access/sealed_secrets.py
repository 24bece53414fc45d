"""Secrets in the database that the node must have in clear: sealed with a key that lies in the home alone."""

from __future__ import annotations

import contextlib
import os
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exchange.flows.node.node import Node


def seal_secret(node: Node, of: str, secret: bytes) -> bytes:
    """``of``: what it belongs to; under anything else it does not open."""
    nonce = os.urandom(12)
    return nonce + AESGCM(sealing_key(node)).encrypt(nonce, secret, of.encode())


def open_sealed(node: Node, of: str, sealed: bytes) -> bytes | None:
    """None where the key, or what it belongs to, is not that with which it was sealed."""
    try:
        return AESGCM(sealing_key(node)).decrypt(sealed[:12], sealed[12:], of.encode())
    except (InvalidTag, ValueError):
        return None


def sealing_key(node: Node) -> bytes:
    """In the home, never in the database; made when first needed."""
    path = node.settings.sign_in_key
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as made:
            made.write(AESGCM.generate_key(256))
            made.flush()
            os.fsync(made.fileno())
        with contextlib.suppress(FileExistsError):  # made by somebody else meanwhile: theirs counts
            os.link(fresh, path)
        fresh.unlink()
    return path.read_bytes()
