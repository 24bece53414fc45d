"""Whose clock is off: this node's, or a peer's. Measured against the time that each peer's answers state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from exchange.clock import apart
from exchange.flows.node.node import Node
from exchange.store.sync.peers import find_peer
from exchange.store.tables.peer_tables import PeerRow, PeerState

CHANGED_S: Final = 5.0
"""What is written down again: every answer measures the clock anew, a little differently."""


@dataclass(frozen=True)
class Off:
    """A clock that is off, and the next step."""

    what: str
    then: str

    def __str__(self) -> str:
        return f"{self.what} {self.then}"


@dataclass(frozen=True)
class Clocks:
    """Those that are off: this node's own, those of peers by their names."""

    own: Off | None = None
    peers: Mapping[str, Off] = field(default_factory=dict)


def note_clock(node: Node, node_id: str, ahead_s: float) -> None:
    """By how much the clock of a peer that just answered was ahead of this node's."""
    with node.store.read() as session:
        peer = find_peer(session, node_id)
    known = peer.clock_ahead_s if peer else None
    if peer is None or (known is not None and abs(known - ahead_s) < CHANGED_S):
        return
    with node.store.write() as session:
        row = find_peer(session, node_id)
        if row is not None:
            row.clock_ahead_s = ahead_s


def clocks_of(node: Node, peers: Iterable[PeerRow]) -> Clocks:
    """As last measured at each enrolled peer."""
    measured = {
        peer.node_id: peer.clock_ahead_s
        for peer in peers
        if peer.state == PeerState.ENROLLED and peer.clock_ahead_s is not None
    }
    return judge(measured, node.settings.request_skew_s)


def judge(ahead_s: Mapping[str, float], limit_s: float) -> Clocks:
    """Which clocks are off by more than ``limit_s``; ``ahead_s`` has how far each peer's is ahead of this node's.

    Where most peers, and at least two, differ alike, it is this node's own. A single one may be either's.
    """
    if not ahead_s:
        return Clocks()
    middle = median(ahead_s.values())
    alike = sum(abs(one - middle) <= limit_s for one in ahead_s.values())
    own = abs(middle) > limit_s and alike >= 2 and 2 * alike > len(ahead_s)
    base, whose = (middle, "those of most peers") if own else (0.0, "this node's")
    peers = {
        peer: Off(
            f"The clock of {peer} is {apart(one - base)} {whose}; {limit_s:g} s are allowed, so neither takes the "
            "other's requests.",
            "Compare the clock of this machine with one that you trust. If it is right, telephone the operator of "
            f"{peer}: theirs is to be set by NTP.",
        )
        for peer, one in sorted(ahead_s.items())
        if abs(one - base) > limit_s
    }
    if not own:
        return Clocks(None, peers)
    what = f"The clock of this machine is {apart(-middle)} those of most of its {len(ahead_s)} peers; {limit_s:g} s "
    return Clocks(Off(f"{what}are allowed.", "Compare it with a clock that you trust, and have it set by NTP."), peers)
