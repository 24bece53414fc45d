"""After a start a node appends and signs nothing until its peers have returned what they cosigned; a log that was cut,
set back or forked stays unsigned, and says why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.errors import PeerUnreachable
from exchange.flows.checkpoint import sign_head
from exchange.flows.enrol import revoke
from exchange.flows.log_start import begin_log_start
from exchange.flows.status import node_status
from exchange.flows.views import head_of
from exchange.flows.witness import cosign_head
from exchange.store.tables import CheckpointRow, PeerRow
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.network import AL, MK, RS, XK, Network

ALL = (RS, MK, XK, AL)
WITNESSES = (MK, XK, AL)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Network:
    network = Network(tmp_path_factory.mktemp("four"))
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
    assert "1 of its peers" in alarm(four)
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


def test_a_node_without_peers_signs_at_once(tmp_path: Path) -> None:
    network = Network(tmp_path)
    network.make(Jurisdiction.RS)
    network.publish(RS)
    network.restart(RS)
    network.publish(RS)
    assert (signed_size(network), alarm(network)) == (3, "")
    network.close()


def test_a_node_that_never_signed_a_head_waits_for_nobody(tmp_path: Path) -> None:
    """Two nodes that are enrolled before they are served for the first time."""
    network = Network(tmp_path)
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
    assert "0 did" in alarm(four)
    four.restart(MK)
    four.publish(MK)
    four.meet(AL, MK)
    assert sign_head(four.nodes[MK]), "nobody ever cosigned this log"


def test_a_restored_node_waits_for_a_majority(four: Network) -> None:
    """Heads were signed after the backup, and no peer saw them: once most say so, the log goes on where it is."""
    backup = four.backup(RS)
    four.publish(RS)
    four.restart(RS, backup)
    four.publish(RS, 2)
    assert "restored from a backup" in alarm(four)
    four.meet(RS, MK)
    assert not sign_head(four.nodes[RS])
    assert "2 of its peers" in alarm(four)
    assert "1 did" in alarm(four)
    four.meet(RS, MK)
    assert not sign_head(four.nodes[RS]), "one peer counts once"
    four.meet(RS, XK)
    assert sign_head(four.nodes[RS])
    four.restart(RS)
    four.publish(RS)
    four.meet(RS, AL)
    assert sign_head(four.nodes[RS]), "the next start is an ordinary one"


def test_a_database_without_the_file_beside_it_counts_as_restored(four: Network) -> None:
    """As on a new machine: the backup has the database, not the last head."""
    four.nodes[RS].settings.last_head.unlink()
    four.restart(RS)
    four.publish(RS)
    four.meet(RS, MK)
    assert not sign_head(four.nodes[RS])
    four.meet(RS, AL)
    assert sign_head(four.nodes[RS])


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"ffp-rs.ffp-exchange/log\n3\nAAAA\n"])
def test_a_file_that_cannot_be_read_is_no_file(four: Network, content: bytes) -> None:
    four.nodes[RS].settings.last_head.write_bytes(content)
    four.restart(RS)
    four.publish(RS)
    four.meet(RS, MK)
    assert not sign_head(four.nodes[RS])


def test_a_log_that_was_set_back_is_signed_no_more(four: Network) -> None:
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
    for part in ("ffp-al holds a head that this node signed", "size 6", lost.root.hex()[:16], "has only 4 entries"):
        assert part in said
    assert "restore the newest backup" in said
    (found,) = four.evidence(RS, RS)
    assert head_of(found.second) == lost
    for other in (MK, XK):
        four.meet(RS, other)
    assert not sign_head(four.nodes[RS]), "what the others return, who saw less, mends nothing"
    four.restart(RS)
    for other in (MK, XK):
        four.meet(RS, other)
    assert not sign_head(four.nodes[RS]), "nor does another start, while the one who knows better is away"
    four.publish(RS, 9)
    four.meet(RS, AL)
    assert not sign_head(four.nodes[RS]), "nor a log that has grown past it"


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
    assert cosign_head(four.nodes[MK], RS) is False, "it was told of a head which was not shown to lead to this one"
    four.meet(MK, RS)
    assert cosign_head(four.nodes[MK], RS)
    assert four.cosigned(MK, RS) == four.head(RS)


def test_a_revoked_peer_is_not_waited_for(four: Network) -> None:
    four.restart(RS)
    four.publish(RS)
    for witness in WITNESSES:
        revoke(four.nodes[RS], witness)
    assert sign_head(four.nodes[RS])
