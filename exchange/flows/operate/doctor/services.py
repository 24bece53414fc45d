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
from exchange.flows.operate.findings import Cause, Finding, Gravity, finding
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
        yield finding(Cause.MAIL_AWAY, what, server=node.mail)


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
        yield finding(Cause.SIGN_IN_AWAY, what, url=provider.issuer.rstrip("/") + WELL_KNOWN)


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
        yield finding(Cause.TIME_AUTHORITY_AWAY, what, url=url)


def examine_egress(node: Node) -> Iterator[Finding]:
    """Services alone: of peers it is told when they are asked."""
    for listed in listing(node):
        if listed.strange and not listed.of_peer:
            what = (
                f"{listed.host} ({', '.join(listed.who)}) leads to {', '.join(listed.strange)}: not confirmed for it."
            )
            then = f"Ask whoever runs it; if that is right: ffp egress allow {listed.host}"
            yield finding(Cause.EGRESS_STRANGE, what, then=then)
    if UNIT.is_file() and UNIT.read_text(encoding="utf-8") != unit(node):
        what = f"{UNIT} is not what this node's list would make: the kernel keeps to an older one."
        yield finding(Cause.EGRESS_UNIT, what, unit=UNIT)


def examine_objects(node: Node, *, served: bool) -> Iterator[Finding]:
    """Whether the object store answers, and what waits for it."""
    with node.store.read() as session:
        stored, waiting, altered = count_objects(session)
    if node.objects is None:
        if stored:
            what = f"{stored} scans are in an object store that the settings do not name any more."
            yield finding(Cause.OBJECTS_AWAY, what, then="Set objects_url and what belongs to it again.")
        return
    away = None
    try:
        node.objects.check()
    except ObjectStoreUnavailable as error:
        away = str(error)
        yield finding(Cause.OBJECTS_AWAY, f"{away} {waiting} scans wait for it, on this disk.")
    if altered:
        what = f"{altered} objects are not the scans that they are named after; they are not served."
        yield finding(Cause.OBJECTS_ALTERED, what)
    if served and away is None and waiting > altered + BUSY:
        yield finding(
            Cause.QUEUE_STANDS,
            f"{waiting} scans wait for their upload.",
            subject="object store",
            gravity=Gravity.WARNING,
            then="See in the node's own log whether it gets on with them.",
        )


def examine_compute(node: Node) -> Iterator[Finding]:
    """Whether a process can be started here that compares scans as other nodes do, and whether the cluster compares."""
    try:
        why = node.background.run(_computes_otherwise)
    except ComputeFailed as error:
        yield finding(Cause.COMPUTE_AWAY, str(error))
    else:
        if why is not None:
            what = (
                "This machine scores pairs of scans otherwise than other nodes: of one firearm in the last digits, of "
                "two by up to a tenth."
            )
            yield finding(Cause.COMPUTES_OTHERWISE, what, step=why)
    if node.cluster is None:
        return
    try:
        if count_workers(node.cluster) == 0:
            what = f"The cluster at {node.cluster.scheduler} has no worker."
            yield finding(Cause.CLUSTER_AWAY, what, then=f"Start them: dask worker {node.cluster.scheduler}. {_WAITS}")
            return
        with executor_on(node.cluster):  # each of its workers says which release it is
            return
    except ComputeAway as error:
        yield finding(Cause.CLUSTER_AWAY, str(error))


def _computes_otherwise() -> str | None:
    """In a worker process; the matcher is loaded there alone."""
    from matcher.evaluate.trial import computes_otherwise

    return computes_otherwise()
