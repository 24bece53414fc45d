"""After a start a node appends and signs nothing until its peers have returned what they cosigned; a log that was cut,
set back or forked stays unsigned, and says why."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.errors import Conflict, InvalidInput, PeerMisbehaved, PeerUnreachable, StoreUnavailable
from exchange.flows.keys.enrol import revoke_peer
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.log.start import accept_database, begin_log_start
from exchange.flows.node.last_head import state_no_head
from exchange.flows.operate.status import node_status
from exchange.flows.statement.heads import head_of
from exchange.flows.witness.cosign import cosign_head
from exchange.store.tables.log import CheckpointRow
from exchange.store.tables.peer_tables import PeerRow
from schemas.vocabulary import Jurisdiction
from tests.exchange.databases import SLOW_ON_POSTGRESQL, Databases, databases_fixture
from tests.exchange.flows.network import AL, MK, RS, XK, Network

pytestmark = pytest.mark.slow

databases = databases_fixture("sqlite", SLOW_ON_POSTGRESQL)

ALL = (RS, MK, XK, AL)
WITNESSES = (MK, XK, AL)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> Network:
    network = Network(tmp_path_factory.mktemp("four"), databases)
    network.make(Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.XK, Jurisdiction.AL)
    for name in ALL:
        begin_log_start(network.nodes[name])
        sign_head(network.nodes[name])
    network.publish(RS, 2)
    for witness in WITNESSES:
        network.round(witness, RS)
    network.close()
    return network


@pytest.fixture
def four(made: Network, tmp_path: Path) -> Iterator[Network]:
    """Four nodes that know each other; Serbia's log has three leaves, which all have cosigned."""
    network = made.copied(tmp_path)
    yield network
    network.close()


def signed_size(network: Network, node_id: str = RS) -> int:
    head = network.head(node_id)
    return head.size if head else 0


def alarm(network: Network, node_id: str = RS) -> str:
    return " ".join(node_status(network.nodes[node_id]).alarms)


def test_a_started_node_appends_and_signs_once_one_peer_returned_its_head(four: Network) -> None:
    assert alarm(four) == ""
    four.restart(RS)
    four.publish(RS, 2)
    assert (four.size(RS), signed_size(four)) == (5, 3)
    assert "signs no head of its log" in alarm(four)
    assert "from 1 of its" in alarm(four)
    assert "ffp-al, ffp-mk, ffp-xk" in alarm(four)
    four.meet(RS, MK)
    assert alarm(four) == ""
    assert sign_head(four.nodes[RS])
    four.round(XK, RS)
    assert signed_size(four) == 5


def test_it_is_enough_that_a_peer_comes_by_itself(four: Network) -> None:
    four.restart(RS)
    four.publish(RS)
    four.meet(MK, RS)
    assert sign_head(four.nodes[RS])


def test_a_node_without_peers_signs_at_once(tmp_path: Path, databases: Databases) -> None:
    network = Network(tmp_path, databases)
    network.make(Jurisdiction.RS)
    network.publish(RS)
    network.restart(RS)
    network.publish(RS)
    assert (signed_size(network), alarm(network)) == (3, "")
    network.close()


def test_a_node_that_never_signed_a_head_waits_for_nobody(tmp_path: Path, databases: Databases) -> None:
    """Two nodes that are enrolled before they are served for the first time."""
    network = Network(tmp_path, databases)
    network.make(Jurisdiction.RS, Jurisdiction.MK)
    network.restart(RS)
    network.publish(RS)
    assert (signed_size(network), alarm(network)) == (2, "")
    network.close()


def test_unreachable_peers_leave_it_unsigned_and_are_named(four: Network) -> None:
    four.parted |= {frozenset((RS, witness)) for witness in WITNESSES}
    four.restart(RS)
    four.publish(RS)
    for witness in WITNESSES:
        with pytest.raises(PeerUnreachable):
            four.meet(RS, witness)
    assert not sign_head(four.nodes[RS])
    assert "why it does not reach them" in alarm(four)
    four.parted.clear()
    four.meet(RS, AL)
    assert sign_head(four.nodes[RS]), "not for ever"


def test_two_nodes_that_wait_for_each_other_let_each_other_go_on(four: Network) -> None:
    four.publish(MK)
    four.round(RS, MK)
    for name in (RS, MK):
        four.restart(name)
        four.publish(name)
    four.meet(RS, MK)
    assert sign_head(four.nodes[RS])
    assert sign_head(four.nodes[MK])


def test_a_peer_that_never_cosigned_counts_and_one_that_forgot_does_not(four: Network) -> None:
    with four.nodes[AL].store.write() as session:
        row = session.get_one(PeerRow, RS)
        row.cosigned, row.cosigned_size = None, 0
    four.restart(RS)
    four.meet(AL, RS)
    assert "Returned by: 0." in alarm(four)
    four.restart(MK)
    four.publish(MK)
    four.meet(AL, MK)
    assert sign_head(four.nodes[MK]), "nobody ever cosigned this log"


def test_a_restored_node_waits_for_a_majority(four: Network) -> None:
    """Heads were signed after the backup, and no peer saw them. The operator says that they are lost; once most peers
    say so too, the log goes on where it is."""
    backup = four.backup(RS)
    four.publish(RS)
    four.restart(RS, backup)
    four.publish(RS, 2)
    for witness in WITNESSES:
        four.meet(RS, witness)
    assert not sign_head(four.nodes[RS]), "whoever has that head would see a fork"
    assert "ffp log accept-database --size 3" in alarm(four)
    accept_database(four.nodes[RS], 3)
    assert "restored from a backup" in alarm(four)
    four.meet(RS, MK)
    assert not sign_head(four.nodes[RS])
    assert "from 2 of its" in alarm(four)
    assert "Returned by: 1." in alarm(four)
    four.meet(RS, MK)
    assert not sign_head(four.nodes[RS]), "one peer counts once"
    four.meet(RS, XK)
    assert sign_head(four.nodes[RS])
    four.restart(RS)
    four.publish(RS)
    four.meet(RS, AL)
    assert sign_head(four.nodes[RS]), "the next start is an ordinary one"


def test_a_database_whose_home_signed_nothing_counts_as_restored(four: Network) -> None:
    """As on a new machine: the backup has the database, not the last head."""
    state_no_head(four.nodes[RS].settings.last_head)
    four.restart(RS)
    four.publish(RS)
    four.meet(RS, MK)
    assert not sign_head(four.nodes[RS])
    four.meet(RS, AL)
    assert sign_head(four.nodes[RS])


GARBLED = (b"", b"\xff\xfe", b"ffp-rs.ffp-exchange/log\n3\nAAAA\n", b"ffp-mk.ffp-exchange/log\n3\n" + 44 * b"A" + b"\n")


@pytest.mark.parametrize("content", GARBLED)
def test_a_file_that_cannot_be_read_stays_and_nothing_is_signed(four: Network, content: bytes) -> None:
    """Whatever peers return: the file may name a head that none of them saw."""
    file = four.nodes[RS].settings.last_head
    file.write_bytes(content)
    four.restart(RS)
    four.publish(RS)
    for witness in WITNESSES:
        four.meet(RS, witness)
    assert not sign_head(four.nodes[RS])
    assert file.read_bytes() == content
    assert "cannot be read" in alarm(four)
    with pytest.raises(InvalidInput):
        accept_database(four.nodes[RS], 4)
    assert accept_database(four.nodes[RS], 3).read_bytes() == content
    for witness in WITNESSES:
        four.meet(RS, witness)
    assert sign_head(four.nodes[RS])
    with pytest.raises(Conflict):
        accept_database(four.nodes[RS], 4)


def test_a_database_that_is_restored_below_a_running_node(four: Network) -> None:
    """A file that was exchanged is refused. A server can be restored while the node goes on: that counts as a restore
    at a start."""
    four.restart(RS)
    four.meet(RS, MK)
    four.publish(RS)
    backup = four.backup(RS)
    four.publish(RS)
    four.pull(AL, RS)
    assert (signed_size(four), four.peer(RS, MK).returned_at is not None) == (5, True)
    four.databases.exchange_below(four.nodes[RS].settings.home, backup)
    if four.databases.name == "sqlite":
        with pytest.raises(StoreUnavailable, match="exchanged"):
            four.publish(RS)
        return
    four.publish(RS)
    assert (four.size(RS), signed_size(four)) == (5, 4)
    assert "restored from a backup" in alarm(four)
    four.meet(RS, MK)
    assert not sign_head(four.nodes[RS]), "one peer is not enough after a restore"
    four.meet(RS, AL)
    assert not sign_head(four.nodes[RS])
    assert "older backup" in alarm(four)


def test_a_log_that_was_set_back_is_not_signed_before_it_is_whole_again(four: Network) -> None:
    backup = four.backup(RS)
    four.publish(RS, 3)
    four.pull(AL, RS)
    lost = four.head(RS)
    assert lost is not None
    four.restart(RS, backup)
    four.publish(RS)
    four.meet(RS, AL)
    assert not sign_head(four.nodes[RS])
    said = alarm(four)
    for part in ("ffp-al holds a head of this node's log", "size 6", lost.root.hex()[:16], "none beyond size 3"):
        assert part in said
    assert "from 2 of its" in said
    four.restart(RS)
    four.meet(RS, MK)
    assert not sign_head(four.nodes[RS]), "another start mends nothing, nor what others return, who saw less"
    four.publish(RS, 9)
    four.meet(RS, AL)
    assert not sign_head(four.nodes[RS]), "nor a log that has grown past it"
    assert four.evidence(RS, RS) == [], "it signed nothing that contradicts it"
    for witness in WITNESSES:
        four.get_back(RS, witness)
    sign_head(four.nodes[RS])
    assert (signed_size(four), four.size(RS)) == (16, 16), "the old end, and what was appended since"
    four.round(AL, RS)
    assert four.cosigned(AL, RS) == four.head(RS)


def test_the_newest_backup_mends_it(four: Network) -> None:
    old = four.backup(RS)
    four.publish(RS, 3)
    newest = four.backup(RS)
    four.round(AL, RS)
    four.restart(RS, old)
    four.meet(RS, AL)
    assert "older backup" in alarm(four)
    four.restart(RS, newest)
    four.publish(RS)
    for witness in WITNESSES:
        four.meet(RS, witness)
    assert alarm(four) == ""
    sign_head(four.nodes[RS])
    assert signed_size(four) == 7
    four.round(AL, RS)
    assert four.peer(AL, RS).alarm is None
    assert four.cosigned(AL, RS) == four.head(RS)


def test_a_backup_from_between_append_and_signature_takes_its_head_back_from_a_peer(four: Network) -> None:
    with four.nodes[RS].store.write() as session:
        session.connection().exec_driver_sql("DELETE FROM cosignature WHERE size = 3")
        session.delete(session.get_one(CheckpointRow, 3))
    four.restart(RS)
    assert signed_size(four) == 1
    four.meet(RS, MK)
    assert four.head(RS) == four.cosigned(MK, RS)


def test_a_second_history_of_its_own_stops_a_running_node(four: Network) -> None:
    """Somebody has the keys, or two machines run as one node: found by the first peer that returns the other head."""
    other = four.twin(RS)
    four.publish(other, 2)
    four.routes[MK, RS] = other
    four.pull(MK, RS)
    four.publish(RS, 2)
    four.meet(RS, MK)
    four.publish(RS)
    assert signed_size(four) == 5
    assert "another root at that size" in alarm(four)
    (found,) = four.evidence(RS, RS)
    assert found.proven
    assert {head_of(found.first), head_of(found.second)} == {four.head(other), four.head(RS)}


def test_a_witness_that_was_set_back_is_reminded_of_what_it_cosigned(four: Network) -> None:
    """By the log's owner, or by anybody whom it told; so it binds itself to no other history."""
    backup = four.backup(MK)
    four.publish(RS, 2)
    four.round(MK, RS)
    four.meet(MK, AL)
    before = four.cosigned(MK, RS)
    four.restart(MK, backup)
    assert four.cosigned(MK, RS) != before
    four.meet(MK, AL)
    assert four.cosigned(MK, RS) == before
    assert head_of(four.peer(MK, RS).checkpoint or b"") == before
    four.restart(MK, backup)
    four.parted.add(frozenset((MK, AL)))
    four.meet(MK, RS)
    assert four.cosigned(MK, RS) == before


def test_a_witness_that_was_set_back_does_not_cosign_another_history(four: Network) -> None:
    backup = four.backup(MK)
    other = four.twin(RS)
    four.publish(RS, 2)
    four.round(MK, RS)
    four.meet(MK, AL)
    four.publish(other, 3)
    four.routes[MK, RS] = other
    four.restart(MK, backup)
    four.meet(MK, AL)
    before = four.cosigned(MK, RS)
    four.meet(MK, XK)
    with pytest.raises(PeerMisbehaved, match="does not go on from the head"):
        four.pull(MK, RS)
    assert four.cosigned(MK, RS) == before


def test_what_a_waiting_witness_read_and_did_not_cosign_counts_as_well(four: Network) -> None:
    """It is all that is left of the log's end."""
    backup = four.backup(RS)
    four.restart(MK)
    four.publish(RS, 2)
    four.pull(MK, RS)
    end = four.head(RS)
    assert head_of(four.peer(MK, RS).checkpoint or b"") == end
    assert four.cosigned(MK, RS) != end
    four.restart(RS, backup)
    four.meet(RS, XK)
    four.meet(RS, MK)
    assert not sign_head(four.nodes[RS])
    assert "ffp-mk holds a head" in alarm(four)
    for _ in range(2):
        four.get_back(RS, MK)
    assert four.head(RS) == end


def test_what_a_peer_was_told_of_by_one_who_forgot_it_counts_as_well(four: Network) -> None:
    """Two were set back, the log and the one witness of its end. A third was told of it: nothing is signed over it."""
    log, witness = four.backup(RS), four.backup(MK)
    four.publish(RS, 2)
    four.round(MK, RS)
    four.meet(MK, AL)
    four.restart(RS, log)
    four.restart(MK, witness)
    four.publish(RS)
    four.meet(RS, MK)
    four.meet(RS, AL)
    assert not sign_head(four.nodes[RS])
    assert "ffp-al holds a head" in alarm(four)
    for peer in WITNESSES:
        with contextlib.suppress(PeerUnreachable):
            four.get_back(RS, peer)
    assert not sign_head(four.nodes[RS]), "nobody has its hashes"
    assert "no peer that is reached has them" in alarm(four)


def test_a_node_that_waits_cosigns_nothing(four: Network) -> None:
    """A witness that was restored may have forgotten what it cosigned."""
    backup = four.backup(MK)
    four.publish(RS, 2)
    four.round(MK, RS)
    four.meet(MK, AL)
    four.restart(MK, backup)
    four.pull(MK, RS)
    assert cosign_head(four.nodes[MK], RS) is False
    four.meet(MK, AL)
    assert four.cosigned(MK, RS) == four.head(RS), "it is reminded of what it cosigned itself"
    four.publish(RS)
    four.pull(MK, RS)
    assert four.cosigned(MK, RS) != four.head(RS)
    four.meet(MK, RS)
    assert cosign_head(four.nodes[MK], RS)
    assert four.cosigned(MK, RS) == four.head(RS)


def test_a_revoked_peer_is_not_waited_for(four: Network) -> None:
    four.restart(RS)
    four.publish(RS)
    for witness in WITNESSES:
        revoke_peer(four.nodes[RS], witness)
    assert sign_head(four.nodes[RS])
