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
from exchange.flows.node.node import Node
from exchange.flows.operate.measure import (
    Gauge,
    Numbers,
    by,
    computes,
    free_bytes,
    object_store_answers,
    observe,
    one,
    workers_of_cluster,
)
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
        self._services = tuple[Gauge, ...]()
        self._ask_at = 0.0

    def describe(self) -> Iterator[Metric]:
        yield from ()  # nothing is asked of the database before somebody wants to know

    def collect(self) -> Iterator[Metric]:
        parts = {part: float(state == "ok") for part, state in readiness(self._node).items()}
        yield _family(by("part", "ffp_ready", "Whether this part of the node can do its work.", parts))
        yield from map(_family, (*_machine(self._node, self._supervisor), *self._asked(), *_contract()))
        try:
            numbers = self._look()
        except ExchangeError as error:
            log.warning("the metrics lack the numbers of the database", code=error.code, detail=str(error))
            return
        yield from map(_family, numbers.gauges)
        yield _delays(numbers)

    def _asked(self) -> tuple[Gauge, ...]:
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


def _services(node: Node) -> Iterator[Gauge]:
    """What the node's work stands on, the database aside."""
    answers = object_store_answers(node)
    yield one("ffp_object_store_answers", "Whether the object store does; 1 where there is none.", answers)
    found = workers_of_cluster(node)
    there = found is None or found > 0
    yield one("ffp_cluster_answers", "Whether the cluster does, and has a worker; 1 where there is none.", there)
    yield one("ffp_cluster_workers", "Workers of the cluster; 0 where there is none.", found or 0)
    works = {"foreground": float(computes(node.compute)), "background": float(computes(node.background))}
    yield by("pool", "ffp_compute_works", "Whether this pool's processes can be started.", works)


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


def _machine(node: Node, supervisor: int | None) -> Iterator[Gauge]:
    pools = {"foreground": node.compute.processes(), "background": node.background.processes()}
    serving = [os.getpid()]
    if supervisor is not None:
        serving = [supervisor, *children_of(supervisor)]
        started = {process for one in serving[1:] for process in children_of(one) if computes_for_another(process)}
        pools["foreground"] = sorted(started - set(pools["background"]))
    counts = {pool: float(len(ids)) for pool, ids in pools.items()}
    yield by("pool", "ffp_worker_processes", "Processes that read, draw or correlate.", counts)
    memory = {"node": sum(map(pss_bytes, serving)), **{pool: sum(map(pss_bytes, ids)) for pool, ids in pools.items()}}
    yield by("pool", "ffp_memory_pss_bytes", "Memory, what is shared counted in parts.", memory)
    try:
        free = float(free_bytes(node))
    except OSError:
        return  # the home is gone: `ffp_ready` says so
    yield one("ffp_disk_free_bytes", "Free on the disk of the node's folder.", free)
    reserve = float(node.settings.min_free_bytes)
    yield one("ffp_disk_reserve_bytes", "Below this nothing is taken any more (min_free_bytes).", reserve)


def _contract() -> Iterator[Gauge]:
    """Constant for a release: what its peers may send it."""
    yield by("version", "ffp_contract_version", "A version of the contract that is read.", dict.fromkeys(VERSIONS, 1.0))
    yield by("kind", "ffp_contract_kind", "A kind of statement that is read.", dict.fromkeys(KINDS, 1.0))


def _delays(numbers: Numbers) -> Metric:
    text = "From a record's arrival until a scan of it was first compared with all that is here."
    delays = HistogramMetricFamily("ffp_candidate_delay_seconds", text, labels=["origin"])
    for origin, classes in numbers.candidate_delays.items():
        counts = [("+Inf" if limit == math.inf else str(limit), count) for limit, count in classes]
        delays.add_metric([origin], counts, sum_value=None)
    return delays


def _family(gauge: Gauge) -> Metric:
    family = GaugeMetricFamily(gauge.name, gauge.text, labels=gauge.labels)
    for labels, value in gauge.values.items():
        family.add_metric(labels, value)
    return family


def pss_bytes(process: int) -> float:
    """The proportional set size of a process; 0 of one that has ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return 1024.0 * sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
