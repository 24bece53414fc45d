"""What a node posts to ask another: the signed query with the proof that the asker's own log holds it. The bytes of the
scan travel beside it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.errors import ContractError
from schemas.exhibit import Contract
from schemas.lane import Base64Text, Proof
from schemas.statement_base import LogIndex
from schemas.strict_json import read_strict

MAX_REQUEST_BYTES = 128 * 1024
"""An envelope with a query takes 12 kB in Base64, a signed head 7 kB, the longest proof 5 kB."""
MAX_REQUEST_VALUES = 256


class QueryRequest(Contract):
    """``envelope`` is the query's, byte for byte; ``inclusion`` leads from its leaf at ``log_index`` to the signed head
    ``checkpoint`` of the asker's log."""

    contract: Literal["1.0"]
    envelope: Annotated[Base64Text, Field(max_length=64 * 1024)]
    log_index: LogIndex
    inclusion: Proof
    checkpoint: Annotated[Base64Text, Field(max_length=16 * 1024)]


def parse_query_request(data: bytes) -> QueryRequest:
    """Read what came with a query, before anything in it is believed. Raises ContractError as ``parse_statement``
    does."""
    if data.count(b",") > MAX_REQUEST_VALUES:  # no string of it has a comma
        raise ContractError("too-large", f"The request holds more than {MAX_REQUEST_VALUES} values.")
    return read_strict(QueryRequest, data, max_bytes=MAX_REQUEST_BYTES)
