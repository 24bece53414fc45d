"""Peers as witnesses: what they cosign, what they return, and what a log that shows two histories cannot hide."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from exchange.errors import Conflict, InvalidInput, PeerMisbehaved
from exchange.flows.log.signed_checkpoint import sign_head, witnessed_head
from exchange.flows.node.node import Node
from exchange.flows.operate.status import node_status
from exchange.flows.statement.heads import head_of, open_head, witness_of
from exchange.flows.sync.pull import pull
from exchange.flows.witness.cosign import answer_report, cosign_head
from exchange.log import merkle, note
from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.log.cosignature import cosign, verify_cosignature, witness_name
from exchange.store.log.statement_rows import latest_checkpoint
from exchange.store.tables.log import CosignatureRow
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.witness.cosignatures import MAX_DISAGREEMENTS, keep_disagreement
from schemas.lane import parse_lane_page
from schemas.vocabulary import Jurisdiction
from schemas.witness import ForkedLog, WitnessReport
from tests.exchange.databases import SLOW_ON_POSTGRESQL, Databases, databases_fixture
from tests.exchange.flows.network import MK, RS, XK, Network

pytestmark = pytest.mark.slow

databases = databases_fixture("sqlite", SLOW_ON_POSTGRESQL)

TIME = 1_793_000_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Network:
    network = Network(tmp_path_factory.mktemp("three"), databases)
    network.make(Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.XK)
    sign_head(network.nodes[RS])
    network.close()
    return network


@pytest.fixture
def three(made: Network, tmp_path: Path) -> Iterator[Network]:
    """Serbia, North Macedonia and Kosovo*, all enrolled with each other; Serbia has signed a head of one leaf."""
    network = made.copied(tmp_path)
    yield network
    network.close()


def report(cosigned: bytes | None = None, **changes: Any) -> WitnessReport:
    encoded = base64.b64encode(cosigned).decode() if cosigned else None
    return WitnessReport(
        **{
            "contract": "1.0",
            "cosigned": encoded,
            "shown": None,
            "seen": (),
            "forked": (),
            "size": None,
            "asks": (),
            **changes,
        }
    )


def told(network: Network, witness: str, cosigned: bytes | None, **changes: Any) -> None:
    """The witness sends this report to Serbia's node, whatever it is."""
    answer_report(network.nodes[RS], network.peer(RS, witness), report(cosigned, **changes))


def signed_by_rs(network: Network, size: int, root: bytes) -> bytes:
    keys = network.nodes[RS].keys.log
    return sign_checkpoint(Checkpoint(network.nodes[RS].card.log_origin, size, root), keys.ed25519, keys.ml_dsa, TIME)


def cosigned_by(node: Node, signed_head: bytes) -> bytes:
    keys = node.keys.witness
    return cosign(signed_head, witness_name(node.node_id), keys.ed25519, keys.ml_dsa, TIME)


def held(network: Network) -> list[tuple[int, str]]:
    with network.nodes[RS].store.read() as session:
        rows = session.query(CosignatureRow).order_by(CosignatureRow.size, CosignatureRow.peer)
        return [(row.size, row.peer) for row in rows]


def test_the_served_head_has_the_cosignatures_of_all_who_saw_it(three: Network) -> None:
    three.publish(RS, 4)
    for witness in (MK, XK):
        three.pull(witness, RS)
        assert note.parse_note(witnessed_head(three.nodes[RS])).signatures[2:] == () or witness == XK
        three.meet(witness, RS)
    rs = three.nodes[RS]
    served = witnessed_head(rs)
    assert open_head(served, rs.history) == three.head(RS)
    for witness in (MK, XK):
        cosignature = verify_cosignature(note.parse_note(served), witness_of(three.nodes[witness].history))
        assert three.cosigned(witness, RS) == three.head(RS)
        assert cosignature.timestamp > TIME
    assert len(note.parse_note(served).signatures) == 6
    assert node_status(rs).witnesses == {MK: 5, XK: 5}
    three.publish(RS)
    assert len(note.parse_note(witnessed_head(rs)).signatures) == 2, "the new head has none yet"
    three.round(MK, RS)
    assert held(three) == [(5, MK), (5, XK), (6, MK)], "kept with their heads"
    assert node_status(rs).witnesses == {MK: 6, XK: 5}


def test_the_owner_learns_the_same_when_it_asks_itself(three: Network) -> None:
    three.publish(RS)
    three.pull(MK, RS)
    three.meet(RS, MK)
    assert held(three) == [(2, MK)]


def test_telling_again_changes_nothing(three: Network) -> None:
    three.round(MK, RS)
    first = witnessed_head(three.nodes[RS])
    cosigned = three.peer(MK, RS).cosigned
    for _ in range(2):
        three.round(MK, RS)
    assert witnessed_head(three.nodes[RS]) == first
    assert three.peer(MK, RS).cosigned == cosigned


def test_a_witness_never_cosigns_a_smaller_head_nor_the_same_twice(three: Network) -> None:
    three.pull(MK, RS)
    earlier = three.peer(MK, RS).checkpoint
    three.publish(RS)
    three.pull(MK, RS)
    mk = three.nodes[MK]
    assert cosign_head(mk, RS) is False
    with mk.store.write() as session:
        session.get_one(PeerRow, RS).checkpoint = earlier
    assert cosign_head(mk, RS) is False
    assert three.cosigned(MK, RS) == three.head(RS)


def test_a_revoked_peers_log_is_cosigned_no_more(three: Network) -> None:
    three.pull(MK, RS)
    with three.nodes[MK].store.write() as session:
        row = session.get_one(PeerRow, RS)
        row.state, row.cosigned, row.cosigned_size = "revoked", None, 0
    assert cosign_head(three.nodes[MK], RS) is False


def test_a_forged_cosignature_is_refused(three: Network) -> None:
    true = three.head(RS)
    assert true is not None
    signed = signed_by_rs(three, true.size, true.root)
    mk, xk = three.nodes[MK], three.nodes[XK]
    good = cosigned_by(mk, signed)
    stranger = (Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate())
    lines = note.parse_note(good).signatures
    flipped = bytearray(good)
    flipped[-40] ^= 1
    lies = {
        "another key": cosign(signed, witness_name(MK), *stranger, TIME),
        "another witness": cosigned_by(xk, signed),
        "another's under its name": cosign(
            signed, witness_name(MK), xk.keys.witness.ed25519, xk.keys.witness.ml_dsa, TIME
        ),
        "with its log key": cosign(signed, witness_name(MK), mk.keys.log.ed25519, mk.keys.log.ml_dsa, TIME),
        "not cosigned": signed,
        "one line": note.Note(true.text, lines[:3]).encoded(),
        "without the log": note.Note(true.text, lines[2:]).encoded(),
        "flipped": bytes(flipped),
        "a line more": note.Note(true.text, (*lines, note.Signature(witness_name(XK), bytes(4), b"x"))).encoded(),
        "an empty log": cosigned_by(mk, signed_by_rs(three, 0, merkle.EMPTY_ROOT)),
        "cut": good[:-1],
        "garbage": b"\xff",
    }
    for name, lie in lies.items():
        with pytest.raises(InvalidInput) as refused:
            told(three, MK, lie)
        assert refused.value.code == "cosignature-refused", name
    assert held(three) == []
    told(three, MK, good)
    assert held(three) == [(1, MK)]


def test_a_cosignature_over_a_head_that_was_never_signed_is_refused(three: Network) -> None:
    """The witness's own keys are good; the head is its own invention, or another log's."""
    mk = three.nodes[MK]
    invented = Checkpoint(three.nodes[RS].card.log_origin, 9, b"\x01" * 32)
    others = sign_checkpoint(invented, mk.keys.log.ed25519, mk.keys.log.ml_dsa, TIME)
    sign_head(mk)
    with mk.store.read() as session:
        latest = latest_checkpoint(session)
    assert latest is not None
    for head in (others, latest.note):
        with pytest.raises(InvalidInput, match="is not believed"):
            told(three, MK, cosigned_by(mk, head))
    assert held(three) == []
    assert node_status(three.nodes[RS]).alarms == []


def test_a_peer_that_returns_a_smaller_head_than_before_is_named(three: Network) -> None:
    three.round(MK, RS)
    smaller = three.peer(MK, RS).cosigned
    three.publish(RS)
    three.round(MK, RS)
    told(three, MK, smaller)
    assert "cosigned size 2 before" in str(three.peer(RS, MK).alarm)
    told(three, MK, None)
    assert "returned no head, but cosigned one of size 2" in str(three.peer(RS, MK).alarm)
    assert node_status(three.nodes[RS]).witnesses == {MK: 2}


def forked(network: Network, *, first: int, second: int) -> None:
    """Serbia's node shows North Macedonia one history and Kosovo* another, each so many records longer."""
    other = network.twin(RS)
    network.routes[XK, RS] = other
    network.publish(RS, first)
    network.publish(other, second)
    network.pull(MK, RS)
    network.pull(XK, RS)


@pytest.mark.parametrize(("one", "other"), [(MK, XK), (XK, MK)])
def test_a_fork_is_found_when_its_two_witnesses_meet(three: Network, one: str, other: str) -> None:
    three.pull(MK, RS)
    three.pull(XK, RS)
    forked(three, first=3, second=3)
    assert three.peer(MK, RS).alarm is three.peer(XK, RS).alarm is None, "neither can know yet"
    three.meet(one, other)
    for witness in (one, other):
        (found,) = three.evidence(witness, RS)
        assert found.proven
        heads = [open_head(kept, three.nodes[RS].history) for kept in (found.first, found.second)]
        assert [head.size for head in heads] == [4, 4]
        assert heads[0].root != heads[1].root, "both signed by Serbia's log"
        alarm = str(three.peer(witness, RS).alarm)
        for head in heads:
            assert head.root.hex()[:16] in alarm
        assert "two histories" in alarm
        assert "ffp peer revoke" in alarm
        with pytest.raises(PeerMisbehaved, match="two histories"):
            three.pull(witness, RS)
        assert cosign_head(three.nodes[witness], RS) is False


def test_a_fork_of_two_sizes_is_found_by_the_missing_proof(three: Network) -> None:
    forked(three, first=3, second=5)
    three.meet(XK, MK)  # Kosovo* tells of size 6; North Macedonia knows size 4 of the other history
    with pytest.raises(PeerMisbehaved, match=r"shows a log of size 4, but signed a head of size 6.*ffp-xk"):
        three.pull(MK, RS)
    three.publish(RS, 4)
    three.pull(MK, RS)
    three.meet(MK, RS)
    (found,) = three.evidence(MK, RS)
    assert not found.proven
    assert "does not prove that one goes on from the other" in found.detail
    assert {head_of(kept).size for kept in (found.first, found.second)} == {6, 8}
    three.publish(RS)
    three.pull(MK, RS)
    assert cosigned_size(three, MK) == 4, "nothing is cosigned while two heads disagree"
    assert "does not prove" in str(three.peer(MK, RS).alarm)


def cosigned_size(network: Network, witness: str) -> int:
    head = network.cosigned(witness, RS)
    return head.size if head else 0


def test_heads_of_one_history_at_several_sizes_are_no_fork(three: Network) -> None:
    three.pull(XK, RS)
    three.publish(RS, 2)
    three.pull(MK, RS)
    three.meet(XK, MK)  # told of a smaller and of a larger head
    three.publish(RS, 2)
    for witness in (MK, XK, MK):
        three.round(witness, RS)
        three.meet(MK, XK)
        three.round(witness, RS)
    for witness in (MK, XK):
        assert three.evidence(witness, RS) == []
        assert three.peer(witness, RS).alarm is None
        assert three.cosigned(witness, RS) == three.head(RS)


def test_a_witness_that_was_told_of_a_larger_head_cosigns_no_smaller_one(three: Network) -> None:
    three.pull(MK, RS)
    three.publish(RS, 2)
    three.pull(XK, RS)
    with three.nodes[MK].store.write() as session:  # it forgot what it cosigned
        row = session.get_one(PeerRow, RS)
        row.cosigned, row.cosigned_size = None, 0
    three.meet(XK, MK)
    assert cosign_head(three.nodes[MK], RS) is False
    three.pull(MK, RS)
    assert cosigned_size(three, MK) == 3


def test_a_fork_shown_to_one_peer_is_kept_as_evidence(three: Network) -> None:
    three.pull(MK, RS)
    other = three.twin(RS)
    three.publish(RS, 2)
    three.publish(other, 2)
    three.pull(MK, RS)
    three.routes[MK, RS] = other
    with pytest.raises(PeerMisbehaved, match="does not go on"):
        three.pull(MK, RS)
    (found,) = three.evidence(MK, RS)
    assert found.proven
    assert {head_of(found.first), head_of(found.second)} == {three.head(RS), three.head(other)}


@pytest.mark.parametrize(("teller", "asked"), [(MK, XK), (XK, MK)])
def test_who_is_shown_one_history_hears_of_the_other(three: Network, teller: str, asked: str) -> None:
    """The proof is passed on by one who cosigned neither head, and convinces at once."""
    test_a_fork_shown_to_one_peer_is_kept_as_evidence(three)
    assert three.evidence(XK, RS) == []
    three.meet(teller, asked)
    (found,), (known,) = three.evidence(XK, RS), three.evidence(MK, RS)
    assert found.proven
    assert {head_of(found.first), head_of(found.second)} == {head_of(known.first), head_of(known.second)}
    assert "two histories" in str(three.peer(XK, RS).alarm)
    with pytest.raises(PeerMisbehaved, match="two histories"):
        three.pull(XK, RS)
    three.meet(teller, asked)
    assert len(three.evidence(XK, RS)) == 1


def _told_as_fork(three: Network, *heads: bytes) -> dict[str, Any]:
    first, second = (base64.b64encode(head).decode() for head in heads)
    return {"forked": (ForkedLog(log=MK, first=first, second=second),)}


def test_what_proves_no_fork_is_the_tellers_fault(three: Network) -> None:
    """Kosovo* tells Serbia of North Macedonia's log: one head twice, two that go on, one that somebody else signed."""
    three.publish(MK)
    mk, first = three.nodes[MK], three.head(MK)
    assert first is not None
    with mk.store.read() as session:
        signed = latest_checkpoint(session)
    assert signed is not None
    keys = mk.keys.log
    longer = sign_checkpoint(
        Checkpoint(mk.card.log_origin, first.size + 1, b"\1" * 32), keys.ed25519, keys.ml_dsa, TIME
    )
    foreign = three.nodes[XK].keys.log
    forged = sign_checkpoint(
        Checkpoint(mk.card.log_origin, first.size, b"\1" * 32), foreign.ed25519, foreign.ml_dsa, TIME
    )
    for heads in ((signed.note, signed.note), (signed.note, longer), (signed.note, forged)):
        told(three, XK, None, **_told_as_fork(three, *heads))
        assert "tells of a fork of ffp-mk that is not believed" in str(three.peer(RS, XK).alarm)
        assert three.evidence(RS, MK) == []


def test_a_proof_that_comes_late_settles_what_its_absence_raised(three: Network) -> None:
    """The head was true, only its proof was not: no fork, and no alarm for ever."""
    three.pull(MK, RS)
    three.publish(RS, 2)
    mk = three.nodes[MK]
    honest = three.client(MK)

    class Wrong:
        def fetch_lane(self, *args: Any, **kwargs: Any) -> bytes:
            page = parse_lane_page(honest.fetch_lane(*args, **kwargs))
            return page.model_copy(update={"consistency": ("0" * 64,)}).model_dump_json().encode()

    with pytest.raises(PeerMisbehaved, match="does not go on"):
        pull(mk, Wrong(), RS)  # type: ignore[arg-type]  # all that a pull needs of a client
    assert [row.proven for row in three.evidence(MK, RS)] == [False]
    assert "does not prove" in str(three.peer(MK, RS).alarm)
    three.publish(RS)
    three.round(MK, RS)
    three.round(MK, RS)
    assert three.evidence(MK, RS) == []
    assert three.peer(MK, RS).alarm is None
    assert three.cosigned(MK, RS) == three.head(RS)


def test_what_a_peer_tells_and_is_not_believed_is_an_alarm_and_no_evidence(three: Network) -> None:
    mk = three.nodes[MK]
    false = sign_checkpoint(
        Checkpoint(three.nodes[XK].card.log_origin, 7, b"\x07" * 32), mk.keys.log.ed25519, mk.keys.log.ml_dsa, TIME
    )
    seen = ({"log": XK, "note": base64.b64encode(cosigned_by(mk, false)).decode()},)
    told(three, MK, None, seen=seen)
    assert "tells of a head of ffp-xk that is not believed" in str(three.peer(RS, MK).alarm)
    assert three.evidence(RS, XK) == []


def test_a_proof_is_given_only_up_to_a_signed_head(three: Network) -> None:
    for size, asks in ((9, (1,)), (None, (1,)), (1, (2,))):
        with pytest.raises(Conflict) as refused:
            told(three, MK, None, size=size, asks=asks)
        assert refused.value.code == "size-not-signed"


def test_evidence_without_proof_leaves_room_for_evidence_with_it(three: Network) -> None:
    """Who forks may show any number of heads first, so that the two that prove it find no room."""
    three.pull(MK, RS)
    mk = three.nodes[MK]
    heads = [Checkpoint(three.nodes[RS].card.log_origin, 10 + n, bytes([n]) * 32) for n in range(20)]
    with mk.store.write() as session:
        for head in heads:
            keep_disagreement(session, RS, b"", b"", texts=("", head.text), proven=False, detail="no proof")
    assert len(three.evidence(MK, RS)) == MAX_DISAGREEMENTS
    with mk.store.write() as session:
        keep_disagreement(session, RS, b"", b"", texts=("a", "b"), proven=True, detail="proven")
    assert three.evidence(MK, RS)[0].proven
