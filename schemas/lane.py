"""The page of a lane that a peer pulls: statements with their proofs, and the signed head that the proofs lead to."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import Field

from schemas.errors import ContractError
from schemas.exhibit import Contract, Sha256Hex
from schemas.statement_base import ContractVersion, Count, LogIndex, NodeId
from schemas.strict_json import read_strict

MAX_PAGE_ITEMS = 64
MAX_PAGE_BYTES = 8 * 1024 * 1024  # 64 ordinary envelopes take about 1.5 MB; a page of larger ones holds fewer
MAX_PAGE_VALUES = 8192
"""64 items with the longest proofs hold some 4,700 values; 8 MB of empty ones would take minutes and all memory to
refuse one by one."""

MAX_NEWS_WAIT_S = 7200
"""So long a peer may wait for news. Twelve times a day two hundred peers ask each other for nothing in 10 MB."""
MAX_NEWS_BYTES = 1024

EMPTY_HEAD = bytes(32)
"""The running head of a lane that has no item yet."""

# Canonical Base64: the last character before the padding carries 2 or 4 bits that are nought.
Base64Text = Annotated[
    str, Field(pattern=r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$")
]
Proof = Annotated[tuple[Sha256Hex, ...], Field(max_length=64)]


def next_head(head: bytes, statement_id: str) -> bytes:
    """The running head of a lane after one more item: SHA-256(head || statement id), over raw bytes."""
    return hashlib.sha256(head + bytes.fromhex(statement_id)).digest()


class LaneItem(Contract):
    """One statement: its place on the lane, its leaf in the issuer's log, its exact envelope, the way to the root.

    ``envelope`` is None when the owner withholds it by now: the place stays, so that the lane still adds up.
    """

    position: Count
    statement_id: Sha256Hex
    log_index: LogIndex
    envelope: Base64Text | None
    inclusion: Proof


class LanePage(Contract):
    """What follows ``start`` on one lane. ``head`` is the running head after the last item of this page.

    ``checkpoint`` is the signed note of the issuer's log, None while it has none; ``consistency`` leads from the
    size that the peer named as the last it verified. ``count`` is how long the whole lane is. ``needs``: the contract
    version of the next statement, where the page ends before one that is newer than the peer stated to read.
    """

    contract: Literal["1.0"]
    lane: NodeId
    start: Count
    count: Count
    head: Sha256Hex
    checkpoint: Base64Text | None
    consistency: Proof
    items: Annotated[tuple[LaneItem, ...], Field(max_length=MAX_PAGE_ITEMS)]
    needs: ContractVersion | None = None


class LaneNews(Contract):
    """Whether something follows on a lane what its reader has."""

    contract: Literal["1.0"]
    news: bool


def parse_lane_news(data: bytes) -> LaneNews:
    """Read an answer whose signature was verified before. Raises ContractError as ``parse_statement`` does."""
    return read_strict(LaneNews, data, max_bytes=MAX_NEWS_BYTES)


def parse_lane_page(data: bytes) -> LanePage:
    """Read a page whose signature was verified before. Raises ContractError as ``parse_statement`` does."""
    if data.count(b",") > MAX_PAGE_VALUES:  # no string of a page has a comma
        raise ContractError("too-large", f"The page holds more than {MAX_PAGE_VALUES} values.")
    return read_strict(LanePage, data, max_bytes=MAX_PAGE_BYTES)
