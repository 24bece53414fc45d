"""What was disclosed on records, to whom and when; and what a head may disclose on an own record."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sqlalchemy.orm import Session

from exchange.errors import NotFound
from exchange.flows.blind.visibility import hidden_pairs, tells_of
from exchange.flows.node.node import Node
from exchange.flows.statement.sharing import decide_sharing, record_of
from exchange.flows.terms.terms import policy_in
from exchange.store.entry.exhibits import owner_of_exhibit, versions_of_exhibits
from exchange.store.entry.firearm_rows import find_firearm
from exchange.store.entry.record_rows import find_record
from exchange.store.log.statement_rows import statements_about_each
from exchange.store.sync.peers import all_peers
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.tables.record_tables import RecordRow, StatementRow
from schemas import Disclosure, open_envelope, parse_statement
from schemas.vocabulary import Jurisdiction, Role

MOST_SHOWN: Final = 200


@dataclass(frozen=True)
class Disclosed:
    """One disclosure as it was signed. ``at``: when it was signed here, or came here."""

    statement_id: str
    issuer: str
    at: str
    said: Disclosure
    from_jurisdiction: str | None
    to_jurisdiction: str | None
    """None of a node that is no peer of this one's."""


@dataclass(frozen=True)
class DisclosureRecipient:
    """A peer to which a disclosure may be made. ``articles``: those by which policy shares with it, if any."""

    node_id: str
    jurisdiction: Jurisdiction
    articles: tuple[str, ...]


@dataclass(frozen=True)
class Disclosable:
    """An own record, and the peers that may have it: only these are told more of it. ``serial_number`` is that of the
    firearm that a test fire names, where it is known."""

    record: RecordRow
    serial_number: str | None
    recipients: tuple[DisclosureRecipient, ...]


def disclosures_on(node: Node, role: Role, pseudonym: str, exhibits: Collection[str]) -> list[Disclosed]:
    """What was disclosed on exhibits, in whatever version of their records, by their owner: this node, or another to
    it. The newest first, without those that tell of a pair which this person may be asked to judge blind. What anybody
    else signs of a record, or a key that was in wrong hands, says nothing of it."""
    with node.store.read() as session:
        hidden = hidden_pairs(session, role, pseudonym)
        versions = versions_of_exhibits(session, set(exhibits))
        said = statements_about_each(session, list(versions), ["disclosure"])
        rows = [
            row
            for version, some in said.items()
            for row in some
            if row.refused_by is None and row.issuer == owner_of_exhibit(versions[version])
        ]
        newest = sorted(rows, key=lambda row: (row.received_at, row.log_index), reverse=True)
        places = {peer.node_id: peer.jurisdiction for peer in all_peers(session)}
        places[node.node_id] = node.settings.jurisdiction
        shown = (row for row in newest if row.envelope is not None and not tells_of(session, row, hidden))
        return [_as_said(row, places) for row in islice(shown, MOST_SHOWN)]


def disclosable(node: Node, statement_id: str) -> Disclosable:
    """Raises NotFound for what is no current record of this node's own."""
    with node.store.read() as session:
        found = find_record(session, statement_id)
        if found is None or found[0].issuer != node.node_id or found[0].superseded_by is not None:
            raise NotFound("There is no such record of this node's own.")
        row, said = found[0], record_of(session, statement_id)
        firearm = find_firearm(session, row.firearm) if row.firearm is not None else None
        recipients = tuple(
            DisclosureRecipient(peer.node_id, Jurisdiction(peer.jurisdiction), _articles(session, node, peer, row.kind))
            for peer in all_peers(session)
            if peer.state == PeerState.ENROLLED
            and decide_sharing(session, statement_id, said, peer, history=node.history) is None
        )
    return Disclosable(row, firearm.serial_number if firearm is not None else None, recipients)


def _articles(session: Session, node: Node, peer: PeerRow, kind: str) -> tuple[str, ...]:
    """The policy's for this kind of exhibit."""
    policy = policy_in(session, node)
    bases = policy[1].bases if policy else ()
    lines = (basis for basis in bases if basis.jurisdiction == peer.jurisdiction and kind in basis.kinds)
    return tuple(dict.fromkeys(basis.article for basis in lines))


def _as_said(row: StatementRow, places: dict[str, str]) -> Disclosed:
    said = parse_statement(open_envelope(row.envelope or b"").payload)
    if not isinstance(said, Disclosure):
        raise TypeError(f"{row.statement_id} is no disclosure")
    return Disclosed(row.statement_id, row.issuer, row.received_at, said, places.get(row.issuer), places.get(said.to))
