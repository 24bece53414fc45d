"""Users: a pseudonym is given once, and with it a first token."""

from __future__ import annotations

import pytest

from exchange.errors import Conflict, NotFound
from exchange.scopes import usable_by
from exchange.store.access.sign_in_rows import sign_in_of
from exchange.store.access.token_rows import find_token, list_tokens, scopes_of
from exchange.store.access.user_rows import FIRST_TOKEN, active_user, add_user, all_users, revoke_user
from exchange.store.database.engine import Store
from schemas.vocabulary import Role


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.NODE])
def test_the_first_token_is_for_all_that_the_role_may(store: Store, role: Role) -> None:
    with store.write() as session:
        token = add_user(session, "one", role)
        found = find_token(session, token)
        assert found
        row, user = found
        assert (user.pseudonym, user.role, row.name) == ("one", role, FIRST_TOKEN)
        assert scopes_of(row) == usable_by(role)
        assert len(list_tokens(session)) == 1


def test_a_pseudonym_is_given_once(store: Store) -> None:
    """It stands in statements: whoever had it later would seem to have made them."""
    with store.write() as session:
        add_user(session, "one", Role.EXAMINER)
        revoke_user(session, "one")
    with pytest.raises(Conflict, match="another"), store.write() as session:
        add_user(session, "one", Role.EXAMINER)


def test_a_revocation_keeps_its_first_date(store: Store) -> None:
    with store.write() as session:
        add_user(session, "one", Role.EXAMINER)
        assert active_user(session, "one").role == Role.EXAMINER
        revoke_user(session, "one")
        first = all_users(session)[0].revoked_at
        revoke_user(session, "one")
        assert all_users(session)[0].revoked_at == first is not None
        for absent in ("one", "nobody"):
            with pytest.raises(NotFound):
                active_user(session, absent)
        with pytest.raises(NotFound):
            revoke_user(session, "nobody")


def test_a_name_that_no_database_holds_is_nobodys(store: Store) -> None:
    """As a stranger may type one at the sign-in."""
    with store.write() as session:
        add_user(session, "one", Role.EXAMINER)
    with store.read() as session:
        for typed in ("one\0", "\0", "x" * 30_000):
            assert sign_in_of(session, typed) is None
