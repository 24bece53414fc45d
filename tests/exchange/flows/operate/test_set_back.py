"""A database that was set back, or a damaged ``last-head``: nothing is signed, and no scan is lost."""

from __future__ import annotations

import base64
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from exchange.errors import InvalidInput, SigningStopped
from exchange.flows.log.leftovers import clear_leftovers
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.log.start import accept_database
from exchange.flows.node.node import Node
from exchange.flows.operate.doctor.examine import examine
from exchange.flows.operate.findings import Cause
from exchange.flows.operate.status import node_status, readiness
from exchange.flows.statement.sign_statement import say
from exchange.flows.sync.available_hours import AvailableHours
from exchange.net.time_authority import TimeAuthorityClient
from exchange.store.tables.record_tables import StatementRow
from exchange.worker.leader_duties import LeaderDuties
from schemas import Maker, Message
from schemas.vocabulary import Jurisdiction, Role, SignedInBy
from tests.exchange.flows.network import MK, RS, XK, Network

pytestmark = pytest.mark.slow

EXAMINER = Maker(pseudonym="examiner-1", role=Role.EXAMINER, signed_in=SignedInBy.TOKEN)
PEERS = {"without peers": (), "with peers": (Jurisdiction.MK, Jurisdiction.XK)}


@pytest.fixture(params=PEERS.values(), ids=PEERS)
def network(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Network]:
    """Serbia's node with a record and its scan, alone or with two peers that saw its head."""
    made = Network(tmp_path)
    made.make(Jurisdiction.RS, *request.param)
    made.record(RS, scan=b"the first scan")
    for peer in set(made.nodes) - {RS}:
        made.round(peer, RS)
    yield made
    made.close()


def set_back(network: Network) -> None:
    """A record, its scan and a draft's file came after the backup; no peer saw the head that covers them."""
    backup = network.backup(RS)
    network.record(RS, scan=b"the second scan")
    network.nodes[RS].settings.drafts.mkdir(exist_ok=True)
    (network.nodes[RS].settings.drafts / "77").write_bytes(b"a scan that is being entered")
    network.restart(RS, backup)


def damaged(damage: Callable[[Path], object]) -> Callable[[Network], None]:
    """Replace the database by an earlier copy, and damage the file ``last-head``."""

    def act(network: Network) -> None:
        set_back(network)
        damage(network.nodes[RS].settings.last_head)
        network.restart(RS)

    return act


def instead(make: Callable[[Path], object]) -> Callable[[Network], None]:
    def damage(file: Path) -> None:
        file.rename(file.with_name("moved"))
        make(file)

    return damaged(damage)


FAULTS: dict[str, Callable[[Network], None]] = {
    "set back": set_back,
    "missing": instead(lambda file: None),
    "empty": damaged(lambda file: file.write_bytes(b"")),
    "garbled": damaged(lambda file: file.write_bytes(b"\x00\xff" * 40)),
    "cut short": damaged(lambda file: file.write_bytes(b"ffp-rs.ffp-exchange/log\n3\n")),
    "endless": damaged(lambda file: file.write_bytes(file.read_bytes() + b"\n" * 2**20)),
    "of another log": damaged(lambda file: file.write_bytes(file.read_bytes().replace(b"ffp-rs", b"ffp-mk"))),
    "of another history": damaged(
        lambda file: file.write_text(f"ffp-rs.ffp-exchange/log\n3\n{base64.b64encode(bytes(32)).decode()}\n")
    ),
    "a link": instead(lambda file: file.symlink_to(file.with_name("moved"))),
    "a link to nothing": instead(lambda file: file.symlink_to(file.with_name("nothing"))),
    "a link to a device": instead(lambda file: file.symlink_to("/dev/zero")),
    "a folder": instead(lambda file: file.mkdir()),
    "a pipe": instead(lambda file: os.mkfifo(file)),
}


def duties(node: Node) -> LeaderDuties:
    client = TimeAuthorityClient(guard=node.egress, timeout_s=1)
    return LeaderDuties(node, lambda *_: ("", ""), client, AvailableHours(node), threading.Event())  # type: ignore[arg-type]


def statements(node: Node) -> int:
    with node.store.read() as session:
        return session.scalar(select(func.count()).select_from(StatementRow)) or 0


def scans(node: Node) -> set[bytes]:
    """Wherever they lie below the home."""
    folders = (node.settings.blobs, node.settings.drafts)
    return {path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


def found(file: Path) -> bytes | int | None:
    """What stands under this name: the content of a file, the kind of anything else, or nothing."""
    if not os.path.lexists(file):
        return None
    kind = stat.S_IFMT(file.lstat().st_mode)
    return file.read_bytes() if kind == stat.S_IFREG else kind


ALL_SCANS = {b"the first scan", b"the second scan", b"a scan that is being entered"}


def started(network: Network) -> LeaderDuties:
    """What a start does, and the first minutes of its leader."""
    node = network.nodes[RS]
    clear_leftovers(node)
    leader = duties(node)
    leader.take_over()
    for peer in set(network.nodes) - {RS}:
        network.meet(RS, peer)
    leader.sequence()
    leader.sweep()
    return leader


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_nothing_is_signed_and_no_scan_is_lost(network: Network, fault: Callable[[Network], None]) -> None:
    fault(network)
    node = network.nodes[RS]
    file, size, before = node.settings.last_head, network.size(RS), statements(node)
    content, head = found(file), network.head(RS)

    leader = started(network)
    with pytest.raises(SigningStopped) as caught:
        say(node, Message, EXAMINER, to="ffp-mk", text="A word.")
    assert caught.value.code == "signing-stopped"
    assert not node_status(node).signs
    assert (network.size(RS), statements(node), network.head(RS)) == (size, before, head)
    assert found(file) == content
    assert scans(node) >= ALL_SCANS

    command = f"ffp log accept-database --size {size}"
    examined = examine(node.settings.home)
    assert examined.causes[0].cause is Cause.DATABASE_SET_BACK
    assert command in examined.causes[0].next
    assert command in readiness(node)["log"]
    assert command in " ".join(node_status(node).alarms)

    with pytest.raises(InvalidInput):
        accept_database(node, size + 1)
    aside = accept_database(node, size)
    assert (found(aside) if aside else None) == content
    leader = started(network)
    assert network.head(RS) is not None
    network.record(RS, scan=b"the third scan")
    leader.sequence()
    leader.sweep()
    assert network.size(RS) == size + 1
    assert scans(node) >= ALL_SCANS | {b"the third scan"}
    assert [path.read_bytes() for path in node.blobs.all_set_aside()] == [b"the second scan"]
    assert Cause.SCANS_SET_ASIDE in {one.cause for one in examine(node.settings.home).findings}
    network.restart(RS)
    started(network)
    assert scans(network.nodes[RS]) >= ALL_SCANS, "nor at a later start"


def test_a_database_that_runs_is_set_back_below_it(tmp_path: Path) -> None:
    """As of a server of PostgreSQL: the file names a head that the database lost meanwhile."""
    network = Network(tmp_path)
    network.make(Jurisdiction.RS)
    network.publish(RS, 2)
    node = network.nodes[RS]
    last = node.settings.last_head.read_bytes()
    network.publish(RS)
    ahead = node.settings.last_head.read_bytes()
    node.settings.last_head.write_bytes(ahead.replace(b"\n4\n", b"\n9\n"))
    network.publish(RS)
    assert not sign_head(node)
    assert network.head(RS).size == 4  # type: ignore[union-attr]
    node.settings.last_head.write_bytes(ahead)
    assert last != ahead
    assert sign_head(node), "the right file, the right database"
    network.close()


def test_the_ordinary_restart_asks_nobody(tmp_path: Path) -> None:
    network = Network(tmp_path)
    network.make(Jurisdiction.RS)
    network.record(RS, scan=b"the first scan")
    orphan = network.nodes[RS].settings.blobs / "ab" / "abcd"
    orphan.parent.mkdir()
    orphan.write_bytes(b"what a crash left")
    network.restart(RS)
    started(network)
    assert readiness(network.nodes[RS])["log"] == "ok"
    assert not orphan.exists()
    assert network.nodes[RS].blobs.all_set_aside() == []
    assert {MK, XK}.isdisjoint(network.nodes)
    network.close()
