"""Two steps for what must stay at home: a query with its scan and an answer without one; then a request for what was
found, and what the owner releases on it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.exhibit import (
    CalibreWords,
    CaseReference,
    Contract,
    FoldedCalibre,
    Sha256Hex,
    ShortText,
)
from schemas.record import Acquisition
from schemas.statement_base import LongText, NodeId, Statement
from schemas.vocabulary import LawfulPurpose, QueryResult, ReferenceChannel, ScoreBand

MAX_FOUND = 8


class Query(Statement):
    """Has this firearm been seen at your place? The scan travels with it; the receiver compares it at home, keeps it
    out of its galleries, and erases it after answering."""

    type: Literal["query"]
    to: NodeId
    purpose: LawfulPurpose
    legal_basis: ShortText
    case_reference: CaseReference
    calibre: FoldedCalibre
    calibre_words: CalibreWords = Field(default=None, validate_default=True)
    acquisition: Acquisition


class Found(Contract):
    """One record that stays at home: ``handle`` names it in this answer alone, ``band`` is as coarse as it is meant to
    be."""

    handle: Sha256Hex
    band: ScoreBand


class Answer(Statement):
    """Candidate or no candidate. What the candidates are is told only after the owner's approval; they stand in the
    order of their handles, so that none is said to rank above another of its band."""

    type: Literal["answer"]
    to: NodeId
    query: Sha256Hex
    result: QueryResult
    found: Annotated[tuple[Found, ...], Field(max_length=MAX_FOUND)] = ()
    because: ShortText | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.result is QueryResult.CANDIDATE) != bool(self.found):
            raise ValueError("an answer names what was found when, and only when, there is a candidate")
        handles = [item.handle for item in self.found]
        if handles != sorted(set(handles)):
            raise ValueError("what was found stands in the order of its handles, each once")
        if (self.result is QueryResult.NOT_SEARCHED) != (self.because is not None):
            raise ValueError("an answer says why when, and only when, nothing was searched")
        return self


class ReleaseRequest(Statement):
    """Step two begins: whoever asked wants what an answer found. The owner's head decides; a grant that names the
    handle follows, or an approval that refuses it."""

    type: Literal["release-request"]
    to: NodeId
    answer: Sha256Hex
    handle: Sha256Hex
    purpose: LawfulPurpose
    legal_basis: ShortText
    because: ShortText


class Disclosure(Statement):
    """Step two, to one peer alone: what a record leaves out. ``serial_number`` is that of the firearm that a
    test fire names. ``reference`` is the number under which ``channel`` knows the matter, where evidence travels."""

    type: Literal["disclosure"]
    to: NodeId
    record: Sha256Hex
    legal_basis: ShortText
    serial_number: ShortText | None = None
    place: ShortText | None = None
    circumstances: LongText | None = None
    reference: ShortText | None = None
    channel: ReferenceChannel | None = None

    @model_validator(mode="after")
    def _discloses_something(self) -> Self:
        if not (self.serial_number or self.place or self.circumstances or self.reference):
            raise ValueError("a disclosure discloses something")
        if self.channel is not None and self.reference is None:
            raise ValueError("who names a channel names the reference that it knows the matter by")
        return self
