"""Strangers learn nothing of who there is, and lock nobody out who signed in from this browser before."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Iterator

import httpx
import pyotp
import pytest
from sqlalchemy import func, select

from exchange.clock import stamp_in
from exchange.errors import Unauthenticated
from exchange.flows.access import sign_in as flow
from exchange.flows.access.sealed_secrets import sealing_key
from exchange.flows.access.sign_in import invite_user
from exchange.store.access import sign_in_guard
from exchange.store.access.sign_in_guard import (
    FAILURE_SLOTS,
    FREE_TRIES,
    MOST_DEVICES,
    count_failure,
    failure_slot,
    failures_at,
)
from exchange.store.access.user_rows import revoke_user
from exchange.store.tables.sign_in_tables import DeviceRow, FailureRow
from exchange.web.access.login_rate_limit import _whose
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.pages.conftest import PASSWORD, Person

WRONG = "a password that is wrong"
Invited = Callable[[Role], Person]


@pytest.fixture
def stranger(node: RunningNode) -> Iterator[Person]:
    """Somebody else's browser, for whatever name."""
    made = Person(node, "nobody", secret=pyotp.random_base32())
    yield made
    made.http.close()


@pytest.fixture
def known(invited: Invited) -> Person:
    """Somebody who has taken the invitation up, and has not signed in yet."""
    person = invited(Role.EXAMINER)
    assert person.accept().status_code == 200
    return person


def names_of(node: RunningNode, invited: Invited, known: Person) -> dict[str, str]:
    """One name of each kind."""
    revoked, never = invited(Role.EXAMINER), invited(Role.EXAMINER)
    assert revoked.accept().status_code == 200
    with node.node.store.write() as session:
        revoke_user(session, revoked.pseudonym)
    return {
        "known": known.pseudonym,
        "revoked": revoked.pseudonym,
        "tokens alone": never.pseudonym,
        "unknown": f"nobody-{time.time_ns()}",
    }


def lock(node: RunningNode, stranger: Person, name: str) -> None:
    for _ in range(FREE_TRIES):
        assert stranger.sign_in(pseudonym=name, password=WRONG, code="000000").status_code == 401
    assert stranger.sign_in(pseudonym=name, password=WRONG, code="000000").status_code == 429


def told(answer: httpx.Response, name: str) -> tuple[int, dict[str, str], str]:
    """All of it, but for the name that was typed, the moment, how long it is until then, and what each request has of
    its own."""
    own = {"date", "x-request-id", "content-security-policy", "content-length", "retry-after"}
    headers = {key: value for key, value in answer.headers.items() if key not in own}
    text = answer.text.replace(name, "NAME")
    return answer.status_code, headers, re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z|nonce-?=?\S+", "", text)


@pytest.mark.slow
def test_every_name_is_answered_the_same_until_it_is_locked_and_then(
    node: RunningNode, invited: Invited, known: Person, stranger: Person
) -> None:
    names = names_of(node, invited, known)
    answers: dict[str, list[tuple[int, dict[str, str], str]]] = {kind: [] for kind in names}
    for _ in range(FREE_TRIES + 2):
        for kind, name in names.items():
            answer = stranger.sign_in(pseudonym=name, password=WRONG, code="000000")
            answers[kind].append(told(answer, name))
    assert [status for status, _, _ in answers["known"]] == [401] * FREE_TRIES + [429] * 2
    for kind in names:
        assert answers[kind] == answers["unknown"], kind


@pytest.mark.slow
def test_the_locks_of_names_that_nobody_has_grow_as_the_others_do(
    node: RunningNode, known: Person, stranger: Person
) -> None:
    names, until = {"known": known.pseudonym, "unknown": f"nobody-{time.time_ns()}"}, {}
    for kind, name in names.items():
        lock(node, stranger, name)
        place = failure_slot(sealing_key(node.node), name)
        with node.node.store.write() as session:
            failures_at(session, place).locked_until = stamp_in(-1)
        assert stranger.sign_in(pseudonym=name, password=WRONG).status_code == 401, "one more"
        locked = stranger.sign_in(pseudonym=name, password=WRONG)
        assert (locked.status_code, 60 < int(locked.headers["retry-after"]) <= 120) == (429, True)
        with node.node.store.read() as session:
            row = failures_at(session, place)
            until[kind] = row.failed
            assert stamp_in(60) < (row.locked_until or "") < stamp_in(125)
    assert until["known"] == until["unknown"] == FREE_TRIES + 1


@pytest.mark.slow
def test_a_password_is_verified_for_every_name(
    node: RunningNode, invited: Invited, known: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[tuple[str, bool]] = []
    real = flow._hasher

    class Counting:
        def verify(self, password: str, kept: str) -> bool:
            held.append((kept.rsplit("$", 2)[0], real.verify(password, kept)))
            return held[-1][1]

        hash = real.hash

    names = names_of(node, invited, known)
    monkeypatch.setattr(flow, "_hasher", Counting())
    for name in names.values():
        with pytest.raises(Unauthenticated):
            flow.sign_in(node.node, name, WRONG, "000000")
    assert len(held) == len(names)
    assert len({parameters for parameters, _ in held}) == 1, "with the same parameters of argon2"


@pytest.mark.alone
@pytest.mark.slow
def test_it_takes_as_much_work_for_every_name(node: RunningNode, invited: Invited, known: Person) -> None:
    names = names_of(node, invited, known)
    took: dict[str, list[float]] = {kind: [] for kind in names}
    for _ in range(FREE_TRIES - 1):
        for kind, name in names.items():
            began = time.process_time()
            with pytest.raises(Unauthenticated):
                flow.sign_in(node.node, name, WRONG, "000000")
            took[kind].append(time.process_time() - began)
    medians = [statistics.median(times) for times in took.values()]
    assert max(medians) / min(medians) < 1.5, took


@pytest.mark.slow
def test_strangers_lock_strangers_alone(node: RunningNode, known: Person, stranger: Person) -> None:
    assert known.sign_in().status_code == 303
    lock(node, stranger, known.pseudonym)
    assert stranger.sign_in(pseudonym=known.pseudonym, code=known.next_code()).status_code == 429
    cookies = {key: value for key, value in known.http.cookies.items() if key.endswith("-device")}
    assert len(cookies) == 1
    with node.node.store.write() as session:  # the code of this half minute was used to sign in first
        session.get_one(flow.SignInRow, known.pseudonym).totp_step = 0
    assert known.sign_in().status_code == 303, "from the browser in which it was done before"
    assert stranger.sign_in(pseudonym=known.pseudonym, code=known.next_code()).status_code == 429, "they still wait"


@pytest.mark.slow
def test_nothing_that_a_user_does_ends_the_lock_of_strangers(
    node: RunningNode, known: Person, stranger: Person
) -> None:
    """Else it ends sooner for a name that somebody has, and tells that."""
    place = failure_slot(sealing_key(node.node), known.pseudonym)

    def failed() -> int:
        with node.node.store.read() as session:
            return failures_at(session, place).failed

    for _ in range(FREE_TRIES - 1):
        stranger.sign_in(pseudonym=known.pseudonym, password=WRONG, code="000000")
    known.http.cookies.clear()
    assert known.sign_in().status_code == 303, "from a browser that is not known"
    assert failed() == FREE_TRIES - 1
    assert stranger.sign_in(pseudonym=known.pseudonym, password=WRONG, code="000000").status_code == 401
    assert stranger.sign_in(pseudonym=known.pseudonym, password=WRONG, code="000000").status_code == 429
    known.http.cookies.clear()
    assert known.accept().status_code == 200
    assert failed() == FREE_TRIES
    assert known.sign_in().status_code == 303, "where the invitation was taken up"
    assert stranger.sign_in(pseudonym=known.pseudonym, password=WRONG, code="000000").status_code == 429


@pytest.mark.slow
def test_one_address_that_tries_too_often_does_not_stop_a_browser_that_is_known(
    node: RunningNode, known: Person, stranger: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as all of a laboratory behind one address."""
    assert known.sign_in().status_code == 303
    monkeypatch.setattr("exchange.web.access.login_rate_limit.TRIES_A_MINUTE", 1)
    assert [stranger.sign_in(password=WRONG).status_code for _ in range(3)][-1] == 429
    assert known.sign_in(password=WRONG).status_code == 401


@pytest.mark.slow
def test_the_cookie_of_a_browser_is_no_key(node: RunningNode, known: Person, stranger: Person) -> None:
    """It needs password and code like any other, locks itself alone, and is good for its own user alone."""
    answer = known.sign_in()
    [cookie] = [one for one in answer.headers.get_list("set-cookie") if one.startswith("ffp-device=")]
    for attribute in ("HttpOnly", "SameSite=strict", "Max-Age="):
        assert attribute.lower() in cookie.lower()
    token = known.http.cookies["ffp-device"]
    with node.node.store.read() as session:
        rows = session.scalars(select(DeviceRow).where(DeviceRow.pseudonym == known.pseudonym)).all()
        assert [token in str(vars(row)) for row in rows] == [False], "of the token only a hash is kept"
    for _ in range(FREE_TRIES):
        assert known.sign_in(code="000000").status_code == 401
    assert known.sign_in().status_code == 429, "its own failures"
    assert stranger.sign_in(pseudonym=known.pseudonym, password=WRONG).status_code == 401, "are its own"
    other = f"nobody-{time.time_ns()}"
    lock(node, stranger, other)
    stranger.http.cookies.set("ffp-device", token)
    assert stranger.sign_in(pseudonym=other, password=WRONG).status_code == 429, "another name's cookie helps nobody"


@pytest.mark.slow
def test_known_browsers_end(node: RunningNode, known: Person) -> None:
    """By a new invitation, with the user, by time; and there are at most so many."""

    def count() -> int:
        with node.node.store.read() as session:
            here = select(func.count()).where(DeviceRow.pseudonym == known.pseudonym)
            return session.scalar(here) or 0

    assert count() == 1, "the browser in which the invitation was taken up"
    with node.node.store.write() as session:
        sign_in_guard.end_devices(session, known.pseudonym)
    for number in range(MOST_DEVICES + 2):
        with node.node.store.write() as session:
            sign_in_guard.keep_device(session, known.pseudonym, "", for_s=flow.DEVICE_S)
        assert count() == min(number + 1, MOST_DEVICES)
    with node.node.store.write() as session:
        token = sign_in_guard.keep_device(session, known.pseudonym, "", for_s=flow.DEVICE_S)
    assert flow.is_known_browser(node.node, known.pseudonym, token)
    with node.node.store.write() as session:
        row = sign_in_guard.device_of(session, known.pseudonym, token)
        assert row is not None
        row.ends_at = stamp_in(-1)
    assert not flow.is_known_browser(node.node, known.pseudonym, token)
    invite_user(node.node, known.pseudonym)
    assert count() == 0
    with node.node.store.write() as session:
        sign_in_guard.keep_device(session, known.pseudonym, "", for_s=flow.DEVICE_S)
        revoke_user(session, known.pseudonym)
    assert count() == 0


def test_a_hundred_thousand_names_take_no_more_room_than_there_is(node: RunningNode) -> None:
    key = sealing_key(node.node)
    places = {failure_slot(key, f"invented-{number}") for number in range(100_000)}
    assert all(0 <= place < FAILURE_SLOTS for place in places)
    assert len(places) > FAILURE_SLOTS // 2, "spread over all of it"
    with node.node.store.write() as session:
        for place in [1, 2, 3] * 20:
            count_failure(session, failures_at(session, place))
        rows = session.scalars(select(FailureRow).where(FailureRow.place.in_([1, 2, 3]))).all()
        assert [row.failed for row in rows] == [20] * 3
        rows[0].last_at = stamp_in(-sign_in_guard.FORGOTTEN_S - 1)
        session.flush()
        assert failures_at(session, rows[0].place).failed == 0, "a day later they do not count"
        count_failure(session, failures_at(session, 2))
        assert session.scalar(select(func.count()).where(FailureRow.place.in_([1, 2, 3]))) == 2, "and are erased"
        session.rollback()


def test_tries_that_are_under_way_at_once_are_not_more_than_one_after_another(
    node: RunningNode, known: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one password is verified, five others fail: then a right one comes too late."""

    def meanwhile(password: str, kept: str | None) -> bool:
        with node.node.store.write() as session:
            for _ in range(FREE_TRIES):
                count_failure(session, failures_at(session, failure_slot(sealing_key(node.node), known.pseudonym)))
        return True

    monkeypatch.setattr(flow, "password_fits", meanwhile)
    with pytest.raises(flow.TooMany):
        flow.sign_in(node.node, known.pseudonym, PASSWORD, known.next_code())


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "192.0.2.1", True),
    ],
)
def test_who_has_a_network_of_ipv6_has_one_address(one: str, other: str, same: bool) -> None:
    class From:
        def __init__(self, host: str) -> None:
            self.client = httpx.URL(scheme="http", host=host) if ":" not in host else type("Client", (), {"host": host})

    assert (_whose(From(one)) == _whose(From(other))) is same  # type: ignore[arg-type]  # all that it looks at
