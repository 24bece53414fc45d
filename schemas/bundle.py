"""A statement with all that proves it, in one file: to be verified years later, far from any node."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.exhibit import Contract
from schemas.key_chain import MAX_CHAIN_BYTES, MAX_KEY_EVENTS
from schemas.lane import Base64Text, Proof
from schemas.strict_json import read_strict

BUNDLE_MEDIA_TYPE = "application/vnd.ffp.bundle+json"
MAX_BUNDLE_WITNESSES = 16
MAX_BUNDLE_ROUNDS = 64
MAX_BUNDLE_BYTES = 2 * 1024 * 1024 + MAX_CHAIN_BYTES + 24 * 1024 * 1024
"""Two envelopes of half a megabyte, a third more for Base64; the key-events; and the witnesses' cards with the rounds
of the trust root, of which ten take a megabyte."""
MAX_BUNDLE_VALUES = 4096
"""16 witnesses with 128 key-events each, twice that."""


class Cosigned(Contract):
    """``note``: the text of the bundle's head with the two lines of one witness; ``card`` and ``key_events``: those of
    the node that witnessed it, as for the issuer."""

    note: Base64Text
    card: Base64Text
    key_events: Annotated[tuple[Base64Text, ...], Field(max_length=MAX_KEY_EVENTS)] = ()


class TrustRound(Contract):
    """One round of the trust root: its two files, byte for byte."""

    root: Base64Text
    registry: Base64Text


class Bundle(Contract):
    """``envelope``: the statement's; ``card``: that of its issuer's first key-event, which names the keys;
    ``key_events``: those of all later ones up to ``checkpoint``, in their order; ``log_index`` and ``inclusion``: the
    statement's leaf in the issuer's log, and the way from there to the root of ``checkpoint``, the log's signed
    head. ``cosigned``: by whom that head was witnessed; ``trust_root``: the rounds from the first on, one of which
    names the issuer's identity, where the node has a trust root."""

    contract: Literal["1.0"]
    envelope: Base64Text
    card: Base64Text
    key_events: Annotated[tuple[Base64Text, ...], Field(max_length=MAX_KEY_EVENTS)] = ()
    log_index: Annotated[int, Field(ge=0)]
    inclusion: Proof
    checkpoint: Base64Text
    cosigned: Annotated[tuple[Cosigned, ...], Field(max_length=MAX_BUNDLE_WITNESSES)] = ()
    trust_root: Annotated[tuple[TrustRound, ...], Field(max_length=MAX_BUNDLE_ROUNDS)] = ()


def parse_bundle(data: bytes) -> Bundle:
    """Read an untrusted bundle; nothing in it is verified. Raises ContractError as ``parse_statement`` does."""
    return read_strict(Bundle, data, max_bytes=MAX_BUNDLE_BYTES, max_values=MAX_BUNDLE_VALUES)
