"""The sessions of people who are signed in to the pages."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from exchange.flows.node.node import Node
from exchange.store.access import sign_in_rows as store
from schemas.vocabulary import Role, SignedInBy


@dataclass(frozen=True)
class OpenSession:
    """Who is signed in, in which role and how, and what the session is for."""

    pseudonym: str
    role: Role
    signed_in: SignedInBy
    purpose: str | None
    legal_basis: str | None


def open_session(node: Node, token: str, *, is_there: bool = True) -> OpenSession | None:
    """The session of a cookie, and a note that somebody ``is_there``: a page that asks by itself says nothing of that.
    None where the session is over or was idle for too long, and where its user was revoked."""
    if not token:
        return None
    with node.store.read() as session:
        found = store.session_of(session, token, idle_s=node.settings.session_idle_s)
    if found is None:
        return None
    row, user = found
    if is_there and store.to_be_touched(row):
        with node.store.write() as session:
            store.touch_session(session, row.token_sha256)
    return OpenSession(user.pseudonym, Role(user.role), SignedInBy(row.signed_in), row.purpose, row.legal_basis)


def sessions_that_go_on(node: Node, digests: Collection[str]) -> frozenset[str]:
    """Of these sessions, by the digests of their cookies, those that are not over. It is no note of anybody."""
    with node.store.read() as session:
        idle_s = node.settings.session_idle_s
        return frozenset(one for one in digests if store.session_by_digest(session, one, idle_s=idle_s) is not None)


def session_digest(token: str) -> str:
    """By which a session is known to whoever need not have its cookie."""
    return store.hashed(token)


def state_purpose(node: Node, token: str, purpose: str, legal_basis: str) -> None:
    """Keep what every search and consultation of this session is for."""
    with node.store.write() as session:
        store.state_purpose(session, token, purpose, legal_basis)


def end_session(node: Node, token: str) -> None:
    """Sign out."""
    with node.store.write() as session:
        store.end_session(session, token)
