"""The peers of a node: whether they are reached, by which clock, under which certificate, what stands against them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median_low
from typing import Final

from exchange.clock import DAY_S, apart, stamp_in
from exchange.errors import PeerUnreachable
from exchange.flows.node.node import Node
from exchange.flows.operate.findings import Finding, fault, warning
from exchange.flows.statement.peer import altered_peers
from exchange.flows.sync.clocks import judge
from exchange.flows.sync.skew import skew_alarms
from exchange.net.probe import ReachedPeer, reach
from exchange.store.sync.peers import all_peers, unnoted
from exchange.store.tables.peers import PeerRow, PeerState
from exchange.store.witness.cosignatures import disagreements

REACH_S: Final = 10.0
_AT_ONCE: Final = 16
_SILENT_S: Final = 900
CERTIFICATE_DAYS: Final = 21


def examine_peers(node: Node, *, served: bool) -> Iterator[Finding]:
    """Each enrolled peer; and the own address, as peers reach it, where the node runs."""
    with node.store.read() as session:
        peers = [peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED]
        waiting = {peer.node_id: unnoted(session, peer.node_id) for peer in peers}
        forked = {peer.node_id: len(disagreements(session, peer.node_id)) for peer in peers}
        older, altered = skew_alarms(session), altered_peers(session)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        reached = list(pool.map(partial(_reach, node), [peer.url for peer in peers]))
        own = pool.submit(_reach, node, node.settings.url).result() if served else None
    for peer, found in zip(peers, reached, strict=True):
        yield from _examine(peer, waiting[peer.node_id], forked[peer.node_id], served)
        yield from _address(node, peer.node_id, found)
    if own is not None:
        yield from _address(node, node.node_id, own)
    for node_id, what in altered:
        yield fault(f"peer {node_id}", what, "Look at what else was changed: ffp log check")
    for what in older:
        yield warning("contract", what, "Whoever is older upgrades; `ffp --version` there says what it reads.")
    told = {peer.node_id: found for peer, found in zip(peers, reached, strict=True) if isinstance(found, ReachedPeer)}
    yield from _clocks(node, {name: found.ahead_s for name, found in told.items() if found.ahead_s is not None})


def _examine(peer: PeerRow, waiting: int, forked: int, served: bool) -> Iterator[Finding]:
    subject = f"peer {peer.node_id}"
    if forked:
        what = f"Its log showed {forked} pairs of signed heads that do not agree."
        yield fault(subject, what, "Keep what `ffp log evidence` shows, and telephone its operator.")
    if waiting:
        what = f"{waiting} of its items are set aside and not believed."
        yield warning(
            "quarantine", f"{peer.node_id}: {what}", f"Telephone its operator, then: ffp sync note {peer.node_id}"
        )
    elif peer.alarm and not forked:
        yield warning(subject, peer.alarm, "See with `ffp sync status` what stands still, and telephone its operator.")
    last = peer.pulled_at or peer.enrolled_at
    if served and last < stamp_in(-_SILENT_S):
        what = f"Nothing could be read of it since {last}."
        yield warning(subject, what, "Telephone its operator; what waits is not lost.")


def _address(node: Node, node_id: str, found: ReachedPeer | PeerUnreachable) -> Iterator[Finding]:
    own = node_id == node.node_id
    subject = "own address" if own else f"peer {node_id}"
    if isinstance(found, PeerUnreachable):
        whose = (
            "the reverse proxy, the name and the firewall here" if own else "the way there, or telephone its operator"
        )
        yield warning(subject, str(found), f"Look at {whose}.")
        return
    if found.status != 200:
        then = "Start the node behind the proxy." if own else "Telephone its operator."
        yield warning(subject, f"It answers with the status {found.status}.", then)
    if found.certificate_until is not None:
        days = int((found.certificate_until - time.time()) // DAY_S)
        if days < CERTIFICATE_DAYS:
            then = "Renew it." if own else "Tell its operator."
            yield warning(subject, f"Its TLS certificate ends in {days} days.", then)


def _clocks(node: Node, ahead_s: dict[str, float]) -> Iterator[Finding]:
    """Each that is off; and the own one, where it is well on the way there by the middle one of the peers."""
    limit = node.settings.request_skew_s
    found = judge(ahead_s, limit)
    if found.own is not None:
        yield fault("clock", found.own.what, found.own.then)
    for node_id, off in found.peers.items():
        yield warning(f"peer {node_id}", off.what, off.then)
    own = -median_low(ahead_s.values()) if ahead_s else 0.0
    if found.own is None and limit / 3 < abs(own) <= limit:
        what = f"The clock of this machine is {apart(own)} those of its peers; {limit:g} s are allowed."
        yield warning("clock", what, "Compare it with a clock that you trust, and have it set by NTP.")


def _reach(node: Node, url: str) -> ReachedPeer | PeerUnreachable:
    try:
        return reach(f"{url}/healthz", guard=node.egress, timeout_s=REACH_S)
    except PeerUnreachable as error:
        return error
