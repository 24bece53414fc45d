"""`ffp restore-drill`: the newest backup is restored aside, verified, compared and deleted; a damaged one is told."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from exchange.config import RESTORING
from exchange.errors import ConfigurationError, RestoreUnfinished
from exchange.flows.node.node import Node, open_node
from exchange.flows.operate.backup import back_up
from exchange.flows.operate.drill import scratch
from exchange.flows.operate.drill.restore_drill import WantedDrill, run_restore_drill
from exchange.flows.operate.recovery import (
    DRILL_LOCK,
    FILE,
    MOST_KEPT,
    DrillOutcome,
    LastBackup,
    find_last_backup,
    note_backup,
    note_outcome,
    note_scratch,
    read_drills,
)
from exchange.flows.operate.restore import Secrets, restore, verify_restored
from exchange.store.access.user_rows import add_user
from exchange.store.log.statement_rows import last_log_check, log_size
from exchange.store.node.lock import sole_user
from exchange.store.operate.manifest import MANIFEST
from exchange.trust.keys import HybridSigner
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.databases import Databases, databases_fixture
from tests.exchange.flows.network import MK, RS, Network
from tests.exchange.flows.operate.test_backup import PASSPHRASE, silent

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]

databases = databases_fixture("sqlite")


@pytest.fixture
def network(tmp_path: Path, databases: Databases) -> Iterator[Network]:
    """Serbia's node with two records of its own, a peer that waits for them, and a backup of it."""
    made = Network(tmp_path / "nodes", databases)
    made.make(Jurisdiction.RS, Jurisdiction.MK)
    made.record(RS, scan=b"one scan")
    made.record(RS, scan=b"other scan")
    back_up(made.nodes[RS].settings.home, tmp_path / "backups")
    yield made
    made.close()


@pytest.fixture
def node(network: Network) -> Node:
    return network.nodes[RS]


@pytest.fixture
def home(node: Node) -> Path:
    return node.settings.home


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


def the_one_backup(folder: Path) -> Path:
    [found] = folder.glob(f"*/{MANIFEST}")
    return found.parent


def left_in(place: Path) -> list[str]:
    return sorted(path.name for path in place.glob("restore-drill-*"))


def state_of(node: Node) -> tuple[int, Any, Any]:
    """What a drill must not touch."""
    with node.store.read() as session:
        return log_size(session), last_log_check(session), find_last_backup(node.settings.home)


def test_the_newest_backup_is_verified_and_nothing_stays(node: Node, home: Path, network: Network) -> None:
    network.record(RS, scan=b"third scan")  # the node went on since
    before = state_of(node)
    found = run_restore_drill(home, WantedDrill())
    assert (found.verified, found.said) == (
        True,
        "All is what was signed, and the log is the beginning of the running node's.",
    )
    assert (found.records, found.scans, found.keys) == (2, 2, "of the running node")
    assert found.statements == found.compared_size < before[0]
    assert found.bytes == before[2].bytes > len(b"one scanother scan")
    assert left_in(home) == []
    assert state_of(node) == before
    assert read_drills(home).last_verified == found
    assert read_drills(home).scratch is None


def test_the_twin_speaks_to_nobody_and_signs_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("the twin speaks")

    for name in ("connect", "connect_ex", "bind", "listen", "sendto"):
        monkeypatch.setattr(socket.socket, name, forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    monkeypatch.setattr(HybridSigner, "sign", forbidden)
    monkeypatch.setattr(HybridSigner, "signatures", forbidden)
    with (home / "config.toml").open("a") as file:
        file.write('smtp_host = "mail.test"\nsmtp_from = "node@mail.test"\nmetrics_port = 9440\n')
    assert run_restore_drill(home, WantedDrill()).verified


@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is not installed: NOT TRIED without a network")
def test_it_needs_no_network_at_all(home: Path) -> None:
    inside = ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*inside, "true"], check=False, capture_output=True).returncode:
        pytest.skip("namespaces are forbidden here: NOT TRIED without a network")
    program = [sys.executable, "-m", "exchange.cli.main", "restore-drill", "--home", str(home)]
    done = subprocess.run([*inside, *program], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "All is what was signed" in done.stdout


def test_a_kept_twin_can_be_opened_by_nobody(home: Path, tmp_path: Path) -> None:
    found = run_restore_drill(home, WantedDrill(scratch=tmp_path, keep=True))
    assert found.verified
    twin = tmp_path / "restore-drill-ffp-rs/home"
    assert (twin / RESTORING).is_file()
    with pytest.raises(RestoreUnfinished):
        open_node(twin)
    assert read_drills(home).scratch == tmp_path / "restore-drill-ffp-rs"
    assert run_restore_drill(home, WantedDrill()).verified
    assert left_in(tmp_path) == [], "the next drill deletes it, wherever it lies"


def test_what_lies_on_a_disk_that_is_away_is_not_forgotten(home: Path, tmp_path: Path) -> None:
    """There are keys in it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    assert run_restore_drill(home, WantedDrill(scratch=disk, keep=True)).verified
    disk.rename(tmp_path / "away")
    found = run_restore_drill(home, WantedDrill())
    assert (found.verified, "that is not there now" in found.said) == (False, True)
    assert read_drills(home).scratch == disk / "restore-drill-ffp-rs"
    (tmp_path / "away").rename(disk)
    assert run_restore_drill(home, WantedDrill()).verified
    assert left_in(disk) == []
    assert run_restore_drill(home, WantedDrill(scratch=disk, keep=True)).verified
    shutil.rmtree(disk)
    assert run_restore_drill(home, WantedDrill(scratch=disk)).verified, "as the refusal says"
    assert read_drills(home).scratch is None


KILLED = """
import os, signal, sys
from functools import partial
from pathlib import Path
from exchange.flows.operate.drill import restore_drill as drill
setattr(drill, sys.argv[2], lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
drill.run_restore_drill(Path(sys.argv[1]), drill.WantedDrill(scratch=Path(sys.argv[3])))
"""


@pytest.mark.parametrize("step", ["restore", "open_with", "check_log", "_compare"])
def test_what_a_killed_drill_left_goes_at_the_next(home: Path, tmp_path: Path, step: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    ended = subprocess.run([sys.executable, "-c", KILLED, str(home), step, str(elsewhere)], check=False)
    assert ended.returncode == -9
    assert left_in(elsewhere) == ["restore-drill-ffp-rs"]
    assert read_drills(home).scratch == elsewhere / "restore-drill-ffp-rs"
    assert read_drills(home).last is None
    assert run_restore_drill(home, WantedDrill()).verified
    assert (left_in(elsewhere), left_in(home)) == ([], [])


def test_one_that_was_half_deleted_is_deleted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = scratch.scratch_of(home, RS)
    with scratch.scratch_folder(place, RS, keep=True):
        (place / "home").mkdir()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rmdir", lambda _self: (_ for _ in ()).throw(OSError("killed here")))
        with pytest.raises(OSError, match="killed"):
            scratch.remove_scratch(place, RS)
    assert list(place.iterdir()) == []
    assert run_restore_drill(home, WantedDrill()).verified


def test_nothing_is_deleted_that_no_drill_of_this_node_made(home: Path, tmp_path: Path) -> None:
    place = scratch.scratch_of(tmp_path, RS)
    place.mkdir()
    (place / "thesis").write_text("of somebody else")
    found = run_restore_drill(home, WantedDrill(scratch=tmp_path))
    assert (found.verified, "left as it is" in found.said) == (False, True)
    assert (place / "thesis").read_text() == "of somebody else"
    shutil.rmtree(place)
    with scratch.scratch_folder(place, MK, keep=True):
        assert "left as it is" in run_restore_drill(home, WantedDrill(scratch=tmp_path)).said
    scratch.remove_scratch(place, MK)
    (tmp_path / "real").mkdir()
    place.symlink_to(tmp_path / "real")
    assert "left as it is" in run_restore_drill(home, WantedDrill(scratch=tmp_path)).said


def test_where_there_is_no_room_it_is_said_and_nothing_is_written(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 0, 10**6))  # type: ignore[attr-defined]
    found = run_restore_drill(home, WantedDrill(scratch=tmp_path / "scratch"))
    assert not found.verified
    assert re.search(r"The drill needs 57[6-9] MiB", found.said)
    assert "0 MiB are free" in found.said
    assert "--scratch" in found.said
    assert not (tmp_path / "scratch").exists()


def flipped(path: Path, at: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def a_blob(folder: Path) -> Path:
    return min((folder / "blobs").glob("??/*"))


def the_database(folder: Path) -> Path:
    [found] = the_one_backup(folder).glob("node.d*")
    return found


DAMAGED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte of a scan": (lambda folder: flipped(a_blob(folder)), r"has the SHA-256 .* damaged there; take another one"),
    "a scan that is gone": (lambda folder: a_blob(folder).unlink(), r"The backup lacks .*; take another backup"),
    "a scan cut short": (lambda folder: cut(a_blob(folder)), r"has the SHA-256 .* damaged there"),
    "a byte of the database": (
        lambda folder: flipped(the_database(folder), 5000),
        r"node\.d\w+ is not as it was backed up",
    ),
    "a database cut short": (lambda folder: cut(the_database(folder)), r"node\.d\w+ is not as it was backed up"),
    "a database that is gone": (lambda folder: the_database(folder).unlink(), r"The backup lacks .*node\.d"),
    "a byte of the manifest": (
        lambda folder: flipped(the_one_backup(folder) / MANIFEST, 40),
        r"manifest\.json is not as|is not believed",
    ),
    "no signature": (lambda folder: (the_one_backup(folder) / "manifest.sig").unlink(), "is not believed"),
    "another list of scans": (lambda folder: cut(the_one_backup(folder) / "scans.sha256"), "names no scan"),
    "a stranger's file": (lambda folder: (the_one_backup(folder) / "more").touch(), "somebody put it there"),
    "no manifest": (lambda folder: (the_one_backup(folder) / MANIFEST).unlink(), "There is no backup of ffp-rs in"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_backup_is_told_of(home: Path, folder: Path, damage: str) -> None:
    damaging, said = DAMAGED[damage]
    assert run_restore_drill(home, WantedDrill(folder)).verified
    damaging(folder)
    found = run_restore_drill(home, WantedDrill(folder))
    assert not found.verified
    assert pytest.approx(found.seconds, abs=60) == 0
    assert re.search(said, found.said.splitlines()[0]), found.said
    assert read_drills(home).last == found
    assert read_drills(home).last_verified != found
    assert left_in(home) == []


def test_sealed_keys_are_opened_or_it_is_told(home: Path, folder: Path) -> None:
    back_up(home, folder, sealed_with=PASSPHRASE)
    found = run_restore_drill(home, WantedDrill(unsealed_with=PASSPHRASE))
    assert (found.verified, found.keys) == (True, "sealed in the backup")
    wrong = run_restore_drill(home, WantedDrill(unsealed_with=b"another one, and long enough"))
    assert not wrong.verified
    assert "passphrase" in wrong.said
    nothing = run_restore_drill(home, WantedDrill())
    assert "FFP_NODE_BACKUP_PASSPHRASE" in nothing.said
    apart = run_restore_drill(home, WantedDrill(keys=home / "keys"))
    assert (apart.verified, apart.keys) == (True, "kept apart")


def test_a_row_that_the_node_did_not_write_is_found_in_the_backup(home: Path, node: Node, folder: Path) -> None:
    """The twin does not seal its rows anew: they keep the seals that they were backed up with."""
    with node.store.write() as session:
        add_user(session, "examiner-1", Role.EXAMINER)
    with node.store.write() as session:
        session.execute(text("UPDATE \"user\" SET role = 'operator'"))
    back_up(home, folder)
    found = run_restore_drill(home, WantedDrill())
    assert not found.verified
    assert "It was not this node that wrote it" in found.said


def test_keys_of_another_node_do_not_make_it_again(home: Path, network: Network) -> None:
    found = run_restore_drill(home, WantedDrill(keys=network.nodes[MK].settings.keys))
    assert (found.verified, "is not believed" in found.said) == (False, True)


def set_back(network: Network, databases: Databases, old: object) -> None:
    home = network.nodes[RS].settings.home
    network.nodes[RS].close()
    databases.restore(home, old)
    network.nodes[RS] = open_node(home)


def test_a_node_that_was_set_back_is_told(home: Path, network: Network, databases: Databases, folder: Path) -> None:
    old = databases.backup(home)
    network.record(RS, scan=b"later")
    back_up(home, folder)
    set_back(network, databases, old)
    found = run_restore_drill(home, WantedDrill())
    assert not found.verified
    assert "the node was set back" in found.said


def test_a_backup_of_another_history_is_told(home: Path, network: Network, databases: Databases, folder: Path) -> None:
    old = databases.backup(home)
    network.record(RS, scan=b"later")
    back_up(home, folder)
    set_back(network, databases, old)
    for scan in (b"another", b"and one more"):
        network.record(RS, scan=scan)
    found = run_restore_drill(home, WantedDrill())
    assert not found.verified
    assert "not the beginning of the running node's" in found.said


def test_two_at_once_do_not_meet(home: Path) -> None:
    with (
        sole_user(home / DRILL_LOCK, "held"),
        pytest.raises(ConfigurationError, match=r"Another restore drill .* is under way"),
    ):
        run_restore_drill(home, WantedDrill())


def test_outcomes_are_kept_within_bounds_and_a_damaged_file_is_no_empty_one(home: Path) -> None:
    for number in range(MOST_KEPT + 5):
        note_outcome(
            home, DrillOutcome(at="2026-01-01T00:00:00.000Z", seconds=number, verified=number % 2 == 0, said=".")
        )
    kept = read_drills(home)
    assert [found.seconds for found in kept.outcomes][:: MOST_KEPT - 1] == [5, MOST_KEPT + 4]
    (home / FILE).write_text("{")
    for act in (
        lambda: read_drills(home),
        lambda: note_scratch(home, None),
        lambda: run_restore_drill(home, WantedDrill()),
    ):
        with pytest.raises(ConfigurationError, match=r"restore-drills\.json cannot be read"):
            act()


def test_a_restored_node_knows_which_backup_it_came_from(
    home: Path, folder: Path, databases: Databases, tmp_path: Path
) -> None:
    again, source = tmp_path / "again", the_one_backup(folder)
    restore(source, again, Secrets(keys=home / "keys", database_url=databases.new()))
    noted = find_last_backup(home)
    assert noted is not None
    assert find_last_backup(again) == LastBackup(noted.made_at, noted.bytes, source)
    assert read_drills(again).last is None
    verify_restored(again, [], passphrase=None, progress=silent)
    verified = read_drills(again).last_verified
    assert verified is not None
    assert (verified.backup, verified.made_at, verified.scans) == (source.name, noted.made_at, 2)


def test_what_is_noted_of_a_backup_is_read(tmp_path: Path) -> None:
    (tmp_path / "last-backup").write_text("2026-11-28T02:30:00.000Z\n")
    assert find_last_backup(tmp_path) is None
    note_backup(tmp_path, LastBackup("2026-11-29T02:30:00.000Z", 7, Path("/a b")))
    assert find_last_backup(tmp_path) == LastBackup("2026-11-29T02:30:00.000Z", 7, Path("/a b"))
