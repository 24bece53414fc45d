"""Correlation on a cluster of this machine's own processes, over TLS: the same answers, whatever its workers do."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import matcher
from exchange.config import first_settings
from exchange.errors import ComputeAway, ComputeFailed, ConfigurationError
from exchange.flows.node.cluster import Cluster, cluster_of, count_workers, executor_on, not_blamed
from exchange.flows.scan.inspect import search_gallery
from matcher import Filters, Gallery, GalleryWriter, Prepared, Reference, prepare
from matcher.synthetic import breech_face
from schemas.vocabulary import Jurisdiction
from tests.exchange.anywhere import ANYWHERE
from tests.exchange.running_nodes import RunningNode, free_port

REFERENCES = 400
FILES = ("cluster_authority", "cluster_certificate", "cluster_key")


def _settings(home: Path, **settings: str) -> dict[str, str | int]:
    return {"jurisdiction": "RS", "node_id": "ffp-rs", "url": "http://127.0.0.1:1", "port": 1, **settings}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"cluster_scheduler": "tcp://gpu.ffp.example:8786"}, "is written tls://host:port"),
        ({"cluster_scheduler": "tls://gpu.ffp.example"}, "is written tls://host:port"),
        ({"cluster_scheduler": "https://gpu.ffp.example:8786"}, "is written tls://host:port"),
        ({"cluster_scheduler": "tls://gpu.ffp.example:8786"}, "all three"),
        ({"cluster_scheduler": "tls://gpu.ffp.example:8786", "cluster_key": "k"}, "all three"),
        ({"cluster_authority": "a", "cluster_certificate": "c", "cluster_key": "k"}, "all three"),
    ],
)
def test_nobody_is_spoken_to_in_the_clear(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        first_settings(tmp_path, _settings(tmp_path, **settings))


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    files = {name: f"{name}.pem" for name in FILES}
    settings = first_settings(tmp_path, _settings(tmp_path, cluster_scheduler="tls://gpu.ffp.example:8786", **files))
    with pytest.raises(ConfigurationError, match=r"cluster_authority: there is no file .*cluster_authority\.pem"):
        cluster_of(settings, ANYWHERE)


def test_where_none_is_set_all_is_computed_here(tmp_path: Path) -> None:
    assert cluster_of(first_settings(tmp_path, _settings(tmp_path)), ANYWHERE) is None
    with executor_on(None) as executor:
        assert executor is None


@pytest.mark.slow
def test_a_cluster_that_does_not_answer_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.flows.node.cluster.CLUSTER_CONNECT_S", 1)
    silent = Cluster(f"tcp://127.0.0.1:{free_port()}", guard=ANYWHERE)
    with pytest.raises(ComputeAway, match="does not answer"), executor_on(silent):
        pytest.fail("nobody is there")
    with pytest.raises(ComputeAway, match="does not answer"):
        count_workers(silent)


@pytest.mark.slow
def test_one_that_accepts_and_says_nothing_is_away_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a scheduler that hangs: work that came to no end because of it is not to blame."""
    monkeypatch.setattr("exchange.flows.node.cluster.ASK_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent = Cluster(f"tcp://127.0.0.1:{listener.getsockname()[1]}", guard=ANYWHERE)
        with pytest.raises(ComputeAway, match="does not answer"):
            count_workers(silent)
        with pytest.raises(ComputeAway, match="does not answer"), not_blamed(silent):
            raise ComputeFailed("A worker process took longer than 120 s over this scan.")


@pytest.mark.slow
def test_where_the_cluster_answers_work_that_fails_is_to_blame(cluster: Cluster) -> None:
    assert count_workers(cluster) == 2
    for there in (cluster, None):
        with pytest.raises(ComputeFailed, match="died twice") as caught, not_blamed(there):
            raise ComputeFailed("A worker process died twice over this scan.")
        assert not isinstance(caught.value, ComputeAway)


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One certificate for all of a small cluster, which is its own authority; the key lies beside it."""
    path = tmp_path_factory.mktemp("pem") / "cluster.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=ffp-cluster"]
    subprocess.run([*command, "-keyout", path.with_suffix(".key"), "-out", path], check=True, capture_output=True)
    return path


@pytest.fixture(scope="module")
def workers(pem: Path) -> Iterator[Any]:
    from distributed import LocalCluster, Security

    names = {
        f"tls_{role}_{what}": str(path) for role in ("client", "worker", "scheduler") for what, path in _parts(pem)
    }
    security = Security(require_encryption=True, tls_ca_file=str(pem), **names)
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        protocol="tls://",
        security=security,
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        yield cluster


def _parts(pem: Path) -> tuple[tuple[str, Path], ...]:
    return ("cert", pem), ("key", pem.with_suffix(".key"))


@pytest.fixture
def cluster(workers: Any, pem: Path) -> Cluster:
    return Cluster(workers.scheduler_address, pem, pem, pem.with_suffix(".key"), ANYWHERE)


@pytest.fixture(scope="module")
def query() -> Prepared:
    return prepare(breech_face.draw(1, 0))


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One true reference among many whose descriptors are noise."""
    folder, rng = tmp_path_factory.mktemp("gallery"), np.random.default_rng(7)
    drawn = rng.integers(-40, 41, (REFERENCES, *matcher.DESCRIPTOR_SHAPE), dtype=np.int8)
    other = prepare(breech_face.draw(2, 0))
    with GalleryWriter(folder) as writer:
        writer.append([(_reference("true"), prepare(breech_face.draw(1, 1)))])
        writer.append([(_reference(place), replace(other, descriptor=row)) for place, row in enumerate(drawn)])
    return folder


def _reference(name: object) -> Reference:
    digest = hashlib.sha256(repr(name).encode()).digest()
    return Reference(digest, "9 mm Luger", "breech_face", "topography", "RS", None)


@pytest.mark.slow
def test_the_cluster_answers_as_this_machine_does(gallery: Path, query: Prepared, cluster: Cluster) -> None:
    asked = Gallery(gallery)
    took: dict[str, float] = {}

    def timed(name: str, executor: Any) -> Any:
        asked.correlate([query], executor=executor)  # processes are started, files mapped
        begun = time.monotonic()
        found = asked.correlate([query], executor=executor)
        took[name] = round(time.monotonic() - begun, 2)
        return found

    alone = timed("one process", None)
    assert alone[0].candidates[0].reference == _reference("true").reference
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert timed("pool of two", pool) == alone
    with executor_on(cluster) as executor:
        assert timed("cluster of two", executor) == alone
    print(f"\nseconds for a query of {REFERENCES} references: {took}")


@pytest.mark.slow
def test_a_worker_that_is_killed_changes_no_answer(
    gallery: Path, query: Prepared, cluster: Cluster, workers: Any
) -> None:
    expected = Gallery(gallery).correlate([query])
    killed: list[int] = []

    def kill_one(stage: str, done: int, _whole: int) -> None:
        if stage == "register" and done == 1 and not killed:
            killed.append(next(iter(workers.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

    with executor_on(cluster) as executor:
        found = Gallery(gallery).correlate([query], Filters(), executor, kill_one)
    assert killed, "one was killed while others still compared"
    assert found == expected


@pytest.mark.slow
def test_a_worker_of_another_release_is_not_asked(
    gallery: Path, query: Prepared, cluster: Cluster, workers: Any, tmp_path: Path
) -> None:
    path = tmp_path / "query"
    path.write_bytes(query.to_bytes())
    asked = (gallery, matcher.DEFAULT_PARAMETERS, path, Filters(), cluster)
    from exchange.flows.node.cluster import _client

    with executor_on(cluster):
        _client(cluster).run(_pretend_release, "1")
    try:
        with pytest.raises(ComputeAway, match=r"do not run matcher .*Install this release there too"):
            search_gallery(*asked)
    finally:
        _client(cluster).run(_pretend_release, matcher.MATCHER_VERSION)
    assert search_gallery(*asked).candidates


def _pretend_release(release: str) -> None:
    """In a worker's process, with cloudpickle's help: this module is not there."""
    import matcher

    matcher.MATCHER_VERSION = release


@pytest.mark.slow
def test_a_node_correlates_on_the_cluster(
    start_node: Callable[..., RunningNode], scans: dict[str, Path], workers: Any, pem: Path
) -> None:
    files = dict(zip(FILES, (pem, pem, pem.with_suffix(".key")), strict=True))
    node = start_node(Jurisdiction.RS, cluster_scheduler=workers.scheduler_address, **files)
    receipts = [
        node.submit(scans[scan], case_reference=f"RS-26-{number}").json() for number, scan in enumerate(("1-1", "1-2"))
    ]
    node.wait_correlated(2)
    found = node.get(f"/v1/records/{receipts[0]['statement_id']}/candidates").json()
    assert [item["other"]["statement_id"] for item in found["items"]] == [receipts[1]["statement_id"]]
    assert workers.scheduler.transition_counter > 0, "the cluster did the work"
