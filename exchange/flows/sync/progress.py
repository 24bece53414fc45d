"""What is where between this node and each peer, in numbers and in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from exchange.errors import NotFound
from exchange.flows.node.node import Node
from exchange.flows.statement.peer import altered_in_words, fingerprint_of
from exchange.flows.sync.clocks import clocks_of
from exchange.flows.sync.peer_quota import PeerShares, shares_of
from exchange.flows.sync.skew import Behind, peer_behind, peer_older
from exchange.flows.terms.first_line import peers_without_line
from exchange.store.log.statement_rows import latest_of
from exchange.store.sync.peers import (
    all_peers,
    find_peer,
    lane_of,
    node_older,
    quarantined,
    standing_alarm,
    take_note,
    withheld_on,
)
from exchange.store.tables.peer_tables import PeerRow
from schemas import Receipt, open_envelope, parse_statement
from schemas.versions import NEWEST

NOTHING_SHARED: Final = (
    "Nothing is shared with it: no line of the policy names its jurisdiction. The head states one on the page Policy, "
    "or with: ffp policy set"
)
_ADDRESS: Final = re.compile(r"https?://([^\s/]+)(?:/[^\s]*)?")
_DIGEST: Final = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")


@dataclass(frozen=True)
class PeerStatus:
    """What is where between this node and one peer. ``receipt`` is the last that the peer signed for its lane."""

    row: PeerRow
    fingerprint: str
    to_send: int
    acknowledged: int
    read_again_at: str | None
    """When the peer last asked for what it had acknowledged: its database was older than its receipts."""
    withheld: int
    quarantined: int
    receipt: Receipt | None
    shares: PeerShares
    """What it may send, and how much of that is left."""
    clock: str | None
    """What is wrong with its clock, with the next step."""
    reads: str | None
    """Up to which version of the contract it reads, as it last said."""
    behind: Behind | None
    """What waits until it is upgraded."""
    alarms: tuple[str, ...]
    """See `alarms_of`."""
    has_policy_line: bool
    """Whether a line of the policy in force names its jurisdiction, if only to block it."""

    @property
    def waits_here(self) -> int:
        """How many of its statements wait until this node is upgraded."""
        return self.row.waiting if node_older(self.row) else 0


def sync_status(node: Node) -> list[PeerStatus]:
    with node.store.read() as session:
        clocks = clocks_of(node, all_peers(session)).peers
        without_line = {peer.node_id for peer in peers_without_line(session)}
        return [
            PeerStatus(
                row=peer,
                fingerprint=fingerprint_of(peer),
                to_send=lane_of(session, peer.node_id).count,
                acknowledged=lane_of(session, peer.node_id).acknowledged_count,
                read_again_at=lane_of(session, peer.node_id).read_again_at,
                withheld=withheld_on(session, peer.node_id),
                quarantined=quarantined(session, peer.node_id),
                receipt=_receipt(session, peer.node_id),
                shares=shares_of(session, node.settings, peer.node_id),
                clock=str(clocks[peer.node_id]) if peer.node_id in clocks else None,
                reads=lane_of(session, peer.node_id).reads,
                behind=peer_behind(session, peer.node_id),
                alarms=alarms_of(session, peer),
                has_policy_line=peer.node_id not in without_line,
            )
            for peer in all_peers(session)
        ]


def note_quarantine(node: Node, node_id: str) -> int:
    """The operator has seen what is set aside of a peer's; it stays set aside, and raises no alarm any more.

    Returns how much that was. Raises NotFound.
    """
    with node.store.write() as session:
        peer = find_peer(session, node_id)
        if peer is None:
            raise NotFound(f"There is no peer {node_id}. See: ffp peer list")
        noted = take_note(session, node_id)
        session.flush()
        peer.alarm = standing_alarm(session, node_id)
    return noted


def in_words(status: PeerStatus) -> list[str]:
    """Sentences for the operator: what this node has for the peer, what the peer signed for, what came from it."""
    row = status.row
    waiting = status.to_send - status.acknowledged
    sent = f"Of {status.to_send} statements for {row.node_id} it has read {status.acknowledged}"
    sent += f"; {waiting} wait for it." if waiting else ", all."
    said = [sent]
    if status.reads:
        said.append(f"It reads the contract up to version {status.reads}, this node up to {NEWEST}.")
    if status.read_again_at:
        said.append(
            f"It read again what it had acknowledged, last {status.read_again_at}: it was set back to a backup."
        )
    if status.withheld:
        said.append(f"{status.withheld} of them policy withholds by now; they follow once it may have them.")
    if status.receipt is not None:
        signed = status.receipt
        said.append(
            f"It signed for {signed.count}: {signed.accepted} accepted, {signed.withheld} withheld from it, "
            f"{signed.set_aside} set aside by it."
        )
        said += [f"It set aside place {item.position}: {item.reason}." for item in signed.refused]
    came = f"{row.cursor_count} statements came from it"
    if row.withheld:
        came += f", {row.withheld} of them as places without content"
    if status.quarantined:
        came += f", {status.quarantined} are set aside here and not believed"
    said.append(f"{came}; it last answered {row.pulled_at or 'never'}.")
    said.append(share_in_words(status.shares))
    if not status.has_policy_line:
        said.append(NOTHING_SHARED)
    if status.clock:
        said.append(f"Alarm: {status.clock}")
    said += [f"Alarm: {alarm}" for alarm in status.alarms]
    return said


def plain_status(status: PeerStatus) -> dict[str, object]:
    """The same for programs: numbers, times and sentences, no key and no card."""
    row, shares = status.row, status.shares
    return {
        "node_id": row.node_id,
        "jurisdiction": row.jurisdiction,
        "state": row.state,
        "url": row.url,
        "fingerprint": status.fingerprint,
        "to_send": status.to_send,
        "acknowledged": status.acknowledged,
        "withheld": status.withheld,
        "read_again_at": status.read_again_at,
        "received": row.cursor_count,
        "received_without_content": row.withheld,
        "set_aside": status.quarantined,
        "answered_at": row.pulled_at,
        "reads": status.reads,
        "receipt": None if status.receipt is None else status.receipt.model_dump(mode="json"),
        "share": share_in_words(shares),
        "has_policy_line": status.has_policy_line,
        "statements_left": shares.statements.left,
        "bytes_left": shares.bytes.left,
        "clock_ahead_s": row.clock_ahead_s,
        "clock": status.clock,
        "alarms": list(status.alarms),
    }


def alarms_of(session: Session, peer: PeerRow) -> tuple[str, ...]:
    """Return what is wrong with a peer, and what the peer finds wrong with this node, in sentences for the operator."""
    alarms = [altered_in_words(peer), peer.alarm and brief(peer.alarm)]
    if behind := peer_behind(session, peer.node_id):
        alarms.append(peer_older(behind))
    receipt = _receipt(session, peer.node_id)
    if receipt is not None and receipt.set_aside:
        alarms.append(
            f"It set {receipt.set_aside} of this node's statements aside and does not believe them; ffp sync status "
            "names the last. Telephone its operator."
        )
    return tuple(alarm for alarm in alarms if alarm)


def brief(alarm: str) -> str:
    """For people: of an address the host, of a digest its beginning. The node's own log has them whole."""
    return _DIGEST.sub(r"\1...", _ADDRESS.sub(r"\1", alarm))


def share_in_words(shares: PeerShares) -> str:
    """What the peer sent today, what is left to it, and what it may send in a day."""
    statements, size = shares.statements, shares.bytes
    return (
        f"Today it sent {statements.used_today:,} statements and {_megabytes(size.used_today)} with the scans that "
        f"they name; {max(0, statements.left):,} and {_megabytes(max(0, size.left))} are left to it, of "
        f"{statements.a_day:,} and {_megabytes(size.a_day)} a day; what it does not use is kept for "
        f"{shares.keeps_days} days."
    )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _receipt(session: Session, node_id: str) -> Receipt | None:
    row = latest_of(session, node_id, "receipt")
    if row is None or row.envelope is None:
        return None
    statement = parse_statement(open_envelope(row.envelope).payload)
    return statement if isinstance(statement, Receipt) else None
