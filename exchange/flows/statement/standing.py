"""Whether a signer still has the role in which they signed. Known of this node's own people alone."""

from __future__ import annotations

from dataclasses import dataclass

from exchange.flows.node.node import Node
from exchange.store.tables.sign_in_tables import UserRow
from schemas.statement_base import Statement
from schemas.vocabulary import Role


@dataclass(frozen=True)
class Changed:
    """The signer is not what the signature says: has the role ``today``, or None, no active user any more."""

    signed_as: Role
    today: Role | None


def changed_standing(node: Node, said: Statement) -> Changed | None:
    """None where the signer has the same role still, or is another node's."""
    maker = said.made_by
    if said.issuer != node.node_id or maker.role is Role.NODE:
        return None
    with node.store.read() as session:
        user = session.get(UserRow, maker.pseudonym)
    today = Role(user.role) if user is not None and user.revoked_at is None else None
    return None if today is maker.role else Changed(maker.role, today)
