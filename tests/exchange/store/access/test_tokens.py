"""Tokens: shown once, found by nothing that only resembles them, of one name at a time."""

from __future__ import annotations

import pytest

from exchange.clock import DAY_S, stamp, stamp_in
from exchange.errors import Conflict, NotFound
from exchange.scopes import ROLES, Scope, usable_by
from exchange.store.access.token_rows import (
    MOST_TOKENS,
    add_token,
    find_token,
    list_tokens,
    minute,
    revoke_token,
    scopes_of,
)
from exchange.store.access.user_rows import add_user
from exchange.store.database.engine import Store
from schemas.vocabulary import Role


def test_a_token_knows_its_user_scopes_and_end(store: Store) -> None:
    with store.write() as session:
        add_user(session, "one", Role.EXAMINER)
        token = add_token(session, "one", name="lims", scopes=[Scope.SUBMIT, Scope.READ, Scope.READ], days=30)
        found = find_token(session, token)
        assert found
        row, user = found
        assert (user.pseudonym, row.name, scopes_of(row)) == ("one", "lims", [Scope.READ, Scope.SUBMIT])
        assert stamp_in(30 * DAY_S - 60) < row.expires_at <= stamp_in(30 * DAY_S)
        assert token not in str(vars(row))


def test_nothing_like_a_token_finds_anybody(store: Store) -> None:
    with store.write() as session:
        token = add_user(session, "one", Role.EXAMINER)
        for attempt in ("", token[:-1], token + "A", token.upper(), "' OR 1=1 --", "%", "один", "\x00"):
            assert find_token(session, attempt) is None


def test_a_name_is_free_again_once_its_token_is_over(store: Store) -> None:
    with store.write() as session:
        add_user(session, "one", Role.EXAMINER)
        add_user(session, "two", Role.EXAMINER)
        first = add_token(session, "one", name="lims", scopes=[Scope.READ], days=1)
        add_token(session, "two", name="lims", scopes=[Scope.READ], days=1)
        with pytest.raises(Conflict, match="another name"):
            add_token(session, "one", name="lims", scopes=[Scope.READ], days=1)
        found = find_token(session, first)
        assert found
        found[0].expires_at = stamp_in(-1)
        session.flush()
        add_token(session, "one", name="lims", scopes=[Scope.READ], days=1)
        revoke_token(session, list_tokens(session, "one")[-1].token_id)
        add_token(session, "one", name="lims", scopes=[Scope.READ], days=1)
        assert [row.name for row in list_tokens(session, "one")] == ["first", "lims", "lims", "lims"]


def test_a_user_has_so_many_and_no_more(store: Store) -> None:
    with store.write() as session:
        add_user(session, "one", Role.EXAMINER)
        for number in range(MOST_TOKENS - 1):
            add_token(session, "one", name=f"program {number}", scopes=[Scope.READ], days=1)
        with pytest.raises(Conflict, match=str(MOST_TOKENS)):
            add_token(session, "one", name="one more", scopes=[Scope.READ], days=1)


def test_a_revocation_keeps_its_first_date_and_is_ones_own(store: Store) -> None:
    with store.write() as session:
        add_user(session, "one", Role.EXAMINER)
        [row] = list_tokens(session, "one")
        for token_id, pseudonym in ((row.token_id, "two"), (999, None), (999, "one")):
            with pytest.raises(NotFound):
                revoke_token(session, token_id, pseudonym)
        assert row.revoked_at is None
        first = revoke_token(session, row.token_id, "one").revoked_at
        assert revoke_token(session, row.token_id).revoked_at == first is not None


def test_every_role_has_something_to_use_and_the_node_has_no_token() -> None:
    assert set(ROLES) == set(Scope)
    assert all(usable_by(role) for role in Role if role is not Role.NODE)
    assert usable_by(Role.NODE) == []


def test_use_is_kept_to_the_minute() -> None:
    assert len(minute()) == len(stamp())
    assert minute().endswith(":00.000Z")
