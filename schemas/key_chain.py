"""All key-events of a node, in their order: what `GET /v1/node/keys` answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.exhibit import Contract
from schemas.lane import Base64Text
from schemas.strict_json import read_strict

MAX_KEY_EVENTS = 128
"""All keys replaced every half-year, for 64 years."""
MAX_CHAIN_BYTES = 8 * 1024 * 1024
"""A key-event's envelope has some 32 kB, and a third more in Base64."""


class KeyChain(Contract):
    """The envelopes of a node's key-events, its card first. None of them is believed before the identity is."""

    contract: Literal["1.0"]
    events: Annotated[tuple[Base64Text, ...], Field(min_length=1, max_length=MAX_KEY_EVENTS)]


def parse_key_chain(data: bytes) -> KeyChain:
    """Read an untrusted chain. Raises ContractError as ``parse_statement`` does."""
    return read_strict(KeyChain, data, max_bytes=MAX_CHAIN_BYTES)
