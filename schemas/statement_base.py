"""What all statements carry: who issues, who made it, and a nonce that makes its id unguessable."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from schemas.exhibit import Contract, Sha256Hex
from schemas.vocabulary import Role, SignedInBy

CONTRACT_VERSION = "1.0"
"""The first contract version, which a statement states that uses no later addition."""
ReadContract = Literal["1.0"]
"""The contract versions that this release reads, the oldest first (``schemas.versions``)."""

ContractVersion = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}\.(0|[1-9][0-9]{0,2})$")]
"""Of any release, also of one to come."""
NodeId = Annotated[str, Field(pattern=r"^ffp-[a-z]{2}(-[a-z0-9]{1,16})?$")]
Pseudonym = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,31}$")]
Url = Annotated[str, Field(pattern=r"^https?://[a-z0-9.\-\[\]:]{1,253}$")]
LogIndex = Annotated[int, Field(ge=0, le=2**62)]
Count = Annotated[int, Field(ge=0, le=2**62)]
"""No database has a number beyond."""


def _plain_lines(text: str) -> str:
    """Several lines, each without what hides or reorders what a person reads."""
    if text != text.strip() or not all(line.isprintable() for line in text.split("\n")):
        raise ValueError("text must be lines of printable characters, with no space at either end")
    return text


LongText = Annotated[
    str,
    Field(min_length=1, max_length=4000, description="Lines of printable characters, with no space at either end."),
    AfterValidator(_plain_lines),
]


def _real_moment(text: str) -> str:
    datetime.fromisoformat(text)  # the pattern alone takes a 31st of February
    return text


Moment = Annotated[
    str,
    Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"),
    AfterValidator(_real_moment),
]
"""A time in UTC, to the millisecond: ``2026-11-25T09:00:10.000Z``."""


class Maker(Contract):
    """Who made a statement: a pseudonym that the node vouches for, in which role, signed in how."""

    pseudonym: Pseudonym
    role: Role
    signed_in: SignedInBy


class Statement(Contract):
    """What all statements carry. ``contract`` is the lowest version that has all that the statement uses. ``nonce`` is
    32 random bytes in hexadecimal, so that an id tells nothing of the content, and erasing the payload erases the only
    way to guess it. ``stated_at`` is when the issuer says that it was made: shown as stated, and never what anything of
    this statement is decided by."""

    contract: ReadContract
    nonce: Sha256Hex
    issuer: NodeId
    made_by: Maker
    stated_at: Moment | None = None
