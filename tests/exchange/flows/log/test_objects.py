"""Scans in an object store: nothing is lost on the way, what is altered is not served, what is withdrawn is gone."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from exchange.clock import stamp_in
from exchange.errors import NotFound, ObjectAltered, ObjectStoreUnavailable
from exchange.flows.integrity.log_check import check_and_keep, check_log
from exchange.flows.log.log_objects import evict, promise_objects, promise_uploads_again, settle_object, sweep_objects
from exchange.flows.node.node import Node, open_node
from exchange.flows.operate.backup import back_up
from exchange.flows.operate.doctor.services import examine_objects
from exchange.flows.operate.doctor.work import examine_scans
from exchange.flows.operate.restore import Secrets, restore, verify_restored
from exchange.flows.operate.status import node_status
from exchange.flows.terms.erase import erase
from exchange.flows.terms.withdraw import withdraw
from exchange.store.node.jobs import JobKind, finish, take
from exchange.store.scan.objects import count_objects
from exchange.store.tables.record_tables import AcquisitionRow, ObjectRow
from exchange.store.tables.terms_tables import TombstoneRow
from exchange.store.tables.work_tables import JobRow
from schemas.vocabulary import Jurisdiction, WithdrawalReason
from tests.exchange.databases import Databases, databases_fixture
from tests.exchange.flows.network import MK, RS, Network
from tests.exchange.object_server import Bucket, bucket_served
from tests.exchange.open_policy import HEAD

databases = databases_fixture("sqlite")
SCAN = b"one scan of many bytes, 40 to be exact.."
SHA256 = hashlib.sha256(SCAN).hexdigest()
SETTLED = """
import sys
from pathlib import Path
from exchange.flows.node.node import open_node
from exchange.flows.operate.status import node_status
from exchange.flows.log.log_objects import settle_object

settle_object(open_node(Path(sys.argv[1])), int(sys.argv[2]))
"""


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with bucket_served() as served:
        yield served


@pytest.fixture
def network(tmp_path: Path, databases: Databases, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    """Serbia's node, which keeps its scans in a bucket, and next to nothing on the disk."""
    for name, value in {**bucket.settings, "objects_cache_bytes": 1}.items():
        monkeypatch.setenv(f"FFP_NODE_{name.upper()}", str(value))
    made = Network(tmp_path / "nodes", databases)
    made.make(Jurisdiction.RS)
    yield made
    made.close()


@pytest.fixture
def node(network: Network) -> Node:
    return network.nodes[RS]


def store(node: Node) -> None:
    """What the worker does: promise what was not, and keep what was promised."""
    promise_objects(node)
    promise_uploads_again(node)
    while True:
        with node.store.write() as session:
            job = take(session, JobKind.STORE_OBJECT, owner="here", lease_s=60)
        if job is None:
            return
        settle_object(node, int(job.subject))
        with node.store.write() as session:
            finish(session, job)


def grow_old(node: Node) -> None:
    """As if all had been stored an hour ago, and used no more since."""
    with node.store.write() as session:
        for row in session.scalars(select(ObjectRow).where(ObjectRow.stored_at.is_not(None))):
            row.stored_at = stamp_in(-3600)
    for path in node.settings.blobs.glob("??/*"):
        os.utime(path, (time.time() - 3600, time.time() - 3600))


def away(node: Node) -> None:
    """Stored, and gone from the disk."""
    store(node)
    grow_old(node)
    assert evict(node) > 0
    assert on_disk(node) == set()


def on_disk(node: Node) -> set[bytes]:
    return {path.read_bytes() for path in node.settings.blobs.glob("??/*")}


def known(node: Node) -> list[ObjectRow]:
    with node.store.read() as session:
        return list(session.scalars(select(ObjectRow)))


def counted(node: Node) -> tuple[int, int, int]:
    with node.store.read() as session:
        return count_objects(session)


def withdrawn(node: Node, record: str) -> int:
    """Withdraw it; the tombstone that is to be carried out."""
    withdraw(node, HEAD, record, WithdrawalReason.ENTERED_IN_ERROR)
    with node.store.read() as session:
        return session.scalars(select(TombstoneRow.tombstone_id).where(TombstoneRow.record == record)).one()


def test_stored_once(network: Network, node: Node, bucket: Bucket) -> None:
    network.record(RS, scan=SCAN)
    store(node)
    assert bucket.objects == {f"scans/{RS}/{SHA256[:2]}/{SHA256}": SCAN}
    assert counted(node) == (1, 0, 0)
    bucket.asked.clear()
    network.record(RS, scan=SCAN)  # another record of the same scan
    store(node)
    assert (bucket.asked, on_disk(node)) == ([], {SCAN})


def test_it_leaves_the_disk_when_it_is_confirmed_and_was_not_used(network: Network, node: Node, bucket: Bucket) -> None:
    for scan in (SCAN, b"other scan", b"not stored"):
        network.record(RS, scan=scan)
        if scan != b"not stored":
            store(node)
    assert evict(node) == 0, "whoever was given its path a moment ago must find it"
    grow_old(node)
    node.blobs.path(SHA256)
    assert evict(node) == 1
    assert on_disk(node) == {SCAN, b"not stored"}
    with node.store.read() as session:
        assert len(session.scalars(select(ObjectRow)).all()) == 2


@pytest.mark.slow
def test_a_cache_within_bounds_is_left(network: Network, node: Node) -> None:
    for scan in (b"a" * 100, b"b" * 100, b"c" * 100):
        network.record(RS, scan=scan)
    store(node)
    grow_old(node)
    name = hashlib.sha256(b"b" * 100).hexdigest()
    os.utime(node.settings.blobs / name[:2] / name, (time.time() - 7200, time.time() - 7200))
    roomy = replace(node, settings=node.settings.model_copy(update={"objects_cache_bytes": 250}))
    assert (evict(roomy), evict(roomy)) == (1, 0)
    assert on_disk(node) == {b"a" * 100, b"c" * 100}, "the one that was used longest ago"


def test_it_is_read_again_and_kept_again(network: Network, node: Node, bucket: Bucket) -> None:
    network.record(RS, scan=SCAN)
    away(node)
    assert (node.blobs.holds(SHA256), node.blobs.size(SHA256)) == (True, len(SCAN))
    assert node.blobs.path(SHA256).read_bytes() == SCAN
    bucket.refusing = 503
    assert node.blobs.path(SHA256).read_bytes() == SCAN, "it is here now"
    assert list(node.settings.incoming.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("into", [SCAN[:-1] + b"X", SCAN + b"X"])
def test_what_was_altered_is_not_served_and_can_be_mended(
    network: Network, node: Node, bucket: Bucket, into: bytes
) -> None:
    network.record(RS, scan=SCAN)
    away(node)
    bucket.alter(SCAN, into)
    assert [finding.subject for finding in check_log(node).findings] == [f"scan {SHA256}"]
    for _ in range(2):
        with pytest.raises(ObjectAltered, match=SHA256):
            node.blobs.path(SHA256)
    assert (on_disk(node), list(node.settings.incoming.iterdir()), node.blobs.holds(SHA256)) == (set(), [], False)
    assert counted(node) == (0, 1, 1)
    assert "not served" in " ".join(found.what for found in examine_objects(node, served=True))
    store(node)
    assert counted(node) == (0, 1, 1), "there is nothing here to mend it with"

    with node.blobs.arrival("again", len(SCAN)) as arrival:
        arrival.write(SCAN)
        node.blobs.keep(arrival, SHA256)
    store(node)
    assert (bucket.of(RS), counted(node)) == ({SCAN}, (1, 0, 0))
    assert check_log(node).good
    assert list(examine_objects(node, served=True)) == []


@pytest.mark.slow
def test_what_was_altered_in_its_size_is_found_each_day(network: Network, node: Node, bucket: Bucket) -> None:
    network.record(RS, scan=SCAN)
    away(node)
    bucket.asked.clear()
    assert check_log(node, fetch=False).good
    assert {method for method, _ in bucket.asked} == {"GET"}
    assert not any(SHA256 in path for _, path in bucket.asked), "all are listed, none is read"
    bucket.alter(SCAN, SCAN + b"X")
    assert [finding.subject for finding in check_log(node, fetch=False).findings] == [f"scan {SHA256}"]
    bucket.alter(SCAN + b"X", None)
    [finding] = check_log(node, fetch=False).findings
    assert "does not have it" in finding.what


@pytest.mark.slow
def test_what_the_store_lost_before_it_left_the_disk_is_stored_again(
    network: Network, node: Node, bucket: Bucket
) -> None:
    network.record(RS, scan=SCAN)
    store(node)
    grow_old(node)
    bucket.alter(SCAN, None)
    assert evict(node) == 0
    store(node)
    assert (bucket.of(RS), on_disk(node), counted(node)) == ({SCAN}, {SCAN}, (1, 0, 0))


@pytest.mark.slow
def test_a_store_that_is_away_keeps_nothing_from_being_stored_later(
    network: Network, node: Node, bucket: Bucket
) -> None:
    network.record(RS, scan=SCAN)
    bucket.refusing = 503
    with pytest.raises(ObjectStoreUnavailable, match="503"):
        store(node)
    assert counted(node) == (0, 1, 0)
    assert [found.subject for found in examine_objects(node, served=True)] == ["object store"]
    assert list(examine_scans(node)) == []
    bucket.refusing = None
    with node.store.write() as session:
        session.execute(JobRow.__table__.delete())
    store(node)
    assert bucket.of(RS) == {SCAN}

    grow_old(node)
    assert evict(node) == 1
    bucket.refusing = 503
    with pytest.raises(ObjectStoreUnavailable, match="503"):
        node.blobs.path(SHA256)
    assert node.blobs.holds(SHA256)


@pytest.mark.slow
def test_what_is_withdrawn_is_gone_from_the_bucket_before_its_owner_is_told(
    network: Network, node: Node, bucket: Bucket
) -> None:
    record = network.record(RS, scan=SCAN)
    network.record(RS, scan=b"other scan")
    away(node)
    stone = withdrawn(node, record)
    bucket.refusing = 503
    with pytest.raises(ObjectStoreUnavailable):
        erase(node, stone)
    with node.store.read() as session:
        assert session.get_one(TombstoneRow, stone).outcome is None
    bucket.refusing = None
    erase(node, stone)
    with node.store.read() as session:
        assert session.get_one(TombstoneRow, stone).outcome == "erased"
    assert bucket.of(RS) == {b"other scan"}
    with pytest.raises(NotFound):
        node.blobs.path(SHA256)
    store(node)
    assert (len(known(node)), bucket.of(RS)) == (1, {b"other scan"})


@pytest.mark.slow
def test_a_scan_that_another_record_names_stays(network: Network, node: Node, bucket: Bucket) -> None:
    record, _ = network.record(RS, scan=SCAN), network.record(RS, scan=SCAN)
    away(node)
    erase(node, withdrawn(node, record))
    store(node)
    assert (bucket.of(RS), node.blobs.path(SHA256).read_bytes()) == ({SCAN}, SCAN)


@pytest.mark.slow
@pytest.mark.parametrize("during", ["PUT", "HEAD"])
def test_withdrawn_while_it_is_uploaded(network: Network, node: Node, bucket: Bucket, during: str) -> None:
    record = network.record(RS, scan=SCAN)

    def interfere(method: str) -> None:
        if method == during:
            bucket.after = lambda _method: None
            erase(node, withdrawn(node, record))

    bucket.after = interfere
    with nullcontext() if during == "HEAD" else pytest.raises(ObjectStoreUnavailable, match="does not have it"):
        store(node)
    store(node)
    assert (bucket.objects, known(node), on_disk(node)) == ({}, [], set())


@pytest.mark.slow
def test_withdrawn_while_it_is_fetched(network: Network, node: Node, bucket: Bucket) -> None:
    record = network.record(RS, scan=SCAN)
    away(node)

    def interfere(method: str) -> None:
        if method == "GET":
            bucket.after = lambda _method: None
            erase(node, withdrawn(node, record))

    bucket.after = interfere
    with pytest.raises(NotFound):
        node.blobs.path(SHA256)
    assert (bucket.objects, on_disk(node)) == ({}, set())


@pytest.mark.slow
def test_stored_again_while_it_is_erased(network: Network, node: Node, bucket: Bucket) -> None:
    record = network.record(RS, scan=SCAN)
    store(node)
    stone = withdrawn(node, record)

    def interfere(method: str) -> None:
        if method == "POST":  # how objects are deleted
            bucket.after = lambda _method: None
            network.record(RS, scan=SCAN)

    bucket.after = interfere
    erase(node, stone)
    store(node)
    assert (bucket.of(RS), on_disk(node), counted(node)) == ({SCAN}, {SCAN}, (1, 0, 0))


@pytest.mark.slow
@pytest.mark.parametrize("then", ["it stays", "it is withdrawn"])
def test_killed_between_upload_and_commit(network: Network, node: Node, bucket: Bucket, then: str) -> None:
    record = network.record(RS, scan=SCAN)
    promise_objects(node)
    [row] = known(node)

    def kill(method: str) -> None:
        if method == "PUT":
            bucket.after = lambda _method: None
            child.send_signal(signal.SIGKILL)
            child.wait()

    bucket.after = kill
    with subprocess.Popen([sys.executable, "-c", SETTLED, str(node.settings.home), str(row.object_id)]) as child:
        assert child.wait(timeout=60) == -signal.SIGKILL
    assert (bucket.of(RS), counted(node)) == ({SCAN}, (0, 1, 0)), "there, and nobody knows"
    if then == "it stays":
        store(node)
        assert (bucket.of(RS), counted(node)) == ({SCAN}, (1, 0, 0))
    else:
        erase(node, withdrawn(node, record))
        assert (bucket.objects, known(node)) == ({}, [])


@pytest.mark.slow
def test_objects_that_no_record_names_are_erased_after_a_day(network: Network, node: Node, bucket: Bucket) -> None:
    network.record(RS, scan=SCAN)
    store(node)
    orphan, others = b"of nobody", b"of another node"
    name = hashlib.sha256(orphan).hexdigest()
    bucket.put(f"scans/{RS}/{name[:2]}/{name}", orphan)
    bucket.put(f"scans/{MK}/{name[:2]}/{name}", others)
    assert sweep_objects(node)
    store(node)
    assert bucket.of(RS) == {SCAN, orphan}, "it may belong to a record that is on its way"
    bucket.grow_old()
    assert sweep_objects(node)
    store(node)
    assert (bucket.of(RS), bucket.of(MK), len(known(node))) == ({SCAN}, {others}, 1)


@pytest.mark.slow
def test_a_restored_node_finds_its_scans_there(
    network: Network, node: Node, bucket: Bucket, tmp_path: Path, databases: Databases
) -> None:
    network.record(RS, scan=SCAN)
    away(node)
    network.record(RS, scan=b"other scan")
    backup = back_up(node.settings.home, tmp_path / "backups")
    assert (backup.scans, backup.objects, backup.missing) == (1, 1, [])
    store(node)
    forgotten = network.record(RS, scan=b"after the backup")
    store(node)
    home = tmp_path / "again"
    secrets = Secrets(keys=node.settings.keys, database_url=databases.new())
    manifest = restore(backup.folder, home, secrets)
    assert verify_restored(home, manifest.missing, passphrase=None, progress=lambda *_: None).good
    again = open_node(home)
    try:
        assert again.blobs.path(SHA256).read_bytes() == SCAN
        store(again)  # the second was stored after the backup: it is recognised
        assert counted(again) == (2, 0, 0)
        with node.store.read() as session:
            row = session.scalars(select(AcquisitionRow).where(AcquisitionRow.statement_id == forgotten)).one()
        assert again.blobs.recall(row.sha256, row.size), "what the database does not know is there all the same"
    finally:
        again.close()


@pytest.mark.slow
def test_scans_in_a_store_that_the_settings_do_not_name(
    network: Network, node: Node, monkeypatch: pytest.MonkeyPatch, bucket: Bucket
) -> None:
    record = network.record(RS, scan=SCAN)
    away(node)
    for name in bucket.settings:
        monkeypatch.delenv(f"FFP_NODE_{name.upper()}")
    bare = open_node(node.settings.home)
    try:
        [found] = examine_objects(bare, served=False)
        assert "objects_url" in found.next
        with pytest.raises(ObjectStoreUnavailable, match="do not name"):
            erase(bare, withdrawn(bare, record))
    finally:
        bare.close()


@pytest.mark.slow
def test_what_was_found_there_stays_known_while_it_is_not_read_again(
    network: Network, node: Node, bucket: Bucket
) -> None:
    """The daily check compares sizes alone, and must not forget what one that read all bytes has found."""
    network.record(RS, scan=SCAN)
    away(node)
    other = SCAN[:-1] + b"X"
    bucket.alter(SCAN, other)
    assert not check_and_keep(node).good
    for _ in range(2):
        assert not check_and_keep(node, fetch=False).good
        assert [one.startswith(f"scan {SHA256}") for one in node_status(node).altered] == [True]
    bucket.alter(other, SCAN)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("exchange.flows.integrity.log_check.carry_over", lambda *_: None)
        assert check_and_keep(node, fetch=False).good, "nothing else remembers it"
    assert check_and_keep(node).good
    assert node_status(node).altered == ()
