"""Every bad example of the contract is made into poison, or into a lie, and is bad in the way that it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exchange.conformance.checks.lies import LIES
from exchange.conformance.guest.guest import sample_record
from exchange.conformance.guest.poison import NOT_MADE, VECTORS, Issuer, PoisonedItem, make_poison
from exchange.errors import StatementInvalid
from exchange.flows.node.node import create_node, opened
from exchange.flows.statement.addressee import LaneReader, check_meant_for
from exchange.trust.key_history import extend_history
from exchange.trust.keys import load_identity
from exchange.trust.verify import verify_statement
from schemas import KeyEvent, Record, parse_statement
from schemas.kinds import kind_of
from schemas.vocabulary import Jurisdiction
from tests.schemas.examples import encoded

pytestmark = pytest.mark.slow

PAGES = {
    "lane-unknown-contract": "next-contract",
    "lane-another": "another-lane",
    "lane-gap": "gap",
    "lane-head-differs": "head-differs",
    "lane-no-checkpoint": "no-checkpoint",
    "lane-another-checkpoint": "another-checkpoint",
}


@pytest.fixture(scope="module", params=[Jurisdiction.RS, Jurisdiction.XK, Jurisdiction.AL])
def issuer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    home = tmp_path_factory.mktemp("issuer") / "node"
    create_node(home, jurisdiction=Jurisdiction.MK, url="http://127.0.0.1:9", node_id="ffp-mk-conformance0001", port=9)
    with opened(home) as node:
        return Issuer(node.history, node.keys.statement, load_identity(node.settings.keys), request.param)


def test_none_of_the_vectors_is_left_out(issuer: Issuer) -> None:
    manifest = json.loads((VECTORS / "manifest.json").read_bytes())["vectors"]
    bad = {
        Path(vector["file"]).stem: vector["expect"]
        for vector in manifest
        if vector["expect"] is not None and vector["read_as"] in {"statement", "key-event", "lane-page"}
    }
    poison = {item.vector: item.reason for item in make_poison(issuer)}
    assert poison.keys() | PAGES.keys() | NOT_MADE == bad.keys()
    assert poison.keys().isdisjoint(PAGES.keys() | NOT_MADE)
    assert poison.items() <= bad.items()
    assert set(PAGES.values()) <= {lie.name for lie in LIES}


def test_each_is_bad_in_the_way_that_it_says(issuer: Issuer) -> None:
    for item in make_poison(issuer):
        assert _reason(issuer, item) == item.reason, item.vector


def _reason(issuer: Issuer, item: PoisonedItem) -> str | None:
    if not item.proven:
        return "proof-invalid"
    card = issuer.card
    try:
        if item.vector.startswith("key-event-"):
            extend_history(issuer.history, item.envelope.raw)
            return None
        found = verify_statement(item.envelope.raw, issuer=card.issuer, key=card.delegation.statement)
        if isinstance(found.statement, KeyEvent) or kind_of(found.statement).meant_for is None:
            return "unexpected-type"
        if isinstance(found.statement, Record) and found.statement.jurisdiction != card.jurisdiction:
            return "wrong-jurisdiction"
        if item.name not in (None, found.statement_id):
            return "wrong-id"
        check_meant_for(LaneReader("ffp-rs", issuer.reader), found.statement)
    except StatementInvalid as error:
        return error.code
    return None


def test_no_two_have_one_id(issuer: Issuer) -> None:
    """A lane names each but once, and what was issued in one run is not what is issued in the next."""
    one, other = ({item.envelope.payload for item in make_poison(issuer)} for _ in range(2))
    assert len(one) == len(make_poison(issuer))
    assert one & other == {b""}


def test_the_good_records_follow_the_contract_and_are_soon_over(issuer: Issuer) -> None:
    record = parse_statement(encoded(sample_record(issuer.card.issuer, issuer.card.jurisdiction, issuer.reader)))
    assert isinstance(record, Record)
    assert list(record.audience) == [issuer.reader]
