"""What a token may be for, and which roles may use it for that."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from schemas.vocabulary import Role


class Scope(StrEnum):
    """What a token is for. Its user's role must allow it too."""

    READ = "read"
    """Search and read records, scans, candidates, queries, and what people said of them."""
    SUBMIT = "submit"
    """Submit records with their scans."""
    ASK = "ask"
    """Ask other jurisdictions, and for what their answers found."""
    REVIEW = "review"
    """Say what people say: conclusions, verifications, hits, feedback, messages."""
    RELEASE = "release"
    """The owner's terms: withdrawals, grants, court holds, the policy, approvals."""
    AUDIT = "audit"
    """Read who saw and asked what."""
    OPERATE = "operate"
    """See each peer and what is on its lane."""
    STATUS = "status"
    """The node itself, without content: its state, heads and tiles of its log, the policy in force, vocabularies."""


_READERS = frozenset({Role.EXAMINER, Role.INVESTIGATOR, Role.HEAD})
ROLES: Final = {
    Scope.READ: _READERS,
    Scope.SUBMIT: frozenset({Role.EXAMINER}),
    Scope.ASK: frozenset({Role.EXAMINER, Role.INVESTIGATOR}),
    Scope.REVIEW: _READERS,
    Scope.RELEASE: frozenset({Role.EXAMINER, Role.HEAD}),
    Scope.AUDIT: frozenset({Role.AUDITOR, Role.HEAD}),
    Scope.OPERATE: frozenset({Role.OPERATOR}),
    Scope.STATUS: frozenset(Role) - {Role.NODE},
}
"""Which roles can use which scope. A single act may be for fewer: only the head decides."""


def usable_by(role: Role) -> list[Scope]:
    return [scope for scope, roles in ROLES.items() if role in roles]
