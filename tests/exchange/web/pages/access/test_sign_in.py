"""Invited, signed in, locked out, signed out; and nobody learns whom there is."""

from __future__ import annotations

import time
from collections.abc import Callable

import pyotp
import pytest
from sqlalchemy import select

from exchange.clock import stamp_in
from exchange.flows.access.sealed_secrets import sealing_key
from exchange.flows.access.sign_in import invite_user
from exchange.store.access.sign_in_guard import FREE_TRIES, failure_slot, failures_at
from exchange.store.access.user_rows import revoke_user
from exchange.store.tables.sign_in_tables import SessionRow, SignInRow
from exchange.web.pages.access.sign_in_pages import goes_on_at
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.pages.conftest import PASSWORD, Person

WRONG = "Pseudonym, password or code is not right"


def test_from_the_invitation_to_the_first_page(node: RunningNode, invited: Callable[[Role], Person]) -> None:
    person = invited(Role.EXAMINER)
    assert "Sign in" in person.accept().text
    answer = person.sign_in()
    assert (answer.status_code, answer.headers["location"]) == (303, "/app/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    page = person.get("/app/").text
    assert f"{person.pseudonym}</bdi> · examiner" in page
    with node.node.store.read() as session:
        row = session.get_one(SignInRow, person.pseudonym)
        kept = [row.password, row.totp, *session.scalars(select(SessionRow.token_sha256)).all()]
    assert str(row.password).startswith("$argon2id$")
    token = next(iter(person.http.cookies.values()))
    for secret in (PASSWORD, person.secret, token):
        assert secret not in str(kept), "nothing that opens a door lies in the database"


def test_who_types_the_nodes_name_alone_is_led_to_the_pages(invited: Callable[[Role], Person]) -> None:
    person = invited(Role.EXAMINER)
    first = person.get("/")
    assert (first.status_code, first.headers["location"]) == (303, "/app/")
    second = person.get("/app/")
    assert (second.status_code, second.headers["location"]) == (303, "/app/sign-in")
    assert person.get("/app/sign-in").status_code == 200


DRAFT = f"/app/register/{'ab' * 16}"


@pytest.mark.slow
def test_after_the_sign_in_one_goes_on_where_one_was(invited: Callable[[Role], Person]) -> None:
    person = invited(Role.EXAMINER)
    person.accept()
    led = person.get(f"{DRAFT}?shows=1").headers["location"]
    assert led == f"/app/sign-in?back={DRAFT}%3Fshows%3D1"
    assert f'name="back" value="{DRAFT}?shows=1"' in person.get(led).text
    refused = person.sign_in(code="000000", back=DRAFT)
    assert f'name="back" value="{DRAFT}"' in refused.text, "also after a mistake"
    assert person.sign_in(back=DRAFT).headers["location"] == DRAFT


ELSEWHERE = (
    "https://evil.example/app/",
    "//evil.example/app/",
    "/\\evil.example",
    "/app/\\evil.example",
    "\t//evil.example",
    "/app/\r\nSet-Cookie: a=b",
    "/v1/records",
    "javascript:alert(1)",
    "/app/sign-in?back=/app/",
    "/app/sign-out",
    "",
)


def test_the_sign_in_leads_to_no_other_place(invited: Callable[[Role], Person]) -> None:
    person = invited(Role.EXAMINER)
    person.accept()
    for back in ELSEWHERE:
        shown = person.http.get(f"{person.node.url}/app/sign-in", params={"back": back}).text
        assert 'name="back" value="/app/"' in shown, back
    assert person.sign_in(back=ELSEWHERE[0]).headers["location"] == "/app/"


@pytest.mark.parametrize("back", ELSEWHERE)
def test_no_other_place_is_led_back_to(back: str) -> None:
    """What the page shows and what the form leads to go through one function."""
    assert goes_on_at(back) == "/app/"


@pytest.mark.slow
def test_a_script_is_told_that_the_session_has_ended(
    node: RunningNode, signed_in: Callable[[Role], Person], invited: Callable[[Role], Person]
) -> None:
    """With a status of its own, not with the page of the sign-in, which would pass for an answer."""
    person, nobody = signed_in(Role.EXAMINER), invited(Role.EXAMINER)
    csrf = person.csrf()
    told = person.get("/app/session").json()
    assert told == {"pseudonym": person.pseudonym, "csrf": csrf}
    for headers in ({"X-CSRF": csrf}, {"Accept": "application/json"}):
        answer = nobody.http.post(f"{node.url}{DRAFT}", headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (401, "urn:ffp:problem:sign-in-first")
    asked = nobody.http.get(f"{node.url}/app/session", headers={"Accept": "application/json"})
    assert asked.status_code == 401
    again = signed_in(Role.EXAMINER)
    answer = again.http.post(f"{node.url}{DRAFT}", headers={"X-CSRF": csrf}, json={"changes": {}})
    assert answer.status_code == 403, "what an earlier session's page sends is nobody else's"


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [{"password": "another password"}, {"code": "000000"}, {"pseudonym": "nobody"}, {"pseudonym": "a" * 5000}],
    ids=["password", "code", "nobody", "long"],
)
def test_what_is_wrong_is_not_told(invited: Callable[[Role], Person], changes: dict[str, str]) -> None:
    person = invited(Role.EXAMINER)
    person.accept()
    answer = person.sign_in(**changes)
    assert answer.status_code == 401
    assert WRONG in answer.text
    assert all(name.endswith("-device") for name in person.http.cookies)


def test_a_code_is_taken_once(invited: Callable[[Role], Person]) -> None:
    person = invited(Role.EXAMINER)
    person.accept()
    code = person.next_code()
    assert person.sign_in(code=code).status_code == 303
    assert person.sign_in(code=code).status_code == 401


@pytest.mark.slow
def test_who_fails_too_often_waits_and_an_invitation_ends_that(
    node: RunningNode, invited: Callable[[Role], Person]
) -> None:
    person = invited(Role.EXAMINER)
    person.accept()
    person.http.cookies.clear()
    for _ in range(FREE_TRIES):
        assert person.sign_in(password="wrong password").status_code == 401
    locked = person.sign_in()
    assert locked.status_code == 429
    assert "Too many failures" in locked.text
    with node.node.store.write() as session:
        here = failure_slot(sealing_key(node.node), person.pseudonym)
        failures_at(session, here).locked_until = stamp_in(-1)
    assert person.sign_in(password="wrong password").status_code == 401
    assert person.sign_in().status_code == 429, "the next failure locks at once, and for longer"
    assert person.accept().status_code == 200
    assert person.sign_in().status_code == 303


@pytest.mark.slow
def test_one_address_may_not_try_many_accounts(
    invited: Callable[[Role], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    person = invited(Role.EXAMINER)
    person.accept()
    monkeypatch.setattr("exchange.web.access.login_rate_limit.TRIES_A_MINUTE", 3)
    answers = [person.sign_in(pseudonym=f"nobody-{number}").status_code for number in range(5)]
    assert answers[-1] == 429


@pytest.mark.slow
def test_an_invitation_works_once_and_not_for_ever(node: RunningNode, invited: Callable[[Role], Person]) -> None:
    person = invited(Role.EXAMINER)
    address = invite_user(node.node, person.pseudonym).removeprefix(node.url)
    with node.node.store.write() as session:
        session.get_one(SignInRow, person.pseudonym).invited_until = stamp_in(-1)
    refused = person.get(address)
    assert refused.status_code == 401
    assert "ask the operator for a new one" in refused.text.lower()
    first = invite_user(node.node, person.pseudonym).removeprefix(node.url)
    person.accept()
    assert person.get(first).status_code == 401, "a later invitation voids it"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "short", "again": "short"}, "12 to 128 characters"),
        ({"again": "something else"}, "two passwords differ"),
        ({"code": "000000"}, "not the code"),
        ({"secret": "not base 32!"}, "not the code"),
        ({"secret": ""}, "not the code"),
    ],
    ids=["short", "differ", "code", "secret", "no-secret"],
)
def test_a_welcome_that_goes_wrong_can_be_mended(
    invited: Callable[[Role], Person], changes: dict[str, str], said: str
) -> None:
    person = invited(Role.EXAMINER)
    answer = person.accept(**changes)
    assert answer.status_code == 422
    assert said in answer.text
    assert person.sign_in().status_code == 401
    assert person.accept().status_code == 200


@pytest.mark.slow
def test_a_session_ends(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    """By signing out, by idling, after a working day, with the user, and with a new invitation."""

    def is_in(person: Person) -> bool:
        return person.get("/app/").status_code == 200

    person = signed_in(Role.EXAMINER)
    cookies = dict(person.http.cookies)
    assert person.post("/app/sign-out", {"csrf": person.csrf()}).status_code == 303
    person.http.cookies.update(cookies)
    assert not is_in(person), "the server has forgotten it, not the browser alone"
    for over in ("seen_at", "ends_at"):
        person = signed_in(Role.EXAMINER)
        assert is_in(person)
        with node.node.store.write() as session:
            row = session.scalars(select(SessionRow).where(SessionRow.pseudonym == person.pseudonym)).one()
            setattr(row, over, stamp_in(-node.node.settings.session_most_s - 1))
        assert not is_in(person)
    person = signed_in(Role.EXAMINER)
    with node.node.store.write() as session:
        revoke_user(session, person.pseudonym)
    assert not is_in(person)
    assert person.sign_in().status_code == 401
    person = signed_in(Role.EXAMINER)
    invite_user(node.node, person.pseudonym)
    assert not is_in(person)


@pytest.mark.slow
def test_a_secret_sealed_with_another_key_opens_nothing(
    node: RunningNode, invited: Callable[[Role], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    person, other = invited(Role.EXAMINER), invited(Role.EXAMINER)
    person.accept()
    other.accept()
    with node.node.store.write() as session:  # a database that was written to by hand
        session.get_one(SignInRow, person.pseudonym).totp = session.get_one(SignInRow, other.pseudonym).totp
    code = pyotp.TOTP(other.secret).at(int(time.time()) + 30)
    refused = person.sign_in(code=code)
    assert refused.status_code == 500
    assert "invite the users anew" in refused.text
    assert node.node.settings.sign_in_key.stat().st_mode & 0o777 == 0o600
