"""Statements as bytes: written to be signed, and read once their signatures were verified.

A statement's id is the SHA-256 of its exact payload bytes.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from schemas.errors import NewerContract
from schemas.kinds import AnyStatement
from schemas.statement_base import Statement
from schemas.strict_json import check_json, contract_error
from schemas.versions import is_newer, needed_version, stated_version

_ADAPTER: TypeAdapter[AnyStatement] = TypeAdapter(Annotated[AnyStatement, Field(discriminator="type")])


def statement_id(payload: bytes) -> str:
    """SHA-256 of the exact payload bytes, in lower-case hexadecimal."""
    return hashlib.sha256(payload).hexdigest()


def statement_payload(statement: Statement) -> bytes:
    """Return the bytes to sign. The issuer makes them once; a holder keeps them and never makes them again. The payload
    states the lowest contract version that has all that the statement uses."""
    return statement.model_copy(update={"contract": needed_version(statement)}).model_dump_json().encode()


def parse_statement(payload: bytes) -> AnyStatement:
    """Read a payload whose signatures were verified before.

    Raises ContractError: those of ``check_json`` and of ``contract_error``; NewerContract for what states a version
    that only a later release reads, whatever else is wrong with it.
    """
    check_json(payload)
    try:
        return _ADAPTER.validate_json(payload, strict=True)
    except ValidationError as error:
        refused, stated = contract_error(error), stated_version(payload)
        if stated is not None and is_newer(stated):
            raise NewerContract(stated, refused.problems) from error
        raise refused from error
