"""Letters to a real mail server: after a code, once in a while, and without a word of what is new."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from exchange.clock import stamp_in
from exchange.config import load_settings
from exchange.errors import ConfigurationError, InvalidInput, MailUnavailable, NotFound, TooMany
from exchange.flows.alerts.alerts import alerts_for, mark_read
from exchange.flows.alerts.mail import (
    ask_for_letters,
    confirm_address,
    mail_alarms,
    mail_state,
    send_letter,
    stop_letters,
)
from exchange.flows.node.named_services import load_mail_server
from exchange.flows.node.node import Node, create_node
from exchange.net.mail import MailServer
from exchange.store.access.user_rows import add_user, revoke_user
from exchange.store.review.mail_rows import mail_address_of
from exchange.web.mail_text import letters_of
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.anywhere import ANYWHERE
from tests.exchange.flows.network import MK, Network, resting
from tests.exchange.flows.review.test_statements import lead
from tests.exchange.flows.review.test_statements import pair as pair
from tests.exchange.mail_server import PASSWORD, REFUSED, USER, Taken, mail_server
from tests.exchange.running_nodes import free_port

pytestmark = pytest.mark.slow

READER, ADDRESS = "reader", "reading-room@lab.example"


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    with resting(tmp_path, Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.XK) as made:
        with made.nodes[MK].store.write() as session:
            add_user(session, READER, Role.INVESTIGATOR)
        yield made


@pytest.fixture
def node(network: Network) -> Node:
    return network.nodes[MK]


@pytest.fixture
def server(node: Node, tmp_path: Path) -> MailServer:
    """As the settings of a node name it."""
    values = {
        "smtp_host": "127.0.0.1",
        "smtp_port": free_port(),
        "smtp_from": "exchange@lab.example",
        "smtp_user": USER,
        "smtp_password": SecretStr(PASSWORD),
        "smtp_roots": tmp_path / "mail.pem",
    }
    with mail_server(tmp_path, free_port()):
        made = load_mail_server(node.settings.model_copy(update=values), ANYWHERE)
    assert made is not None
    return made


@pytest.fixture
def taken(server: MailServer, tmp_path: Path) -> Iterator[Taken]:
    with mail_server(tmp_path, server.port) as found:
        yield found


def ask(node: Node, address: str = ADDRESS, language: str = "en") -> None:
    ask_for_letters(node, READER, address, language)


def confirm(node: Node, code: str) -> bool:
    try:
        confirm_address(node, READER, code)
    except InvalidInput:
        return False
    return True


def send_all(node: Node, server: MailServer) -> int:
    count = 0
    while send_letter(node, server, letters_of(node)):
        count += 1
    return count


def confirmed(node: Node, server: MailServer, taken: Taken, language: str = "en") -> None:
    ask(node, language=language)
    assert send_all(node, server) == 1
    (code,) = re.findall(r"\b\d{6}\b", taken.last())
    assert confirm(node, code)


def wait_over(node: Node) -> None:
    with node.store.write() as session:
        row = mail_address_of(session, READER)
        assert row is not None
        row.told_at = row.told_at and stamp_in(-node.settings.mail_interval_s - 1)
        row.tried_at, row.asked_at = stamp_in(-3600), stamp_in(-3600)


def test_a_confirmed_address_is_told_that_something_waits_and_nothing_of_what(
    network: Network, node: Node, server: MailServer, taken: Taken, pair: dict[str, Any]
) -> None:
    confirmed(node, server, taken)
    assert send_all(node, server) == 0, "nothing is new yet"
    *_, hit = lead(network, pair)
    network.settle()
    assert send_all(node, server) == 1
    letter = taken.letters[-1]
    assert (letter["To"], letter["From"], letter["Auto-Submitted"]) == (
        ADDRESS,
        "exchange@lab.example",
        "auto-generated",
    )
    assert f"{node.settings.url}/app/alerts" in taken.last()
    said = f"{letter} {taken.last()}"
    for secret in (hit.statement_id, hit.statement_id[:12], "ffp-rs", "RS", "hit", "lead", "CASE", READER + "@"):
        assert secret not in said.replace(ADDRESS, ""), secret


def test_the_same_news_is_told_once_and_later_news_after_a_while(
    network: Network, node: Node, server: MailServer, taken: Taken, pair: dict[str, Any]
) -> None:
    confirmed(node, server, taken)
    lead(network, pair)
    network.settle()
    assert send_all(node, server) == 1
    wait_over(node)
    assert send_all(node, server) == 0, "it was told of that already"


def test_whoever_has_read_it_on_the_page_gets_no_letter(
    network: Network, node: Node, server: MailServer, taken: Taken, pair: dict[str, Any]
) -> None:
    confirmed(node, server, taken)
    lead(network, pair)
    network.settle()
    with node.store.read() as session:
        newest = alerts_for(session, node, Role.INVESTIGATOR, READER).lines[0].news.at
    mark_read(node, READER, newest)
    assert send_all(node, server) == 0


def test_nothing_is_sent_to_an_address_whose_code_nobody_typed_in(
    network: Network, node: Node, server: MailServer, taken: Taken, pair: dict[str, Any]
) -> None:
    ask(node)
    lead(network, pair)
    network.settle()
    assert send_all(node, server) == 1
    assert "code" in taken.letters[-1]["Subject"]
    wait_over(node)
    assert send_all(node, server) == 0


def test_a_code_is_tried_five_times(node: Node, server: MailServer, taken: Taken) -> None:
    ask(node)
    send_all(node, server)
    (code,) = re.findall(r"\b\d{6}\b", taken.last())
    wrong = "000000" if code != "000000" else "111111"
    assert [confirm(node, wrong) for _ in range(5)] == [False] * 5
    with pytest.raises(NotFound):
        confirm(node, code)
    with pytest.raises(TooMany):
        ask(node)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "reader",
        "a@b@c.example",
        "a b@lab.example",
        "a@lab.example\r\nBcc: all@lab.example",
        "é@lab.example",
        "a@-b.example",
        "a" * 250 + "@lab.example",
    ],
)
def test_what_is_no_address_is_refused(node: Node, address: str) -> None:
    with pytest.raises(InvalidInput):
        ask(node, address)


def test_a_letter_speaks_the_language_of_whoever_asked(node: Node, server: MailServer, taken: Taken) -> None:
    ask(node, language="mk")
    send_all(node, server)
    assert re.search("[а-ш]{4}", taken.last()), taken.last()


def test_a_server_that_is_away_is_asked_again_and_shown_to_the_operator(
    node: Node, server: MailServer, tmp_path: Path
) -> None:
    ask(node)
    with pytest.raises(MailUnavailable):
        send_letter(node, server, letters_of(node))
    with node.store.read() as session:
        (alarm,) = mail_alarms(session, server)
    assert "does not leave since" in alarm
    assert ADDRESS not in alarm, "the operator need not know who reads where"
    assert not send_letter(node, server, letters_of(node)), "not before a while is over"
    wait_over(node)
    with mail_server(tmp_path, server.port):
        assert send_all(node, server) == 1
    with node.store.read() as session:
        assert mail_alarms(session, server) == []


def test_an_address_that_the_server_refuses_keeps_nobody_else_waiting(
    node: Node, server: MailServer, taken: Taken
) -> None:
    with node.store.write() as session:
        add_user(session, "another", Role.HEAD)
    ask_for_letters(node, "another", REFUSED, "en")
    ask(node)
    send_all(node, server)
    assert taken.addressed == [ADDRESS]
    state = mail_state(node, "another")
    assert state is not None
    assert "no such user" in str(state.failure)


@pytest.mark.parametrize("wrong", ["password", "certificate"])
def test_who_the_server_is_and_what_it_demands_is_checked(
    node: Node, server: MailServer, taken: Taken, tmp_path_factory: pytest.TempPathFactory, wrong: str
) -> None:
    if wrong == "password":
        other = replace(server, password="another")
    else:
        with mail_server(folder := tmp_path_factory.mktemp("other"), free_port()):
            pass
        settings = node.settings.model_copy(
            update={"smtp_host": "127.0.0.1", "smtp_from": ADDRESS, "smtp_roots": folder / "mail.pem"}
        )
        strange = load_mail_server(settings, ANYWHERE)
        assert strange is not None
        other = replace(server, trust=strange.trust)
    ask(node)
    with pytest.raises(MailUnavailable):
        send_letter(node, other, letters_of(node))
    assert taken.letters == []


def test_a_revoked_user_and_one_who_says_so_are_forgotten(node: Node, server: MailServer, taken: Taken) -> None:
    confirmed(node, server, taken)
    stop_letters(node, READER)
    assert mail_state(node, READER) is None
    ask_for_letters(node, READER, ADDRESS, "en")
    with node.store.write() as session:
        revoke_user(session, READER)
    assert mail_state(node, READER) is None
    assert send_all(node, server) == 0


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('smtp_host = "mail.lab.example"', "smtp_from"),
        ('smtp_host = "mail.lab.example"\nsmtp_from = "a@b.example"\nsmtp_security = "none"', "in the clear"),
        ('smtp_host = "mail.lab.example"\nsmtp_from = "a@b.example"\nsmtp_roots = "nowhere.pem"', "cannot be read"),
        ('smtp_host = "mail.lab.example"\nsmtp_from = "a@b.example"\nsmtp_roots = "config.toml"', "no certificates"),
        ('smtp_password = "secret"', "must not stand in"),
    ],
)
def test_settings_that_send_nothing_or_too_much_are_refused(tmp_path: Path, lines: str, said: str) -> None:
    create_node(tmp_path / "node", jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    with (tmp_path / "node" / "config.toml").open("a") as config:
        config.write(lines + "\n")
    with pytest.raises(ConfigurationError, match=said):
        load_mail_server(load_settings(tmp_path / "node"), ANYWHERE)
