"""The addresses that a visitor asks of a node."""

from __future__ import annotations

import secrets

from schemas.lane import EMPTY_HEAD

LANE = f"/v1/lane?start=0&head={EMPTY_HEAD.hex()}&known_size=0"


WITNESS = "/v1/witness"


REPORT = b'{"contract":"1.0","cosigned":null,"shown":null,"seen":[],"forked":[],"size":null,"asks":[]}'


def blob(sha256: str) -> str:
    return f"/v1/blobs/{sha256}"


def unknown_digest() -> str:
    """Of no scan anywhere."""
    return secrets.token_hex(32)
