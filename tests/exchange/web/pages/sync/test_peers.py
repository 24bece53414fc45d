"""An operator enrols a peer on the page, and sees where it will be asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exchange.flows.keys.enrol import revoke_peer
from exchange.store.sync.peers import find_peer
from exchange.trust.card import fingerprint
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.pages.conftest import Person

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mk(start_shared: Callable[..., RunningNode]) -> RunningNode:
    return start_shared(Jurisdiction.MK)


def test_both_addresses_are_shown_and_a_difference_must_be_confirmed(
    node: RunningNode, mk: RunningNode, signed_in: Callable[[Role], Person]
) -> None:
    person = signed_in(Role.OPERATOR)
    typed = mk.url.replace("127.0.0.1", "localhost")
    met = person.post("/app/peers/meet", {"csrf": person.csrf(), "url": typed}).text
    assert f'name="address" value="{mk.url}" required' in met
    assert typed in met
    form = {
        "csrf": person.csrf(), "url": typed, "legal_basis": "Law, 1", "fingerprint": fingerprint(mk.node.card.identity),
    }  # fmt: skip
    for address in ({}, {"address": typed}, {"address": "http://[::1"}):
        refused = person.post("/app/peers", {**form, **address})
        assert refused.status_code == 422
        assert f"states {mk.url}" in refused.text
    with node.node.store.read() as session:
        assert find_peer(session, "ffp-mk") is None
    assert person.post("/app/peers", {**form, "address": mk.url}).status_code == 303
    with node.node.store.read() as session:
        peer = find_peer(session, "ffp-mk")
        assert peer is not None
        assert peer.url == mk.url
    revoke_peer(node.node, "ffp-mk")


def test_where_both_are_the_same_nothing_is_to_be_ticked(mk: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    person = signed_in(Role.OPERATOR)
    met = person.post("/app/peers/meet", {"csrf": person.csrf(), "url": mk.url}).text
    assert 'name="fingerprint"' in met
    assert 'name="address"' not in met
