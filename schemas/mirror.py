"""What a witness gives back to a node that lost the end of its database: hashes, statements, and its lane as read."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import Field

from schemas.errors import ContractError
from schemas.exhibit import Contract, Sha256Hex
from schemas.lane import Base64Text
from schemas.statement_base import Count, LogIndex, NodeId
from schemas.strict_json import read_strict

MAX_LEAVES = 65_536
"""32 bytes each: 2 MB a page, 2.8 MB in Base64."""
MAX_STATEMENTS = 64
MAX_PLACES = 4096
MAX_MIRROR_BYTES = 8 * 1024 * 1024
MAX_MIRROR_VALUES = 20_000
"""4,096 places hold some 16,400 values; more would only take time to refuse one by one."""


class MirroredLeaves(Contract):
    """Leaf hashes of the asker's own log from ``start`` on, 32 bytes each, as the witness mirrored them.

    ``size`` is how many it mirrored in all; a page may end before.
    """

    contract: Literal["1.0"]
    log: NodeId
    start: Count
    size: Count
    hashes: Base64Text


class MirroredStatement(Contract):
    """A statement of the asker's own: its leaf's index in the asker's log, and its exact envelope."""

    log_index: LogIndex
    envelope: Base64Text


class MirroredStatements(Contract):
    """What the witness holds of the asker's own statements from the log index ``start`` on, in their order.

    ``next`` is the index to ask for after this page; None when there is no more.
    """

    contract: Literal["1.0"]
    log: NodeId
    start: Count
    next: Count | None
    items: Annotated[tuple[MirroredStatement, ...], Field(max_length=MAX_STATEMENTS)]


class ReceivedPlace(Contract):
    """A place of the asker's lane as the witness read it; ``withheld``: it came without its envelope."""

    statement_id: Sha256Hex
    log_index: LogIndex
    withheld: bool


class MirroredLane(Contract):
    """The asker's lane to the witness ``reader`` from the place ``start`` on, in its order.

    ``count`` and ``head`` are the witness's cursor: how far it read in all, and its running head there.
    """

    contract: Literal["1.0"]
    reader: NodeId
    start: Count
    count: Count
    head: Sha256Hex
    items: Annotated[tuple[ReceivedPlace, ...], Field(max_length=MAX_PLACES)]


M = TypeVar("M", MirroredLeaves, MirroredStatements, MirroredLane)


def parse_mirror(kind: type[M], data: bytes) -> M:
    """Read a page whose signature was verified before. Raises ContractError as ``parse_statement`` does."""
    if data.count(b",") > MAX_MIRROR_VALUES:  # no string of a page has a comma
        raise ContractError("too-large", f"The page holds more than {MAX_MIRROR_VALUES} values.")
    return read_strict(kind, data, max_bytes=MAX_MIRROR_BYTES)
