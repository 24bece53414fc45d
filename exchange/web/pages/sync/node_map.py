"""The nodes of the exchange as this one sees them: itself in the middle, each peer around it, a line for each lane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from exchange.flows.sync.progress import PeerStatus

MAP_WIDE: Final = 720
MAP_TALL: Final = 340
MOST_PEERS: Final = 16
"""Beyond them names would lie on each other: the list beneath has all."""
_ACROSS, _DOWN = 285, 118


class LinkState(StrEnum):
    """How it stands between this node and a peer."""

    EVEN = "even"
    """It has read all that is for it, and answers."""
    WAITING = "waiting"
    """Statements wait for it."""
    ALARM = "alarm"
    ENDED = "ended"


@dataclass(frozen=True)
class PlacedPeer:
    """A peer where it is drawn, by the middle of its box."""

    status: PeerStatus
    state: LinkState
    x: int
    y: int

    @property
    def waiting(self) -> int:
        return self.status.to_send - self.status.acknowledged


def node_map(peers: Sequence[PeerStatus]) -> list[PlacedPeer]:
    """Around the middle, the first at the top, as the clock goes; none where there are too many to draw."""
    if len(peers) > MOST_PEERS:
        return []
    placed = []
    for number, status in enumerate(peers):
        turned = 2 * math.pi * number / len(peers) - math.pi / 2
        x, y = MAP_WIDE / 2 + _ACROSS * math.cos(turned), MAP_TALL / 2 + _DOWN * math.sin(turned)
        placed.append(PlacedPeer(status, link_state(status), round(x), round(y)))
    return placed


def link_state(status: PeerStatus) -> LinkState:
    if status.row.state != "enrolled":
        return LinkState.ENDED
    if status.alarms or status.clock:
        return LinkState.ALARM
    return LinkState.WAITING if status.to_send > status.acknowledged else LinkState.EVEN
