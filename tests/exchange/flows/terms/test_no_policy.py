"""Without a policy nothing is shared, in either direction and by whatever way, and nobody can overrule that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from exchange.errors import Conflict, NotFound
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.operate.doctor.check_peers import examine_peers
from exchange.flows.query.answer import best_released
from exchange.flows.query.ask import Question, ask
from exchange.flows.query.search_references import StandsOut
from exchange.flows.review.disclosures import disclosable
from exchange.flows.review.statements import speak
from exchange.flows.statement.sharing import record_of, sharing_of
from exchange.flows.sync.progress import in_words, sync_status
from exchange.flows.sync.serve_lane import may_fetch, read_lane
from exchange.flows.terms.first_line import FirstLine, state_first_line
from exchange.flows.terms.terms import approve, grant
from exchange.policy import Reason
from exchange.store.entry.record_rows import acquisitions_of
from exchange.store.query.queries import searchable_records
from exchange.store.sync.peers import find_peer
from exchange.store.tables.peer_tables import PeerRow
from schemas.lane import EMPTY_HEAD
from schemas.query import LawfulPurpose
from schemas.vocabulary import Decision, ExhibitKind, Jurisdiction, ScoreBand, SharingRule
from tests.exchange.flows.network import MK, RS, Network, resting
from tests.exchange.open_policy import HEAD, LEGAL_BASIS

LINE = FirstLine(HEAD, tuple(ExhibitKind), SharingRule.ALLOWED, date(2099, 12, 31))


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    with resting(tmp_path, Jurisdiction.RS, Jurisdiction.MK) as made:
        made.sharing = False
        yield made


def peer_of(network: Network) -> PeerRow:
    with network.nodes[RS].store.read() as session:
        found = find_peer(session, MK)
    assert found is not None
    return found


def given(network: Network) -> set[str]:
    """The statements whose content a page of the lane holds."""
    sign_head(network.nodes[RS])
    page = read_lane(network.nodes[RS], peer_of(network), start=0, head=EMPTY_HEAD, known_size=0)
    return {item.statement_id for item in page.items if item.envelope is not None}


def test_nothing_leaves_by_any_way(network: Network) -> None:
    rs = network.nodes[RS]
    record = network.record(RS, audience=["MK"])
    grant(rs, HEAD, record, Jurisdiction.MK, LEGAL_BASIS)
    with pytest.raises(Conflict) as undecidable:
        approve(rs, HEAD, record, Jurisdiction.MK, Decision.APPROVED, "Asked for by the prosecutor.")
    assert undecidable.value.code == "nothing-to-decide", "no person overrules the policy"

    network.settle()
    assert network.holds(MK) == set()
    assert record not in given(network)
    with rs.store.read() as session:
        [shared] = sharing_of(session, record, record_of(session, record), history=rs.history)
        (scan,) = acquisitions_of(session, record)
        assert searchable_records(session, peer_of(network), [record], date(2026, 12, 1), owner=RS) == set()
        assert best_released(session, rs, peer_of(network), [StandsOut(record, ScoreBand.HIGH)]) == []
    assert (shared.state, shared.reason) == ("withheld", Reason.BLOCKED_BY_LAW)
    with pytest.raises(NotFound):
        may_fetch(rs, peer_of(network), scan.sha256)
    with pytest.raises(Conflict) as unasked:
        ask(rs, HEAD, Question(record, 0, LawfulPurpose.INVESTIGATION, LEGAL_BASIS), [MK])
    assert unasked.value.code == Reason.BLOCKED_BY_LAW
    assert disclosable(rs, record).recipients == ()
    told = {"type": "disclosure", "record": record, "to": MK, "legal_basis": LEGAL_BASIS, "place": "Bar"}
    with pytest.raises(Conflict) as untold:
        speak(rs, HEAD, json.dumps(told).encode())
    assert untold.value.code == "withheld"


def test_the_first_line_lets_go_what_waited(network: Network) -> None:
    rs = network.nodes[RS]
    record = network.record(RS, audience=["MK"])
    assert [found.cause for found in examine_peers(rs, served=False) if found.subject == "policy"] == ["no-policy-line"]
    [status] = sync_status(rs)
    assert not status.has_policy_line
    assert any("Nothing is shared" in sentence for sentence in in_words(status))

    state_first_line(rs, Jurisdiction.MK, LEGAL_BASIS, LINE)
    network.settle()
    assert network.holds(MK) == {record}
    assert [found.cause for found in examine_peers(rs, served=False) if found.subject == "policy"] == []
    [status] = sync_status(rs)
    assert status.has_policy_line


def test_a_line_that_blocks_is_a_decision(network: Network) -> None:
    rs = network.nodes[RS]
    blocking = FirstLine(HEAD, tuple(ExhibitKind), SharingRule.BLOCKED, date(2099, 12, 31))
    state_first_line(rs, Jurisdiction.MK, LEGAL_BASIS, blocking)
    network.record(RS, audience=["MK"])
    network.settle()
    assert network.holds(MK) == set()
    [status] = sync_status(rs)
    assert status.has_policy_line
