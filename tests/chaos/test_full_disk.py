"""The disk is full at each write of what a node does: nothing is acknowledged that is not there, no half file is read
as a good one, and the node goes on when there is room again.

The home lies on a small file system of its own. Each operation is tried with as much room as makes each of its writes
fail in turn, and then with enough.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from exchange.errors import ExchangeError, StoreFull, StoreUnavailable
from exchange.flows.integrity.log_check import check_log
from exchange.flows.log.audit_rows import NODE_ITSELF, seal_audit
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.last_head import remembered_head
from exchange.flows.node.node import open_node
from exchange.flows.operate.backup import back_up
from exchange.home import write_private
from exchange.log.audit_entry import Act, Deed
from exchange.store.operate.manifest import backups_in, check_files, read_manifest
from schemas.vocabulary import Jurisdiction
from tests.exchange.databases import Sqlite
from tests.exchange.flows.network import MK, RS, Network

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]

STEP = 4096  # a page: each write fails once
MOST = 2 * 1024 * 1024
BACKUP_STEP = 96 * 1024


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("honest")
    with closing(Network(folder, Sqlite())) as network:
        network.make(Jurisdiction.RS, Jurisdiction.MK)
        for owner in (RS, MK):
            network.record(owner)
        network.settle()
        network.record(MK, scan=bytes(20_000))
        network.nodes[RS].audit.note(Deed(NODE_ITSELF, Act.INSTALL_MODEL, 1, ("0" * 64,), asked="a model"))
    return folder


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("A file system of its own can be mounted by root alone: a full disk WAS NOT TRIED")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def leave(disk: Path, room: int) -> None:
    stat = os.statvfs(disk)
    with (disk / "filler").open("wb") as file:
        file.write(bytes(max(0, stat.f_bavail * stat.f_frsize - room)))


def a_record(network: Network) -> None:
    network.record(RS, scan=b"new scan" * 2000)


def a_pull(network: Network) -> None:
    network.pull(RS, MK)
    network.work(RS)


def a_cosignature(network: Network) -> None:
    network.round(RS, MK)


def a_seal_of_the_audit(network: Network) -> None:
    seal_audit(network.nodes[RS])
    sign_head(network.nodes[RS])


@pytest.mark.parametrize("act", [a_record, a_pull, a_cosignature, a_seal_of_the_audit])
def test_what_a_node_does_on_a_full_disk_is_done_or_was_never_begun(
    honest: Path, disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[Network], None]
) -> None:
    monkeypatch.setenv("FFP_NODE_MIN_FREE_BYTES", "1")
    monkeypatch.setenv("FFP_NODE_AUDIT_INTERVAL_S", "1")
    failed, said = 0, set[str]()
    for room in range(0, MOST, STEP):
        with closing(Network(disk, Sqlite())) as network:
            for home in (disk / "RS", tmp_path / "MK"):
                shutil.rmtree(home, ignore_errors=True)
                shutil.copytree(honest / home.name, home)
                node = open_node(home)
                network.nodes[node.node_id] = node
            leave(disk, room)
            size = network.size(RS)
            try:
                act(network)
                is_done = True
            except (StoreFull, StoreUnavailable) as error:
                is_done = False
                said.add(str(error))
            (disk / "filler").unlink()
            node = network.restart(RS)
            network.meet(RS, MK)  # after a start nothing is signed before a peer has returned the last head
            assert check_log(node).good, room
            assert network.size(RS) >= size
            act(network)
            network.settle()
            head = network.head(RS)
            assert remembered_head(node.settings) == head, f"{room}: last-head is late"
            assert check_log(node).good, room
            assert not list(disk.rglob("*.part"))
        failed += not is_done
        if is_done:
            break
    assert is_done
    assert failed > 1
    assert all("pace" in one for one in said), f"what to do: {said}"


def test_a_backup_on_a_full_disk_is_whole_or_none(
    honest: Path, disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FFP_NODE_MIN_FREE_BYTES", "1")
    home = tmp_path / "RS"
    shutil.copytree(honest / "RS", home)
    first = back_up(home, disk / "backups")
    made = 1
    for room in range(0, MOST, BACKUP_STEP):
        leave(disk, room)
        try:
            back_up(home, disk / "backups")
            made += 1
        except (ExchangeError, OSError):
            assert not list((disk / "backups").glob("*.part")), "room for the next attempt"
        (disk / "filler").unlink()
        found = [place for place, _ in backups_in(disk / "backups")]
        assert len(found) == made
        assert first.folder in found
        for place in found:
            check_files(place, read_manifest(place))
    assert made > 1


def test_settings_on_a_full_disk_stay_as_they_were(disk: Path) -> None:
    path = disk / "config.toml"
    write_private(path, "port = 1\n" * 1000)
    leave(disk, 0)
    with pytest.raises(OSError, match="space"):
        write_private(path, "port = 2\n" * 100_000)
    assert path.read_text() == "port = 1\n" * 1000
    assert not list(disk.glob("*.part"))
