"""A statement with all that proves it, in one file: to be verified years later, far from any node."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationError

from schemas.exhibit import Contract
from schemas.lane import Base64Text, Proof
from schemas.statements import contract_error
from schemas.strict_json import check_json

BUNDLE_MEDIA_TYPE = "application/vnd.ffp.bundle+json"
MAX_BUNDLE_BYTES = 2 * 1024 * 1024
"""Two envelopes of half a megabyte, a head with sixteen signatures, and a third more for Base64."""


class Bundle(Contract):
    """``envelope``: the statement's; ``card``: that of its issuer's key-event, which names the keys; ``log_index`` and
    ``inclusion``: the statement's leaf in the issuer's log, and the way from there to the root of ``checkpoint``, the
    log's signed head."""

    contract: Literal["1.0"]
    envelope: Base64Text
    card: Base64Text
    log_index: Annotated[int, Field(ge=0)]
    inclusion: Proof
    checkpoint: Base64Text


def parse_bundle(data: bytes) -> Bundle:
    """Read an untrusted bundle; nothing in it is verified. Raises ContractError as ``parse_statement`` does."""
    check_json(data, max_bytes=MAX_BUNDLE_BYTES)
    try:
        return Bundle.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise contract_error(error) from error
