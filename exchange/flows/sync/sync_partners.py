"""The state of the exchange in a few numbers, for the first page of each role: which partners are up to date, and how
much is searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exchange.clock import stamp_in
from exchange.flows.node.node import Node
from exchange.flows.sync.progress import alarms_of
from exchange.store.entry.record_rows import count_pending, count_records
from exchange.store.sync.peers import all_peers
from exchange.store.tables.peer_tables import PeerState

_ANSWERED_WITHIN_S: Final = 900
"""The same limit as in ``ffp doctor``."""
_A_PEER_S: Final = 72
"""Twice the time (36 s times the number of peers) for which a peer without news may hold a request open."""


@dataclass(frozen=True)
class Partner:
    """A peer with which this node exchanges, or would if its row in the database had not been altered.

    ``answers``: the peer answered within the limit. ``alarms``: sentences for the operator, in English.
    """

    node_id: str
    jurisdiction: str
    answered_at: str | None
    answers: bool
    alarms: tuple[str, ...] = ()

    @property
    def up_to_date(self) -> bool:
        return self.answers and not self.alarms


@dataclass(frozen=True)
class ExchangeStanding:
    """``exhibits``: stored records, all versions counted; ``waiting``: scans that are still to be compared."""

    partners: tuple[Partner, ...]
    exhibits: int
    waiting: int

    @property
    def silent(self) -> list[Partner]:
        return [partner for partner in self.partners if not partner.answers]

    @property
    def behind(self) -> list[Partner]:
        """The partners that are not up to date, silent ones first."""
        behind = [partner for partner in self.partners if not partner.up_to_date]
        return sorted(behind, key=lambda partner: partner.answers)

    @property
    def answered_at(self) -> str | None:
        """The oldest of the partners' last answers."""
        return min((partner.answered_at for partner in self.partners if partner.answered_at), default=None)


def exchange_standing(node: Node) -> ExchangeStanding:
    with node.store.read() as session:
        peers = [peer for peer in all_peers(session) if peer.state in (PeerState.ENROLLED, PeerState.ALTERED)]
        lately = stamp_in(-max(_ANSWERED_WITHIN_S, _A_PEER_S * len(peers)))
        partners = tuple(
            Partner(
                node_id=peer.node_id,
                jurisdiction=peer.jurisdiction,
                answered_at=peer.pulled_at,
                answers=(peer.pulled_at or "") >= lately,
                alarms=alarms_of(session, peer),
            )
            for peer in peers
        )
        return ExchangeStanding(partners, count_records(session), count_pending(session))
