"""``ffp egress`` and the address of ``ffp peer add``, as an operator types them."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.errors import EgressRefused
from exchange.flows.node.node import create_node, opened
from exchange.trust.card import fingerprint
from schemas.vocabulary import Jurisdiction
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.net.names import Names
from tests.exchange.running_nodes import RunningNode

MAIL = 'smtp_host = "mail.example"\nsmtp_from = "a@lab.example"\nsmtp_port = 25\n'


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    create_node(tmp_path / "node", jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    with (tmp_path / "node" / "config.toml").open("a", encoding="utf-8") as config:
        config.write(MAIL)
    return tmp_path / "node"


def test_a_name_is_listed_refused_allowed_and_forgotten(ffp: Ffp, home: Path, names: Names) -> None:
    names.leads["mail.example"] = ["8.8.8.8"]
    assert "not connected to yet; leads to 8.8.8.8" in ffp("egress", "list", "--home", home).out
    with opened(home) as node:
        node.egress.addresses("mail.example", 25)
        names.leads["mail.example"] = ["9.9.9.9"]
        with pytest.raises(EgressRefused):
            node.egress.addresses("mail.example", 25)
    said = ffp("egress", "list", "--home", home)
    assert said.code == 1
    assert "REFUSED: leads to 9.9.9.9" in said.out
    assert "ffp egress allow mail.example" in said.out
    assert "mail.example led to 9.9.9.9" in " ".join(ffp("status", "--home", home).out.replace("│", " ").split())
    allowed = ffp("egress", "allow", "mail.example", "--yes", "--home", home)
    assert "may lead to 8.8.8.8; from now on to 9.9.9.9" in allowed.out
    assert ffp("egress", "list", "--home", home).code == 0
    assert "IPAddressAllow=9.9.9.9/32" in ffp("egress", "unit", "--home", home).out
    ffp("egress", "forget", "mail.example", "--home", home)
    unit = ffp("egress", "unit", "--home", home)
    assert "9.9.9.9" not in unit.out
    assert "nothing was confirmed of it yet: mail.example" in unit.err


def test_nothing_is_allowed_that_nobody_confirms(
    ffp: Ffp, home: Path, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    names.leads["mail.example"] = ["9.9.9.9"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert ffp("egress", "allow", "mail.example", "--home", home).code == 1
    assert "9.9.9.9/32" not in ffp("egress", "unit", "--home", home).out
    assert "is not known" in ffp("egress", "allow", "nobody.example", "--home", home).err
    wrong = ffp("egress", "allow", "mail.example", "--network", "everywhere", "--home", home)
    assert "A network is written" in wrong.err


def test_a_network_for_a_service_whose_addresses_change(ffp: Ffp, home: Path, names: Names) -> None:
    said = ffp("egress", "allow", "mail.example", "--network", "203.0.113.0/24", "--yes", "--home", home)
    assert said.code == 0, said
    names.leads["mail.example"] = ["203.0.113.77"]
    with opened(home) as node:
        assert node.egress.addresses("mail.example", 25) == ["203.0.113.77"]


def test_a_faulty_network_of_the_settings_is_named(ffp: Ffp, home: Path) -> None:
    with (home / "config.toml").open("a", encoding="utf-8") as config:
        config.write('egress_networks = ["10.8.0.1/16"]\n')
    assert "egress_networks" in ffp("egress", "list", "--home", home).err


@pytest.mark.slow
def test_another_address_on_the_card_is_shown_and_refused(
    ffp: Ffp, home: Path, start_node: Callable[..., RunningNode]
) -> None:
    mk = start_node(Jurisdiction.MK)
    typed = mk.url.replace("127.0.0.1", "localhost")
    add = ("peer", "add", typed, "--fingerprint", fingerprint(mk.node.card.identity), "--legal-basis", "Law, 1")
    said = ffp(*add, "--home", home)
    assert said.code == 2
    for shown in (typed, mk.url, "--address-from-card", "Nothing was enrolled"):
        assert shown in said.out + said.err
    assert "No peer" in ffp("peer", "list", "--home", home).out
    assert f"is enrolled, at {mk.url}." in ffp(*add, "--address-from-card", "--home", home).out


@pytest.mark.parametrize(
    "typed", ["mail.example:25", "http://mail.example", "a b.example", "x\x01.example", "", "*.example"]
)
def test_what_is_no_name_of_a_machine_is_not_allowed(ffp: Ffp, home: Path, names: Names, typed: str) -> None:
    del names
    said = refusal(ffp("egress", "allow", typed, "--network", "10.0.0.0/8", "--yes", "--home", home))
    assert "as in mail.example" in said
    assert "10.0.0.0/8" not in ffp("egress", "list", "--home", home).out


def test_a_name_is_the_same_however_it_is_typed(ffp: Ffp, home: Path, names: Names) -> None:
    names.leads["mail.example"] = ["8.8.8.8"]
    assert ffp("egress", "allow", " Mail.EXAMPLE ", "--yes", "--home", home).code == 0
    assert "confirmed: 8.8.8.8" in ffp("egress", "list", "--home", home).out
    assert "any port" not in ffp("egress", "list", "--home", home).out, "it is the one of the settings"
