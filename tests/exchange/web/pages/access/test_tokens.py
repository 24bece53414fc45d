"""A person's own tokens: made with one more code, shown once, for no more than the role may, revoked."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import httpx
import pyotp
import pytest

from exchange.flows.access.sign_in import STEP_S
from exchange.scopes import Scope, usable_by
from exchange.store.access.sign_in_guard import FREE_TRIES
from exchange.store.access.token_rows import TOKEN_PREFIX
from exchange.store.tables.sign_in_tables import SignInRow
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.pages.conftest import Person


def ask(person: Person, **changes: str) -> httpx.Response:
    """Sent as by the form; the authenticator has moved on since the sign-in."""
    with person.node.node.store.write() as session:
        row = session.get_one(SignInRow, person.pseudonym)
        row.totp_step = int(time.time()) // STEP_S - 1
    fields = {"csrf": person.csrf(), "name": "lims", "days": "30", "scope-read": "1", "code": person.code(), **changes}
    return person.post("/app/tokens", {name: value for name, value in fields.items() if value != ""})


def made(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    [token] = re.findall(rf">({TOKEN_PREFIX}[A-Za-z0-9_-]{{43}})<", answer.text)
    return str(token)


@pytest.mark.slow
def test_made_shown_once_used_and_revoked(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    person = signed_in(Role.EXAMINER)
    answer = ask(person)
    token = made(answer)
    assert answer.headers["cache-control"] == "no-store"
    assert token not in person.get("/app/tokens").text
    headers = {"Authorization": f"Bearer {token}"}
    assert node.http.get(f"{node.url}/v1/records", headers=headers).status_code == 200
    assert node.http.post(f"{node.url}/v1/records", headers=headers).status_code == 403, "it is for reading alone"
    listed = person.get("/app/tokens").text
    assert "lims" in listed
    revoking = re.findall(r'action="(/app/tokens/\d+/revoke)"', listed)[0]
    assert person.post(revoking, {"csrf": "0" * 64}).status_code == 403
    other = signed_in(Role.EXAMINER)
    assert other.post(revoking, {"csrf": other.csrf()}).status_code == 404
    assert node.http.get(f"{node.url}/v1/records", headers=headers).status_code == 200
    assert person.post(revoking, {"csrf": person.csrf()}).headers["location"] == "/app/tokens"
    assert node.http.get(f"{node.url}/v1/records", headers=headers).status_code == 401
    assert ask(person).status_code == 200, "the name is free again"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"code": "000000"}, "not the code"),
        ({"code": ""}, "not the code"),
        ({"name": ""}, "has a name"),
        ({"name": "a" * 41}, "at most 40"),
        ({"name": "two\nlines"}, "one line"),
        ({"days": "3650"}, "how long"),
        ({"days": ""}, "how long"),
        ({"scope-read": ""}, "at least one scope"),
        ({"scope-audit": "1"}, "No examiner can use the scope audit"),
        ({"scope-everything": "1"}, "No examiner can use the scope everything"),
    ],
)
def test_what_makes_no_token(signed_in: Callable[[Role], Person], changes: dict[str, str], said: str) -> None:
    person = signed_in(Role.EXAMINER)
    answer = ask(person, **changes)
    assert answer.status_code == 422
    assert said in answer.text
    assert TOKEN_PREFIX not in answer.text
    assert made(ask(person))


@pytest.mark.slow
def test_a_name_and_a_code_are_taken_once(signed_in: Callable[[Role], Person]) -> None:
    person = signed_in(Role.EXAMINER)
    made(ask(person))
    assert ask(person).status_code == 409
    used = person.code()
    with person.node.node.store.write() as session:
        session.get_one(SignInRow, person.pseudonym).totp_step = int(time.time()) // STEP_S + 1
    fields = {"csrf": person.csrf(), "name": "two", "days": "30", "scope-read": "1", "code": used}
    assert person.post("/app/tokens", fields).status_code == 422


@pytest.mark.slow
def test_who_guesses_codes_is_locked_out(signed_in: Callable[[Role], Person]) -> None:
    """A stolen session makes no token by trying."""
    person = signed_in(Role.EXAMINER)
    wrong = pyotp.TOTP(pyotp.random_base32()).now()
    answers = [ask(person, code=wrong).status_code for _ in range(FREE_TRIES)]
    assert answers == [422] * FREE_TRIES
    locked = ask(person)
    assert locked.status_code == 429
    assert "Too many failures" in locked.text


@pytest.mark.slow
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.NODE])
def test_each_role_is_offered_what_it_can_use(signed_in: Callable[[Role], Person], role: Role) -> None:
    person = signed_in(role)
    page = person.get("/app/tokens").text
    assert re.findall(r'name="scope-([a-z]+)"', page) == usable_by(role)
    token = made(ask(person, **{"scope-read": "", **{f"scope-{scope}": "1" for scope in usable_by(role)}}))
    headers = {"Authorization": f"Bearer {token}"}
    assert Scope.STATUS in usable_by(role)
    assert person.node.http.get(f"{person.node.url}/v1/status", headers=headers).status_code == 200
