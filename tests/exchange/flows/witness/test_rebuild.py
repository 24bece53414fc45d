"""A node that was set back gets from its witnesses what they hold, says what is lost, and goes on; whoever lies to it
is not believed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from exchange.errors import PeerMisbehaved, PeerUnreachable
from exchange.flows.integrity.log_check import check_log
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.log.start import begin_log_start
from exchange.flows.operate.status import node_status
from exchange.flows.statement.heads import head_of
from exchange.flows.statement.sign_statement import enter, say
from exchange.flows.terms.terms import approve, grant, state_policy
from exchange.flows.terms.withdraw import place_hold, purge, revoke_from, withdraw, withdrawn
from exchange.flows.witness import mirror
from exchange.flows.witness.mirror import answer_lane, answer_leaves, answer_statements, mirror_log
from exchange.flows.witness.rebuild import rebuild
from exchange.flows.witness.recover import recover
from exchange.store.log.statement_rows import find_statement
from exchange.store.sync.peers import lane_of
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow, StatementRow
from exchange.store.tables.terms_tables import GrantRow
from exchange.store.terms.terms_rows import groups_of, legal_bases
from exchange.store.terms.withdrawals import tombstone_for
from exchange.store.witness.cosignatures import LogStartState, log_start
from exchange.store.witness.mirror_rows import mirrored_leaves, mirrored_size
from exchange.store.witness.rebuild_rows import lane_ids, lost_leaves, own_leaves, rebuild_sources
from schemas import Group, LegalBasis, Maker, Withdrawal, open_envelope, parse_statement, statement_id
from schemas.mirror import MirroredLane, MirroredLeaves, MirroredStatement, MirroredStatements
from schemas.vocabulary import Decision, ExhibitKind, Jurisdiction, Role, SharingRule, SignedInBy, WithdrawalReason
from tests.exchange.flows.network import MK, RS, XK, Network
from tests.schemas.examples import record_fields

pytestmark = pytest.mark.slow

MKD, XKX, RSB = Jurisdiction.MK, Jurisdiction.XK, Jurisdiction.RS
WITNESSES = (MK, XK)
AL = "ffp-al"
REVOKED = WithdrawalReason.REVOKED


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Network:
    network = Network(tmp_path_factory.mktemp("three"))
    network.make(RSB, MKD, XKX)
    for node in network.nodes.values():
        begin_log_start(node)
        sign_head(node)
    network.share(RS, MKD, count=2)
    network.share(RS, MKD, XKX)
    for witness in WITNESSES:
        network.round(witness, RS)
    network.close()
    return network


@pytest.fixture
def three(made: Network, tmp_path: Path) -> Iterator[Network]:
    """Serbia's log has its card, its policy and three records, which both others have read and cosigned."""
    network = made.copied(tmp_path)
    yield network
    network.close()


def state(network: Network, node_id: str = RS) -> str | None:
    with network.nodes[node_id].store.read() as session:
        start = log_start(session)
        return start.state if start else None


def alarms(network: Network, node_id: str = RS) -> str:
    return " ".join(node_status(network.nodes[node_id]).alarms)


def lost(network: Network) -> list[int]:
    with network.nodes[RS].store.read() as session:
        return [row.log_index for row in lost_leaves(session)]


def lane(network: Network, peer: str, owner: str = RS) -> list[str]:
    with network.nodes[owner].store.read() as session:
        return lane_ids(session, peer)


def leaves(network: Network, node_id: str = RS) -> list[bytes]:
    node = network.nodes[node_id]
    with node.store.read() as session:
        return list(own_leaves(session))


def index_of(network: Network, name: str) -> int | None:
    with network.nodes[RS].store.read() as session:
        row = find_statement(session, name)
        return row.log_index if row else None


def get_back(network: Network, peers: Sequence[str] = WITNESSES) -> None:
    """Two rounds, as the worker goes: the first peer that answers may not be enough yet."""
    for _ in range(2):
        for peer in peers:
            network.get_back(RS, peer)


@pytest.mark.parametrize("is_widened", [True, False])
def test_a_version_that_a_colleague_widened_waits_for_the_head_when_it_comes_back(
    three: Network, is_widened: bool
) -> None:
    node = three.nodes[RS]
    first = three.record(RS, audience=["MK"])
    backup = three.backup(RS)
    colleague = {"pseudonym": "colleague", "role": "examiner", "signed_in": "token"}
    audience = ["MK", "XK"] if is_widened else ["MK"]
    second = three.record(RS, audience=audience, supersedes=first, made_by=colleague)
    if is_widened:
        with node.store.write() as session:
            session.get_one(RecordRow, second).widened = True
        approve(node, HEAD_OF_FFP, second, Jurisdiction.MK, Decision.APPROVED, "Both laboratories work on the case.")
    sign_head(node)
    for witness in WITNESSES:
        three.round(witness, RS)
    three.restart(RS, backup)
    get_back(three)
    with three.nodes[RS].store.read() as session:
        assert session.get_one(RecordRow, second).widened is is_widened


def flows_again(network: Network) -> None:
    """New records go both ways, nobody complains, and all have the same log in mind."""
    before = {witness: len(lane(network, witness)) for witness in WITNESSES}
    network.share(RS, MKD, XKX, count=2)
    for witness in WITNESSES:
        network.share(witness, RSB)
        network.round(witness, RS)
        network.round(RS, witness)
        assert network.peer(witness, RS).alarm is None
        assert network.peer(RS, witness).alarm is None
        assert network.peer(witness, RS).cursor_count == before[witness] + 2 == len(lane(network, witness))
        with network.nodes[RS].store.read() as session:
            assert network.peer(witness, RS).cursor_head == lane_of(session, witness).head
        assert network.cosigned(witness, RS) == network.head(RS)
        assert network.cosigned(RS, witness) == network.head(witness)
        assert network.evidence(witness, RS) == []


def lose_the_end(network: Network) -> tuple[list[str], list[str], list[str], list[bytes]]:
    """A backup; then two records that one peer reads, one that both read, two that nobody does; then the restore."""
    backup = network.backup(RS)
    first = network.share(RS, MKD, count=2)
    nobodys = network.share(RS, count=2)
    both = network.share(RS, MKD, XKX)
    for witness in WITNESSES:
        network.round(witness, RS)
    whole = leaves(network)
    network.restart(RS, backup)
    return first, both, nobodys, whole


def test_what_the_peers_acknowledged_is_back_and_the_rest_is_named(three: Network) -> None:
    lanes = {witness: lane(three, witness) for witness in WITNESSES}
    first, both, nobodys, whole = lose_the_end(three)
    three.meet(RS, MK)
    assert state(three) == LogStartState.BEHIND
    assert "restored from an older backup" in alarms(three)
    assert "from 2 of its" in alarms(three)
    get_back(three)
    assert (state(three), leaves(three), lost(three)) == (LogStartState.FREE, whole, [7, 8])
    assert [index_of(three, name) for name in (*first, *both, *nobodys)] == [5, 6, 9, None, None]
    assert lane(three, MK) == [*lanes[MK], *first, *both]
    assert lane(three, XK) == [*lanes[XK], *both]
    assert "2 of the statements of its log" in alarms(three)
    assert "at the log indices 7-8." in alarms(three)
    assert "No peer holds them" in alarms(three)
    with three.nodes[RS].store.read() as session:
        assert set(session.scalars(select(RecordRow.statement_id))) >= {*first, *both}
        scans = session.scalars(select(AcquisitionRow.state).where(AcquisitionRow.statement_id.in_(first)))
        assert set(scans) == {"awaiting-scan"}
        assert not rebuild_sources(session)
    flows_again(three)


def test_what_was_appended_meanwhile_moves_behind_the_rebuilt_end(three: Network) -> None:
    """Its index was never under a signed head; on the lanes it follows what the peers read."""
    backup = three.backup(RS)
    old = three.share(RS, MKD, XKX, count=3)
    for witness in WITNESSES:
        three.round(witness, RS)
    whole = leaves(three)
    three.restart(RS, backup)
    new = three.share(RS, MKD, XKX, count=2)
    assert [index_of(three, name) for name in new] == [5, 6]
    get_back(three)
    assert leaves(three)[: len(whole)] == whole
    assert [index_of(three, name) for name in (*old, *new)] == [5, 6, 7, 8, 9]
    assert lane(three, MK)[-5:] == [*old, *new]
    assert (lost(three), alarms(three)) == ([], "")
    assert sign_head(three.nodes[RS])
    for witness in WITNESSES:
        three.round(witness, RS)
    flows_again(three)


def test_the_same_submitted_again_meanwhile_takes_its_old_place(three: Network) -> None:
    backup = three.backup(RS)
    node = three.nodes[RS]
    record, envelope = three.signed(node, record_fields(issuer=RS, nonce="ab" * 32, audience=["MK"]))
    three.enter(node, record, envelope)
    sign_head(node)
    for witness in WITNESSES:
        three.round(witness, RS)
    node = three.restart(RS, backup)
    three.share(RS, MKD)
    again = node.keys.statement.sign(envelope.payload)
    assert again.raw != envelope.raw, "one of the two schemes signs with fresh randomness"
    three.enter(node, record, again)
    get_back(three)
    with node.store.read() as session:
        row = session.get_one(StatementRow, statement_id(envelope.payload))
        assert (row.log_index, row.envelope) == (5, envelope.raw)
    assert (lost(three), three.size(RS)) == ([], 7)
    assert [found for found in check_log(node).findings if not found.subject.startswith("scan ")] == []
    flows_again(three)


def test_the_very_same_envelope_is_not_logged_twice(three: Network) -> None:
    """A backup whose end was appended, but not signed."""
    node = three.nodes[RS]
    other = three.share(RS, MKD)
    record, envelope = three.signed(node, record_fields(issuer=RS, nonce="cd" * 32, audience=["MK"]))
    backup = three.backup(RS)
    three.enter(node, record, envelope)
    sign_head(node)
    for witness in WITNESSES:
        three.round(witness, RS)
    node = three.restart(RS, backup)
    new = three.share(RS, MKD)
    three.enter(node, record, envelope)
    get_back(three)
    assert index_of(three, statement_id(envelope.payload)) == 6
    assert [index_of(three, name) for name in (*other, *new)] == [5, 7]
    assert (lost(three), alarms(three)) == ([], "")
    flows_again(three)


def test_one_peer_is_not_enough_to_rebuild(three: Network) -> None:
    lose_the_end(three)
    three.parted.add(frozenset((RS, XK)))
    for _ in range(3):
        three.get_back(RS, MK)
    assert state(three) == LogStartState.BEHIND
    assert "No answer yet from: ffp-xk" in alarms(three)
    three.publish(RS)
    assert three.head(RS) is not None
    assert three.head(RS).size == 5  # type: ignore[union-attr]  # asserted in the line before
    three.restart(RS)
    three.get_back(RS, MK)
    assert state(three) == LogStartState.BEHIND, "another start does not mend it"
    three.parted.clear()
    get_back(three)
    assert state(three) == LogStartState.FREE


def test_a_whole_home_copied_back_is_found_out_by_one_peer(three: Network) -> None:
    """The file beside the database says nothing then: the start looks ordinary."""
    backup, last_head = three.backup(RS), three.nodes[RS].settings.last_head
    content = last_head.read_bytes()
    lost_record = three.share(RS, MKD)
    three.round(MK, RS)
    last_head.write_bytes(content)
    three.restart(RS, backup)
    assert "from 1 of its" in alarms(three)
    three.publish(RS)
    three.meet(RS, MK)
    assert not sign_head(three.nodes[RS])
    assert state(three) == LogStartState.BEHIND
    get_back(three)
    assert index_of(three, *lost_record) == 5
    flows_again(three)


@pytest.fixture
def four(tmp_path: Path) -> Iterator[Network]:
    """After a restore two of the three peers are enough for RS to sign on."""
    with closing(Network(tmp_path / "four")) as network:
        network.make(RSB, MKD, XKX, Jurisdiction.AL)
        for node in network.nodes.values():
            begin_log_start(node)
            sign_head(node)
        yield network


def test_a_peer_that_comes_later_gives_its_part_back(four: Network) -> None:
    """It was away during the rebuild: its lane stands still until it has said how far it read."""
    network = four
    backup = network.backup(RS)
    hers = network.share(RS, XKX, count=2)
    everybodys = network.share(RS, MKD, XKX, Jurisdiction.AL)
    for witness in (MK, XK, AL):
        network.round(witness, RS)
    network.restart(RS, backup)
    network.parted.add(frozenset((RS, XK)))
    get_back(network, (MK, AL))
    assert (state(network), lost(network)) == (LogStartState.FREE, [2, 3])
    assert "Not asked to the end yet: ffp-xk" in alarms(network)
    new = network.share(RS, MKD, XKX, Jurisdiction.AL)
    network.parted.clear()
    with pytest.raises(PeerMisbehaved, match="cursor-from-the-future"):
        network.pull(XK, RS)
    network.get_back(RS, XK)
    assert lane(network, XK)[1:] == [*hers, *everybodys, *new], "after the policy"
    network.round(XK, RS)
    assert (lost(network), alarms(network)) == ([], "")
    assert network.peer(XK, RS).cursor_count == 5


def test_a_place_whose_statement_nobody_holds_stays_on_the_lane(three: Network) -> None:
    """It was withheld when the peer read it: the lane adds up, without its content."""
    backup = three.backup(RS)
    (withheld,) = three.share(RS, MKD)
    with three.nodes[RS].store.write() as session:
        session.get_one(PeerRow, MK).legal_basis = " "
    for witness in WITNESSES:
        three.round(witness, RS)
    three.restart(RS, backup)
    get_back(three)
    assert (lost(three), lane(three, MK)[-1]) == ([5], withheld)
    assert index_of(three, withheld) is None
    flows_again(three)


def test_a_log_that_was_forked_is_never_rebuilt(three: Network) -> None:
    """Both were signed: the database went on after the restore, and somebody saw the other end."""
    twin = three.twin(RS)
    three.publish(twin, 3)
    three.routes[MK, RS] = twin
    three.pull(MK, RS)
    three.publish(RS)
    three.round(XK, RS)
    before = leaves(three)
    get_back(three)
    assert (state(three), leaves(three)) == (LogStartState.CONFLICT, before)
    assert "not of one history" in alarms(three)
    (found,) = three.evidence(RS, RS)
    assert {head_of(found.first), head_of(found.second)} == {three.head(RS), three.head(twin)}
    three.restart(RS)
    get_back(three)
    assert state(three) == LogStartState.CONFLICT


def test_two_peers_with_two_ends_are_two_histories(three: Network) -> None:
    """What both returned was signed, one of them after a restore that nobody noticed."""
    backup = three.backup(RS)
    twin = three.twin(RS)
    three.publish(twin, 3)
    three.routes[MK, RS] = twin
    three.pull(MK, RS)
    three.publish(RS)
    three.pull(XK, RS)
    three.restart(RS, backup)
    before = leaves(three)
    get_back(three)
    assert (state(three), leaves(three)) == (LogStartState.CONFLICT, before)
    assert "ffp-mk and ffp-xk hold heads" in alarms(three)


def wrong_leaf(page: MirroredLeaves) -> MirroredLeaves:
    raw = base64.b64decode(page.hashes)
    return page.model_copy(update={"hashes": base64.b64encode(raw[:-1] + bytes([raw[-1] ^ 1])).decode()})


def test_wrong_leaves_are_not_believed_and_another_peer_is_asked(three: Network) -> None:
    *_, whole = lose_the_end(three)
    three.lies[MK, "leaves"] = wrong_leaf
    for witness in WITNESSES:
        three.meet(RS, witness)
    assert rebuild(three.nodes[RS], three.client(RS))
    assert leaves(three) == whole
    assert "do not lead to the head" in (three.peer(RS, MK).alarm or "")


@pytest.mark.parametrize(
    "lie",
    [
        wrong_leaf,
        lambda page: page.model_copy(update={"hashes": ""}),
        lambda page: page.model_copy(update={"start": page.start + 1}),
        lambda page: page.model_copy(update={"hashes": "AAAA"}),
        lambda page: page.model_copy(update={"contract": "9.9"}),
    ],
)
def test_while_all_lie_nothing_is_rebuilt(three: Network, lie: Any) -> None:
    lose_the_end(three)
    before = leaves(three)
    for witness in WITNESSES:
        three.lies[witness, "leaves"] = lie
        three.meet(RS, witness)
    with pytest.raises(PeerUnreachable, match="No peer gives the 10 leaf hashes"):
        rebuild(three.nodes[RS], three.client(RS))
    assert (state(three), leaves(three)) == (LogStartState.BEHIND, before)


def other_statements(page: MirroredStatements, envelopes: list[bytes]) -> MirroredStatements:
    items = [
        item.model_copy(update={"envelope": base64.b64encode(raw).decode()})
        for item, raw in zip(page.items[-1:], envelopes, strict=True)
    ]
    return page.model_copy(update={"items": (*page.items[:-1], *items)})


@pytest.mark.parametrize("lie", ["altered", "somebody else's", "another of the same node's", "no envelope", "form"])
def test_statements_that_are_not_the_leaf_are_not_believed(three: Network, lie: str) -> None:
    three.share(MK, RSB)
    first, both, *_ = lose_the_end(three)
    three.round(RS, MK)
    with three.nodes[RS].store.read() as session:
        foreign = session.scalars(
            select(StatementRow.envelope).where(StatementRow.issuer == MK, StatementRow.type == "record")
        ).one()
        own = session.scalars(select(StatementRow.envelope).where(StatementRow.log_index == 3)).first() or b""
    raw = {
        "altered": lambda item: base64.b64decode(item.envelope).replace(b"A", b"B", 1),
        "somebody else's": lambda _: foreign,
        "another of the same node's": lambda _: own,
        "no envelope": lambda _: b"{}",
        "form": lambda item: base64.b64decode(item.envelope),
    }[lie]

    def told(page: MirroredStatements) -> MirroredStatements:
        changed = other_statements(page, [raw(page.items[-1])])
        return changed.model_copy(update={"contract": "0"}) if lie == "form" else changed

    three.lies[MK, "statements"] = told
    for witness in WITNESSES:
        three.meet(RS, witness)
    node, client = three.nodes[RS], three.client(RS)
    assert rebuild(node, client)
    with pytest.raises(PeerMisbehaved):
        recover(node, client, MK)
    assert [index_of(three, name) for name in (*first, *both)] == [None, None, None], "nothing of that page was taken"
    assert recover(node, client, XK)
    assert index_of(three, *both) == 9, "the other gives what it has"
    assert state(three) == LogStartState.FREE, "whoever lies holds nothing up"
    assert lost(three) == [5, 6, 7, 8]
    three.lies.clear()
    assert recover(node, client, MK), "it is asked again"
    assert lost(three) == [7, 8]
    flows_again(three)


def swapped(page: MirroredLane) -> MirroredLane:
    return page.model_copy(update={"items": (*page.items[:-2], page.items[-1], page.items[-2])})


def shortened(page: MirroredLane) -> MirroredLane:
    return page.model_copy(update={"items": page.items[:-1] if page.start == 0 else ()})


def of_another(page: MirroredLane) -> MirroredLane:
    return page.model_copy(update={"reader": XK})


def of_another_place(page: MirroredLane) -> MirroredLane:
    return page.model_copy(update={"start": page.start + 1})


@pytest.mark.parametrize("lie", [swapped, shortened, of_another, of_another_place])
def test_a_lane_that_does_not_add_up_is_not_laid(three: Network, lie: Any) -> None:
    first, both, *_ = lose_the_end(three)
    before = [*lane(three, MK), *three.share(RS, MKD)]
    three.lies[MK, "lane"] = lie
    for witness in WITNESSES:
        three.meet(RS, witness)
    node, client = three.nodes[RS], three.client(RS)
    rebuild(node, client)
    with pytest.raises(PeerMisbehaved):
        recover(node, client, MK)
    assert lane(three, MK) == [*before, *first, *both], "what came back is put there, as for a peer that read nothing"
    three.lies.clear()
    recover(node, client, XK)
    recover(node, client, MK)
    flows_again(three)


def test_a_lane_of_statements_that_are_not_this_nodes_is_not_laid(three: Network) -> None:
    """Its head adds up, since the liar's cursor is its own to state."""
    lose_the_end(three)

    def told(page: MirroredLane) -> MirroredLane:
        last = page.items[-1].model_copy(update={"statement_id": "ee" * 32, "log_index": 2})
        head = bytes(32)
        for item in (*page.items[:-1], last):
            head = hashlib.sha256(head + bytes.fromhex(item.statement_id)).digest()
        return page.model_copy(update={"items": (*page.items[:-1], last), "head": head.hex()})

    three.lies[MK, "lane"] = told
    for witness in WITNESSES:
        three.meet(RS, witness)
    node, client = three.nodes[RS], three.client(RS)
    rebuild(node, client)
    with pytest.raises(PeerMisbehaved, match="none of this node's"):
        recover(node, client, MK)
    assert "ee" * 32 not in lane(three, MK)


def test_a_rebuild_goes_on_after_another_start(three: Network) -> None:
    first, both, *_ = lose_the_end(three)
    for witness in WITNESSES:
        three.meet(RS, witness)
    assert rebuild(three.nodes[RS], three.client(RS))
    three.restart(RS)
    assert state(three) == LogStartState.RECOVERING
    assert "its statements are fetched" in alarms(three)
    three.publish(RS)
    get_back(three)
    assert (state(three), three.size(RS)) == (LogStartState.FREE, 11)
    assert [index_of(three, name) for name in (*first, *both)] == [5, 6, 9]
    sign_head(three.nodes[RS])
    flows_again(three)


def test_set_back_twice_it_is_rebuilt_twice(three: Network) -> None:
    backup = three.backup(RS)
    lose_the_end(three)
    get_back(three)
    flows_again(three)
    whole = leaves(three)
    three.restart(RS, backup)
    get_back(three)
    assert leaves(three) == whole
    assert lost(three) == [7, 8]
    flows_again(three)


@pytest.mark.parametrize("sizes", [(300,), (256,), (255, 1, 1), (1, 600), (512, 3)])
def test_a_mirror_holds_what_the_log_has(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    """Across the ends of tiles, grown in one go or by steps."""
    network = Network(tmp_path)
    network.make(RSB, MKD)
    for count in sizes:
        network.leaves(RS, count)
        network.pull(MK, RS)
    with network.nodes[MK].store.read() as session:
        assert mirrored_size(session, RS) == network.size(RS) == 1 + sum(sizes)
        held = mirrored_leaves(session, RS, 0, 10_000)
        assert held == b"".join(leaves(network))
        assert mirrored_leaves(session, RS, 250, 20) == held[250 * 32 : 270 * 32]
        assert mirrored_leaves(session, RS, network.size(RS), 1) == b""
        assert mirrored_leaves(session, RS, 10_000, 1) == b""
    network.close()


@pytest.mark.parametrize("tile", ["tile/1/000.p/2", "tile/0/002.p/89", "tile/0/001"])
@pytest.mark.parametrize("harm", ["a bit", "short"])
def test_tiles_that_do_not_lead_to_the_head_are_not_mirrored(tmp_path: Path, tile: str, harm: str) -> None:
    network = Network(tmp_path)
    network.make(RSB, MKD)
    network.leaves(RS, 600)
    network.tiles[RS, tile] = lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]) if harm == "a bit" else raw[:-1]
    with pytest.raises(PeerMisbehaved, match="gave"):
        network.pull(MK, RS)
    assert network.cosigned(MK, RS) is None
    with network.nodes[MK].store.read() as session:
        held = mirrored_leaves(session, RS, 0, 10_000)
    assert b"".join(leaves(network)).startswith(held)
    network.tiles.clear()
    assert mirror_log(network.nodes[MK], network.client(MK), RS) is False
    with network.nodes[MK].store.read() as session:
        assert mirrored_size(session, RS) == 601
    network.close()


HEAD_OF_FFP = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)


def test_a_withdrawal_that_comes_back_holds_again(three: Network) -> None:
    """It reached one peer alone: the record is gone here too, and the other is told of it now."""
    backup = three.backup(RS)
    (record,) = three.share(RS, MKD, XKX)
    for witness in WITNESSES:
        three.round(witness, RS)
    with_record = three.backup(RS)
    (withdrawal,) = withdraw(three.nodes[RS], HEAD_OF_FFP, record, WithdrawalReason.ENTERED_IN_ERROR)
    sign_head(three.nodes[RS])
    three.round(MK, RS)
    for database in (with_record, backup):
        three.restart(RS, database)
        get_back(three)
        with three.nodes[RS].store.read() as session:
            assert session.get(RecordRow, record) is None
            row = session.get(StatementRow, record)
            assert row is None or row.envelope is None
            assert tombstone_for(session, record, "", issuer=RS) is not None
        assert lane(three, XK)[-1] == withdrawal
    three.work(RS)
    three.round(XK, RS)
    assert record not in three.holds(XK)
    flows_again(three)


def test_a_version_that_comes_back_after_its_exhibit_was_withdrawn_is_withdrawn_too(four: Network) -> None:
    first = four.record(RS, audience=["MK", "XK", "AL"])
    backup = four.backup(RS)
    second = four.record(RS, audience=["XK"], supersedes=first)
    for witness in (MK, XK, AL):
        four.round(witness, RS)
    node = four.restart(RS, backup)
    four.parted.add(frozenset((RS, XK)))
    get_back(four, (MK, AL))
    withdraw(node, HEAD_OF_FFP, first, WithdrawalReason.ENTERED_IN_ERROR)
    later = four.record(RS, audience=["XK"])
    four.parted.clear()
    four.get_back(RS, XK)
    with node.store.read() as session:
        assert session.get(RecordRow, second) is not None
    assert (purge(node), purge(node)) == (1, 0)
    with node.store.read() as session:
        stone = tombstone_for(session, second, "", issuer=RS)
    assert stone is not None
    assert stone.reason == WithdrawalReason.ENTERED_IN_ERROR
    four.work(RS)
    four.round(XK, RS)
    assert four.holds(XK) == {later}


@pytest.mark.parametrize("holder", [None, XK])
def test_a_withdrawal_that_comes_back_ends_no_later_grant(three: Network, holder: str | None) -> None:
    """Peers return statements in any order: here the grant, and then the withdrawal that was signed before it."""
    node = three.nodes[RS]
    first = three.record(RS, audience=["XK"])
    second = three.record(RS, audience=["XK"], supersedes=first)
    withdrawal = say(node, Withdrawal, HEAD_OF_FFP, record=first, first_version=first, reason=REVOKED, holder=holder)
    with node.store.write() as session:
        before = enter(session, withdrawal, to=[])
    grant(node, HEAD_OF_FFP, second, XKX, "Agreement, article 2")
    with node.store.write() as session:
        withdrawn(session, withdrawal.statement, withdrawal.statement_id, before)
    sign_head(node)
    three.round(XK, RS)
    assert second in three.holds(XK)
    with node.store.read() as session:
        assert session.get(GrantRow, (second, XKX)) is not None


def test_a_version_that_comes_back_after_its_withdrawal_stays_here_while_a_court_holds_its_exhibit(
    three: Network,
) -> None:
    node = three.nodes[RS]
    first = three.record(RS, audience=["MK", "XK"])
    place_hold(node, HEAD_OF_FFP, first, "Court of a test, 1/2026")
    backup = three.backup(RS)
    second = three.record(RS, audience=["MK", "XK"], supersedes=first)
    for witness in WITNESSES:
        three.round(witness, RS)
    withdraw(node, HEAD_OF_FFP, first, REVOKED)
    sign_head(node)
    three.round(XK, RS)
    three.work(XK)  # XK has erased the version, and returns the withdrawal alone
    node = three.restart(RS, backup)
    three.meet(RS, MK)  # two peers are needed; XK is asked first
    get_back(three, (XK, MK))
    three.work(RS)
    with node.store.read() as session:
        for name in (first, second):
            assert session.get_one(RecordRow, name).restricted
            assert session.get_one(StatementRow, name).envelope is not None


def is_grant(item: MirroredStatement) -> bool:
    return parse_statement(open_envelope(base64.b64decode(item.envelope)).payload).type == "grant"


def grants_last(page: MirroredStatements) -> MirroredStatements:
    return page.model_copy(update={"items": tuple(sorted(page.items, key=is_grant))})


def test_a_grant_that_comes_back_after_two_withdrawals_is_not_in_force_if_it_was_signed_between_them(
    three: Network,
) -> None:
    node = three.nodes[RS]
    record = three.record(RS, audience=["XK"])
    three.round(XK, RS)
    backup = three.backup(RS)
    revoke_from(node, HEAD_OF_FFP, record, XK, REVOKED)
    grant(node, HEAD_OF_FFP, record, XKX, "Agreement, article 2")
    revoke_from(node, HEAD_OF_FFP, record, XK, REVOKED)
    sign_head(node)
    for witness in WITNESSES:
        three.round(witness, RS)
    three.lies[XK, "statements"] = grants_last
    node = three.restart(RS, backup)
    get_back(three)
    assert lost(three) == []
    three.round(XK, RS)
    assert record not in three.holds(XK)
    with node.store.read() as session:
        assert tombstone_for(session, record, XK, issuer=RS) is not None
        assert session.get(GrantRow, (record, XKX)) is None


def test_a_withdrawal_that_comes_back_before_another_version_ends_no_grant(four: Network) -> None:
    """AL read the first version and its withdrawal, and never had the second version."""
    node = four.nodes[RS]
    first = four.record(RS, audience=["AL"])
    grant(node, HEAD_OF_FFP, first, MKD, "Agreement, article 2")
    backup = four.backup(RS)
    second = four.record(RS, audience=["XK"], supersedes=first)
    said = say(node, Withdrawal, HEAD_OF_FFP, record=first, first_version=first, reason=REVOKED, holder=None)
    with node.store.write() as session:
        withdrawn(session, said.statement, said.statement_id, enter(session, said, to=[AL, MK]))
    sign_head(node)
    for witness in (MK, XK, AL):
        four.round(witness, RS)
    node = four.restart(RS, backup)
    four.meet(RS, MK)  # two peers are needed; AL is asked first
    get_back(four, (AL, MK, XK))
    with node.store.read() as session:
        assert session.get(RecordRow, first) is None
        assert session.get(RecordRow, second) is not None
        assert session.get(GrantRow, (first, MKD)) is not None


def test_a_grant_and_a_policy_that_come_back_hold_again(three: Network) -> None:
    (record,) = three.share(RS, MKD)
    backup = three.backup(RS)
    node = three.nodes[RS]
    grant(node, HEAD_OF_FFP, record, XKX, "Agreement, article 2")
    groups = (Group(name="group-neighbours", members=(MKD,)),)
    bases = tuple(
        LegalBasis(
            jurisdiction=jurisdiction,
            kinds=tuple(ExhibitKind),
            rule=SharingRule.ALLOWED,
            article="1",
            review_by=date(2036, 1, 1),
        )
        for jurisdiction in (MKD, XKX)
    )
    state_policy(node, HEAD_OF_FFP, groups, bases)
    sign_head(node)
    for witness in WITNESSES:
        three.round(witness, RS)
    assert record in three.holds(XK)
    three.restart(RS, backup)
    get_back(three)
    with three.nodes[RS].store.read() as session:
        assert groups_of(session, RS) == {"group-neighbours": frozenset({MKD})}
        assert {basis.jurisdiction for basis in legal_bases(session)} == {MKD, XKX}
        assert session.get(GrantRow, (record, XKX)) is not None
    assert lost(three) == []
    flows_again(three)


def test_a_peer_gets_its_own_back_and_nothing_else(three: Network) -> None:
    three.share(XK, MKD, count=2)
    three.round(MK, XK)
    node = three.nodes[MK]
    for asker, count in ((RS, 4), (XK, 3)):  # with the policy of each
        page = answer_statements(node, three.peer(MK, asker), 0)
        raws = [base64.b64decode(item.envelope) for item in page.items]
        assert {parse_statement(open_envelope(raw).payload).issuer for raw in raws} == {asker}
        assert (len(raws), page.next) == (count, None)
        assert answer_lane(node, three.peer(MK, asker), 0).count == count
        assert base64.b64decode(answer_leaves(node, three.peer(MK, asker), 0).hashes) == b"".join(leaves(three, asker))


def test_pages_follow_each_other(three: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded in bytes and in number, and nothing falls between two."""
    first, both, _, whole = lose_the_end(three)
    for name, most in (("MIRROR_PAGE_BYTES", 1), ("MAX_PLACES", 2), ("MAX_LEAVES", 4)):
        monkeypatch.setattr(mirror, name, most)
    get_back(three)
    assert (leaves(three), lost(three)) == (whole, [7, 8])
    assert [index_of(three, name) for name in (*first, *both)] == [5, 6, 9]
    flows_again(three)
