"""The first line of the policy for a peer: without one, nothing is shared with the peer.

The operator enrols a peer, and the head signs what the peer may have: together on the command line, one after the other
on the pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pydantic import ValidationError
from sqlalchemy.orm import Session

from exchange.errors import Conflict, InvalidInput
from exchange.flows.node.node import Node
from exchange.flows.terms.terms import policy_of, state_policy
from exchange.store.sync.peers import all_peers
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.terms.terms_rows import legal_bases
from schemas import LegalBasis, Maker
from schemas.strict_json import contract_error
from schemas.vocabulary import ExhibitKind, Jurisdiction, SharingRule


@dataclass(frozen=True)
class FirstLine:
    """What the jurisdiction of a new peer may have, and who signs it, as the head. The article is the legal basis that
    is stated at enrolment."""

    maker: Maker
    kinds: tuple[ExhibitKind, ...]
    rule: SharingRule
    review_by: date


def state_first_line(node: Node, jurisdiction: Jurisdiction, article: str, line: FirstLine) -> str:
    """Add a line for a jurisdiction that the policy in force does not name. Returns the policy statement's id.

    Raises Conflict, code "line-there", or "policy-changed" where somebody else changes the policy at this moment;
    InvalidInput.
    """
    check_no_line(node, jurisdiction)
    found = policy_of(node)
    groups, bases = (found[1].groups, found[1].bases) if found else ((), ())
    try:
        new = LegalBasis(
            jurisdiction=jurisdiction, kinds=line.kinds, rule=line.rule, article=article, review_by=line.review_by
        )
    except ValidationError as error:
        refused = contract_error(error)
        raise InvalidInput(str(refused), code=refused.reason, problems=refused.problems) from error
    return state_policy(node, line.maker, groups, (*bases, new), replaces=found[0] if found else None)


def peers_without_line(session: Session) -> list[PeerRow]:
    """Enrolled peers whose jurisdiction no line of the policy in force names: nothing is shared with them, and nobody
    has decided so. A line that blocks is a decision."""
    named = {basis.jurisdiction for basis in legal_bases(session)}
    return [peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED and peer.jurisdiction not in named]


def list_peers_without_line(node: Node) -> list[PeerRow]:
    with node.store.read() as session:
        return peers_without_line(session)


def check_no_line(node: Node, jurisdiction: Jurisdiction) -> None:
    """Raises Conflict, code "line-there"."""
    found = policy_of(node)
    if found and any(basis.jurisdiction == jurisdiction for basis in found[1].bases):
        raise Conflict(
            f"The policy has a line for {node.jurisdictions.name(jurisdiction)} already; nothing was changed. Change "
            "it with: ffp policy set",
            code="line-there",
        )
