"""The processors of other machines: correlation on a Dask cluster, for galleries that outgrow one machine.

The shards of a gallery are the units of work, and tasks name them by path: the cluster's workers see the node's folder
of galleries under the same path, read-only, and run the same release. Which worker does what changes no answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import matcher
from exchange.config import Settings
from exchange.errors import ComputeAway, ComputeFailed, ConfigurationError, EgressRefused
from exchange.extras.known import require_extra
from exchange.flows.node.cluster_tasks import WithHelpHere, compared_release
from exchange.net.egress import Guard
from matcher.processor import as_environment

if TYPE_CHECKING:
    from distributed import Client, Security

CLUSTER_CONNECT_S = 10
ASK_S = 3
WORKERS_S = 30
"""How long it is waited for a first worker."""
RELEASE_S = 10
"""The same for all workers to say what they run. One that hangs then says it with its task, or is done without."""


@dataclass(frozen=True)
class Cluster:
    """Where its scheduler listens; the rest are PEM files, of a scheduler with TLS."""

    scheduler: str
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    guard: Guard | None = field(default=None, compare=False, repr=False)
    """Says where the scheduler may be reached; None leaves that to its client."""


def cluster_of(settings: Settings, guard: Guard) -> Cluster | None:
    """None where all is computed on this machine. Raises ConfigurationError."""
    if settings.cluster_scheduler is None:
        return None
    require_extra("cluster", "The setting cluster_scheduler")
    files = {
        name: settings.home / path if path is not None else None
        for name, path in (
            ("cluster_authority", settings.cluster_authority),
            ("cluster_certificate", settings.cluster_certificate),
            ("cluster_key", settings.cluster_key),
        )
    }
    for name, path in files.items():
        if path is not None and not path.is_file():
            raise ConfigurationError(f"{name}: there is no file {path}.")
    return Cluster(
        settings.cluster_scheduler,
        files["cluster_authority"],
        files["cluster_certificate"],
        files["cluster_key"],
        guard,
    )


@contextmanager
def executor_on(cluster: Cluster | None) -> Iterator[Executor | None]:
    """Where to compute: None in this thread, which is where no cluster is set.

    A worker that dies is no reason to fail: its tasks are done again by another, or here. Raises ComputeAway when
    the cluster does not answer, has no worker, or runs another release.
    """
    if cluster is None:
        yield None
        return
    with _told(cluster):
        client = _client(cluster)
        _check_release(client, cluster)
        with client.get_executor(pure=False, retries=1) as executor:
            yield WithHelpHere(executor)


def count_workers(cluster: Cluster) -> int:
    """How many workers the scheduler has at this moment: asked once, briefly. Raises ComputeAway."""
    with _told(cluster):
        return asyncio.run(asyncio.wait_for(_ask(cluster), ASK_S))


@contextmanager
def not_blamed(cluster: Cluster | None) -> Iterator[None]:
    """Work that came to no end is not blamed for it when the cluster that it waits for is away: ComputeAway then."""
    try:
        yield
    except ComputeAway:
        raise
    except ComputeFailed as error:
        if cluster is not None and count_workers(cluster) == 0:
            raise ComputeAway(f"The cluster at {cluster.scheduler} has no worker. Tried again later.") from error
        raise


async def _ask(cluster: Cluster) -> int:
    from distributed.core import rpc

    security = _security(cluster)
    told = security.get_connection_args("client") if security is not None else {}
    async with rpc(_reached(cluster), connection_args=told, timeout=ASK_S) as scheduler:
        try:
            return len((await scheduler.identity())["workers"])
        except MemoryError as error:  # the first bytes of another program's answer, read as the length of a message
            raise ConnectionError("what answers there is no scheduler") from error


@contextmanager
def _told(cluster: Cluster) -> Iterator[None]:
    """A cluster that is away in the node's own words."""
    try:
        yield
    except EgressRefused as error:
        raise ComputeAway(str(error)) from error
    except (OSError, CancelledError, asyncio.CancelledError) as error:
        _client.cache_clear()
        raise ComputeAway(
            f"The cluster at {cluster.scheduler} does not answer ({type(error).__name__}); see to its scheduler and "
            "workers. Tried again later."
        ) from error


def _check_release(client: Client, cluster: Cluster) -> None:
    """Scores of another release are not comparable. Which workers there are may change at any moment: one that has
    gone since does not matter, and one that comes is asked with each task."""
    client.wait_for_workers(1, timeout=WORKERS_S)
    try:
        # no public way to ask with an end to it
        told = client.sync(client._run, compared_release, on_error="return", callback_timeout=RELEASE_S)
    except TimeoutError:
        return
    here = compared_release()
    strangers = {
        worker: answer for worker, answer in told.items() if answer != here and not isinstance(answer, OSError)
    }
    if not strangers:
        return
    who = f"{', '.join(strangers)} of the cluster at {cluster.scheduler}"
    if all(str(answer).rpartition("/")[0] == here.rpartition("/")[0] for answer in strangers.values()):
        raise ComputeAway(
            f"{who} compute scores otherwise than this node. They need processors with AVX2, the libraries of the "
            f"release's lock, and {as_environment()} in their environment."
        )
    raise ComputeAway(f"{who} do not run matcher {matcher.MATCHER_VERSION}. Install this release there too.")


@lru_cache(maxsize=1)
def _client(cluster: Cluster) -> Client:
    """Kept open between queries."""
    from distributed import Client

    return Client(_reached(cluster), security=_security(cluster), timeout=CLUSTER_CONNECT_S, set_as_default=False)


def _security(cluster: Cluster) -> Security | None:
    from distributed import Security

    if cluster.authority is None:
        return None
    return Security(
        require_encryption=True,
        tls_ca_file=str(cluster.authority),
        tls_client_cert=str(cluster.certificate),
        tls_client_key=str(cluster.key),
    )


def _reached(cluster: Cluster) -> str:
    """The scheduler's address in digits: its certificate is believed for its authority, not for its name."""
    if cluster.guard is None:
        return cluster.scheduler
    scheme, host, port = (parts := urlsplit(cluster.scheduler)).scheme, parts.hostname or "", parts.port or 0
    address = cluster.guard.addresses(host, port)[0]
    return f"{scheme}://[{address}]:{port}" if ":" in address else f"{scheme}://{address}:{port}"
