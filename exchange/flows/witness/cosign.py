"""Peers as witnesses: cosign the heads that were verified, tell the owner and others, take what they tell.

Which peer is a witness of whose log, the registry says (`Witnesses`): two nodes of which neither is one of the other's
log tell each other nothing, but while one of them waits for its own heads.
"""

from __future__ import annotations

import base64
import hashlib
import time

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import CheckpointInvalid, InvalidInput, PeerMisbehaved
from exchange.flows.log.equivocation import hear_forks, known_forks
from exchange.flows.log.head_gossip import (
    check_proofs,
    compare_heads,
    heads_to_prove,
    hear,
    standing_disagreements,
)
from exchange.flows.log.signed_checkpoint import proofs_up_to
from exchange.flows.log.start import fall_behind, may_sign, settle_log_start
from exchange.flows.node.node import Node
from exchange.flows.node.witnesses import Witnesses, installed_witnesses
from exchange.flows.statement.heads import head_of, open_cosigned, open_head, own_lines
from exchange.flows.statement.peer import address_of, note_alarm, peer_keys
from exchange.flows.witness.mirror import has_its_key_events
from exchange.flows.witness.recall_cosignatures import remember, reminders
from exchange.log import merkle, note
from exchange.log.checkpoint import Checkpoint
from exchange.log.cosignature import LINES_A_SIGNER, Cosignature, cosign, witness_name
from exchange.net.client import PeerClient
from exchange.store.log.statement_rows import add_checkpoint, latest_checkpoint, log_size, node_reader
from exchange.store.sync.peers import find_peer, peers_cosigned
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.witness.cosignatures import (
    LogStartState,
    add_cosignature,
    cosigned_size,
    keep_disagreement,
    log_start,
    own_checkpoint,
    set_log_start,
    told_heads,
)
from exchange.store.witness.rebuild_rows import returned_head
from schemas import CONTRACT_VERSION, ContractError
from schemas.witness import MAX_HEADS, MAX_NOTE_TEXT, SeenHead, WitnessAnswer, WitnessReport, parse_witness_answer

SEEN_AGAIN_S = 3600
MOST_SEEN_OF_CHOSEN = 4
"""A head takes 9 kB in a report and 9 kB in its answer, and a node reports to two dozen."""


def cosign_head(node: Node, node_id: str) -> bool:
    """Cosign the last head of a peer's log that a pull verified. Returns whether there was anything to cosign.

    The cosignature is stored before anybody gets it, and its size only ever grows: each head that a pull stores goes
    on from the one before. Not cosigned is a head of a log whose heads disagree, or of which another peer cosigned one
    that was not shown to lead to it; and none at all while this node waits for its own heads, since a witness that was
    restored may have forgotten what it cosigned. Nor is any of a log of which this node is no witness: what it
    cosigned before stays, and is returned. Nor is a head before the log was mirrored up to its key-events, which must
    stand in it where they say. Raises PeerMisbehaved where they do not, and for a note with more lines of its log than
    two.
    """
    compare_heads(node, node_id)
    if not installed_witnesses(node.settings).includes(node.node_id, node_id):
        return False
    with node.store.read() as session:
        peer = find_peer(session, node_id)
        if peer is None or peer.state != PeerState.ENROLLED or peer.checkpoint is None or not may_sign(node, session):
            return False
        head = head_of(peer.checkpoint)
        size = head.size
        open_questions = told_heads(session, node_id, unchecked=True) or standing_disagreements(session, node_id)
        if size <= peer.cosigned_size or open_questions or not has_its_key_events(session, peer, size):
            return False
    keys = node.keys.witness
    try:
        cosigned = cosign(
            peer.checkpoint,
            witness_name(node.node_id),
            keys.ed25519,
            keys.ml_dsa,
            int(time.time()),
            own_lines=own_lines(peer_keys(peer), head),
        )
    except CheckpointInvalid as error:
        raise PeerMisbehaved(f"{node_id} shows a head that cannot be cosigned: {error}.") from error
    with node.store.write() as session:
        row = find_peer(session, node_id)
        if row is None or row.checkpoint != peer.checkpoint or row.cosigned_size >= size:
            return False
        row.cosigned, row.cosigned_size = cosigned, size
    return True


def meet(node: Node, client: PeerClient, node_id: str, told: bytes | None = None) -> bytes | None:
    """Tell a peer what this node cosigned, and take what the peer did. Returns a digest of what was told.

    Nothing is told where neither is a witness of the other's log, unless this node waits for its own heads: the peer
    may have been shown one that no witness had read.

    1. Gather the last cosigned head of the peer's log and of each other log, the proof of each fork that is known, and
       the sizes that need a proof.
    2. Stop when all that was ``told`` before, nothing needs a proof, and this node does not wait for its own heads.
       Where witnesses are chosen, what is new of other logs alone is told once an hour.
    3. Ask, signed. The answer must be the peer's own, to this request.
    4. The peer's cosignature of this node's log: verified, stored. What this node itself cosigned and forgot.
    5. What the peer saw of third logs, its proofs that they are forked or go on: held against what is known here.

    Raises PeerUnreachable, PeerMisbehaved.
    """
    compare_heads(node, node_id)
    with node.store.read() as session:
        peer = find_peer(session, node_id)
        if peer is None or peer.state != PeerState.ENROLLED:
            return told
        waits = not may_sign(node, session)
        witnesses = installed_witnesses(node.settings)
        if not waits and not witnesses.joins(node.node_id, node_id):
            return told
        asked = heads_to_prove(session, peer)
        cosigned, shown, seen = _own_view(node, session, witnesses, about=node_id)
        forked = known_forks(session, about=node_id)
    report = WitnessReport(
        contract=CONTRACT_VERSION,
        cosigned=cosigned,
        shown=shown,
        seen=seen,
        forked=forked,
        size=head_of(peer.checkpoint).size if peer.checkpoint and asked else None,
        asks=tuple(row.size for row in asked),
    )
    body = report.model_dump_json().encode()
    telling = _digest(report, chosen=witnesses.of(node_id) is not None)
    if telling == told and not asked and not waits:
        return told
    try:
        answer = parse_witness_answer(client.send_report(address_of(peer), body))
        complaints = _take_returned(node, peer, answer.cosigned, answer.shown)
    except ContractError as error:
        raise PeerMisbehaved(f"{node_id} sent a witness's answer that breaks the contract: {error}") from error
    except CheckpointInvalid as error:
        raise PeerMisbehaved(f"{node_id} returned a cosigned head that is not believed: {error}.") from error
    complaints += remember(node, node_id, answer.yours)
    complaints += hear(node, peer, answer.seen) + hear_forks(node, peer, answer.forked)
    if peer.checkpoint is not None:
        check_proofs(node, node_id, peer.checkpoint, asked, answer.proofs)
    if complaints:
        raise PeerMisbehaved(" ".join(complaints))
    return telling


def answer_report(node: Node, peer: PeerRow, report: WitnessReport) -> WitnessAnswer:
    """Take what a peer cosigned and saw, and give the same from here, with the proofs that it asks for.

    What it says of third logs and is not believed is an alarm here, and no reason to keep this node's view back.
    Raises InvalidInput, code "cosignature-refused"; Conflict, code "size-not-signed".
    """
    try:
        complaints = _take_returned(node, peer, report.cosigned, report.shown)
    except CheckpointInvalid as error:
        raise InvalidInput(f"The cosigned head is not believed: {error}.", code="cosignature-refused") from error
    complaints += hear(node, peer, report.seen) + hear_forks(node, peer, report.forked)
    if complaints:
        note_alarm(node, peer.node_id, " ".join(complaints))
    with node.store.read() as session:
        cosigned, shown, seen = _own_view(node, session, installed_witnesses(node.settings), about=peer.node_id)
        return WitnessAnswer(
            contract=CONTRACT_VERSION,
            cosigned=cosigned,
            shown=shown,
            seen=seen,
            forked=known_forks(session, about=peer.node_id),
            yours=reminders(session, node.node_id, peer, report),
            proofs=proofs_up_to(session, report.size, report.asks),
        )


def _own_view(
    node: Node, session: Session, witnesses: Witnesses, *, about: str
) -> tuple[str | None, str | None, tuple[SeenHead, ...]]:
    """The last head of that node's log that was cosigned here; the last one that was verified, if that is larger; and
    cosigned ones of the logs of others.

    Where witnesses are chosen these are few, and other ones for each who is told: each log's are told to some. Between
    two of which neither is the other's witness there are none.
    """
    heads = {
        peer.node_id: base64.b64encode(peer.cosigned).decode()
        for peer in peers_cosigned(session)
        if peer.cosigned is not None and (peer.state == PeerState.ENROLLED or peer.node_id == about)
    }
    cosigned = heads.pop(about, None)
    told = list(heads)[:MAX_HEADS]
    if witnesses.of(about) is not None:
        told = sorted(heads, key=lambda log: hashlib.sha256(f"{about} {log}".encode()).digest())
        told = told[:MOST_SEEN_OF_CHOSEN] if witnesses.joins(node.node_id, about) else []
    return cosigned, _shown(session, about), tuple(SeenHead(log=log, note=heads[log]) for log in told)


def _digest(report: WitnessReport, *, chosen: bool) -> bytes:
    """By which a report that says nothing new is known. Where a dozen witness each log, a witness's heads of other logs
    change all the time: these count once an hour."""
    told, hour = report, b""
    if chosen:
        told, hour = report.model_copy(update={"seen": ()}), b"%d" % (time.time() // SEEN_AGAIN_S)
    return hashlib.sha256(told.model_dump_json().encode() + hour).digest()


def _shown(session: Session, about: str) -> str | None:
    """The largest head of that node's log that is known here, if it is larger than the one that was cosigned.

    What was read while this node itself waits, and so is not cosigned, or what a peer told of that has forgotten it by
    now, may be all that is left of the end of that log.
    """
    peer = find_peer(session, about)
    if peer is None:
        return None
    known = [raw for raw in (peer.checkpoint, *(row.note for row in told_heads(session, about)[:1])) if raw]
    largest = max(known, key=lambda raw: head_of(raw).size, default=None)
    if largest is None or head_of(largest).size <= peer.cosigned_size:
        return None
    signed = note.parse_note(largest)
    encoded = base64.b64encode(note.Note(signed.text, signed.signatures[:LINES_A_SIGNER]).encoded()).decode()
    return encoded if len(encoded) <= MAX_NOTE_TEXT else None


def _take_returned(node: Node, peer: PeerRow, encoded: str | None, shown: str | None) -> list[str]:
    """Take the last head of this node's log that the peer cosigned, and first the one that it was shown after that.

    1. This node's log keys signed it, and the peer's witness keys cosigned it: else CheckpointInvalid.
    2. It is within this node's own log, and has its root. Else, when this database never signed a head that large, it
       was set back, and its log is rebuilt; otherwise this node contradicts itself: it signs nothing more, and keeps
       both heads.
    3. It is not smaller than the last one that the peer returned: else the peer contradicts itself. It also does when
       it returns none any more, unless this log's key was compromised.
    4. The cosignature of a witness is stored with the head. Whoever returned it counts since the start.
    """
    if shown is not None:
        raw = base64.b64decode(shown)
        if len(note.parse_note(raw).signatures) != LINES_A_SIGNER:
            raise CheckpointInvalid("a head that was shown has the two lines of its log alone")
        _agrees(node, peer.node_id, open_head(raw, node.history), raw)
    if encoded is None:
        with node.store.read() as session:
            before = cosigned_size(session, peer.node_id)
        if before is not None and not _may_have_dropped(node, before):
            return [f"{peer.node_id} returned no head, but cosigned one of size {before}: it may have been restored."]
        return _returned(node, peer.node_id)
    raw = base64.b64decode(encoded)
    head, cosignature = open_cosigned(raw, node.history, peer_keys(peer))
    if not _agrees(node, peer.node_id, head, raw):
        return []
    with node.store.read() as session:
        before = cosigned_size(session, peer.node_id)
    if before is not None and head.size < before:
        return [
            f"{peer.node_id} returned its cosignature of this node's log at size {head.size}, but cosigned size "
            f"{before} before: it may have been restored from an older backup."
        ]
    return _returned(node, peer.node_id, (head, raw, cosignature))


def _may_have_dropped(node: Node, before: int) -> bool:
    """Whether a peer that cosigned this log at a size ``before``, and perhaps beyond, has a reason to return nothing:
    what it cosigned last was signed by a log key that is known to have been in wrong hands."""
    return any(refused.role == "log" and before <= refused.end for refused in node.history.refused())


def _agrees(node: Node, peer: str, head: Checkpoint, raw: bytes) -> bool:
    """Whether a head that this node signed is within its log, and has its root; what follows when not is done here."""
    with node.store.read() as session:
        within = head.size <= log_size(session)
        agrees = within and merkle.root(head.size, node_reader(session)) == head.root
        latest = latest_checkpoint(session)
    if not agrees and head.size > (latest.size if latest else 0):
        _fall_behind(node, peer, head, raw)
    elif not agrees:
        _stop_signing(node, peer, head, raw)
    return agrees


def _returned(node: Node, peer: str, found: tuple[Checkpoint, bytes, Cosignature] | None = None) -> list[str]:
    if not installed_witnesses(node.settings).includes(peer, node.node_id):
        found = None  # by another round: a head is kept with the cosignatures of its dozen, not with all
    with node.store.read() as session:
        row, before = find_peer(session, peer), cosigned_size(session, peer)
    known = found is None or found[0].size == before
    if known and row is not None and row.returned_at is not None:
        return []
    with node.store.write() as session:
        row = find_peer(session, peer)
        if row is None or row.state != PeerState.ENROLLED:
            return []
        if found is not None:
            head, raw, cosignature = found
            signed = note.parse_note(raw)
            if own_checkpoint(session, head.size) is None:  # signed, and lost with the end of the database
                own = tuple(line for line in signed.signatures if line not in cosignature.lines)
                add_checkpoint(session, head.size, head.root, note.Note(signed.text, own).encoded())
                session.flush()
            lines = note.Note(signed.text, cosignature.lines).encoded()
            add_cosignature(session, head.size, peer, lines, cosignature.timestamp)
        row.returned_at = row.returned_at or stamp()
        session.flush()
        settle_log_start(node, session)
    return []


def _fall_behind(node: Node, peer: str, head: Checkpoint, raw: bytes) -> None:
    with node.store.write() as session:
        row, start = find_peer(session, peer), log_start(session)
        if row is None or row.state != PeerState.ENROLLED:
            return
        row.returned_at = row.returned_at or stamp()
        known = returned_head(session, peer)
        if (start is not None and start.state == LogStartState.CONFLICT) or (known is not None and known.note == raw):
            return
        fall_behind(session, peer, head, raw)


def _stop_signing(node: Node, peer: str, head: Checkpoint, raw: bytes) -> None:
    """A peer holds a head that this node signed and that its log contradicts: sign nothing more, keep both heads."""
    with node.store.read() as session:
        latest, same = latest_checkpoint(session), own_checkpoint(session, head.size)
        start = log_start(session)
    own = same or latest
    detail = (
        f"This node signs no head of its log, and no new record leaves it: {peer} holds a head that this node signed, "
        f"size {head.size}, root {head.root.hex()[:16]}..., "
        "but its log has another root at that size. Two histories were signed. Stop the node and restore the newest "
        "backup, one that holds that head. Where there is none, make a new node under another id and have every peer "
        "revoke this one."
    )
    texts = (head.text, note.parse_note(own.note).text if own else "")
    with node.store.write() as session:
        keep_disagreement(
            session,
            node.node_id,
            own.note if own else b"",
            raw,
            texts=texts,
            proven=same is not None,
            detail=detail,
        )
        if start is None or start.state != LogStartState.CONFLICT:
            set_log_start(session, LogStartState.CONFLICT, restored=start.restored if start else False, detail=detail)
