"""Statements as bytes: written to be signed, and read once their signatures were verified.

A statement's id is the SHA-256 of its exact payload bytes.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from schemas.errors import ContractError, ContractReason, NewerContract, shown
from schemas.kinds import AnyStatement
from schemas.statement_base import Statement
from schemas.strict_json import check_json
from schemas.versions import is_newer, needed_version, stated_version

MAX_PROBLEMS = 50  # more than a person mends at once; a hostile statement could have 40,000

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


def contract_error(error: ValidationError) -> ContractError:
    """The contract's own error for what Pydantic found, naming each place.

    What the sender wrote is shown cut short and without what hides or reorders: it goes into logs and onto pages.
    """
    found = error.errors(include_url=False, include_context=False, include_input=False)
    problems = tuple(
        (shown(".".join(str(step) for step in item["loc"]), 120) or "statement", shown(item["msg"], 400))
        for item in found[:MAX_PROBLEMS]
    )
    told = "; ".join(f"{place}: {what}" for place, what in problems[:5])
    return ContractError(_reason(found), f"The statement does not follow the contract: {told}.", problems)


def _reason(found: list[ErrorDetails]) -> ContractReason:
    """The reason that matters most: what a newer node may mean comes before what is plainly wrong."""
    kinds = {item["type"] for item in found}
    if "json_invalid" in kinds:  # what the strict reader let pass and Pydantic's does not: half a surrogate pair
        return "not-json"
    if any(item["type"] in ("union_tag_invalid", "union_tag_not_found") and not item["loc"] for item in found):
        return "unknown-type"
    if any(item["loc"][-1:] == ("contract",) and item["type"] != "extra_forbidden" for item in found):
        return "unknown-contract"
    if "extra_forbidden" in kinds:
        return "unknown-field"
    return "unknown-calibre" if "unknown_calibre" in kinds else "invalid-field"
