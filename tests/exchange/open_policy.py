"""A policy that lets every jurisdiction have every kind of exhibit. Most tests need one: without a policy nothing is
shared."""

from __future__ import annotations

from datetime import date

from exchange.flows.node.node import Node
from exchange.flows.terms.terms import policy_of, state_policy
from schemas import LegalBasis, Maker
from schemas.jurisdiction import FIRST_JURISDICTIONS
from schemas.vocabulary import ExhibitKind, Role, SharingRule, SignedInBy

HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.NODE_KEY)
LEGAL_BASIS = "Test agreement, article 1"
LINES = tuple(
    LegalBasis(
        jurisdiction=jurisdiction,
        kinds=tuple(ExhibitKind),
        rule=SharingRule.ALLOWED,
        article=LEGAL_BASIS,
        review_by=date(2099, 12, 31),
    )
    for jurisdiction in FIRST_JURISDICTIONS
)


def allow_all(node: Node) -> None:
    """Put the policy in force at a node that has none yet."""
    if policy_of(node) is None:
        state_policy(node, HEAD, (), LINES)
