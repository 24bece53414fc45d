"""A node whose database is from before its last change of keys, and whose keys are those of today."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.errors import ConfigurationError, PeerMisbehaved, StoreUnavailable
from exchange.flows.keys.events import learn_keys
from exchange.flows.keys.rotate import replace_keys
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.log.start import begin_log_start
from exchange.flows.operate.status import node_status
from exchange.flows.terms.terms import grant
from exchange.store.log.statement_rows import keys_since, log_size
from exchange.trust.key_files import EVENTS
from exchange.trust.keys import load_identity
from schemas import KeyRole, Maker
from schemas.vocabulary import Jurisdiction, Role, SignedInBy
from tests.exchange.flows.network import MK, RS, XK, Network

pytestmark = pytest.mark.slow

HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)
ALL: tuple[KeyRole, ...] = ("statement", "log", "witness", "transport")


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Network]:
    network = Network(tmp_path)
    network.make(Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.XK)
    for node in network.nodes.values():
        begin_log_start(node)
    yield network
    network.close()


def everybody(network: Network, rounds: int = 2) -> None:
    for _ in range(rounds):
        for node in network.nodes.values():
            sign_head(node)
        for reader in (RS, MK, XK):
            for owner in (RS, MK, XK):
                for step in (network.get_back, network.round) if reader != owner else ():
                    try:
                        step(reader, owner)
                    except PeerMisbehaved:  # as the worker: its keys may be new ones
                        learn_keys(network.nodes[reader], network.client(reader), owner)


def rotate(network: Network, *roles: KeyRole) -> None:
    node = network.nodes[RS]
    replace_keys(node, load_identity(node.settings.keys), roles)
    network.restart(RS)


def key_index(network: Network) -> int:
    with network.nodes[RS].store.read() as session:
        return keys_since(session)


@pytest.mark.parametrize("roles", [ALL, ("statement",), ("log",), ("witness",), ("transport",)], ids="-".join)
def test_the_change_of_keys_comes_back_with_the_log(three: Network, roles: tuple[KeyRole, ...]) -> None:
    old = three.record(RS, audience=["MK", "XK"])
    everybody(three)
    backup = three.backup(RS)
    rotate(three, *roles)
    index = three.nodes[RS].history.last.index
    everybody(three)
    new = three.record(RS, audience=["MK", "XK"])
    everybody(three)
    assert three.holds(MK) == three.holds(XK) == {old, new}
    size = three.size(RS)

    three.restart(RS, backup)
    assert three.nodes[RS].history.last.index == index
    with pytest.raises(StoreUnavailable, match="back"):
        grant(three.nodes[RS], HEAD, old, Jurisdiction.MK, "A late agreement")
    everybody(three, 3)
    assert key_index(three) == index
    assert three.size(RS) == size
    assert three.holds(RS) == {old, new}
    later = three.record(RS, audience=["MK", "XK"])
    everybody(three)
    assert three.holds(MK) == three.holds(XK) == {old, new, later}
    for name in (RS, MK, XK):
        assert node_status(three.nodes[name]).alarms == []
        for other in (RS, MK, XK):
            assert name == other or three.peer(name, other).alarm is None, three.peer(name, other).alarm


def test_a_change_that_nobody_has_seen_is_appended_again(three: Network) -> None:
    old = three.record(RS, audience=["MK"])
    everybody(three)
    backup = three.backup(RS)
    rotate(three, *ALL)
    three.restart(RS, backup)
    everybody(three, 3)
    assert key_index(three) == three.nodes[RS].history.last.index
    new = three.record(RS, audience=["MK"])
    everybody(three)
    assert three.holds(MK) == {old, new}


def test_a_second_change_brings_both_back(three: Network) -> None:
    everybody(three)
    backup = three.backup(RS)
    rotate(three, "statement")
    everybody(three)
    rotate(three, "statement", "transport")
    everybody(three)
    three.restart(RS, backup)
    everybody(three, 3)
    assert key_index(three) == three.nodes[RS].history.last.index
    with three.nodes[RS].store.read() as session:
        assert log_size(session) > three.nodes[RS].history.last.index


def test_keys_without_their_key_events_are_refused_as_before(three: Network) -> None:
    everybody(three)
    backup = three.backup(RS)
    rotate(three, *ALL)
    (three.nodes[RS].settings.keys / EVENTS).unlink()
    with pytest.raises(ConfigurationError, match="restore the key backup"):
        three.restart(RS, backup)


def test_key_events_of_another_node_do_not_help(three: Network) -> None:
    everybody(three)
    backup = three.backup(RS)
    rotate(three, *ALL)
    node = three.nodes[MK]
    replace_keys(node, load_identity(node.settings.keys), ALL)
    (three.nodes[RS].settings.keys / EVENTS).write_bytes((node.settings.keys / EVENTS).read_bytes())
    with pytest.raises(ConfigurationError, match="restore the key backup"):
        three.restart(RS, backup)
