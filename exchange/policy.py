"""Who may have what: one pure function, deny by default, every refusal with its reason.

``exchange.store.terms.may_have`` says the same in SQL, for many records at once; a property test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from schemas import LegalBasis, Record
from schemas.vocabulary import Decision, HandlingCode, Jurisdiction, ReleaseLevel, SharingRule


class Purpose(StrEnum):
    """What a peer wants a record for."""

    CORRELATION = "correlation"
    """To keep the record and its scans, correlate them, and show them to its examiners."""
    SEARCH = "search"
    """To have a scan of its own compared with the record's, here; the record stays."""


class Reason(StrEnum):
    NOT_ENROLLED = "not-enrolled"
    NOT_OWNER = "not-owner"
    WITHDRAWN = "withdrawn"
    LEVEL = "level"
    NOT_IN_AUDIENCE = "not-in-audience"
    RETENTION_OVER = "retention-over"
    NO_LEGAL_BASIS = "no-legal-basis"
    BLOCKED_BY_LAW = "blocked-by-law"
    NEEDS_APPROVAL = "needs-approval"
    APPROVAL_REFUSED = "approval-refused"


LEVELS: Mapping[Purpose, Set[ReleaseLevel]] = {
    Purpose.CORRELATION: frozenset({ReleaseLevel.FULL}),
    Purpose.SEARCH: frozenset({ReleaseLevel.FULL, ReleaseLevel.SEARCH}),
}
"""Which levels of release allow what by themselves."""
LEVELS_GRANTED: Mapping[Purpose, Set[ReleaseLevel]] = {
    Purpose.CORRELATION: frozenset({ReleaseLevel.FULL, ReleaseLevel.SEARCH}),
    Purpose.SEARCH: LEVELS[Purpose.SEARCH],
}
"""And to whom the owner granted the record: what is searched alone goes then. What stays at home stays there."""


@dataclass(frozen=True)
class Recipient:
    """The peer as policy sees it; ``enrolled`` is false after a revocation."""

    node_id: str
    jurisdiction: Jurisdiction
    enrolled: bool


@dataclass(frozen=True)
class Standing:
    """What the owner has stated besides the record, about its exhibit and this peer. ``bases`` are the lines of the
    policy statement in force: none while there is no policy, and then nothing is shared. ``decision``: the newest on
    any version of the exhibit. ``denied``: that decision is a refusal, or another exhibit of the same number was denied
    to this peer, or a colleague of the author widened the sharing, so no rule alone lets this record go."""

    groups: Mapping[str, Set[Jurisdiction]] = field(default_factory=dict)
    bases: tuple[LegalBasis, ...] = ()
    granted: bool = False
    withdrawn: bool = False
    denied: bool = False
    decision: Decision | None = None


@dataclass(frozen=True)
class Release:
    """The record may go."""


@dataclass(frozen=True)
class Withheld:
    """The record stays; ``reason`` is shown to the owner and counted, never told to the peer."""

    reason: Reason


def release(
    record: Record,
    peer: Recipient,
    purpose: Purpose,
    legal_basis: str | None,
    now: date,
    *,
    owner: str,
    standing: Standing,
) -> Release | Withheld:
    """May this peer have this record and its scans?

    ``owner`` is the node that asks itself the question; ``legal_basis`` the article under which the two jurisdictions
    share, as stated at enrolment. A restriction in words needs a person to read it, and so does a rule whose review is
    overdue: no machine may decide that they are met.
    """
    if not peer.enrolled:
        return Withheld(Reason.NOT_ENROLLED)
    if record.issuer != owner:
        return Withheld(Reason.NOT_OWNER)
    if standing.withdrawn:
        return Withheld(Reason.WITHDRAWN)
    if record.level not in (LEVELS_GRANTED if standing.granted else LEVELS)[purpose]:
        return Withheld(Reason.LEVEL)
    if not (standing.granted or names(record, peer.jurisdiction, standing.groups)):
        return Withheld(Reason.NOT_IN_AUDIENCE)
    if record.retention_until < now:
        return Withheld(Reason.RETENTION_OVER)
    if not legal_basis or legal_basis.isspace():
        return Withheld(Reason.NO_LEGAL_BASIS)
    rule = _rule(record, peer, now, standing.bases)
    if rule is SharingRule.BLOCKED:
        return Withheld(Reason.BLOCKED_BY_LAW)
    if rule is SharingRule.NEEDS_APPROVAL or record.handling.code is HandlingCode.H3 or standing.denied:
        return _decided(standing.decision)
    return Release()


def release_query(
    record: Record,
    peer: Recipient,
    legal_basis: str | None,
    now: date,
    *,
    owner: str,
    standing: Standing,
) -> Release | Withheld:
    """May a scan of this record travel to this peer, to be compared there and erased?

    It goes by itself where the peer may search the record anyway, and its handling does not forbid to pass it on (H2).
    Where the law allows it, but the record's level or audience does not, a person decides. ``standing.decision`` is
    that of this one query.
    """
    as_if_meant = record.model_copy(update={"level": ReleaseLevel.SEARCH})
    lawful = release(
        as_if_meant, peer, Purpose.SEARCH, legal_basis, now, owner=owner, standing=replace(standing, granted=True)
    )
    if isinstance(lawful, Withheld):
        return lawful
    meant = release(record, peer, Purpose.SEARCH, legal_basis, now, owner=owner, standing=standing)
    if record.handling.code is HandlingCode.H2 or isinstance(meant, Withheld):
        return _decided(standing.decision)
    return Release()


def names(record: Record, jurisdiction: Jurisdiction, groups: Mapping[str, Set[Jurisdiction]]) -> bool:
    """Whether a record's audience has a jurisdiction in it, by name or in a group of the owner's."""
    return jurisdiction in record.audience or any(jurisdiction in groups.get(name, ()) for name in record.audience)


def _decided(decision: Decision | None) -> Release | Withheld:
    match decision:
        case None:
            return Withheld(Reason.NEEDS_APPROVAL)
        case Decision.REFUSED:
            return Withheld(Reason.APPROVAL_REFUSED)
        case Decision.APPROVED:
            return Release()


def _rule(record: Record, peer: Recipient, now: date, bases: tuple[LegalBasis, ...]) -> SharingRule:
    for basis in bases:
        if basis.jurisdiction == peer.jurisdiction and record.exhibit.kind in basis.kinds:
            overdue = basis.rule is SharingRule.ALLOWED and basis.review_by < now
            return SharingRule.NEEDS_APPROVAL if overdue else basis.rule
    return SharingRule.BLOCKED
