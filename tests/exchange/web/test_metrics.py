"""What Prometheus reads: the numbers are those of the node, on a port that outsiders do not reach, and its labels stay
few."""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from exchange.clock import DAY_S, stamp_in
from exchange.errors import ComputeAway, ConfigurationError
from exchange.flows.node.cluster import Cluster
from exchange.flows.node.node import Node
from exchange.flows.operate.backup import back_up
from exchange.flows.operate.drill.restore_drill import WantedDrill, run_restore_drill
from exchange.flows.operate.recovery import note_outcome, read_drills
from exchange.web.metrics import metrics_served, registry_of
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import RunningNode, enrol_each_other, free_port
from tests.exchange.served import eventually
from tests.exchange.web.conftest import tiny_scan

LABELS = {"method", "route", "status", "le", "kind", "state", "part", "pool", "duty", "peer", "log", "version"}
LABELS |= {"origin"}


def samples(node: Node) -> dict[tuple[str, tuple[str, ...]], float]:
    """By name and the values of its labels, those in the order of their names."""
    text = generate_latest(registry_of(node)).decode().removesuffix("# EOF\n")
    return {
        (sample.name, tuple(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.slow
def test_the_port_is_off_unless_it_is_named_and_then_of_this_machine_alone(
    start_node: Callable[..., RunningNode],
) -> None:
    port = free_port()
    node = start_node(Jurisdiction.RS, metrics_port=port).node
    with metrics_served(node):
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False)
        assert answer.status_code == 200
        assert "ffp_log_size" in answer.text
        with pytest.raises(ConfigurationError, match=str(port)), metrics_served(node):
            pass
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False)
    assert httpx.get(f"{node.settings.url}/metrics", trust_env=False).status_code == 404
    quiet = node.settings.model_copy(update={"metrics_port": None})
    with metrics_served(Node(**{**vars(node), "settings": quiet})), pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False)


def test_requests_are_counted_by_route_and_never_by_what_stands_in_it(node: RunningNode) -> None:
    secret = "RS-2026-SECRET"
    node.get("/v1/records", params={"case_reference": secret})
    node.get(f"/v1/records/{'0' * 64}")
    node.get(f"/{secret}")
    node.http.request(secret, node.url + "/healthz")
    node.http.get(f"{node.url}/app/static/node.css")
    node.http.get(f"{node.url}/app/sign-in")
    wanted = {
        ("GET", "/v1/records", "200"),
        ("GET", "/v1/records/{statement_id}", "404"),
        ("GET", "none", "404"),
        ("GET", "/app/sign-in", "200"),
        ("GET", "/app/static/*", "200"),
    }
    eventually(lambda: wanted <= _requests(samples(node.node)))  # counted when the last byte has left
    found = samples(node.node)
    requests = _requests(found)
    assert any(method == "other" for method, _, _ in requests)
    assert not any(secret in part for _, labels in found for part in labels)
    count = found["ffp_http_request_seconds_count", ("/v1/records",)]
    assert count == sum(
        value
        for (name, labels), value in found.items()
        if name == "ffp_http_requests_total" and labels[1] == "/v1/records"
    )


def _requests(found: Mapping[tuple[str, tuple[str, ...]], float]) -> set[tuple[str, ...]]:
    return {labels for name, labels in found if name == "ffp_http_requests_total"}


def test_labels_are_few_and_name_no_person_and_no_case(node: RunningNode) -> None:
    receipt = node.submit(tiny_scan(), case_reference="RS-2026-0815").json()
    text = generate_latest(registry_of(node.node)).decode()
    assert set(re.findall(r'(\w+)="', text)) <= LABELS
    assert "RS-2026-0815" not in text
    assert receipt["statement_id"] not in text
    assert "examiner-" not in text


@pytest.mark.slow
def test_the_numbers_are_those_of_the_node(start_node: Callable[..., RunningNode]) -> None:
    rs, mk = start_node(Jurisdiction.RS), start_node(Jurisdiction.MK)
    before = time.time()
    enrol_each_other(rs, mk)
    scan = tiny_scan()
    assert rs.submit(scan, audience=["MK"], level="full").status_code == 201
    mk.wait_for(lambda status: status["records"] == 1 and not status["jobs"])
    deadline = time.monotonic() + 30
    while samples(rs.node).get(("ffp_lane_waiting", ("ffp-mk",))) != 0:
        assert time.monotonic() < deadline
        time.sleep(0.1)

    found, status = samples(rs.node), rs.get("/v1/status", Role.OPERATOR).json()
    assert found["ffp_lane_acknowledged", ("ffp-mk",)] == found["ffp_lane_statements", ("ffp-mk",)] >= 1
    assert found["ffp_peer_answered_timestamp_seconds", ("ffp-mk",)] >= before
    assert found["ffp_log_size", ()] == status["log_size"]
    assert found["ffp_blobs_bytes", ()] == len(scan)
    assert found["ffp_jobs", ("correlate", "dead")] == 0
    assert sum(value for (name, _), value in found.items() if name == "ffp_acquisitions") == 1
    assert found["ffp_correlation_seconds_count", ()] >= 1
    assert found["ffp_memory_pss_bytes", ("node",)] > 10 * 2**20
    assert found["ffp_ready", ("database",)] == 1
    assert found["ffp_disk_free_bytes", ()] > 0


@pytest.mark.slow
def test_what_the_work_stands_on_is_told(
    start_node: Callable[..., RunningNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    node = start_node(Jurisdiction.RS).node
    found = samples(node)
    assert (found["ffp_cluster_answers", ()], found["ffp_cluster_workers", ()]) == (1, 0), "there is none"
    assert {found["ffp_compute_works", (pool,)] for pool in ("foreground", "background")} == {1}
    assert found["ffp_jobs_away", ("correlate",)] == 0

    def refuse(*_arguments: object, **_named: object) -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    with monkeypatch.context() as broken:
        broken.setattr("tests.exchange.warm.SPARE.take", lambda: None)
        broken.setattr("multiprocessing.process.BaseProcess.start", refuse)
        with pytest.raises(ComputeAway):
            node.background.run(os.getpid)
        assert samples(node)["ffp_compute_works", ("background",)] == 0
        assert samples(node)["ffp_compute_works", ("foreground",)] == 1
    assert samples(node)["ffp_compute_works", ("background",)] == 1, "nobody need ask for work before that is told"

    away = replace(node, cluster=Cluster(f"tcp://127.0.0.1:{free_port()}"))
    assert samples(away)["ffp_cluster_answers", ()] == 0


@pytest.mark.slow
def test_the_age_of_backup_and_verified_restore(start_node: Callable[..., RunningNode], tmp_path: Path) -> None:
    node = start_node(Jurisdiction.RS).node
    names = ("backup_age_seconds", "backup_bytes", "restore_verified_age_seconds", "restore_drill_failed")

    def told() -> list[float]:
        found = samples(node)
        return [found[f"ffp_{name}", ()] for name in names]

    assert told() == [pytest.approx(0, abs=60), 0, pytest.approx(0, abs=60), 0]
    made = back_up(node.settings.home, tmp_path / "backups")
    assert run_restore_drill(node.settings.home, WantedDrill()).verified
    home = node.settings.home
    last = read_drills(home).outcomes[-1]
    note_outcome(home, replace(last, at=stamp_in(-36 * DAY_S)))
    note_outcome(home, replace(last, verified=False, said="Damaged."))
    found = samples(node)
    limit = found["ffp_restore_verified_limit_seconds", ()]
    assert told() == [pytest.approx(0, abs=60), made.bytes, pytest.approx(36 * DAY_S, abs=60), 1]
    assert limit == 40 * DAY_S


@pytest.mark.slow
def test_a_database_that_is_gone_is_told_and_its_numbers_are_not(start_node: Callable[..., RunningNode]) -> None:
    node = start_node(Jurisdiction.RS).node
    assert samples(node)["ffp_log_size", ()] >= 1
    away = node.settings.database.rename(node.settings.database.with_name("away"))
    found = samples(node)
    away.rename(node.settings.database)
    assert found["ffp_ready", ("database",)] == 0
    assert found["ffp_ready", ("keys",)] == 1
    assert "ffp_disk_free_bytes" in {name for name, _ in found}
