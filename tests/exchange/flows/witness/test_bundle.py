"""A bundle is believed only whole: every part of it that is changed, or another's, has its reason."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.errors import Conflict, ExchangeError, NotFound, StatementInvalid
from exchange.flows.witness.bundle import make_bundle, verify_bundle
from exchange.store.log.statement_rows import append_own
from exchange.trust.card import fingerprint
from schemas import parse_statement
from schemas.bundle import MAX_BUNDLE_BYTES
from tests.exchange.flows.owner import Owner, make_owner
from tests.exchange.flows.witness.bundles import LIES, made
from tests.schemas.examples import encoded, record_fields


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    made = make_owner(tmp_path_factory.mktemp("owner") / "node")
    for number in range(6):
        made.publish(blob=b"scan %d" % number)
    yield made
    made.node.close()


def data(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()


def test_a_true_bundle_says_whose_it_is(owner: Owner, tmp_path: Path) -> None:
    scan = tmp_path / "scan.x3p"
    scan.write_bytes(b"scan 3")
    known = fingerprint(owner.node.card.identity)
    found = verify_bundle(data(made(owner, 3)), confirmed=known, scans=[scan])
    assert (found.statement_id, found.log_index, found.head.size) == (owner.published[3].statement_id, 4, 7)
    assert (found.card.issuer, found.fingerprint) == ("ffp-rs", known)
    assert found.scans == (owner.published[3].sha256,)


def test_it_stays_true_when_the_log_grows(tmp_path: Path) -> None:
    growing = make_owner(tmp_path / "node")
    growing.publish()
    early = data(made(growing, 0))
    for _ in range(3):
        growing.publish()
    assert verify_bundle(early).head.size == 2
    assert verify_bundle(data(made(growing, 0))).head.size == 5
    growing.node.close()


@pytest.mark.parametrize("lie", LIES)
def test_each_lie_has_its_reason(owner: Owner, lie: str) -> None:
    with pytest.raises(ExchangeError) as refused:
        verify_bundle(data(LIES[lie].told(made(owner, 4), owner)))
    assert refused.value.code == LIES[lie].code


def test_another_identity_is_told_by_its_fingerprint_alone(owner: Owner, tmp_path: Path) -> None:
    """Somebody else's node can call itself the same, and all its signatures are good."""
    posing = make_owner(tmp_path / "posing")
    posing.publish()
    assert verify_bundle(data(made(posing, 0))).card.issuer == "ffp-rs"
    with pytest.raises(StatementInvalid, match="not the one that you know"):
        verify_bundle(data(made(posing, 0)), confirmed=fingerprint(owner.node.card.identity))
    posing.node.close()


def test_another_scan_is_told_from_the_one_named(owner: Owner, tmp_path: Path) -> None:
    scan = tmp_path / "scan.x3p"
    scan.write_bytes(b"scan 2")
    with pytest.raises(StatementInvalid, match=r"scan\.x3p .* no such scan"):
        verify_bundle(data(made(owner, 3)), scans=[scan])


def test_only_own_records_under_a_signed_head_are_given(tmp_path: Path) -> None:
    giver = make_owner(tmp_path / "node")
    with pytest.raises(NotFound, match="the node that made it"):
        make_bundle(giver.node, "0" * 64)
    envelope = giver.node.keys.statement.sign(encoded(record_fields()))
    with giver.node.store.write() as session:
        append_own(session, "1" * 64, parse_statement(envelope.payload), "record", envelope)
    with pytest.raises(Conflict) as refused:
        make_bundle(giver.node, "1" * 64)
    assert refused.value.code == "head-not-signed"
    giver.node.close()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not-json"),
        (b"[]", "invalid-field"),
        (b"{}", "unknown-contract"),
        (b" " * (MAX_BUNDLE_BYTES + 1), "too-large"),
        (b'{"contract": "2.0"}', "unknown-contract"),
    ],
)
def test_what_is_no_bundle_is_refused_before_anything_is_verified(content: bytes, code: str) -> None:
    with pytest.raises(StatementInvalid) as refused:
        verify_bundle(content)
    assert refused.value.code == code


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(part=st.sampled_from(["envelope", "card", "checkpoint"]), place=st.floats(0.0, 1.0), bit=st.integers(0, 7))
def test_no_bit_of_it_can_be_changed(owner: Owner, part: str, place: float, bit: int) -> None:
    fields = made(owner, 1)
    raw = bytearray(base64.b64decode(fields[part]))
    raw[int(place * (len(raw) - 1))] ^= 1 << bit
    with pytest.raises(ExchangeError):
        verify_bundle(data({**fields, part: base64.b64encode(raw).decode()}))
