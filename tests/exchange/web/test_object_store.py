"""Two nodes that keep their scans in an object store, while it is away, loses bytes to somebody, and comes back."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from exchange.clock import stamp_in
from exchange.flows.log.log_objects import evict
from exchange.flows.statement.peer import address_of
from exchange.net.client import PeerClient
from exchange.store.sync.peers import find_peer
from exchange.store.tables.record_tables import ObjectRow
from exchange.web.metrics import registry_of
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.object_server import Bucket, bucket_served
from tests.exchange.running_nodes import RunningNode, enrol_each_other

SHARED = {"level": "full", "audience": ["MK"]}


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with bucket_served() as served:
        yield served


def wait(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def metrics(node: RunningNode) -> dict[tuple[str, str], float]:
    text = generate_latest(registry_of(node.node)).decode()
    return {
        (sample.name, sample.labels.get("state", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def leaves_the_disk(node: RunningNode) -> None:
    with node.node.store.write() as session:
        session.execute(update(ObjectRow).values(stored_at=stamp_in(-3600)))
    for path in node.node.settings.blobs.glob("??/*"):
        os.utime(path, (time.time() - 3600, time.time() - 3600))
    assert evict(node.node) == 1


@pytest.mark.slow
def test_nothing_is_lost(start_node: Callable[..., RunningNode], scans: dict[str, Path], bucket: Bucket) -> None:
    settings = {**bucket.settings, "objects_cache_bytes": 1, "compute_rest_s": 600}
    rs, mk = start_node(Jurisdiction.RS, **settings), start_node(Jurisdiction.MK, **settings)
    enrol_each_other(rs, mk)
    scan = scans["1-1"].read_bytes()
    sha256 = hashlib.sha256(scan).hexdigest()

    bucket.refusing = 503
    answer = rs.submit(scan, **SHARED)
    assert answer.status_code == 201, answer.text
    mk.wait_correlated(1)  # the peer has it, and both go on
    rs.wait_correlated(1)
    assert bucket.objects == {}
    told = metrics(rs)
    assert (told["ffp_objects", "waiting"], told["ffp_objects", "stored"]) == (1, 0)
    assert told["ffp_object_store_answers", ""] == 0

    bucket.refusing = None
    wait(lambda: bucket.of("ffp-rs") == bucket.of("ffp-mk") == {scan})
    wait(lambda: metrics(rs)["ffp_objects", "stored"] == 1)

    leaves_the_disk(rs)
    bucket.refusing = 503
    refused = rs.get(f"/v1/blobs/{sha256}")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert refused.json()["type"].endswith("object-store-unavailable")
    assert "status 503" in refused.json()["detail"]
    bucket.refusing = None
    with rs.node.store.read() as session, mk.node.store.read() as other:
        assert find_peer(session, "ffp-mk")
        owner = find_peer(other, "ffp-rs")
    assert owner is not None
    client = PeerClient(mk.node.node_id, mk.node.keys.transport, guard=mk.node.egress, timeout_s=10)
    with client.fetch_blob(address_of(owner), sha256, offset=1000, within_s=30) as (begins, pieces):
        assert (begins, b"".join(pieces)) == (1000, scan[1000:])
    client.close()
    whole = rs.get(f"/v1/blobs/{sha256}")
    assert (whole.status_code, whole.content) == (200, scan)

    leaves_the_disk(rs)
    bucket.client().put_object(
        Bucket=bucket.name, Key=f"scans/ffp-rs/{sha256[:2]}/{sha256}", Body=scan[:-1] + bytes([scan[-1] ^ 1])
    )
    altered = rs.get(f"/v1/blobs/{sha256}")
    assert (altered.status_code, altered.json()["type"]) == (503, "urn:ffp:problem:object-altered")
    assert scan[:50] not in altered.content
    assert mk.get(f"/v1/blobs/{sha256}").content == scan

    record = answer.json()["statement_id"]
    gone = rs.post(f"/v1/records/{record}/withdrawal", {"reason": "entered_in_error"}, Role.HEAD)
    assert gone.status_code in (200, 201), gone.text
    wait(lambda: bucket.objects == {})
