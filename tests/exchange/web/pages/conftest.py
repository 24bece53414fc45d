"""People at the pages of a running node."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
import pyotp
import pytest

from exchange.flows.access.sign_in import invite_user
from exchange.store.access.user_rows import add_user
from schemas.vocabulary import Role
from tests.exchange.flows.blind.lists import open_all_lists
from tests.exchange.running_nodes import RunningNode

PASSWORD = "correct horse battery staple"


@dataclass
class Person:
    """Somebody with a browser, which keeps cookies and follows nothing by itself."""

    node: RunningNode
    pseudonym: str
    secret: str = ""
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30, trust_env=False))

    def get(self, path: str) -> httpx.Response:
        return self.http.get(self.node.url + path)

    def post(self, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
        return self.http.post(self.node.url + path, data=fields, headers=headers)

    def accept(self, **changes: str) -> httpx.Response:
        address = invite_user(self.node.node, self.pseudonym)
        path = address.removeprefix(self.node.url)
        shown = self.get(path).text
        self.secret = re.findall(r'name="secret" value="([A-Z2-7]+)"', shown)[0]
        fields = {"secret": self.secret, "password": PASSWORD, "again": PASSWORD, "code": self.code(), **changes}
        return self.post(path, fields)

    def code(self) -> str:
        return pyotp.TOTP(self.secret).now()

    def next_code(self) -> str:
        """That of the next half minute: clocks may differ by so much, and each code is taken once."""
        return pyotp.TOTP(self.secret).at(int(time.time()) + 30)

    def sign_in(self, **changes: str) -> httpx.Response:
        fields = {"pseudonym": self.pseudonym, "password": PASSWORD, "code": self.next_code(), **changes}
        return self.post("/app/sign-in", fields)

    def csrf(self) -> str:
        found: str = re.findall(r'name="csrf" value="([0-9a-f]{64})"', self.get("/app/").text)[0]
        return found


@pytest.fixture
def invited(node: RunningNode) -> Iterator[Callable[[Role], Person]]:
    """Makes users who have not taken up an invitation yet."""
    made: list[Person] = []

    def make(role: Role) -> Person:
        pseudonym = f"{role}-{time.time_ns()}"
        with node.node.store.write() as session:
            add_user(session, pseudonym, role)
        made.append(Person(node, pseudonym))
        return made[-1]

    yield make
    for person in made:
        person.http.close()


@pytest.fixture
def signed_in(invited: Callable[[Role], Person]) -> Callable[[Role], Person]:
    """Makes users who are signed in; an examiner opened the scored lists of what is here."""

    def make(role: Role) -> Person:
        person = invited(role)
        assert person.accept().status_code == 200
        assert person.sign_in().status_code == 303
        open_all_lists(person.node.node, *([person.pseudonym] if role is Role.EXAMINER else []))
        return person

    return make


@pytest.fixture
def somebody() -> Iterator[Callable[[RunningNode, Role], Person]]:
    """Makes people of whatever node, signed in."""
    made: list[Person] = []

    def make(node: RunningNode, role: Role) -> Person:
        person = Person(node, f"{role}-{time.time_ns()}")
        made.append(person)
        with node.node.store.write() as session:
            add_user(session, person.pseudonym, role)
        open_all_lists(node.node, *([person.pseudonym] if role is Role.EXAMINER else []))
        assert person.accept().status_code == 200
        assert person.sign_in().status_code == 303
        return person

    yield make
    for person in made:
        person.http.close()
