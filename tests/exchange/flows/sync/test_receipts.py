"""Receipts that add up, refusals that are signed, and what an older release did not understand."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.statement.sign_statement import SignedStatement, enter, say
from exchange.flows.sync import verify_lane_page
from exchange.flows.sync.acknowledge import receipt_evidence
from exchange.flows.sync.progress import in_words, note_quarantine, sync_status
from exchange.flows.sync.receipts import SOONEST_S, give_receipt
from exchange.flows.sync.replay import read_again
from exchange.flows.terms.terms import state_policy
from exchange.store.sync.peers import set_aside
from exchange.store.tables.peer_tables import PeerRow
from exchange.trust import verify
from schemas import ContractError, Hold, LegalBasis, Maker, Receipt
from schemas.vocabulary import ExhibitKind, Jurisdiction, Role, SharingRule, SignedInBy
from tests.exchange.flows.network import MK, RS, Network

pytestmark = [pytest.mark.slow, pytest.mark.nodes("RS", "MK")]

HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)


def receipt(network: Network) -> Receipt | None:
    """The last that North Macedonia signed for its lane, as Serbia has it."""
    (status,) = sync_status(network.nodes[RS])
    return status.receipt


def later(network: Network, seconds: float) -> None:
    """As if the last receipt had been given that much earlier."""
    from exchange.clock import stamp_in

    with network.nodes[MK].store.write() as session:
        session.execute(update(PeerRow).values(receipt_at=stamp_in(-seconds)))


def not_for_lanes(network: Network) -> str:
    """Serbia puts something on the lane that has no business there."""
    rs = network.nodes[RS]
    said: SignedStatement[Hold] = say(
        rs, Hold, HEAD, record="ab" * 32, placed=True, authority="Court of a test, 1/2026"
    )
    with rs.store.write() as session:
        enter(session, said, to=[MK])
    sign_head(rs)
    return said.statement_id


@pytest.mark.usefixtures("careless_owner")
def test_a_receipt_adds_up_over_what_came_was_withheld_and_was_set_aside(network: Network) -> None:
    rs = network.nodes[RS]
    for _ in range(2):
        network.record(RS, audience=["MK"])
    kept = network.record(RS, audience=["MK"], exhibit={"kind": "seized", "calibre": "9 mm Luger"})
    blocked = LegalBasis(
        jurisdiction=Jurisdiction.MK,
        kinds=(ExhibitKind.CRIME_SCENE,),
        rule=SharingRule.BLOCKED,
        article="Test agreement, article 3",
        review_by="2036-01-01",  # type: ignore[arg-type]  # read as the contract reads it
    )
    free = blocked.model_copy(update={"rule": SharingRule.ALLOWED, "kinds": (ExhibitKind.SEIZED,)})
    state_policy(rs, HEAD, (), (blocked, free))
    poison = not_for_lanes(network)
    network.settle()
    assert network.holds(MK) == {kept}
    assert give_receipt(network.nodes[MK], RS)
    network.settle()
    found = receipt(network)
    assert found is not None
    assert (found.count, found.accepted, found.withheld, found.set_aside) == (6, 3, 2, 1)
    assert [(item.position, item.statement_id, item.reason) for item in found.refused] == [
        (5, poison, "unexpected-type")
    ]

    (status,) = sync_status(rs)
    said = " ".join(in_words(status))
    assert "Of 6 statements for ffp-mk it has read 6, all." in said
    assert "It signed for 6: 3 accepted, 2 withheld from it, 1 set aside by it." in said
    assert "It set aside place 5: unexpected-type." in said


@pytest.mark.usefixtures("careless_owner")
def test_receipts_are_daily_at_once_for_a_refusal_and_not_for_receipts_alone(network: Network) -> None:
    mk = network.nodes[MK]
    assert not give_receipt(mk, RS), "nothing was read yet"
    network.record(RS, audience=["MK"])
    network.settle()
    assert not give_receipt(mk, RS), "the first day is not over"
    later(network, 86_401)
    assert give_receipt(mk, RS)
    network.record(RS, audience=["MK"])
    network.settle()
    assert not give_receipt(mk, RS), "the day is not over"
    later(network, 86_401)
    assert give_receipt(mk, RS)
    not_for_lanes(network)
    network.settle()
    assert not give_receipt(mk, RS), "not twice within a minute"
    later(network, SOONEST_S + 1)
    with mk.store.write() as session:
        for row in set_aside(session, RS):
            row.at = "2099-01-01T00:00:00.000Z"
    assert give_receipt(mk, RS)

    with mk.store.write() as session:
        for row in set_aside(session, RS):
            row.at = "2000-01-01T00:00:00.000Z"
    assert not give_receipt(network.nodes[RS], MK), "receipts alone came"
    network.settle()
    later(network, 86_401)
    assert not give_receipt(mk, RS), "two nodes must not sign for each other's receipts for ever"


def test_a_receipt_for_another_lane_is_not_believed(network: Network) -> None:
    network.record(RS, audience=["MK"])
    network.settle()
    mk = network.nodes[MK]
    lie = say(mk, Receipt, HEAD, owner=RS, count=1, head="ab" * 32, accepted=1, withheld=0, set_aside=0, refused=())
    with mk.store.write() as session:
        enter(session, lie, to=[RS])
    network.settle()
    with network.nodes[RS].store.read() as session:
        assert [row.reason for row in set_aside(session, MK)] == ["lane-differs"]
    assert "Compare the logs" in (network.peer(RS, MK).alarm or "")
    assert note_quarantine(network.nodes[RS], MK) == 1
    assert network.peer(RS, MK).alarm is None


def test_the_signed_request_is_kept_as_evidence_where_there_is_one(network: Network) -> None:
    network.record(RS, audience=["MK"])
    network.settle()
    assert receipt_evidence(network.nodes[RS], MK) is None  # no signatures without sockets; over them see test_sync


@pytest.mark.usefixtures("careless_owner")
def test_what_an_older_release_did_not_understand_is_read_after_the_upgrade(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older release, here: one that knows no message."""
    rs, mk = network.nodes[RS], network.nodes[MK]
    before = network.record(RS, audience=["MK"])
    from schemas import Message

    said = say(rs, Message, HEAD, to=MK, text="When may we meet?")
    with rs.store.write() as session:
        enter(session, said, to=[MK])
    after = network.record(RS, audience=["MK"])
    reads = verify.parse_statement

    def older(payload: bytes) -> object:
        statement = reads(payload)
        if isinstance(statement, Message):
            raise ContractError("unknown-type", "A kind of statement that this version does not know.")
        return statement

    with monkeypatch.context() as patched:
        patched.setattr(verify, "parse_statement", older)
        network.settle()
        assert network.holds(MK) == {before, after}, "the lane goes on"
        assert read_again(mk) == 0
    with mk.store.read() as session:
        (row,) = set_aside(session, RS)
    assert (row.reason, row.statement_id) == ("unknown-type", said.statement_id)
    assert row.reason in verify_lane_page.READ_AGAIN
    assert network.peer(MK, RS).alarm is not None
    assert read_again(mk) == 1
    assert network.peer(MK, RS).alarm is None
    with mk.store.read() as session:
        assert set_aside(session, RS) == []
    assert read_again(mk) == 0
