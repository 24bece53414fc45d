"""People who use this node, by pseudonym: the operator adds them, lists them, changes their role, revokes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from exchange.flows.node.node import Node
from exchange.store.access import users
from schemas.vocabulary import Role


@dataclass(frozen=True)
class User:
    pseudonym: str
    role: str
    revoked_at: str | None


def add_users(node: Node, roles: Mapping[str, Role]) -> dict[str, str]:
    """Adds all of these users or none. Returns the first token of each, which is shown once. Raises Conflict."""
    with node.store.write() as session:
        return {pseudonym: users.add_user(session, pseudonym, role) for pseudonym, role in roles.items()}


def all_users(node: Node) -> list[User]:
    """Every user, the revoked ones too, by pseudonym."""
    with node.store.read() as session:
        return [User(row.pseudonym, row.role, row.revoked_at) for row in users.all_users(session)]


def change_role(node: Node, pseudonym: str, role: Role) -> None:
    """Changes the role of an active user, from the next request on. Raises NotFound."""
    with node.store.write() as session:
        users.change_role(session, pseudonym, role)


def revoke_user(node: Node, pseudonym: str) -> None:
    """Revokes a user at once, with every token and session. Raises NotFound."""
    with node.store.write() as session:
        users.revoke_user(session, pseudonym)
