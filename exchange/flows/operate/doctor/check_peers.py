"""The peers of a node: whether they are reached, by which clock, under which certificate, what stands against them."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median_low
from typing import Final

from exchange.clock import DAY_S, apart, stamp_in
from exchange.errors import PeerUnreachable
from exchange.flows.node.node import Node
from exchange.flows.operate.doctor.setting_files import CERTIFICATE_DAYS
from exchange.flows.operate.findings import Cause, Finding, finding
from exchange.flows.sync.clocks import judge
from exchange.flows.terms.first_line import peers_without_line
from exchange.net.probe import ReachedPeer, reach
from exchange.store.sync.peers import all_peers, unnoted
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.witness.cosignatures import disagreements

REACH_S: Final = 10.0
_AT_ONCE: Final = 16
_START: Final = "Start the node behind the proxy: systemctl start ffp"
_SILENT_S: Final = 900
_EXPIRED: Final = 10
"""X509_V_ERR_CERT_HAS_EXPIRED of OpenSSL."""


def examine_peers(node: Node, *, served: bool) -> Iterator[Finding]:
    """Each enrolled peer; and the own address, as peers reach it, where the node runs."""
    with node.store.read() as session:
        peers = [peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED]
        waiting = {peer.node_id: unnoted(session, peer.node_id) for peer in peers}
        forked = {peer.node_id: len(disagreements(session, peer.node_id)) for peer in peers}
        without_line = [peer.node_id for peer in peers_without_line(session)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        reached = list(pool.map(partial(_reach, node), [peer.url for peer in peers]))
        own = pool.submit(_reach, node, node.settings.url).result() if served else None
    away = [found for found in reached if isinstance(found, PeerUnreachable)]
    if len(away) == len(peers) > 1:
        what = f"None of this node's {len(peers)} peers is reached from this machine."
        yield finding(Cause.NO_NETWORK, what)
    for peer, found in zip(peers, reached, strict=True):
        yield from _examine(peer, waiting[peer.node_id], forked[peer.node_id], served)
        yield from _address(node, peer.node_id, found)
    if own is not None:
        yield from _address(node, node.node_id, own)
    if without_line:
        what = f"No line of the policy names the jurisdiction of {', '.join(without_line)}: nothing is shared there."
        yield finding(Cause.NO_POLICY_LINE, what)
    ahead_s = {peer.node_id: peer.clock_ahead_s for peer in peers}  # as last measured, of those that are away
    ahead_s |= {
        peer.node_id: found.ahead_s
        for peer, found in zip(peers, reached, strict=True)
        if isinstance(found, ReachedPeer) and found.ahead_s is not None
    }
    yield from _clocks(node, {name: ahead for name, ahead in ahead_s.items() if ahead is not None})


def _examine(peer: PeerRow, waiting: int, forked: int, served: bool) -> Iterator[Finding]:
    subject = f"peer {peer.node_id}"
    if forked:
        what = f"Its log showed {forked} pairs of signed heads that do not agree."
        yield finding(Cause.PEER_FORKED, what, subject=subject)
    if waiting:
        what = f"{peer.node_id}: {waiting} of its items are set aside and not believed."
        yield finding(Cause.QUARANTINE, what, peer=peer.node_id)
    elif peer.alarm and not forked:
        yield finding(Cause.PEER_ALARM, peer.alarm, subject=subject)
    last = peer.pulled_at or peer.enrolled_at
    if served and last < stamp_in(-_SILENT_S):
        yield finding(Cause.PEER_AWAY, f"Nothing could be read of it since {last}.", subject=subject)


def _address(node: Node, node_id: str, found: ReachedPeer | PeerUnreachable) -> Iterator[Finding]:
    own = node_id == node.node_id
    subject = "own address" if own else f"peer {node_id}"
    if isinstance(found, PeerUnreachable):
        yield _unreached(own, subject, found)
        return
    if found.status != 200:
        cause, then = (Cause.OWN_ADDRESS, _START) if own else (Cause.PEER_AWAY, "")
        yield finding(cause, f"It answers with the status {found.status}.", subject=subject, then=then)
    if found.certificate_until is not None:
        days = int((found.certificate_until - time.time()) // DAY_S)
        if days < CERTIFICATE_DAYS:
            whose = "this node's own address" if own else node_id
            yield _certificate(own, subject, f"The TLS certificate of {whose} ends in {days} days.")


def _unreached(own: bool, subject: str, error: PeerUnreachable) -> Finding:
    if _has_expired(error):
        what = f"The TLS certificate of {subject.removeprefix('peer ')} has ended: nobody believes it any more."
        return _certificate(own, subject, what)
    if own:
        return finding(Cause.OWN_ADDRESS, str(error))
    return finding(Cause.PEER_AWAY, str(error), subject=subject)


def _certificate(own: bool, subject: str, what: str) -> Finding:
    if own:
        return finding(Cause.CERTIFICATE_ENDS, what, subject=subject, then="Renew it, then: systemctl reload nginx")
    return finding(Cause.PEER_CERTIFICATE, what, subject=subject)


def _has_expired(error: BaseException | None) -> bool:
    """Whether that is why no connection was made, somewhere among the causes of an error."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError) and error.verify_code == _EXPIRED:
            return True
        error = error.__cause__ or error.__context__
    return False


def _clocks(node: Node, ahead_s: dict[str, float]) -> Iterator[Finding]:
    """Each that is off; and the own one, where it is well on the way there by the middle one of the peers."""
    limit = node.settings.request_skew_s
    found = judge(ahead_s, limit)
    if found.own is not None:
        yield finding(Cause.CLOCK_OFF, found.own.what)
    for node_id, off in found.peers.items():
        yield finding(Cause.PEER_CLOCK, off.what, subject=f"peer {node_id}", step=off.then)
    own = -median_low(ahead_s.values()) if ahead_s else 0.0
    if found.own is None and limit / 3 < abs(own) <= limit:
        what = f"The clock of this machine is {apart(own)} those of its peers; {limit:g} s are allowed."
        yield finding(Cause.CLOCK_DRIFTS, what)


def _reach(node: Node, url: str) -> ReachedPeer | PeerUnreachable:
    try:
        return reach(f"{url}/healthz", guard=node.egress, timeout_s=REACH_S)
    except PeerUnreachable as error:
        return error
