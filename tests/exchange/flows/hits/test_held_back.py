"""A peer signs a step, holds it back, and shows it when this node has confirmed a hit on the next one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.flows.blind.visibility import Hidden
from exchange.flows.hits.held_back import SHOWN_LATE
from exchange.flows.hits.history import find_link
from exchange.flows.hits.pairs import note_said, settle_pairs
from exchange.flows.hits.stage import HitProgress, Stage
from exchange.flows.hits.vocabulary import NoEffect
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.statement.sign_statement import enter, put_on_lanes, say
from exchange.store.sync.peers import set_aside
from schemas import PhysicalComparison
from schemas.vocabulary import Answer, ComparisonStep, Jurisdiction
from tests.exchange.flows.network import MK, RS, Network, resting
from tests.exchange.flows.review.test_statements import (
    FIRST,
    HEAD,
    INVESTIGATOR,
    SECOND,
    knows,
    lead,
    says,
    today,
)
from tests.exchange.flows.review.test_statements import pair as pair
from tests.schemas.results import EXHIBITS

pytestmark = pytest.mark.slow

TODAY = date.fromisoformat(today())
AGREED, SENT, RECEIVED, RETURNED = (ComparisonStep(name) for name in ("agreed", "sent", "received", "returned"))


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    with resting(tmp_path, Jurisdiction.RS, Jurisdiction.MK) as made:
        yield made


class Peer:
    """North Macedonia's node, which checks nothing and chooses when it shows what it signed."""

    def __init__(self, network: Network, pair: dict[str, Any]) -> None:
        self.network, self.node = network, network.nodes[MK]
        self.records = {side["issuer"]: side["record"] for side in pair.values()}
        _, _, hit = lead(network, pair)
        self.hit = hit.statement_id
        network.settle()

    def signs(self, step: ComparisonStep, answers: str, *, shown: bool = True, owner: str = RS, **fields: Any) -> str:
        given: dict[str, Any] = {"on": TODAY, "answers": answers, "hit": self.hit}
        given |= {} if step is AGREED else {"record": self.records[owner], "seal": "S-1"}
        given |= {"place": "Skopje", "seal_whole": Answer.YES} if step is RECEIVED else {}
        said = say(self.node, PhysicalComparison, INVESTIGATOR, step=step, **given | fields)
        with self.node.store.write() as session:
            enter(session, said, to=[RS] if shown else [])
            note_said(session, said.statement_id, said.statement)
        settle_pairs(self.node)
        self.goes_on()
        return said.statement_id

    def shows(self, statement_id: str) -> None:
        with self.node.store.write() as session:
            put_on_lanes(session, statement_id, [RS])
        self.goes_on()

    def goes_on(self) -> None:
        sign_head(self.node)
        self.network.settle()


def ours(network: Network, who: Any, step: str, hit: str, **fields: Any) -> str:
    said = says(network, RS, who, "physical-comparison", hit=hit, step=step, **{"on": today()} | fields)
    network.settle()
    return said.statement_id


def confirms(network: Network, pair: dict[str, Any], answers: str) -> str:
    drawn = {"pair": pair, **EXHIBITS}
    first = says(network, RS, FIRST, "conclusion", **drawn)
    second = says(network, RS, SECOND, "verification", verifies=first.statement_id, **drawn)
    rests_on = {"conclusion": first.statement_id, "verification": second.statement_id, "answers": answers}
    hit = says(network, RS, FIRST, "hit", pair=pair, stage="confirmed", basis="exhibits", **rests_on)
    network.settle()
    return hit.statement_id


def progress(network: Network, hit: str) -> HitProgress:
    rs = network.nodes[RS]
    with rs.store.read() as session:
        return find_link(session, rs, hit, Hidden()).progress


def aside(network: Network) -> list[tuple[str, str]]:
    with network.nodes[RS].store.read() as session:
        return [(row.statement_id, row.reason) for row in set_aside(session, MK)]


def _a_received(network: Network, peer: Peer, asked: str) -> tuple[str, str]:
    agreed = peer.signs(AGREED, asked)
    own = {"record": peer.records[RS], "seal": "S-1"}
    sent = ours(network, INVESTIGATOR, "sent", peer.hit, answers=agreed, **own)
    return peer.signs(RECEIVED, sent, shown=False), peer.signs(RECEIVED, sent)


def _a_sent(network: Network, peer: Peer, asked: str) -> tuple[str, str]:
    agreed = peer.signs(AGREED, asked)
    held, sent = peer.signs(SENT, agreed, shown=False, owner=MK), peer.signs(SENT, agreed, owner=MK)
    arrived = {"record": peer.records[MK], "seal": "S-1", "place": "Beograd", "seal_whole": "yes"}
    return held, ours(network, INVESTIGATOR, "received", peer.hit, answers=sent, **arrived)


def _an_agreement(network: Network, peer: Peer, asked: str) -> tuple[str, str]:
    held = peer.signs(AGREED, asked, shown=False, on=TODAY + timedelta(days=3650))
    agreed = peer.signs(AGREED, asked)
    own = {"record": peer.records[RS], "seal": "S-1"}
    sent = ours(network, INVESTIGATOR, "sent", peer.hit, answers=agreed, **own)
    return held, peer.signs(RECEIVED, sent)


@pytest.mark.parametrize("holds_back", [_a_received, _a_sent, _an_agreement])
def test_what_a_peer_held_back_undoes_no_confirmed_hit(network: Network, pair: dict[str, Any], holds_back: Any) -> None:
    peer = Peer(network, pair)
    asked = ours(network, HEAD, "asked", peer.hit, place="Skopje")
    held, arrived = holds_back(network, peer, asked)
    assert not knows(network, RS, held)
    hit = confirms(network, pair, arrived)
    before = progress(network, peer.hit)
    assert (before.stage, before.signed_by, before.no_effect) == (Stage.CONFIRMED, (RS,), {})
    peer.shows(held)
    assert progress(network, hit) == before
    assert aside(network) == [(held, SHOWN_LATE)]
    peer.shows(peer.signs(RETURNED, arrived)) if holds_back is not _a_sent else None
    assert progress(network, hit).stage is Stage.CONFIRMED, "what it signs in its order is taken as before"
    assert len(aside(network)) == 1


def test_what_was_held_back_and_undoes_nothing_counts(network: Network, pair: dict[str, Any]) -> None:
    """As after what stood on a lane was altered at the peer's, and mended."""
    peer = Peer(network, pair)
    asked = ours(network, HEAD, "asked", peer.hit, place="Skopje")
    held, agreed = peer.signs(AGREED, asked, shown=False), peer.signs(AGREED, asked)
    peer.shows(held)
    assert (aside(network), knows(network, RS, held)) == ([], True)
    found = progress(network, peer.hit)
    assert (found.stage, found.no_effect) == (Stage.COMPARISON_AGREED, {})
    _, arrived = _sent_and_received(network, peer, agreed)
    confirms(network, pair, arrived)
    assert progress(network, peer.hit).stage is Stage.CONFIRMED


def _sent_and_received(network: Network, peer: Peer, agreed: str) -> tuple[str, str]:
    own = {"record": peer.records[RS], "seal": "S-1"}
    sent = ours(network, INVESTIGATOR, "sent", peer.hit, answers=agreed, **own)
    return sent, peer.signs(RECEIVED, sent)


def test_a_step_that_is_signed_for_twice_in_its_order_is_shown_with_its_reason(
    network: Network, pair: dict[str, Any]
) -> None:
    peer = Peer(network, pair)
    agreed = peer.signs(AGREED, ours(network, HEAD, "asked", peer.hit, place="Skopje"))
    sent, arrived = _sent_and_received(network, peer, agreed)
    hit = confirms(network, pair, arrived)
    again = peer.signs(RECEIVED, sent)
    assert (aside(network), progress(network, hit).no_effect) == ([], {again: NoEffect.SIGNED_FOR})
    assert progress(network, hit).stage is Stage.CONFIRMED
