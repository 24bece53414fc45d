"""Versions by which a colleague of a record's author lets more people have it: the head decides on these."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from sqlalchemy.orm import Session

from exchange.flows.statement.as_signed import said_as_signed, signed_record
from exchange.policy import names
from exchange.store.entry.exhibits import MAX_VERSIONS
from exchange.store.log.statements import find_statement, statements_of_type
from exchange.trust.key_history import KeyHistory
from schemas import Handling, Policy, Record, Submission
from schemas.vocabulary import HandlingCode, Jurisdiction, ReleaseLevel, Role

_LEVELS: Final = (ReleaseLevel.NONE, ReleaseLevel.SEARCH, ReleaseLevel.FULL)
_CODES: Final = (HandlingCode.H0, HandlingCode.H1, HandlingCode.H2, HandlingCode.H3)


def is_for_the_head(session: Session, history: KeyHistory, record: Record, log_index: int) -> bool | None:
    """Return whether the head decides on an own record, by its versions up to this place in the log and the groups in
    force then, all as they were signed. None where a version before is not here any more."""
    versions = [(log_index, record)]
    while (older := versions[-1][1].supersedes) is not None:
        row, before = find_statement(session, older), signed_record(session, older, history)
        if row is None or before is None or len(versions) == MAX_VERSIONS:
            return None
        versions.append((row.log_index, before))
    author, widened = versions[-1][1].made_by.pseudonym, False
    for (_, before), (place, after) in pairwise(reversed(versions)):
        if after.made_by.role is Role.HEAD or after.made_by.pseudonym == author:
            widened = False
        else:
            widened = widened or widened_field(before, after, _groups_at(session, history, place)) is not None
    return widened


def _groups_at(session: Session, history: KeyHistory, log_index: int) -> dict[str, frozenset[Jurisdiction]]:
    said = [row for row in statements_of_type(session, history.card.issuer, "policy") if row.log_index < log_index]
    policy = said_as_signed(said[-1], history) if said else None
    return {group.name: frozenset(group.members) for group in policy.groups} if isinstance(policy, Policy) else {}


def widened_field(
    before: Record, after: Submission | Record, groups: Mapping[str, frozenset[Jurisdiction]]
) -> str | None:
    """Return the field by which an amendment lets more people have a record, or None if it does not. At release level
    "none" a record is shared with nobody, whatever its other fields say."""
    if after.level is ReleaseLevel.NONE:
        return None
    if _LEVELS.index(after.level) > _LEVELS.index(before.level):
        return "level"
    new = set(after.audience) - set(before.audience)
    if any(not (isinstance(one, Jurisdiction) and names(before, one, groups)) for one in new):
        return "audience"
    if _is_looser(before.handling, after.handling):
        return "handling.code" if before.handling.code is not after.handling.code else "handling.restriction"
    if before.exhibit.kind is not after.exhibit.kind:
        return "exhibit.kind"  # the policy has another line for it
    return None


def _is_looser(before: Handling, after: Handling) -> bool:
    """Also where the words of a restriction change, since only a person can compare them."""
    if before.code is after.code:
        return before.restriction != after.restriction
    return _CODES.index(after.code) < _CODES.index(before.code)
