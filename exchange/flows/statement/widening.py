"""Versions of a record by which a colleague of its author widens its sharing. The head decides whether to release
them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from sqlalchemy.orm import Session

from exchange.flows.statement.as_signed import said_as_signed, signed_record
from exchange.policy import names
from exchange.store.entry.exhibits import MAX_VERSIONS
from exchange.store.log.statement_rows import find_statement, said_of, statements_of_type
from exchange.trust.key_history import KeyHistory
from schemas import Handling, Policy, Record, Submission, Withdrawal
from schemas.vocabulary import HandlingCode, Jurisdiction, ReleaseLevel, Role

_LEVELS: Final = (ReleaseLevel.NONE, ReleaseLevel.SEARCH, ReleaseLevel.FULL)
_CODES: Final = (HandlingCode.H0, HandlingCode.H1, HandlingCode.H2, HandlingCode.H3)


def is_for_the_head(session: Session, history: KeyHistory, record: Record, log_index: int) -> bool | None:
    """Return whether an own record waits for the head, because a version up to ``log_index`` widened its sharing. Only
    signed versions and the groups of the signed policy of that time count. A version that cannot be read, without a
    signed withdrawal, makes the record wait. None if an earlier version was withdrawn."""
    versions = [(log_index, record)]
    while (older := versions[-1][1].supersedes) is not None:
        row, before = find_statement(session, older), signed_record(session, older, history)
        if row is None or before is None or len(versions) == MAX_VERSIONS:
            return None if _is_withdrawn(session, history, older) else True
        versions.append((row.log_index, before))
    author, widened = versions[-1][1].made_by.pseudonym, False
    for (_, before), (place, after) in pairwise(reversed(versions)):
        if after.made_by.role is Role.HEAD or after.made_by.pseudonym == author:
            widened = False
        else:
            widened = widened or widened_field(before, after, _groups_at(session, history, place)) is not None
    return widened


def _is_withdrawn(session: Session, history: KeyHistory, record: str) -> bool:
    said = (said_as_signed(row, history) for row in said_of(session, history.card.issuer, [record], ["withdrawal"]))
    return any(isinstance(one, Withdrawal) and one.holder is None for one in said)


def _groups_at(session: Session, history: KeyHistory, log_index: int) -> dict[str, frozenset[Jurisdiction]]:
    said = [row for row in statements_of_type(session, history.card.issuer, "policy") if row.log_index < log_index]
    policy = said_as_signed(said[-1], history) if said else None
    return {group.name: frozenset(group.members) for group in policy.groups} if isinstance(policy, Policy) else {}


def widened_field(
    before: Record, after: Submission | Record, groups: Mapping[str, frozenset[Jurisdiction]]
) -> str | None:
    """Return the field by which an amendment widens the sharing of a record, or None. At release level "none" nothing
    is shared, so no other field matters."""
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
    """Changed words of a restriction count as looser, because only a person can compare them."""
    if before.code is after.code:
        return before.restriction != after.restriction
    return _CODES.index(after.code) < _CODES.index(before.code)
