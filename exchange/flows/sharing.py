"""Put a record on the lane of each peer that policy lets have it, and say for each jurisdiction what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from exchange.clock import now
from exchange.policy import Purpose, Recipient, Withheld, release
from exchange.store.peers import PeerState, all_peers, put_on_lane
from exchange.store.statements import find_statement, own_records
from exchange.store.tables import PeerRow, StatementRow
from schemas import Record, open_envelope, parse_statement
from schemas.vocabulary import Jurisdiction


@dataclass(frozen=True)
class Shared:
    """What one jurisdiction of the audience gets: ``state`` is "on-lane", "withheld" or "no-peer"."""

    jurisdiction: Jurisdiction
    state: str
    peer: str | None = None
    reason: str | None = None


def decide(record: Record, peer: PeerRow, *, owner: str, today: date | None = None) -> Withheld | None:
    """None when the peer may have the record, else why not."""
    recipient = Recipient(peer.node_id, Jurisdiction(peer.jurisdiction), peer.state == PeerState.ENROLLED)
    answer = release(record, recipient, Purpose.CORRELATION, peer.legal_basis, today or now().date(), owner=owner)
    return answer if isinstance(answer, Withheld) else None


def share(session: Session, statement_id: str, record: Record, *, owner: str) -> list[Shared]:
    """Put an own record on the lanes, inside the transaction that stored it."""
    outcome = sharing_of(session, record, owner=owner)
    for item in outcome:
        if item.state == "on-lane" and item.peer is not None:
            put_on_lane(session, item.peer, statement_id)
    return outcome


def entitled(session: Session, peer: PeerRow, *, owner: str, from_index: int = 0) -> list[str]:
    """The own records from a log index on that a peer may have, in the order of the log."""
    rows = own_records(session, owner, from_index=from_index)
    return [row.statement_id for row in rows if decide(record_in(row), peer, owner=owner) is None]


def sharing_of(session: Session, record: Record, *, owner: str) -> list[Shared]:
    """What each jurisdiction of the audience gets, today; changes nothing."""
    outcome: list[Shared] = []
    for peer in all_peers(session):
        if peer.jurisdiction in record.audience:
            refusal = decide(record, peer, owner=owner)
            state = "on-lane" if refusal is None else "withheld"
            reason = refusal.reason if refusal else None
            outcome.append(Shared(Jurisdiction(peer.jurisdiction), state, peer.node_id, reason))
    reached = {item.jurisdiction for item in outcome}
    return outcome + [Shared(name, "no-peer") for name in record.audience if name not in reached]


def record_of(session: Session, statement_id: str) -> Record:
    """Read a stored record back from its envelope, the only source."""
    row = find_statement(session, statement_id)
    if row is None:
        raise LookupError(statement_id)
    return record_in(row)


def record_in(row: StatementRow) -> Record:
    statement = parse_statement(open_envelope(row.envelope).payload)
    if not isinstance(statement, Record):
        raise TypeError(f"{row.statement_id} is no record")
    return statement
