"""What Prometheus reads of a node, on a port of its own that this machine alone reaches: numbers of
`flows.operate.measure`, what `meters` counted, and what the processes take. Where several processes serve a node, one
of them tells of all: what each counted is added up from the files that they count in.

Labels are routes, states, duties and the names of enrolled peers: nothing that grows with records or people.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from exchange.compute import computes_for_another
from exchange.errors import ConfigurationError, ExchangeError
from exchange.flows.alerts.deadlines import Duty
from exchange.flows.node.node import Node
from exchange.flows.operate.measure import (
    Numbers,
    computes,
    free_bytes,
    object_store_answers,
    observe,
    workers_of_cluster,
)
from exchange.flows.operate.recovery import Recovery
from exchange.flows.operate.status import readiness
from exchange.home import COUNTS_VARIABLE
from exchange.processes import children_of, cpu_s
from schemas.kinds import KINDS
from schemas.versions import VERSIONS

log = structlog.get_logger(__name__)

_ADDRESS: Final = "127.0.0.1"
_FRESH_S: Final = 5.0
"""So long one look at the database serves everybody who asks."""
ASKED_S: Final = 15.0
"""The same of one question to a service that others ask too."""


@contextmanager
def metrics_served(node: Node, *, supervisor: int | None = None) -> Iterator[None]:
    """Serve them while the block runs, where the settings name a port. Raises ConfigurationError for one that is
    taken. ``supervisor`` is the process that started all that serve the node, where several do."""
    port = node.settings.metrics_port
    if port is None:
        yield
        return
    try:
        server, thread = start_http_server(port, addr=_ADDRESS, registry=registry_of(node, supervisor=supervisor))
    except OSError as error:
        raise ConfigurationError(
            f"Port {port} on {_ADDRESS} cannot be had ({error.strerror}); set FFP_NODE_METRICS_PORT to another."
        ) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def registry_of(node: Node, *, supervisor: int | None = None) -> CollectorRegistry:
    """All that is told of a node."""
    registry = CollectorRegistry()
    registry.register(_Observed(node, supervisor))
    if supervisor is None:
        registry.register(_Counted(node))
        ProcessCollector(registry=registry)
    else:
        MultiProcessCollector(registry, path=os.environ[COUNTS_VARIABLE])  # type: ignore[no-untyped-call]  # it has none
        registry.register(_ProcessorTime(supervisor))
    return registry


class _Counted(Collector):
    """What was counted while the node worked."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def collect(self) -> Iterator[Metric]:
        yield from self._node.meters.registry.collect()


class _Observed(Collector):
    """What is so at this moment. Where the database does not answer, `ffp_ready` says so and its numbers are absent:
    an old number would look like a good one."""

    def __init__(self, node: Node, supervisor: int | None) -> None:
        self._node, self._supervisor = node, supervisor
        self._lock = threading.Lock()
        self._numbers: Numbers | None = None
        self._until = 0.0
        self._services = tuple[Metric, ...]()
        self._ask_at = 0.0

    def describe(self) -> Iterator[Metric]:
        yield from ()  # nothing is asked of the database before somebody wants to know

    def collect(self) -> Iterator[Metric]:
        parts = {part: float(state == "ok") for part, state in readiness(self._node).items()}
        yield _gauge("ffp_ready", "Whether this part of the node can do its work.", "part", parts)
        yield from _machine(self._node, self._supervisor)
        yield from self._asked()
        yield from _contract()
        try:
            numbers = self._look()
        except ExchangeError as error:
            log.warning("the metrics lack the numbers of the database", code=error.code, detail=str(error))
            return
        yield from _work(numbers)
        yield from _peers(numbers)
        yield from _log(numbers)
        yield from _recovery(numbers.recovery)

    def _asked(self) -> tuple[Metric, ...]:
        """Now and then: they answer other nodes too."""
        with self._lock:
            if time.monotonic() >= self._ask_at:
                self._services = tuple(_services(self._node))
                self._ask_at = time.monotonic() + ASKED_S
            return self._services

    def _look(self) -> Numbers:
        with self._lock:
            if self._numbers is None or time.monotonic() >= self._until:
                self._numbers = None
                self._numbers = observe(self._node)
                self._until = time.monotonic() + _FRESH_S
            return self._numbers


def _services(node: Node) -> Iterator[Metric]:
    """What the node's work stands on, the database aside."""
    answers = object_store_answers(node)
    yield _one("ffp_object_store_answers", "Whether the object store does; 1 where there is none.", answers)
    found = workers_of_cluster(node)
    there = found is None or found > 0
    yield _one("ffp_cluster_answers", "Whether the cluster does, and has a worker; 1 where there is none.", there)
    yield _one("ffp_cluster_workers", "Workers of the cluster; 0 where there is none.", found or 0)
    works = {"foreground": float(computes(node.compute)), "background": float(computes(node.background))}
    yield _gauge("ffp_compute_works", "Whether this pool's processes can be started.", "pool", works)


class _ProcessorTime(Collector):
    """What ``ProcessCollector`` tells of one process, of all that serve a node together. Of those that were replaced
    it stays in, so that it only grows."""

    def __init__(self, supervisor: int) -> None:
        self._supervisor = supervisor

    def describe(self) -> Iterator[Metric]:
        yield from ()

    def collect(self) -> Iterator[Metric]:
        used = cpu_s(self._supervisor, ended_too=True) + sum(map(cpu_s, children_of(self._supervisor)))
        text = "Total user and system CPU time spent in seconds."
        yield CounterMetricFamily("process_cpu_seconds_total", text, value=used)


def _machine(node: Node, supervisor: int | None) -> Iterator[Metric]:
    pools = {"foreground": node.compute.processes(), "background": node.background.processes()}
    serving = [os.getpid()]
    if supervisor is not None:
        serving = [supervisor, *children_of(supervisor)]
        started = {process for one in serving[1:] for process in children_of(one) if computes_for_another(process)}
        pools["foreground"] = sorted(started - set(pools["background"]))
    counts = {pool: float(len(ids)) for pool, ids in pools.items()}
    yield _gauge("ffp_worker_processes", "Processes that read, draw or correlate.", "pool", counts)
    memory = {"node": sum(map(pss_bytes, serving)), **{pool: sum(map(pss_bytes, ids)) for pool, ids in pools.items()}}
    yield _gauge("ffp_memory_pss_bytes", "Memory, what is shared counted in parts.", "pool", memory)
    try:
        free = float(free_bytes(node))
    except OSError:
        return  # the home is gone: `ffp_ready` says so
    yield _one("ffp_disk_free_bytes", "Free on the disk of the node's folder.", free)
    reserve = float(node.settings.min_free_bytes)
    yield _one("ffp_disk_reserve_bytes", "Below this nothing is taken any more (min_free_bytes).", reserve)


def _contract() -> Iterator[Metric]:
    """Constant for a release: what its peers may send it."""
    yield _gauge(
        "ffp_contract_version", "A version of the contract that is read.", "version", dict.fromkeys(VERSIONS, 1.0)
    )
    yield _gauge("ffp_contract_kind", "A kind of statement that is read.", "kind", dict.fromkeys(KINDS, 1.0))


def _work(numbers: Numbers) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("ffp_jobs", "Promised work that is not done.", labels=["kind", "state"])
    for (kind, state), count in numbers.jobs.items():
        jobs.add_metric([kind, state], count)
    yield jobs
    away = {kind: float(count) for kind, count in numbers.jobs_away.items()}
    yield _gauge("ffp_jobs_away", "Jobs that wait for what they stand on, which is away.", "kind", away)
    yield _one("ffp_workers", "Processes that do the node's work and show themselves.", numbers.workers)
    yield _one("ffp_worker_seen_timestamp_seconds", "When one last showed itself; 0: never.", numbers.worker_seen)
    states = {state: float(count) for state, count in numbers.acquisitions.items()}
    yield _gauge("ffp_acquisitions", "Scans, by how far they are.", "state", states)
    yield _one("ffp_blobs_bytes", "Bytes of all scans that are here.", numbers.scan_bytes)
    kept = dict(zip(("stored", "waiting", "altered"), map(float, numbers.objects), strict=True))
    yield _gauge("ffp_objects", "Scans, by what the object store has of them; waiting includes altered.", "state", kept)
    delays = HistogramMetricFamily(
        "ffp_candidate_delay_seconds",
        "From a record's arrival until a scan of it was first compared with all that is here.",
        labels=["origin"],
    )
    for origin, classes in numbers.candidate_delays.items():
        delays.add_metric(
            [origin], [("+Inf" if limit == math.inf else str(limit), count) for limit, count in classes], sum_value=None
        )
    yield delays
    waiting = {duty.value: 0.0 for duty in Duty} | {due.duty.value: float(due.count) for due in numbers.duties}
    yield _gauge("ffp_duties", "What waits for people, by what it is.", "duty", waiting)
    late = {duty.value: 0.0 for duty in Duty} | {due.duty.value: float(due.late) for due in numbers.duties}
    yield _gauge("ffp_duties_late", "Of these, those whose deadline has passed.", "duty", late)
    yield _one("ffp_mail_failing", "People to whom no e-mail leaves.", numbers.mail_failing)
    yield _one("ffp_webhooks_failing", "Programs that did not take the last message.", numbers.webhooks_failing)
    yield _one("ffp_watches_failing", "Alarms of watched folders; ffp status has them.", numbers.watches_failing)


def _peers(numbers: Numbers) -> Iterator[Metric]:
    told = {
        "ffp_lane_statements": ("Statements on the lane for this peer.", "to_send"),
        "ffp_lane_acknowledged": ("Those of them that it has read.", "acknowledged"),
        "ffp_lane_acknowledged_timestamp_seconds": ("When it last acknowledged; 0: never.", "acknowledged_at"),
        "ffp_lane_withheld": ("Those that it read without their content.", "withheld"),
        "ffp_lane_received": ("Statements that came from this peer.", "received"),
        "ffp_peer_answered_timestamp_seconds": ("The last good pull; before the first, the enrolment.", "answered"),
        "ffp_peer_alarm": ("Whether an alarm stands at this peer.", "alarm"),
        "ffp_quarantine_items": ("Its items that are set aside and not noted yet.", "quarantined"),
        "ffp_peer_statements_left": ("What it may still send today, in statements.", "statements_left"),
        "ffp_peer_bytes_left": ("The same in bytes, with the scans that they name.", "bytes_left"),
        "ffp_peer_stopped": ("Whether its lane is not read: its share is used up, or too much set aside.", "stopped"),
        "ffp_peer_older": ("Statements that wait until this peer is upgraded.", "peer_older"),
        "ffp_node_older": ("Statements of this peer that wait until this node is upgraded.", "node_older"),
        "ffp_cosigned_size": ("The largest head of this node's log that it cosigned.", "cosigned_size"),
        "ffp_cosigned_timestamp_seconds": ("When its last cosignature came; 0: never.", "cosigned_at"),
    }
    for name, (text, attribute) in told.items():
        values = {peer.node_id: float(getattr(peer, attribute)) for peer in numbers.peers}
        yield _gauge(name, text, "peer", values)
    lag = {peer.node_id: float(peer.to_send - peer.acknowledged) for peer in numbers.peers}
    yield _gauge("ffp_lane_waiting", "Statements that wait for this peer.", "peer", lag)


def _log(numbers: Numbers) -> Iterator[Metric]:
    yield _one("ffp_log_size", "Statements in the own log.", numbers.log_size)
    yield _one("ffp_log_signed_size", "Those that its last signed head covers.", numbers.signed_size)
    yield _one("ffp_log_signed_timestamp_seconds", "When that head was signed; 0: never.", numbers.signed_at)
    yield _one("ffp_log_may_sign", "Whether heads may be signed since the last start.", numbers.may_sign)
    disagreements = {name: float(count) for name, count in numbers.disagreements.items()}
    yield _gauge("ffp_log_disagreements", "Pairs of signed heads that do not agree.", "log", disagreements)
    yield _one("ffp_log_checked_timestamp_seconds", "When all at rest was last read again.", numbers.checked_at)
    yield _one("ffp_log_altered", "Whether something was then not what was signed.", numbers.altered)
    yield _one("ffp_stamps_wanted", "Whether an authority is to stamp heads.", numbers.stamps_wanted)
    yield _one("ffp_stamped_timestamp_seconds", "The time in the last stamp; 0: none.", numbers.stamped_at)
    yield _one("ffp_stamps_missing_seconds", "For how long stamps are missing.", numbers.stamps_missing_s)


def _recovery(found: Recovery) -> Iterator[Metric]:
    size = found.backup.bytes if found.backup is not None and found.backup.bytes is not None else 0
    yield _one("ffp_backup_age_seconds", "Of the last whole backup; before the first, of the node.", found.backup_age_s)
    yield _one("ffp_backup_bytes", "What a restore of the last backup reads; 0: not known.", size)
    since = "Of the last restore that was verified; before the first, of the node."
    yield _one("ffp_restore_verified_age_seconds", since, found.verified_age_s)
    limit = "How old it may be (restore_drill_days)."
    yield _one("ffp_restore_verified_limit_seconds", limit, found.verified_limit_s)
    failed = found.drilled is not None and not found.drilled.verified
    yield _one("ffp_restore_drill_failed", "Whether the last drill did not verify its backup.", failed)
    took = 0.0 if found.drilled is None else found.drilled.seconds
    yield _one("ffp_restore_drill_seconds", "What the last drill took; 0: there was none.", took)


def _one(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))


def _gauge(name: str, text: str, label: str, values: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def pss_bytes(process: int) -> float:
    """The proportional set size of a process; 0 of one that has ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return 1024.0 * sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
