"""Users: a token is shown once, a pseudonym is given once."""

from __future__ import annotations

import pytest

from exchange.errors import Conflict, NotFound
from exchange.store.engine import Store
from exchange.store.users import add_user, all_users, revoke_user, user_by_token
from schemas.vocabulary import Role


def test_a_token_finds_its_user_until_revoked(store: Store) -> None:
    with store.write() as session:
        token, other = add_user(session, "one", Role.EXAMINER), add_user(session, "two", Role.OPERATOR)
        session.flush()
        found = user_by_token(session, token)
        assert found
        assert (found.pseudonym, found.role) == ("one", Role.EXAMINER)
        revoke_user(session, "one")
        session.flush()
        assert user_by_token(session, token) is None
        assert user_by_token(session, other)
        assert token != other


def test_nothing_like_a_token_finds_anybody(store: Store) -> None:
    with store.write() as session:
        token = add_user(session, "one", Role.EXAMINER)
        session.flush()
        for attempt in ("", token[:-1], token + "A", token.upper(), "' OR 1=1 --", "%", "один", "\x00"):
            assert user_by_token(session, attempt) is None


def test_a_pseudonym_is_given_once(store: Store) -> None:
    """It stands in statements: whoever had it later would seem to have made them."""
    with store.write() as session:
        add_user(session, "one", Role.EXAMINER)
        session.flush()
        revoke_user(session, "one")
    with pytest.raises(Conflict, match="another"), store.write() as session:
        add_user(session, "one", Role.EXAMINER)


def test_a_revocation_keeps_its_first_date(store: Store) -> None:
    with store.write() as session:
        add_user(session, "one", Role.EXAMINER)
        session.flush()
        revoke_user(session, "one")
        first = all_users(session)[0].revoked_at
        revoke_user(session, "one")
        assert all_users(session)[0].revoked_at == first is not None
        with pytest.raises(NotFound):
            revoke_user(session, "nobody")
