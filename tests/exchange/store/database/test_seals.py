"""Whoever changes a role, a token's scopes or a peer's state past this software lets nobody in by it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from exchange.errors import Unauthenticated
from exchange.store.access.sign_in_rows import begin_session, hashed, invite_to_sign_in, invited, session_of, sign_in_of
from exchange.store.access.token_rows import find_token, mark_used, minute
from exchange.store.access.user_rows import add_user, authorisations, change_role, put_authorisation
from exchange.store.database.engine import Store
from exchange.store.database.seals import broken, derived_key
from exchange.store.tables.sign_in_tables import TokenRow
from schemas.vocabulary import Role, SignedInBy

ALTERATIONS = {
    "a role": "update \"user\" set role = 'head'",
    "an end": "update \"user\" set revoked_at = '2026-01-01T00:00:00.000Z'",
    "scopes": "update token set scopes = 'release operate audit'",
    "how long it holds": "update token set expires_at = '2199-01-01T00:00:00.000Z'",
    "no seal": 'update "user" set seal = null',
}


@pytest.fixture
def sealed(store: Store) -> Store:
    store.seal_with(derived_key(b"secret"))
    return store


def alter(store: Store, statement: str) -> None:
    with store.write() as session:
        session.execute(text(statement), {"mine": hashed("mine")} if ":mine" in statement else {})


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_nobody_is_let_in_by_what_was_altered(sealed: Store, alteration: str) -> None:
    with sealed.write() as session:
        token = add_user(session, "one", Role.EXAMINER)
    with sealed.read() as session:
        assert find_token(session, token) is not None
        assert list(broken(session)) == []
    alter(sealed, ALTERATIONS[alteration])
    with sealed.read() as session:
        with pytest.raises(Unauthenticated, match="ffp log check"):
            find_token(session, token)
        assert len(list(broken(session))) == 1


def test_a_session_ends_where_the_role_was_altered(sealed: Store) -> None:
    with sealed.write() as session:
        add_user(session, "one", Role.EXAMINER)
        cookie = begin_session(session, "one", SignedInBy.PASSWORD_AND_TOTP, most_s=60)
    with sealed.read() as session:
        assert session_of(session, cookie, idle_s=60) is not None
    alter(sealed, ALTERATIONS["a role"])
    with sealed.read() as session:
        assert session_of(session, cookie, idle_s=60) is None


def test_use_does_not_seal_what_was_altered_and_the_operator_does(sealed: Store) -> None:
    with sealed.write() as session:
        token = add_user(session, "one", Role.EXAMINER)
    alter(sealed, ALTERATIONS["scopes"])
    alter(sealed, ALTERATIONS["a role"])
    with sealed.write() as session:
        mark_used(session, session.query(TokenRow).one().token_id, minute())
    with sealed.read() as session, pytest.raises(Unauthenticated):
        find_token(session, token)
    with sealed.write() as session:
        change_role(session, "one", Role.INVESTIGATOR)
    with sealed.read() as session:
        assert [table for table, _ in broken(session)] == ["token"]


SIGN_IN_ALTERATIONS = {
    "another's session": "update sign_in_session set pseudonym = 'head'",
    "an older end": "update sign_in_session set ends_at = '2199-01-01T00:00:00.000Z'",
    "another way": "update sign_in_session set signed_in = 'oidc'",
    "a session made up": "insert into sign_in_session (token_sha256, pseudonym, signed_in, began_at, seen_at, ends_at) "
    "select :mine, 'head', signed_in, began_at, seen_at, ends_at from sign_in_session",
}


@pytest.mark.parametrize("alteration", SIGN_IN_ALTERATIONS)
def test_nobody_is_signed_in_by_a_session_that_somebody_else_wrote(sealed: Store, alteration: str) -> None:
    """Whoever can write the database would else sign as the head, without a key."""
    with sealed.write() as session:
        add_user(session, "one", Role.EXAMINER)
        add_user(session, "head", Role.HEAD)
        cookie = begin_session(session, "one", SignedInBy.PASSWORD_AND_TOTP, most_s=60)
    with sealed.read() as session:
        assert session_of(session, cookie, idle_s=60) is not None
    alter(sealed, SIGN_IN_ALTERATIONS[alteration])
    made_up = "made up" in alteration
    with sealed.read() as session:
        assert session_of(session, "mine" if made_up else cookie, idle_s=60) is None
        assert [table for table, _ in broken(session)] == ["sign_in_session"]


@pytest.mark.parametrize(
    "alteration",
    [
        "update sign_in set password = 'another'",
        "update sign_in set invitation_sha256 = :mine",
        "update sign_in set invited_until = '2199'",
    ],
)
def test_nobody_signs_in_with_what_somebody_else_wrote(sealed: Store, alteration: str) -> None:
    with sealed.write() as session:
        add_user(session, "head", Role.HEAD)
        invitation = invite_to_sign_in(session, "head", within_s=60)
        row = invited(session, invitation)
        assert row is not None
        row.password = "a hash"
    with sealed.read() as session:
        assert sign_in_of(session, "head") is not None
    alter(sealed, alteration)
    with sealed.read() as session:
        assert sign_in_of(session, "head") is None
        assert (invited(session, "mine"), invited(session, invitation)) == (None, None)
        assert list(broken(session)) == [("sign_in", "head")]


@pytest.mark.parametrize(
    "alteration",
    [
        "update user_authorisation set words = 'authorised for everything'",
        "update user_authorisation set entered_at = '2020-01-01T00:00:00.000Z'",
        "update user_authorisation set pseudonym = 'two'",
        "update user_authorisation set seal = null",
    ],
)
def test_an_authorisation_that_somebody_else_wrote_is_none(sealed: Store, alteration: str) -> None:
    with sealed.write() as session:
        for name in ("one", "two"):
            add_user(session, name, Role.EXAMINER)
        put_authorisation(session, "one", "authorised for cartridge cases")
    with sealed.read() as session:
        assert {name: row.words for name, row in authorisations(session).items()} == {
            "one": "authorised for cartridge cases"
        }
    alter(sealed, alteration)
    with sealed.read() as session:
        assert authorisations(session) == {}
        assert [table for table, _ in broken(session)] == ["user_authorisation"]


def test_an_authorisation_is_replaced_and_taken_away(sealed: Store) -> None:
    with sealed.write() as session:
        add_user(session, "one", Role.EXAMINER)
        for words in ("the first", "the second"):
            put_authorisation(session, "one", words)
        assert authorisations(session)["one"].words == "the second"
        put_authorisation(session, "one", None)
        put_authorisation(session, "one", None)
    with sealed.read() as session:
        assert authorisations(session) == {}
        assert list(broken(session)) == []
