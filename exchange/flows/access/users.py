"""People who use this node, by pseudonym: the operator adds them, lists them, changes their role, revokes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter, ValidationError

from exchange.errors import InvalidInput
from exchange.flows.node.node import Node
from exchange.store.access import user_rows as users
from schemas.exhibit import ShortText
from schemas.vocabulary import Role

_LINE: Final = TypeAdapter[str](ShortText)


@dataclass(frozen=True)
class User:
    pseudonym: str
    role: str
    revoked_at: str | None
    authorisation: str | None = None
    """What the laboratory authorised the user for; None where it is not stated."""


def add_users(node: Node, roles: Mapping[str, Role]) -> dict[str, str]:
    """Adds all of these users or none. Returns the first token of each, which is shown once. Raises Conflict."""
    with node.store.write() as session:
        return {pseudonym: users.add_user(session, pseudonym, role) for pseudonym, role in roles.items()}


def all_users(node: Node) -> list[User]:
    """Every user, the revoked ones too, by pseudonym."""
    with node.store.read() as session:
        stated = {name: row.words for name, row in users.authorisations(session).items()}
        return [
            User(row.pseudonym, row.role, row.revoked_at, stated.get(row.pseudonym)) for row in users.all_users(session)
        ]


def change_role(node: Node, pseudonym: str, role: Role) -> None:
    """Changes the role of an active user, from the next request on. Raises NotFound."""
    with node.store.write() as session:
        users.change_role(session, pseudonym, role)


def authorise_user(node: Node, pseudonym: str, words: str | None) -> None:
    """States what an active user is authorised for, as reports print it; None takes that away. Raises NotFound,
    InvalidInput."""
    with node.store.write() as session:
        users.put_authorisation(session, pseudonym, None if words is None else _line(words))


def revoke_user(node: Node, pseudonym: str) -> None:
    """Revokes a user at once, with every token and session. Raises NotFound."""
    with node.store.write() as session:
        users.revoke_user(session, pseudonym)


def _line(words: str) -> str:
    try:
        return _LINE.validate_python(words)
    except ValidationError as error:
        raise InvalidInput(
            "What a user is authorised for is one line of up to 120 printable characters, with no space at either end."
        ) from error
