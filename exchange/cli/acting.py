"""In whose name a command acts: a user of the node, in a role that may do it, at the node's own console."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from exchange.errors import Forbidden, InvalidInput, NotFound
from exchange.home import read_bounded

if TYPE_CHECKING:
    from exchange.flows.node.node import Node
    from exchange.log.audit_entry import Actor
    from schemas import Maker
    from schemas.jurisdiction import Jurisdiction
    from schemas.vocabulary import Role

_E = TypeVar("_E", bound=StrEnum)

HIGHEST = 2**63 - 1
"""The highest number that a row of the database can have."""
Acting = Annotated[str, typer.Option("--as", help="The user, by pseudonym, in whose name this is done.")]


def maker_of(node: Node, pseudonym: str, *roles: Role) -> Maker:
    """Raises NotFound, Forbidden."""
    from exchange.flows.access.users import all_users
    from schemas import Maker
    from schemas.vocabulary import Role, SignedInBy

    user = next((user for user in all_users(node) if user.pseudonym == pseudonym), None)
    if user is None or user.revoked_at:
        raise NotFound(f"There is no active user {pseudonym}. See: ffp user list")
    if Role(user.role) not in roles:
        raise Forbidden(f"{pseudonym} is {user.role}; this is for the role {' or '.join(roles)}.")
    return Maker(pseudonym=pseudonym, role=Role(user.role), signed_in=SignedInBy.NODE_KEY)


def maker_as_head(node: Node, pseudonym: str) -> Maker:
    """The head, who alone may do this. Raises NotFound, Forbidden."""
    from schemas.vocabulary import Role

    return maker_of(node, pseudonym, Role.HEAD)


def actor_of(node: Node, pseudonym: str | None, *roles: Role) -> Actor:
    """Whose act the audit names: the console's, where no user is named. Raises NotFound, Forbidden."""
    from exchange.flows.log.audit_rows import CONSOLE
    from exchange.log.audit_entry import Actor, ActorKind

    if pseudonym is None:
        return CONSOLE
    maker = maker_of(node, pseudonym, *roles)
    return Actor(ActorKind.PERSON, maker.pseudonym, maker.role)


def day_of(text: str) -> date:
    """Raises InvalidInput."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{text} is no day, such as 2026-12-01.") from error


def one_of(vocabulary: type[_E], word: str) -> _E:
    """Raises InvalidInput naming the words that there are."""

    try:
        return vocabulary(word)
    except ValueError as error:
        raise InvalidInput(f"{word} is none of {', '.join(vocabulary)}.") from error


def code_of(word: str) -> Jurisdiction:
    """The code of a jurisdiction, known here or not. Raises InvalidInput for what has not the form of one."""
    from schemas.jurisdiction import Jurisdiction

    try:
        return Jurisdiction(word.strip().upper())
    except ValueError as error:
        raise InvalidInput(f"{word} is no code of a jurisdiction, such as RS. See: ffp jurisdiction list") from error


def reason_line(text: str) -> str:
    """A reason in words, as it may be kept. Raises InvalidInput."""
    from pydantic import TypeAdapter, ValidationError

    from schemas.exhibit import ShortText

    try:
        return TypeAdapter(ShortText).validate_python(text)
    except ValidationError as error:
        raise InvalidInput("Say why in one line of at most 120 characters.") from error


def warn_of(place: str, text: str) -> None:
    """Say what of a person a free text may tell that was just signed."""
    from exchange.flows.entry.free_text import doubts

    for doubt in doubts(text):
        typer.echo(f"Warning, {place}: it may hold {doubt.replace('_', ' ')} of a person.", err=True)


def read_named_file(path: Path, most: int) -> bytes:
    """Read a file that somebody names, as `read_bounded` does. Raises InvalidInput where it cannot be read."""

    try:
        return read_bounded(path, most)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error
