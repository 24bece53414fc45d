"""Over real sockets, with the node's own worker: an old database, and nothing to type."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.store.witness.cosignatures import cosigned_size
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import RunningNode

pytestmark = pytest.mark.slow

Pair = tuple[RunningNode, RunningNode]
KEY = "a-key-of-the-client"
SHARED = {"level": "full", "audience": ["MK"]}


def cosigned(node: RunningNode, peer: str, size: int) -> None:
    node.wait_for(lambda status: status["witnesses"].get(peer, 0) >= size)


def test_a_node_that_is_started_on_an_old_backup_mends_itself(
    pair: Pair, start_node: Callable[..., RunningNode], scans: dict[str, Path], tmp_path: Path
) -> None:
    rs, mk = pair
    kept = rs.submit(scans["1-1"], **SHARED).json()
    rs.wait_correlated(1)  # else its job is in the backup, and its scan nowhere
    mk.wait_correlated(1)
    cosigned(rs, "ffp-mk", kept["log_index"] + 1)
    home = rs.node.settings.home
    with sqlite3.connect(home / "node.db") as source, sqlite3.connect(tmp_path / "backup.db") as backup:
        source.backup(backup)
    back = rs.submit(scans["2-1"], **SHARED, key=KEY).json()
    own = rs.submit(scans["3-1"], case_reference="RS-2026-0003").json()
    mk.wait_correlated(2)
    cosigned(rs, "ffp-mk", own["log_index"] + 1)
    rs.stop()

    for file in home.glob("node.db*"):
        file.unlink()
    shutil.copy(tmp_path / "backup.db", home / "node.db")
    shutil.rmtree(home / "blobs")
    (home / "blobs").mkdir()
    again = start_node(Jurisdiction.RS)
    status = again.wait_for(lambda status: status["alarms"] and "Lost since this node" in status["alarms"][0])
    assert status["records"] == 2
    assert status["signed_size"] > own["log_index"]
    assert f"1 of the statements of its log, at the log indices {own['log_index']}." in status["alarms"][0]
    record = again.get(f"/v1/records/{back['statement_id']}").json()
    sha256 = record["acquisitions"][0]["sha256"]
    again.wait_correlated(2)
    assert again.get(f"/v1/blobs/{sha256}").content == scans["2-1"].read_bytes()
    assert again.get(f"/v1/records/{own['statement_id']}").status_code == 404

    again.tokens = rs.tokens  # the backup's users: the same person sends the same again
    repeated = again.submit(scans["2-1"], **SHARED, key=KEY).json()
    assert (repeated["statement_id"], repeated["log_index"]) == (back["statement_id"], back["log_index"])
    new = again.submit(scans["3-1"], **SHARED).json()
    assert new["log_index"] > own["log_index"]
    mk.wait_correlated(3)
    cosigned(again, "ffp-mk", new["log_index"] + 1)
    peers = {peer["node_id"]: peer for peer in mk.get("/v1/peers", Role.OPERATOR).json()}
    assert peers["ffp-rs"]["alarm"] is None
    with mk.node.store.read() as session:
        assert cosigned_size(session, "ffp-rs") is not None
