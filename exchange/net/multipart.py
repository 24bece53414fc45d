"""A form with one file, as it travels to a peer (multipart/form-data, RFC 7578): never in memory as a whole."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_PIECE = 1 << 16


@dataclass(frozen=True)
class Multipart:
    """A part ``metadata`` of JSON, and a part ``scan``: the bytes of a file, read anew whenever they are needed."""

    metadata: bytes
    scan: Path
    boundary: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self.boundary}"

    @property
    def size(self) -> int:
        return len(self._before) + self.scan.stat().st_size + len(self._after)

    def pieces(self) -> Iterator[bytes]:
        yield self._before
        with self.scan.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
        yield self._after

    def sha256(self) -> bytes:
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
        return digest.digest()

    @property
    def _before(self) -> bytes:
        return (
            (
                f'--{self.boundary}\r\nContent-Disposition: form-data; name="metadata"\r\n'
                "Content-Type: application/json\r\n\r\n"
            ).encode()
            + self.metadata
            + (
                f'\r\n--{self.boundary}\r\nContent-Disposition: form-data; name="scan"; filename="scan"\r\n'
                "Content-Type: application/octet-stream\r\n\r\n"
            ).encode()
        )

    @property
    def _after(self) -> bytes:
        return f"\r\n--{self.boundary}--\r\n".encode()
