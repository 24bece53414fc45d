"""Services beside the node: mail server, provider of the sign-in, time-stamp authority, object store, processes and
cluster that compute; and whether all lead where the operator confirmed. Each is asked once, and nothing is left there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exchange.errors import (
    ComputeAway,
    ComputeFailed,
    EgressRefused,
    MailUnavailable,
    ObjectStoreUnavailable,
    PeerUnreachable,
    ProviderUnavailable,
)
from exchange.flows.access.oidc import provider_of
from exchange.flows.node.cluster import count_workers, executor_on
from exchange.flows.node.node import Node
from exchange.flows.operate.egress import UNIT, listing, unit
from exchange.flows.operate.findings import Cause, Finding, fault, warning
from exchange.net.oidc import WELL_KNOWN
from exchange.net.probe import reach
from exchange.store.scan.objects import count_objects

_REACH_S: Final = 10.0
_WAITS: Final = "What is to be correlated waits, and none of it is given up."
BUSY: Final = 100
"""So many scans may wait for their upload after an import."""


def examine_mail(node: Node) -> Iterator[Finding]:
    """Whether letters could be handed in now."""
    if node.mail is None:
        return
    try:
        node.mail.check()
    except MailUnavailable as error:
        what = f"The mail server does not take letters: {error}. Nobody is told that something new waits."
        then = f"Bring it back, or correct smtp_* in config.toml; try: nc -vz {node.mail.host} {node.mail.port}"
        yield warning(Cause.MAIL_AWAY, "e-mail", what, then)


def examine_sign_in(node: Node) -> Iterator[Finding]:
    """Whether the provider says who it is."""
    provider = provider_of(node.settings, node.egress)
    if provider is None:
        return
    try:
        provider.description()
    except ProviderUnavailable as error:
        who = (
            "Nobody can sign in to the pages" if node.settings.oidc_only else "Only who has a password here can sign in"
        )
        what = f"The provider of the sign-in does not answer as it must: {error} {who}."
        then = f"Bring it back, or correct oidc_issuer; try: curl {provider.issuer.rstrip('/')}{WELL_KNOWN}"
        yield warning(Cause.SIGN_IN_AWAY, "sign-in", what, then)


def examine_time_authority(node: Node) -> Iterator[Finding]:
    """Whether anybody answers at its address; whether its stamps are good shows when they come."""
    if node.authority is None:
        return
    url = node.authority.url
    try:
        reach(url, guard=node.egress, timeout_s=_REACH_S)
    except EgressRefused:
        return  # told with the egress
    except PeerUnreachable as error:
        what = f"The time-stamp authority is away: {error} New heads of the log get no stamp."
        then = f"Tell whoever runs it; stamps are asked for again by themselves. Try: curl -sI {url}"
        yield warning(Cause.TIME_AUTHORITY_AWAY, "time stamps", what, then)


def examine_egress(node: Node) -> Iterator[Finding]:
    """Services alone: of peers it is told when they are asked."""
    for listed in listing(node):
        if listed.strange and not listed.of_peer:
            what = (
                f"{listed.host} ({', '.join(listed.who)}) leads to {', '.join(listed.strange)}: not confirmed for it."
            )
            yield fault(
                Cause.EGRESS_STRANGE,
                "egress",
                what,
                f"Ask whoever runs it; if that is right: ffp egress allow {listed.host}",
            )
    if UNIT.is_file() and UNIT.read_text(encoding="utf-8") != unit(node):
        what = f"{UNIT} is not what this node's list would make: the kernel keeps to an older one."
        yield warning(
            Cause.EGRESS_UNIT,
            "egress",
            what,
            f"ffp egress unit > {UNIT}, then: systemctl daemon-reload && systemctl restart ffp",
        )


def examine_objects(node: Node, *, served: bool) -> Iterator[Finding]:
    """Whether the object store answers, and what waits for it."""
    with node.store.read() as session:
        stored, waiting, altered = count_objects(session)
    if node.objects is None:
        if stored:
            what = f"{stored} scans are in an object store that the settings do not name any more."
            yield fault(Cause.OBJECTS_AWAY, "object store", what, "Set objects_url and what belongs to it again.")
        return
    away = None
    try:
        node.objects.check()
    except ObjectStoreUnavailable as error:
        away = str(error)
        then = "Bring it back, or correct objects_* in config.toml: what waits is stored by itself"
        yield fault(Cause.OBJECTS_AWAY, "object store", f"{away} {waiting} scans wait for it, on this disk.", then)
    if altered:
        what = f"{altered} objects are not the scans that they are named after; they are not served."
        yield fault(
            Cause.OBJECTS_ALTERED,
            "object store",
            what,
            "See which with: ffp log check. Copy these from a backup into blobs.",
        )
    if served and away is None and waiting > altered + BUSY:
        what = f"{waiting} scans wait for their upload."
        yield warning(
            Cause.QUEUE_STANDS, "object store", what, "See in the node's own log whether it gets on with them."
        )


def examine_compute(node: Node) -> Iterator[Finding]:
    """Whether a process can be started here that compares scans as other nodes do, and whether the cluster compares."""
    try:
        why = node.background.run(_computes_otherwise)
    except ComputeFailed as error:
        then = "See to the limits of the machine, what came waits: free -m; systemctl show ffp -p TasksMax -p MemoryMax"
        yield fault(Cause.COMPUTE_AWAY, "compute", str(error), then)
    else:
        if why is not None:
            what = (
                "This machine scores pairs of scans otherwise than other nodes: of one firearm in the last digits, of "
                "two by up to a tenth."
            )
            yield warning(Cause.COMPUTES_OTHERWISE, "compute", what, why)
    if node.cluster is None:
        return
    try:
        if count_workers(node.cluster) == 0:
            what = f"The cluster at {node.cluster.scheduler} has no worker."
            yield fault(
                Cause.CLUSTER_AWAY, "cluster", what, f"Start them: dask worker {node.cluster.scheduler}. {_WAITS}"
            )
            return
        with executor_on(node.cluster):  # each of its workers says which release it is
            return
    except ComputeAway as error:
        then = f"Start scheduler and workers there, or take cluster_scheduler out of config.toml. {_WAITS}"
        yield fault(Cause.CLUSTER_AWAY, "cluster", str(error), then)


def _computes_otherwise() -> str | None:
    """In a worker process; the matcher is loaded there alone."""
    from matcher.evaluate.trial import computes_otherwise

    return computes_otherwise()
