"""Who stands where on the way in: of each jurisdiction the list that counts here.

The list of a jurisdiction's own node counts before any other; else the newest that somebody keeps for it. What a
list says is its issuer's word: a page names the issuer beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from exchange.clock import today
from exchange.coordination.onboarding.checklist import StepStanding, checklist_of, open_line, reread
from exchange.flows.node.node import Node
from exchange.flows.statement.coordination import StandingStatement, onboardings_of
from exchange.store.sync.peers import all_peers
from exchange.store.tables.peers import PeerState
from schemas import Onboarding
from schemas.vocabulary import Jurisdiction, OnboardingStep


@dataclass(frozen=True)
class JurisdictionStanding:
    """``issuer`` and ``stated_at``: who keeps the list, and when it was signed; None where nobody signed one."""

    jurisdiction: Jurisdiction
    steps: tuple[StepStanding, ...]
    issuer: str | None
    stated_at: str | None

    @property
    def taken(self) -> int:
        return sum(item.stands for item in self.steps)


def who_stands_where(node: Node) -> list[JurisdictionStanding]:
    """Every jurisdiction that this node knows, or that a peer is of, by its code."""
    with node.store.read() as session:
        peers = [peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED]
        home = {peer.node_id: Jurisdiction(peer.jurisdiction) for peer in peers}
        home[node.node_id] = node.settings.jurisdiction
        lists = [item for issuer in home for item in onboardings_of(session, issuer, own=issuer == node.node_id)]
    chosen: dict[Jurisdiction, StandingStatement[Onboarding]] = {}
    for item in lists:
        before = chosen.get(item.said.jurisdiction)
        if before is None or _weight(item, home) > _weight(before, home):
            chosen[item.said.jurisdiction] = item
    every = sorted({*node.jurisdictions, *home.values()})  # no peer adds rows by naming codes that nobody knows
    return [_row(node, jurisdiction, chosen.get(jurisdiction)) for jurisdiction in every]


def _weight(item: StandingStatement[Onboarding], home: dict[str, Jurisdiction]) -> tuple[bool, str, str]:
    """Who states a moment that is still to come weighs no more than when it came."""
    said = item.said
    return home[said.issuer] == said.jurisdiction, min(said.stated_at or "", item.received_at), said.issuer


def _row(node: Node, jurisdiction: Jurisdiction, chosen: StandingStatement[Onboarding] | None) -> JurisdictionStanding:
    own = jurisdiction == node.settings.jurisdiction
    if own or (chosen is not None and chosen.said.issuer == node.node_id):
        found = checklist_of(node, jurisdiction)
        signed = found.signed.said if found.signed else None
        return JurisdictionStanding(
            jurisdiction, found.steps, signed.issuer if signed else None, signed.stated_at if signed else None
        )
    if chosen is None:
        steps = tuple(StepStanding(open_line(step)) for step in OnboardingStep)
        return JurisdictionStanding(jurisdiction, steps, None, None)
    steps = tuple(reread(line, today()) for line in chosen.said.lines)
    return JurisdictionStanding(jurisdiction, steps, chosen.said.issuer, chosen.said.stated_at)
