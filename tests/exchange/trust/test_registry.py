"""The registry: what its entries may say, and whom it admits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from exchange.errors import InvalidInput, RootInvalid
from exchange.trust.card import fingerprint, spoken_fingerprint
from exchange.trust.registry import (
    MAX_NODES,
    RegisteredNode,
    RoundFiles,
    TimeStampingRoot,
    Trust,
    admit,
    parse_registry,
    verify_rounds,
)
from schemas import HybridKey, KeyEvent, parse_statement
from schemas.vocabulary import Jurisdiction
from tests.exchange.trust.rounds import EXPIRES, RS, Capitals, content_of, forged, new_signer, rounds_of
from tests.schemas.examples import IDENTITY, OTHERS, card_fields, encoded, of_node

NODE = RegisteredNode(node_id="ffp-rs", jurisdiction=RS, url="https://ffp.example", identity=IDENTITY.public)


def card(**changes: object) -> KeyEvent:
    found = parse_statement(encoded(card_fields(**changes)))
    assert isinstance(found, KeyEvent)
    return found


def certificate() -> str:
    """A root of a made-up time-stamping authority."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test time-stamping root")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(start).not_valid_after(start + timedelta(days=3650))
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


STAMPS = TimeStampingRoot(name="authority-2026", certificate=certificate())


@pytest.fixture(scope="module")
def published() -> tuple[Capitals, Trust]:
    capitals = Capitals()
    return capitals, capitals.round(nodes=[NODE], time_stamping=[STAMPS])


def test_what_was_proposed_comes_back(published: tuple[Capitals, Trust]) -> None:
    _, trust = published
    assert trust.registry.nodes == (NODE,)
    assert trust.registry.time_stamping == (STAMPS,)
    assert trust.node("ffp-rs") == NODE
    assert trust.node("ffp-mk") is None
    assert trust.expires == EXPIRES


def test_the_digest_of_a_target_is_the_one_of_the_fingerprint(published: tuple[Capitals, Trust]) -> None:
    """So whoever has only a TUF tool can compare a node's fingerprint."""
    _, trust = published
    target = trust.registry.metadata.signed.targets["nodes/ffp-rs"]
    assert spoken_fingerprint(bytes.fromhex(target.hashes["sha256"])) == fingerprint(IDENTITY.public)
    assert target.length == 32 + 1952


def test_a_node_is_admitted_by_the_registry(published: tuple[Capitals, Trust]) -> None:
    _, trust = published
    assert admit(trust, card(), now=EXPIRES - timedelta(seconds=1)) == NODE
    assert admit(trust, card(url="https://moved.example"), now=EXPIRES - timedelta(days=1)) == NODE, (
        "the card is signed"
    )


@pytest.mark.parametrize(
    ("changes", "after_s", "code"),
    [
        ({}, 0, "root-expired"),
        (of_node("ffp-mk"), -1, "not-in-registry"),
        ({"identity": OTHERS.public.model_dump()}, -1, "identity-differs"),
        ({"identity": {**IDENTITY.public.model_dump(), "ml_dsa": OTHERS.public.ml_dsa}}, -1, "identity-differs"),
    ],
)
def test_whom_the_registry_does_not_admit(
    published: tuple[Capitals, Trust], changes: dict[str, object], after_s: int, code: str
) -> None:
    _, trust = published
    with pytest.raises(InvalidInput) as caught:
        admit(trust, card(**changes), now=EXPIRES + timedelta(seconds=after_s))
    assert caught.value.code == code


def test_each_round_has_its_own_registry_for_ever(published: tuple[Capitals, Trust]) -> None:
    """A node that was removed is still found in the round of its time."""
    capitals, one = published
    two = capitals.round(one)
    assert two.node("ffp-rs") is None
    again = verify_rounds(rounds_of(two))
    assert [registry.nodes for registry in again.registries] == [(NODE,), ()]


def _node(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = content["targets"]["nodes/ffp-rs"]
    return found


def _in_custom(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        _node(content)["custom"][name] = value

    return change


def _without_custom(content: dict[str, Any]) -> None:
    del _node(content)["custom"]


def _other_identity(content: dict[str, Any]) -> None:
    _node(content)["custom"]["identity"] = new_signer().keys.public.model_dump()


def _other_length(content: dict[str, Any]) -> None:
    _node(content)["length"] += 1


def _weak_digest(content: dict[str, Any]) -> None:
    _node(content)["hashes"] = {"crc32": "00"}


def _other_name(content: dict[str, Any]) -> None:
    content["targets"]["nodes/ffp-mk"] = content["targets"].pop("nodes/ffp-rs")


def _other_kind(content: dict[str, Any]) -> None:
    content["targets"]["firmware/a"] = {"length": 1, "hashes": {"sha256": hashlib.sha256(b"a").hexdigest()}}


def _same_key_twice(content: dict[str, Any]) -> None:
    entry = {**_node(content), "custom": {**_node(content)["custom"], "node_id": "ffp-mk"}}
    content["targets"]["nodes/ffp-mk"] = entry


def _delegating(content: dict[str, Any]) -> None:
    content["delegations"] = {"keys": {}, "roles": []}


def _certificates(text: str) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        stamps = content["targets"]["time-stamping/authority-2026"]
        stamps["custom"]["certificate"] = text
        stamps["length"], stamps["hashes"] = len(text), {"sha256": hashlib.sha256(text.encode()).hexdigest()}

    return change


@pytest.mark.parametrize(
    "change",
    [
        _in_custom("url", "ftp://ffp.example"),
        _in_custom("jurisdiction", "Yu"),
        _in_custom("node_id", "ffp-mk"),
        _in_custom("more", 1),
        _without_custom,
        _other_identity,
        _other_length,
        _weak_digest,
        _other_name,
        _other_kind,
        _same_key_twice,
        _delegating,
        _certificates("no certificate"),
        _certificates(certificate() + certificate()),
        _certificates(certificate() + " " * 20_000),
    ],
)
def test_an_entry_out_of_order_is_refused_however_well_signed(
    published: tuple[Capitals, Trust], change: Callable[[dict[str, Any]], None]
) -> None:
    capitals, trust = published
    content = content_of(trust.registry.raw)
    change(content)
    altered = forged(content, capitals.held.values())
    with pytest.raises(RootInvalid) as caught:
        verify_rounds([RoundFiles(trust.root.raw, altered)])
    assert caught.value.code == "wrong-entry"


def test_a_root_is_no_registry_and_the_other_way_round(published: tuple[Capitals, Trust]) -> None:
    _, trust = published
    with pytest.raises(RootInvalid, match="no targets"):
        parse_registry(trust.root.raw)
    with pytest.raises(RootInvalid, match="no root"):
        verify_rounds([RoundFiles(trust.registry.raw, trust.registry.raw)])


def test_a_registry_of_too_many_nodes_is_refused() -> None:
    capitals = Capitals()
    many = [
        RegisteredNode(
            node_id=f"ffp-rs-{number}",
            jurisdiction=Jurisdiction.RS,
            url="https://ffp.example",
            identity=HybridKey(ed25519=new_signer().keys.public.ed25519, ml_dsa=IDENTITY.public.ml_dsa),
        )
        for number in range(MAX_NODES + 1)
    ]
    with pytest.raises(RootInvalid, match=str(MAX_NODES)):
        capitals.proposed(nodes=many)
    assert len(capitals.proposed(nodes=many[1:]).registry.nodes) == MAX_NODES
