"""A record: an exhibit with its acquisitions, as every entitled peer may see it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.exhibit import (
    CaseReference,
    Contract,
    Day,
    Exhibit,
    Handling,
    InstrumentCheck,
    Measurement,
    Sha256Hex,
)
from schemas.statement_base import Statement
from schemas.vocabulary import Jurisdiction, ReleaseLevel

MAX_ACQUISITIONS = 16
MAX_AUDIENCE = 32
MAX_BLOB_BYTES = 512 * 1024 * 1024  # the largest scan that a record may name: a case head at 1 um is about 200 MB

ScanMediaType = Literal["application/x-x3p", "image/png", "image/tiff", "image/jpeg"]
GroupName = Annotated[str, Field(pattern=r"^group-[a-z0-9-]{2,32}$")]
"""Jurisdictions under one name, as the owner's policy statement lists them; who joins later gets the old records."""
Audience = Annotated[tuple[Jurisdiction | GroupName, ...], Field(max_length=MAX_AUDIENCE)]


class Blob(Contract):
    """A scan or an image, named by its digest; the bytes travel apart."""

    sha256: Sha256Hex
    size: Annotated[int, Field(gt=0, le=MAX_BLOB_BYTES)]
    media_type: ScanMediaType


class Acquisition(Measurement):
    """One measurement of one region, with the digest of its scan. ``instrument_check`` is what the issuer's node knows
    of the instrument that is stated: nobody can send it with a submission."""

    blob: Blob
    instrument_check: InstrumentCheck | None = None


class Record(Statement):
    """An exhibit with its acquisitions, as every entitled peer may see it: signed once, never redacted.

    ``audience`` names the jurisdictions, and the owner's groups of them, that may have it; empty means nobody. Who is
    admitted later gets a grant. ``supersedes`` is the statement id of the version that this one replaces; only the
    owner may. ``first_version`` is the statement id of the first version of the exhibit, by which every node recognises
    the exhibit; None in the first version itself. Of two versions the one that is later in the owner's log counts.
    """

    type: Literal["record"]
    jurisdiction: Jurisdiction
    case_reference: CaseReference
    exhibit: Exhibit
    acquisitions: tuple[Acquisition, ...] = Field(min_length=1, max_length=MAX_ACQUISITIONS)
    handling: Handling
    level: ReleaseLevel
    audience: Audience
    retention_until: Day
    supersedes: Sha256Hex | None = None
    first_version: Sha256Hex | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.audience)) != len(self.audience):
            raise ValueError("a jurisdiction stands twice in the audience")
        digests = [acquisition.blob.sha256 for acquisition in self.acquisitions]
        if len(set(digests)) != len(digests):
            raise ValueError("two acquisitions name the same scan")
        if (self.supersedes is None) != (self.first_version is None):
            raise ValueError("a version that supersedes another, and only such a one, names the first version")
        return self
