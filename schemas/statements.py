"""The statements that nodes make to each other. A statement's id is the SHA-256 of its exact payload bytes."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import ErrorDetails

from schemas.errors import ContractError, ContractReason, shown
from schemas.exhibit import CaseReference, Contract, Day, Exhibit, Handling, Measurement, Sha256Hex
from schemas.strict_json import check_json
from schemas.vocabulary import Jurisdiction, ReleaseLevel, Role, SignedInBy

CONTRACT_VERSION = "1.0"
MAX_ACQUISITIONS = 16
MAX_PROBLEMS = 50  # more than a person mends at once; a hostile statement could have 40,000
MAX_BLOB_BYTES = 512 * 1024 * 1024  # the largest scan that a record may name: a case head at 1 um is about 200 MB

NodeId = Annotated[str, Field(pattern=r"^ffp-[a-z]{2}(-[a-z0-9]{1,16})?$")]
Pseudonym = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,31}$")]
Url = Annotated[str, Field(pattern=r"^https?://[a-z0-9.\-\[\]:]{1,253}$")]
# Raw public keys in canonical Base64: 32 bytes, and those of FIPS 204, table 2: 1,312 and 1,952 bytes. The last
# character before the padding carries 2 or 4 bits that are nought.
Ed25519Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$")]
MlDsa44Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{1749}[AQgw]==$")]
MlDsa65Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{2602}[AEIMQUYcgkosw048]=$")]
ScanMediaType = Literal["application/x-x3p", "image/png", "image/tiff", "image/jpeg"]


class Maker(Contract):
    """Who made a statement: a pseudonym that the node vouches for, in which role, signed in how."""

    pseudonym: Pseudonym
    role: Role
    signed_in: SignedInBy


class Blob(Contract):
    """A scan or an image, named by its digest; the bytes travel apart."""

    sha256: Sha256Hex
    size: Annotated[int, Field(gt=0, le=MAX_BLOB_BYTES)]
    media_type: ScanMediaType


class Acquisition(Measurement):
    """One measurement of one region, with the digest of its scan."""

    blob: Blob


class Statement(Contract):
    """What all statements carry. ``nonce`` is 32 random bytes in hexadecimal, so that an id tells nothing of the
    content, and erasing the payload erases the only way to guess it."""

    contract: Literal["1.0"]
    nonce: Sha256Hex
    issuer: NodeId
    made_by: Maker


class Record(Statement):
    """An exhibit with its acquisitions, as every entitled peer may see it: signed once, never redacted.

    ``audience`` names who may have it; empty means nobody. ``supersedes`` is the statement id of the version that
    this one replaces; only the owner may.
    """

    type: Literal["record"]
    jurisdiction: Jurisdiction
    case_reference: CaseReference
    exhibit: Exhibit
    acquisitions: tuple[Acquisition, ...] = Field(min_length=1, max_length=MAX_ACQUISITIONS)
    handling: Handling
    level: ReleaseLevel
    audience: tuple[Jurisdiction, ...]
    retention_until: Day
    supersedes: Sha256Hex | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.audience)) != len(self.audience):
            raise ValueError("a jurisdiction stands twice in the audience")
        digests = [acquisition.blob.sha256 for acquisition in self.acquisitions]
        if len(set(digests)) != len(digests):
            raise ValueError("two acquisitions name the same scan")
        return self


class HybridKey(Contract):
    """An Ed25519 and an ML-DSA-65 public key, raw, in Base64. Both must sign a statement."""

    ed25519: Ed25519Key
    ml_dsa: MlDsa65Key


class LogKey(Contract):
    """An Ed25519 and an ML-DSA-44 public key, raw, in Base64. Both must sign a head of a log: the log's as its own, a
    witness's as its cosignature."""

    ed25519: Ed25519Key
    ml_dsa: MlDsa44Key


class Delegation(Contract):
    """The keys that a node uses day by day, good from ``from_index`` of its log on. ``log`` signs the heads of its own
    log, ``witness`` those of its peers' logs; requests between nodes are signed with Ed25519 alone."""

    from_index: Annotated[int, Field(ge=0)]
    statement: HybridKey
    log: LogKey
    witness: LogKey
    transport: Ed25519Key


class KeyEvent(Statement):
    """A node introduces itself: its identity key, which signs this, and the working keys that it delegates."""

    type: Literal["key-event"]
    event: Literal["delegate"]
    jurisdiction: Jurisdiction
    url: Url
    log_origin: Annotated[str, Field(pattern=r"^[a-z0-9./-]{3,120}$")]
    identity: HybridKey
    delegation: Delegation


AnyStatement = Annotated[Record | KeyEvent, Field(discriminator="type")]
_ADAPTER: TypeAdapter[Record | KeyEvent] = TypeAdapter(AnyStatement)


def statement_id(payload: bytes) -> str:
    """SHA-256 of the exact payload bytes, in lower-case hexadecimal."""
    return hashlib.sha256(payload).hexdigest()


def statement_payload(statement: Statement) -> bytes:
    """The bytes to sign. Made once by the issuer; a holder keeps these bytes and never makes them again."""
    return statement.model_dump_json().encode()


def parse_statement(payload: bytes) -> Record | KeyEvent:
    """Read a payload whose signatures were verified before.

    Raises ContractError: those of ``check_json`` and of ``contract_error``.
    """
    check_json(payload)
    try:
        return _ADAPTER.validate_json(payload, strict=True)
    except ValidationError as error:
        raise contract_error(error) from error


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
    if kinds & {"union_tag_invalid", "union_tag_not_found"}:
        return "unknown-type"
    if any(item["loc"][-1:] == ("contract",) and item["type"] != "extra_forbidden" for item in found):
        return "unknown-contract"
    if "extra_forbidden" in kinds:
        return "unknown-field"
    return "unknown-calibre" if "unknown_calibre" in kinds else "invalid-field"
