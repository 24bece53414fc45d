"""Tokens of machines. The operator makes, lists and revokes them at the console; in the pages a user does so with
those that act in the own name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exchange.errors import InvalidInput
from exchange.flows.access.sign_in import confirm
from exchange.flows.node.node import Node
from exchange.scopes import Scope, usable_by
from exchange.store.access import token_rows as tokens
from exchange.store.access.sign_in_rows import sign_in_of
from exchange.store.access.token_rows import add_token, scopes_of
from exchange.store.access.user_rows import active_user, known_user
from exchange.store.tables.sign_in_tables import TokenRow
from schemas.vocabulary import Role

MAX_TOKEN_NAME = 40
MAX_DAYS = 3 * 365


@dataclass(frozen=True)
class WantedToken:
    """What a token is to be called, what it is for, and how long it holds."""

    name: str
    scopes: tuple[Scope, ...]
    days: int


@dataclass(frozen=True)
class GivenToken:
    """A token of which only the hash is kept. ``scopes`` stand in one line, apart by spaces."""

    number: int
    pseudonym: str
    name: str
    scopes: str
    used_at: str | None
    expires_at: str
    revoked_at: str | None


def wanted_token(role: Role, name: str, scopes: Sequence[str], days: int) -> WantedToken:
    """Raises InvalidInput that names what is wrong and what is possible."""
    if not 1 <= len(name) <= MAX_TOKEN_NAME or not name.isprintable() or name != name.strip():
        raise InvalidInput(
            f"A token has a name, in one line of at most {MAX_TOKEN_NAME} characters.", code="invalid-field"
        )
    usable = usable_by(role)
    unusable = [scope for scope in scopes if scope not in usable]
    if unusable or not scopes:
        said = f"No {role} can use the scope {', '.join(unusable)}" if unusable else "A token has at least one scope"
        raise InvalidInput(f"{said}. Possible for this role: {', '.join(usable)}.", code="invalid-field")
    if not 1 <= days <= MAX_DAYS:
        raise InvalidInput(f"A token holds from 1 to {MAX_DAYS} days.", code="invalid-field")
    return WantedToken(name, tuple(Scope(scope) for scope in scopes), days)


def give_token(node: Node, pseudonym: str, name: str, scopes: Sequence[str], days: int) -> str:
    """A token for a user, which is shown once. Raises NotFound, InvalidInput, Conflict."""
    with node.store.write() as session:
        wanted = wanted_token(Role(active_user(session, pseudonym).role), name, scopes, days)
        return add_token(session, pseudonym, **vars(wanted))


def make_own_token(node: Node, pseudonym: str, wanted: WantedToken, code: str) -> str:
    """A token for oneself, which outlives the session: so the authenticator is asked once more.

    Raises InvalidInput, Conflict, and TooMany after failures in a row.
    """
    with node.store.write() as session:
        if confirm(node, session, pseudonym, code):
            return add_token(session, pseudonym, **vars(wanted))
    raise InvalidInput("This is not the code that the authenticator shows. Try the next one.", code="wrong-code")


@dataclass(frozen=True)
class OwnTokens:
    """The newest tokens first, each with its scopes, also those that are over. ``authenticator``: whether their user
    has one, and so may make a token."""

    rows: list[tuple[TokenRow, list[Scope]]]
    authenticator: bool


def tokens_of(node: Node, pseudonym: str, *, most: int) -> OwnTokens:
    with node.store.read() as session:
        rows = tokens.list_tokens(session, pseudonym)[: -most - 1 : -1]
        return OwnTokens([(row, scopes_of(row)) for row in rows], sign_in_of(session, pseudonym) is not None)


def revoke_own_token(node: Node, pseudonym: str, token_id: int) -> None:
    """Raises NotFound, also for another's."""
    with node.store.write() as session:
        tokens.revoke_token(session, token_id, pseudonym)


def list_tokens(node: Node, pseudonym: str | None = None) -> list[GivenToken]:
    """All tokens, or those of one user, in the order in which they were made. Raises NotFound."""
    with node.store.read() as session:
        if pseudonym is not None:
            known_user(session, pseudonym)
        return [_given(row) for row in tokens.list_tokens(session, pseudonym)]


def revoke_token(node: Node, number: int) -> GivenToken:
    """Revokes a token at once; a second time changes nothing. Raises NotFound."""
    with node.store.write() as session:
        return _given(tokens.revoke_token(session, number))


def _given(row: TokenRow) -> GivenToken:
    return GivenToken(row.token_id, row.pseudonym, row.name, row.scopes, row.used_at, row.expires_at, row.revoked_at)
