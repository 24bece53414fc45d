"""What an examiner sends to their own node: the record without what only the node can say."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.exhibit import CaseReference, Contract, Day, Exhibit, Handling, Measurement, Sha256Hex
from schemas.record import MAX_ACQUISITIONS, Audience
from schemas.strict_json import read_strict
from schemas.vocabulary import ReleaseLevel

FilePart = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]


class SubmittedAcquisition(Measurement):
    """``file`` is the name of the multipart part that holds the scan."""

    file: FilePart


class Submission(Contract):
    """The ``metadata`` part of ``POST /v1/records``. Audience and level default to nobody and nothing."""

    case_reference: CaseReference
    exhibit: Exhibit
    acquisitions: tuple[SubmittedAcquisition, ...] = Field(min_length=1, max_length=MAX_ACQUISITIONS)
    handling: Handling
    level: ReleaseLevel = ReleaseLevel.NONE
    audience: Audience = ()
    retention_until: Day
    supersedes: Sha256Hex | None = None


def parse_submission(data: bytes) -> Submission:
    """Read an untrusted submission. Raises ContractError as ``parse_statement`` does."""
    return read_strict(Submission, data)
