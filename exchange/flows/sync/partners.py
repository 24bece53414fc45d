"""How the exchange stands, in a few numbers for everybody's first page: who answered lately, and what is searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exchange.clock import stamp_in
from exchange.flows.node.node import Node
from exchange.store.entry.records import count_pending, count_records
from exchange.store.sync.peers import all_peers
from exchange.store.tables.peers import PeerState

_ANSWERED_WITHIN_S: Final = 900
"""As an examination of the node has it."""
_A_PEER_S: Final = 72
"""A peer without news may hold a question for 36 s times the number of peers: twice that is silence."""


@dataclass(frozen=True)
class Partner:
    """An enrolled peer. ``fresh``: it answered lately, so what it shares is here; ``alarm``: what stands against it."""

    node_id: str
    jurisdiction: str
    answered_at: str | None
    fresh: bool
    alarm: str | None


@dataclass(frozen=True)
class ExchangeStanding:
    """``exhibits``: records that are here, with all versions; ``waiting``: scans that are still to be compared."""

    partners: tuple[Partner, ...]
    exhibits: int
    waiting: int

    @property
    def silent(self) -> list[Partner]:
        return [partner for partner in self.partners if not partner.fresh]

    @property
    def answered_at(self) -> str | None:
        """When the one answered that did so the longest ago."""
        return min((partner.answered_at for partner in self.partners if partner.answered_at), default=None)


def exchange_standing(node: Node) -> ExchangeStanding:
    with node.store.read() as session:
        peers = [peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED]
        lately = stamp_in(-max(_ANSWERED_WITHIN_S, _A_PEER_S * len(peers)))
        partners = tuple(
            Partner(peer.node_id, peer.jurisdiction, peer.pulled_at, (peer.pulled_at or "") >= lately, peer.alarm)
            for peer in peers
        )
        return ExchangeStanding(partners, count_records(session), count_pending(session))
