"""An address is entered, confirmed by what a real mail server took over, and forgotten, in the pages of a node."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.mail_server import PASSWORD, USER, Taken, certificate, mail_server
from tests.exchange.running_nodes import RunningNode, free_port, node_starter
from tests.exchange.web.pages.conftest import Person

pytestmark = pytest.mark.slow

ADDRESS = "reading-room@lab.example"
SENT_S = 30


@pytest.fixture
def taken(tmp_path: Path) -> Iterator[tuple[Taken, int]]:
    port = free_port()
    with mail_server(tmp_path, port) as found:
        yield found, port


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: tuple[Taken, int]) -> Iterator[RunningNode]:
    _, port = taken
    settings = {
        "smtp_host": "127.0.0.1",
        "smtp_port": port,
        "smtp_roots": certificate(tmp_path),
        "smtp_user": USER,
        "smtp_password": PASSWORD,
        "smtp_from": "exchange@lab.example",
    }
    with node_starter(tmp_path, monkeypatch) as start:
        yield start(Jurisdiction.MK, **settings)


def sends(person: Person, path: str, **fields: str) -> str:
    """What the page says once the form was sent."""
    answer = person.post(path, {"csrf": person.csrf(), **fields})
    assert answer.status_code == 303, answer.text
    return person.get(answer.headers["location"]).text


def test_entered_confirmed_and_forgotten(
    node: RunningNode, taken: tuple[Taken, int], signed_in: Callable[[Role], Person]
) -> None:
    person = signed_in(Role.INVESTIGATOR)
    assert "Send a code there" in person.get("/app/alerts").text
    assert f"A code was sent to {ADDRESS}" in sends(person, "/app/alerts/mail", address=ADDRESS)

    letters, deadline = taken[0].letters, time.monotonic() + SENT_S
    while not letters:
        assert time.monotonic() < deadline, "no letter came"
        time.sleep(0.1)
    (code,) = re.findall(r"\b\d{6}\b", taken[0].last())
    wrong = person.post("/app/alerts/mail/code", {"csrf": person.csrf(), "code": "12345"})
    assert wrong.status_code == 422
    assert "not the code of the letter" in wrong.text
    assert "The code of the letter" not in sends(person, "/app/alerts/mail/code", code=code)
    assert f"{ADDRESS} is told" in person.get("/app/alerts").text

    assert ADDRESS not in sends(person, "/app/alerts/mail/stop")


def test_an_address_is_nobody_elses_to_see(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    one, other = signed_in(Role.INVESTIGATOR), signed_in(Role.HEAD)
    sends(one, "/app/alerts/mail", address=ADDRESS)
    assert ADDRESS not in other.get("/app/alerts").text
    assert node.node.settings.smtp_password is not None
    assert PASSWORD not in repr(node.node.settings) + repr(node.node.mail), "it would stand in a log"
