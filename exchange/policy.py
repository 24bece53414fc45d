"""Who may have what: one pure function, deny by default, every refusal with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from schemas import Record
from schemas.vocabulary import HandlingCode, Jurisdiction, ReleaseLevel


class Purpose(StrEnum):
    """What a peer wants a statement for."""

    CORRELATION = "correlation"
    """To keep the record and its scans, correlate them, and show them to its examiners."""


class Reason(StrEnum):
    NOT_ENROLLED = "not-enrolled"
    NO_LEGAL_BASIS = "no-legal-basis"
    NOT_OWNER = "not-owner"
    LEVEL = "level"
    NOT_IN_AUDIENCE = "not-in-audience"
    RESTRICTION_IN_WORDS = "restriction-in-words"
    RETENTION_OVER = "retention-over"


@dataclass(frozen=True)
class Recipient:
    """The peer as policy sees it; ``enrolled`` is false after a revocation."""

    node_id: str
    jurisdiction: Jurisdiction
    enrolled: bool


@dataclass(frozen=True)
class Release:
    """The statement may go."""


@dataclass(frozen=True)
class Withheld:
    """The statement stays; ``reason`` is shown to the owner and counted, never told to the peer."""

    reason: Reason


def release(
    record: Record, peer: Recipient, purpose: Purpose, legal_basis: str | None, now: date, *, owner: str
) -> Release | Withheld:
    """May this peer have this record and its scans?

    ``owner`` is the node that asks itself the question; ``legal_basis`` the article under which the two
    jurisdictions share, as stated at enrolment.
    """
    if not peer.enrolled:
        return Withheld(Reason.NOT_ENROLLED)
    if not legal_basis or legal_basis.isspace():
        return Withheld(Reason.NO_LEGAL_BASIS)
    if record.issuer != owner:
        return Withheld(Reason.NOT_OWNER)
    if record.level is not ReleaseLevel.FULL or purpose is not Purpose.CORRELATION:
        return Withheld(Reason.LEVEL)
    if peer.jurisdiction not in record.audience:
        return Withheld(Reason.NOT_IN_AUDIENCE)
    if record.handling.code is HandlingCode.H3:
        # a restriction in words needs a person to read it: no machine may decide that this peer meets it
        return Withheld(Reason.RESTRICTION_IN_WORDS)
    if record.retention_until < now:
        return Withheld(Reason.RETENTION_OVER)
    return Release()
