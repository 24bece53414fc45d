"""Hold against each other the heads of one log that different peers were shown: a fork shows itself here."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from itertools import combinations

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import CheckpointInvalid, HistoryDiffers, PeerMisbehaved, ProofInvalid
from exchange.flows.node.node import Node
from exchange.flows.statement.heads import head_of, open_cosigned
from exchange.flows.statement.peer import peer_keys
from exchange.log import merkle
from exchange.log.checkpoint import Checkpoint
from exchange.store.sync.peers import find_peer, standing_alarm
from exchange.store.tables.log import DisagreementRow, ToldHeadRow
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.witness.cosignatures import (
    disagreements,
    drop_unproven,
    keep_disagreement,
    keep_told,
    mark_checked,
    told_head,
    told_heads,
)
from schemas.witness import MAX_HEADS, SeenHead

NEXT_STEP = (
    "Telephone its operator. Both heads are kept and shown by `ffp log evidence`; if its log was forked, revoke it: "
    "`ffp peer revoke`."
)


def hear(node: Node, teller: PeerRow, seen: Sequence[SeenHead]) -> list[str]:
    """Take what a peer tells of third logs, keep the last of each, and hold it against what is known here.

    Returns the contradictions in what the peer reported. Logs of nodes that are no peers here are passed over.
    """
    complaints = []
    for item in seen:
        with node.store.read() as session:
            log, before = find_peer(session, item.log), told_head(session, teller.node_id, item.log)
        if log is None or log.state != PeerState.ENROLLED or item.log == teller.node_id:
            continue
        raw = base64.b64decode(item.note)
        if before is not None and before.note == raw:
            continue
        try:
            head, _ = open_cosigned(raw, peer_keys(log), peer_keys(teller))
        except CheckpointInvalid as error:
            complaints.append(f"{teller.node_id} tells of a head of {item.log} that is not believed: {error}.")
            continue
        if before is not None and head.size < before.size:
            complaints.append(
                f"{teller.node_id} cosigned {item.log} at size {head.size} after it had cosigned size {before.size}."
            )
            continue
        _keep(node, log.node_id, teller.node_id, before, head, raw)
        compare_heads(node, log.node_id)
    return complaints


def compare_heads(node: Node, log: str) -> None:
    """Hold all that is known of a log's heads against each other: of one size there must be one root alone."""
    with node.store.read() as session:
        peer, told = find_peer(session, log), told_heads(session, log)
    if peer is None:
        return
    shown = [(row.teller, head_of(row.note), row.note) for row in told]
    if peer.checkpoint is not None:
        known = head_of(peer.checkpoint)
        if any(head == known and not row.checked for row, (_, head, _) in zip(told, shown, strict=True)):
            with node.store.write() as session:
                mark_checked(session, log, known.size, known.root)
        shown.append((node.node_id, known, peer.checkpoint))
    for (one, first, first_note), (other, second, second_note) in combinations(shown, 2):
        if first.size == second.size and first.root != second.root:
            disagree(node, log, (one, first, first_note), (other, second, second_note))


def heads_to_prove(session: Session, peer: PeerRow) -> list[ToldHeadRow]:
    """The heads of the peer's log that others told of and that are smaller than the one that was verified here."""
    if peer.checkpoint is None:
        return []
    size = head_of(peer.checkpoint).size
    return [row for row in told_heads(session, peer.node_id, unchecked=True) if row.size < size][:MAX_HEADS]


def check_proofs(
    node: Node, log: str, known_note: bytes, asked: Sequence[ToldHeadRow], proofs: Sequence[Sequence[str]]
) -> None:
    """Each head that was told of must lead to the one that is known, by the proof that the log's node gave.

    Raises PeerMisbehaved when the proofs are not those that were asked for.
    """
    if len(proofs) != len(asked):
        raise PeerMisbehaved(f"{log} gave {len(proofs)} proofs in place of {len(asked)}.")
    known = head_of(known_note)
    for row, proof in zip(asked, proofs, strict=True):
        try:
            merkle.verify_consistency(
                row.size, known.size, row.root, known.root, [bytes.fromhex(step) for step in proof]
            )
        except ProofInvalid:
            told = Checkpoint(known.origin, row.size, row.root)
            disagree(node, log, (row.teller, told, row.note), (node.node_id, known, known_note))
        else:
            with node.store.write() as session:
                mark_checked(session, log, row.size, row.root)
                drop_unproven(session, log, row.note)


def keep_shown(node: Node, peer: PeerRow, error: HistoryDiffers) -> None:
    """A peer showed a signed head that does not go on from the last one: keep both, and ask for a proof later."""
    if peer.checkpoint is None:
        return
    head = head_of(error.note)
    with node.store.read() as session:
        before = told_head(session, peer.node_id, peer.node_id)
    if before is None or before.size < head.size:
        _keep(node, peer.node_id, peer.node_id, before, head, error.note)
    known = (node.node_id, head_of(peer.checkpoint), peer.checkpoint)
    disagree(node, peer.node_id, known, (peer.node_id, head, error.note))


def note_head(node: Node, peer: PeerRow, head: Checkpoint, raw: bytes) -> None:
    """A peer showed a signed head of its log beside its lane, and nothing says yet that it goes on from the last one:
    it is held against all that is known, and its proof is asked for like that of any head that others tell of."""
    with node.store.read() as session:
        before = told_head(session, peer.node_id, peer.node_id)
    if before is None or before.size <= head.size:
        _keep(node, peer.node_id, peer.node_id, before, head, raw)
    compare_heads(node, peer.node_id)


def refuse_forked(session: Session, log: str) -> None:
    """Raises PeerMisbehaved when this log is known to have signed two histories."""
    fork = next((found for found in standing_disagreements(session, log) if found.proven), None)
    if fork is not None:
        raise PeerMisbehaved(fork.detail)


def standing_disagreements(session: Session, log: str) -> list[DisagreementRow]:
    """Those of which no head was signed by a key that was in wrong hands: a thief's heads prove nothing."""
    peer = find_peer(session, log)
    found = disagreements(session, log)
    if peer is None or not found:
        return list(found)
    keys = peer_keys(peer)
    return [
        row
        for row in found
        if not any(keys.is_refused("log", max(head_of(shown).size - 1, 0)) for shown in (row.first, row.second))
    ]


def refuse_hidden(log: str, shown_size: int, told: Sequence[ToldHeadRow]) -> None:
    """Raises PeerMisbehaved when a log shows less than it had shown to others before it was asked."""
    largest = max(told, key=lambda row: row.size, default=None)
    if largest is not None and largest.size > shown_size:
        raise PeerMisbehaved(
            f"{log} shows a log of size {shown_size}, but signed a head of size {largest.size} before, root "
            f"{largest.root.hex()[:16]}..., known from {largest.teller}: it hides something, or was restored from an "
            "older backup. Telephone its operator."
        )


def _keep(node: Node, log: str, teller: str, before: ToldHeadRow | None, head: Checkpoint, raw: bytes) -> None:
    same_size = before is not None and before.size == head.size
    if before is not None and same_size and before.root != head.root:
        earlier = Checkpoint(head.origin, before.size, before.root)
        disagree(node, log, (teller, earlier, before.note), (teller, head, raw))
    if same_size:
        return
    row = ToldHeadRow(teller=teller, log=log, size=head.size, root=head.root, note=raw, checked=False, told_at=stamp())
    with node.store.write() as session:
        keep_told(session, row)


ShownHead = tuple[str, Checkpoint, bytes]
"""Who was shown a head, the head, and its signed note."""


def disagree(node: Node, log: str, one: ShownHead, other: ShownHead) -> None:
    """Keep both heads, and raise the alarm that names them."""
    (first_seen_by, first, first_note), (second_seen_by, second, second_note) = one, other
    proven = first.size == second.size
    kind = (
        "Its log has two histories: it signed two heads of one size"
        if proven
        else "Its log signed two heads and does not prove that one goes on from the other"
    )
    detail = (
        f"{kind}. Size {first.size}, root {first.root.hex()[:16]}..., seen by {first_seen_by}; size {second.size}, "
        f"root {second.root.hex()[:16]}..., seen by {second_seen_by}. {NEXT_STEP}"
    )
    with node.store.write() as session:
        keep_disagreement(
            session,
            log,
            first_note,
            second_note,
            texts=(first.text, second.text),
            proven=proven,
            detail=f"{log}: {detail}",
        )
        peer = find_peer(session, log)
        if peer is not None:
            peer.alarm = standing_alarm(session, log)
