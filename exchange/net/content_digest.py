"""Content-Digest (RFC 9530), SHA-256 alone, in the canonical spelling of RFC 8941 and no other."""

from __future__ import annotations

import base64
import binascii
import re

from exchange.errors import DigestDiffers


def content_digest(sha256: bytes) -> str:
    """The value of Content-Digest for a body with this SHA-256."""
    return f"sha-256={byte_sequence(sha256)}"


def parse_content_digest(field: str) -> bytes:
    """The SHA-256 that a Content-Digest names. Raises DigestDiffers unless it names that one digest and no other."""
    found = re.fullmatch(r"sha-256=(:[A-Za-z0-9+/=]{44}:)", field)
    digest = parse_byte_sequence(found[1], 32) if found else None
    if digest is None:
        raise DigestDiffers("Content-Digest must name one digest of the body: sha-256")
    return digest


def byte_sequence(value: bytes) -> str:
    """A byte sequence as a structured field writes it (RFC 8941 4.1.8)."""
    return f":{base64.b64encode(value).decode()}:"


def parse_byte_sequence(text: str, length: int) -> bytes | None:
    """`length` bytes as `byte_sequence` writes them, None for anything else."""
    try:
        value = base64.b64decode(text[1:-1], validate=True)
    except binascii.Error:
        return None
    return value if len(value) == length and byte_sequence(value) == text else None
