"""A bundle with those that witnessed its head, and the trust root that names its issuer."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from exchange.errors import CheckpointInvalid, ExchangeError, RootInvalid, StatementInvalid
from exchange.flows.keys.trust_root import install_trust
from exchange.flows.node.node import Node
from exchange.flows.witness.bundle import make_bundle, verify_bundle
from exchange.trust.registry import RegisteredNode, Trust
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.network import MK, RS, XK, Network, resting
from tests.exchange.trust.rounds import Capitals

pytestmark = pytest.mark.slow

Fields = dict[str, Any]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with resting(tmp_path_factory.mktemp("network"), Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.XK) as made:
        yield made


def entry(node: Node) -> RegisteredNode:
    card = node.card
    return RegisteredNode(node_id=card.issuer, jurisdiction=card.jurisdiction, url=card.url, identity=card.identity)


@pytest.fixture(scope="module")
def trust(network: Network) -> Trust:
    """Two rounds, the first without Serbia's node; installed there."""
    capitals = Capitals()
    first = capitals.round(nodes=[entry(network.nodes[MK])])
    found = capitals.round(first, nodes=[entry(node) for node in network.nodes.values()])
    install_trust(network.nodes[RS].settings, found, confirmed=found.fingerprint)
    return found


@pytest.fixture(scope="module")
def bundle(network: Network, trust: Trust) -> Fields:
    record = network.record(RS, audience=["MK", "XK"])
    for _ in range(2):
        for reader in (MK, XK):
            network.round(reader, RS)
    found: Fields = make_bundle(network.nodes[RS], record).model_dump(mode="json")
    return found


def data(fields: Fields) -> bytes:
    return json.dumps(fields).encode()


def test_it_says_who_witnessed_it_and_which_round_names_the_issuer(bundle: Fields, trust: Trust) -> None:
    found = verify_bundle(data(bundle), confirmed_root=trust.fingerprint)
    assert [witness.issuer for witness in found.witnesses] == [MK, XK]
    assert found.trust is not None
    assert found.trust.version == 2


def test_it_is_true_without_either(bundle: Fields) -> None:
    found = verify_bundle(data({**bundle, "cosigned": [], "trust_root": []}))
    assert (found.witnesses, found.trust) == ((), None)
    with pytest.raises(StatementInvalid, match="no trust root"):
        verify_bundle(data({**bundle, "trust_root": []}), confirmed_root="1" * 40)


def _witness(bundle: Fields, **changes: Any) -> Fields:
    first, *others = bundle["cosigned"]
    return {**bundle, "cosigned": [first | changes, *others]}


def _flipped(text: str) -> str:
    raw = bytearray(base64.b64decode(text))
    raw[-40] ^= 1
    return base64.b64encode(raw).decode()


def _cut(bundle: Fields) -> Fields:
    return {**bundle, "trust_root": bundle["trust_root"][:1]}


LIES: dict[str, tuple[Callable[[Fields], Fields], type[ExchangeError]]] = {
    "a cosignature changed": (lambda it: _witness(it, note=_flipped(it["cosigned"][0]["note"])), CheckpointInvalid),
    "another's keys": (lambda it: _witness(it, card=it["cosigned"][1]["card"]), CheckpointInvalid),
    "the issuer witnesses itself": (lambda it: _witness(it, card=it["card"]), StatementInvalid),
    "one witness twice": (lambda it: {**it, "cosigned": [it["cosigned"][0]] * 2}, StatementInvalid),
    "a round that does not name it": (_cut, StatementInvalid),
    "a round left out": (lambda it: {**it, "trust_root": it["trust_root"][1:]}, RootInvalid),
    "a round changed": (
        lambda it: {
            **it,
            "trust_root": [
                {**it["trust_root"][0], "registry": it["trust_root"][1]["registry"]},
                it["trust_root"][1],
            ],
        },
        RootInvalid,
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_not_true_is_not_believed(bundle: Fields, lie: str) -> None:
    told, error = LIES[lie]
    with pytest.raises(error):
        verify_bundle(data(told(bundle)))


def test_the_digits_of_another_round(bundle: Fields) -> None:
    with pytest.raises(StatementInvalid, match="not those that you know"):
        verify_bundle(data(bundle), confirmed_root="1" * 40)


def test_a_cosignature_of_another_head(network: Network, bundle: Fields) -> None:
    record = network.record(RS, audience=["MK"])
    for _ in range(2):
        network.round(MK, RS)
    later: Fields = make_bundle(network.nodes[RS], record).model_dump(mode="json")
    with pytest.raises(CheckpointInvalid, match="another head"):
        verify_bundle(data({**later, "cosigned": bundle["cosigned"]}))
