"""On either engine: a node is backed up while it runs, its machine is lost, and nothing that a peer acknowledged is."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exchange.flows.operate.backup import back_up
from exchange.flows.operate.restore import Secrets, restore, verify_restored
from exchange.store.entry.record_rows import scans_at_rest
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.databases import Databases, databases_fixture
from tests.exchange.flows.network import RS, Network
from tests.exchange.flows.operate.test_backup import PASSPHRASE, silent
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.rest.test_terms import eventually, has

pytestmark = pytest.mark.slow

databases = databases_fixture("sqlite", "postgresql")
SHARED = {"level": "full", "audience": ["MK"]}


def held(node: RunningNode) -> int:
    """The scans that are there and counted as such."""
    with node.node.store.read() as session:
        return len(scans_at_rest(session))


def test_the_drill(
    start_node: Callable[..., RunningNode],
    pair: tuple[RunningNode, RunningNode],
    databases: Databases,
    tmp_path: Path,
) -> None:
    """What was submitted after the backup comes back from the peer; what the peer withdrew since, goes."""
    rs, mk = pair
    home = rs.node.settings.home
    scans = {name: tiny_scan() for name in ("before", "after", "later")}
    records = {"before": rs.submit(scans["before"], **SHARED).json()["statement_id"]}
    withdrawn = mk.submit(tiny_scan(), level="full", audience=["RS"]).json()["statement_id"]
    eventually(lambda: has(rs, withdrawn))
    eventually(lambda: held(rs) == 2)
    made = back_up(home, tmp_path / "backups", sealed_with=PASSPHRASE)
    assert (made.scans, made.missing) == (2, [])

    records |= {name: rs.submit(scans[name], **SHARED).json()["statement_id"] for name in ("after", "later")}
    assert mk.post(f"/v1/records/{withdrawn}/withdrawal", {"reason": "entered_in_error"}, Role.HEAD).status_code == 201
    eventually(lambda: all(has(mk, record) for record in records.values()))
    eventually(lambda: held(mk) == 3)
    rs.wait_for(lambda status: status["witnesses"].get("ffp-mk", 0) == status["signed_size"] >= made.log_size + 2)
    rs.stop()
    shutil.move(home, tmp_path / "lost")

    manifest = restore(made.folder, home, Secrets(unsealed_with=PASSPHRASE, database_url=databases.new()))
    assert verify_restored(home, manifest.missing, passphrase=None, progress=silent).findings == []
    again = start_node(Jurisdiction.RS)
    again.wait_for(lambda status: not status["alarms"])
    for name, record in records.items():
        eventually(lambda record=record: has(again, record))
        sha256 = again.get(f"/v1/records/{record}").json()["acquisitions"][0]["sha256"]
        eventually(lambda name=name, sha256=sha256: again.get(f"/v1/blobs/{sha256}").content == scans[name])
    eventually(lambda: not has(again, withdrawn))

    new = again.submit(tiny_scan(), **SHARED).json()
    eventually(lambda: has(mk, new["statement_id"]))
    again.wait_for(lambda status: status["witnesses"].get("ffp-mk", 0) > new["log_index"])
    peers = {peer["node_id"]: peer for peer in mk.get("/v1/peers", Role.OPERATOR).json()}
    assert peers["ffp-rs"]["alarm"] is None, "one history alone was signed"


@pytest.fixture
def network(tmp_path: Path, databases: Databases) -> Iterator[Network]:
    made = Network(tmp_path / "nodes", databases)
    made.make(Jurisdiction.RS)
    yield made
    made.close()


def test_a_copy_is_of_one_moment_while_others_write(network: Network, tmp_path: Path, databases: Databases) -> None:
    """Readers and writers go on, and what they do meanwhile is in it as a whole or not at all."""
    node = network.nodes[RS]
    stop, done = threading.Event(), []

    def write() -> None:
        while not stop.is_set():
            done.append(network.record(RS))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(done) < 3:
            assert writer.is_alive()
        before = len(done)
        made = back_up(node.settings.home, tmp_path / "backups")
    finally:
        stop.set()
        writer.join(30)
    assert made.missing == []
    assert before <= made.scans <= len(done)
    secrets = Secrets(keys=node.settings.keys, database_url=databases.new())
    manifest = restore(made.folder, tmp_path / "again", secrets)
    assert verify_restored(tmp_path / "again", manifest.missing, passphrase=None, progress=silent).findings == []
