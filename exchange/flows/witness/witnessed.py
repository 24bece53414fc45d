"""A reader that is no witness of a log has its node show that a majority of the witnesses saw the same log.

Who shows two readers two logs can have no more than one of them cosigned by a majority, unless witnesses cosign both.
So a reader of the other one notices: at once where a cosigned head contradicts what was shown to it, and otherwise
within a day, since no majority comes.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from exchange.clock import stamp, stamp_in
from exchange.errors import CheckpointInvalid, PeerBusy, PeerMisbehaved, ProofInvalid
from exchange.flows.log.head_gossip import ShownHead, check_proofs, disagree, heads_to_prove
from exchange.flows.log.signed_checkpoint import head_cosigned_by, proofs_up_to
from exchange.flows.node.node import Node
from exchange.flows.node.witnesses import installed_witnesses
from exchange.flows.statement.heads import head_of, open_cosigned_by, open_head, witness_of
from exchange.flows.statement.peer import address_of, peer_keys
from exchange.log import merkle
from exchange.log.checkpoint import Checkpoint
from exchange.log.cosignature import Witness
from exchange.net.client import PeerClient
from exchange.store.log.statement_rows import node_reader
from exchange.store.sync.peers import find_peer, peers_among, standing_alarm
from exchange.store.tables.log import ToldHeadRow, WitnessedLogRow
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.witness.cosignatures import drop_unproven
from exchange.store.witness.witnessed_rows import LATE_H, keep_witnessed, witnessed_log
from exchange.trust.key_history import KeyHistory
from exchange.trust.witness_choice import majority
from schemas import CONTRACT_VERSION, ContractError
from schemas.witness import WitnessedHead, WitnessedLog, parse_witnessed_log

ASK_EVERY_S: Final = 3600
"""A head has so long to be cosigned before it is asked about, and a log is asked about so often."""


@dataclass(frozen=True)
class Witnessed:
    """What an answer shows. ``sizes``: of each witness whose keys are known here, that of its last head which agrees
    with the one that was seen; ``agreeing`` are the notes of these, ``contradicting`` are heads that do not agree."""

    sizes: Mapping[str, int]
    agreeing: tuple[bytes, ...]
    contradicting: tuple[ShownHead, ...]

    def cosigned(self, size: int) -> int:
        """How many cosigned a head of this size or a later one."""
        return sum(found >= size for found in self.sizes.values())

    def covered(self, needed: int) -> int:
        """The largest size to which so many agree; 0 when fewer do."""
        return sorted(self.sizes.values(), reverse=True)[needed - 1] if len(self.sizes) >= needed else 0


def answer_witnessed(node: Node, size: int, asks: Sequence[int]) -> WitnessedLog:
    """The last head that each chosen witness cosigned of this node's log, with what proves that it agrees with the head
    of ``size``; and that this one goes on from each size in ``asks``. Raises Conflict, code "size-not-signed"."""
    witnesses = installed_witnesses(node.settings)
    with node.store.read() as session:
        proofs = proofs_up_to(session, size, [size, *asks])[1:]
        heads = [_shown(session, witness, size) for witness in sorted(witnesses.of(node.node_id) or ())]
    return WitnessedLog(
        contract=CONTRACT_VERSION,
        log=node.node_id,
        size=size,
        round=witnesses.round,
        heads=tuple(head for head in heads if head is not None),
        proofs=proofs,
    )


def _shown(session: Session, witness: str, size: int) -> WitnessedHead | None:
    found = head_cosigned_by(session, witness)
    if found is None:
        return None
    cosigned, raw = found
    proof = merkle.consistency_proof(min(cosigned, size), max(cosigned, size), node_reader(session))
    return WitnessedHead(
        witness=witness, note=base64.b64encode(raw).decode(), proof=tuple(step.hex() for step in proof)
    )


def check_witnessed(node: Node, client: PeerClient, node_id: str) -> bool:
    """Ask a peer how far its log is witnessed, at most once an hour, and when there is something to know. Returns
    whether it was asked.

    1. Only of a log whose witnesses are chosen, and of which this node is none: a witness reports, and is reported to.
    2. Only where a head that was seen here is not known to be covered, though enough of the chosen are enrolled here to
       tell (`witness_alarms` says where not), or where others told of heads that need a proof.
    3. The answer must be the peer's own, to this request. Each head counts that the log signed and that one of the
       chosen witnesses cosigned, by the keys that are pinned here, and that agrees with the last one verified here.
    4. What a majority of the chosen cosigned is covered. What does not agree is kept as evidence, with an alarm.
    5. What is not covered waits for the next hour. After a day it is an alarm (`unwitnessed`).

    A peer that is busy is asked again in the next round. If a head waits for more than a day, that is an alarm too,
    because a peer that hides a fork could always claim to be busy. Raises PeerUnreachable, PeerMisbehaved.
    """
    # 1.
    chosen = installed_witnesses(node.settings).of(node_id)
    if chosen is None or node.node_id in chosen:
        _ask_no_more(node, node_id)
        return False
    with node.store.read() as session:
        peer, row = find_peer(session, node_id), witnessed_log(session, node_id)
        if peer is None or peer.state != PeerState.ENROLLED or peer.checkpoint is None:
            return False
        asked = heads_to_prove(session, peer)
        keys = {
            one.node_id: witness_of(peer_keys(one))
            for one in peers_among(session, chosen)
            if one.state == PeerState.ENROLLED
        }
    # 2.
    known, needed = head_of(peer.checkpoint), majority(chosen)
    row = _noted(node, row, node_id, known.size, enough=len(keys) >= needed)
    if row.waiting_since is None and not asked:
        return False
    if max(row.asked_at or "", row.waiting_since or "") > stamp_in(-ASK_EVERY_S):
        return False
    # 3.
    try:
        answer = _ask(client, peer, known.size, asked)
        found = read_witnessed(answer, known, peer_keys(peer), keys)
    except PeerMisbehaved:
        _keep(node, row)
        raise
    except PeerBusy as error:
        if row.waiting_since is None or row.waiting_since > stamp_in(-LATE_H * 3600):
            raise
        raise PeerMisbehaved(
            f"{node_id} answers, but says that it is too busy to tell how far its log is witnessed, although a head of "
            f"size {row.waiting_size} waits for that since {row.waiting_since} ({error}). Telephone its operator."
        ) from error
    # 4., 5.
    row.round, row.size = answer.round, max(row.size, min(found.covered(needed), known.size))
    _wait_on(row, known.size, found)
    _keep(node, row)
    check_proofs(node, node_id, peer.checkpoint, asked, answer.proofs)
    _note_evidence(node, peer, known, found)
    return True


def read_witnessed(
    answer: WitnessedLog, known: Checkpoint, log: KeyHistory, witnesses: Mapping[str, Witness]
) -> Witnessed:
    """What an answer shows of the log of which ``known`` is the last head that was verified here.

    1. Each witness is named once. Those whose keys are not given count for nothing.
    2. The log's keys signed each head: else PeerMisbehaved.
    3. The witness's keys cosigned it. Else it counts for nothing: it may be from before a change of keys.
    4. By the proof the smaller of it and ``known`` is a beginning of the larger. Else they contradict each other.
    """
    sizes: dict[str, int] = {}
    agreeing, contradicting = [], []
    # 1.
    if len({item.witness for item in answer.heads}) != len(answer.heads):
        raise PeerMisbehaved(f"{answer.log} showed two heads as the last one that one witness cosigned.")
    for item in answer.heads:
        if item.witness not in witnesses:
            continue
        raw = base64.b64decode(item.note)
        # 2.
        try:
            open_head(raw, log)
        except CheckpointInvalid as error:
            raise PeerMisbehaved(f"{answer.log} showed a head as witnessed that it did not sign: {error}.") from error
        # 3.
        try:
            head, _ = open_cosigned_by(raw, log, witnesses[item.witness])
        except CheckpointInvalid:
            continue
        # 4.
        smaller, larger = sorted((head, known), key=lambda one: one.size)
        try:
            merkle.verify_consistency(
                smaller.size, larger.size, smaller.root, larger.root, [bytes.fromhex(step) for step in item.proof]
            )
        except ProofInvalid:
            contradicting.append((item.witness, head, raw))
        else:
            sizes[item.witness] = head.size
            agreeing.append(raw)
    return Witnessed(sizes, tuple(agreeing), tuple(contradicting))


def _noted(node: Node, row: WitnessedLogRow | None, log: str, size: int, *, enough: bool) -> WitnessedLogRow:
    """The row of a log, which says since when a head waits that was seen here. A log that became shorter is read anew,
    after its key was in wrong hands."""
    if row is None or row.size > size:
        row = WitnessedLogRow(log=log, size=0, waiting_cosigned=0)
    waits = enough and size > row.size
    if waits != (row.waiting_since is not None):
        row.waiting_size, row.waiting_since, row.waiting_cosigned = (size, stamp(), 0) if waits else (None, None, 0)
        with node.store.write() as session:
            keep_witnessed(session, row)
    return row


def _ask_no_more(node: Node, log: str) -> None:
    """By another round this node is a witness of the log, or every peer is: nothing waits for an answer any more, and
    no alarm stands that no answer could end."""
    with node.store.read() as session:
        row = witnessed_log(session, log)
    if row is None or row.waiting_since is None:
        return
    row.waiting_size, row.waiting_since, row.waiting_cosigned = None, None, 0
    with node.store.write() as session:
        keep_witnessed(session, row)
        peer = find_peer(session, log)
        if peer is not None:
            peer.alarm = standing_alarm(session, log)


def _wait_on(row: WitnessedLogRow, known: int, found: Witnessed) -> None:
    """What waits goes on waiting; once it is covered, what was seen since then waits from now on."""
    if row.waiting_size is not None and row.size >= row.waiting_size:
        row.waiting_size, row.waiting_since = (known, stamp()) if known > row.size else (None, None)
    row.waiting_cosigned = found.cosigned(row.waiting_size) if row.waiting_size is not None else 0


def _ask(client: PeerClient, peer: PeerRow, size: int, asked: Sequence[ToldHeadRow]) -> WitnessedLog:
    body = client.fetch_witnessed(address_of(peer), size=size, asks=[row.size for row in asked])
    try:
        answer = parse_witnessed_log(body)
    except ContractError as error:
        raise PeerMisbehaved(f"{peer.node_id} told of its witnesses in breach of the contract: {error}") from error
    if (answer.log, answer.size, len(answer.proofs)) != (peer.node_id, size, len(asked)):
        raise PeerMisbehaved(f"{peer.node_id} answered another question about its witnesses than was asked.")
    return answer


def _keep(node: Node, row: WitnessedLogRow) -> None:
    """What came of asking; and the alarm, once a head waits for a day."""
    row.asked_at = stamp()
    with node.store.write() as session:
        keep_witnessed(session, row)
        peer = find_peer(session, row.log)
        if peer is not None:
            peer.alarm = standing_alarm(session, row.log)


def _note_evidence(node: Node, peer: PeerRow, known: Checkpoint, found: Witnessed) -> None:
    for shown in found.contradicting:
        disagree(node, peer.node_id, (node.node_id, known, peer.checkpoint or b""), shown)
    if found.agreeing:
        with node.store.write() as session:
            for raw in found.agreeing:
                drop_unproven(session, peer.node_id, raw)
