"""Answer a peer that reads its lane: the next statements, each with the proof that the log holds it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from itertools import chain

from sqlalchemy.orm import Session

from exchange.errors import NotFound
from exchange.flows.hits.history import disagreeing_reviews, pair_id, pairs_of_same_exhibits
from exchange.flows.hits.vocabulary import MOST_HITS, MOST_STEPS
from exchange.flows.log.audit_rows import dealt_with
from exchange.flows.node.delivered_scan import Entitling
from exchange.flows.node.node import Node
from exchange.flows.statement.addressee import LaneReader, is_meant_for
from exchange.flows.statement.as_signed import is_as_signed, said_as_signed, signed_record
from exchange.flows.statement.peer import peer_keys
from exchange.flows.statement.sharing import entitled, releasable, share_anew
from exchange.flows.sync.acknowledge import acknowledge
from exchange.flows.sync.skew import PlaceOnLane, readable
from exchange.log import merkle
from exchange.log.audit_entry import Act
from exchange.net.message_signatures import RequestProof
from exchange.store.database.seals import holds
from exchange.store.hits.joined_pairs import hits_of_pairs, said_of_hits
from exchange.store.log.statement_rows import find_statement, latest_checkpoint, node_reader
from exchange.store.scan.deliveries import given_showing
from exchange.store.sync.peers import (
    all_peers,
    extend_lane,
    find_peer,
    lane_items,
    lane_of,
    note_withheld,
    taken_back,
    withheld_others,
)
from exchange.store.tables.log import CheckpointRow
from exchange.store.tables.peer_tables import LaneItemRow, PeerRow, PeerState
from exchange.store.tables.record_tables import StatementRow
from exchange.trust.key_history import KeyHistory
from schemas import (
    CONTRACT_VERSION,
    AnyStatement,
    Conclusion,
    ContractError,
    Hit,
    PhysicalComparison,
    Record,
    Verification,
    VerificationRequest,
    about,
    open_envelope,
    parse_statement,
)
from schemas.kinds import MeantFor, kind_of
from schemas.lane import MAX_PAGE_ITEMS, LaneItem, LanePage
from schemas.statements import statement_id as id_of
from schemas.vocabulary import Jurisdiction

_PAGE_BYTES = 4 * 1024 * 1024  # half of what a peer accepts: Base64 and proofs come on top


def read_lane(
    node: Node,
    peer: PeerRow,
    *,
    start: int,
    head: bytes,
    known_size: int,
    proof: RequestProof | None = None,
    reads: str = CONTRACT_VERSION,
) -> LanePage:
    """One page of the peer's lane from ``start`` on.

    1. The peer's running head must be ours at that place; else one of us lost something, and both must know.
    2. Its signed request for what follows acknowledges what came before: note it, with its ``proof``. A place
       before that is older than its receipts; it is answered, since a lane keeps everything, and noted for the
       operator.
    3. Give only what the last signed head covers, with inclusion and consistency proofs. What was entitled when it came
       on the lane may not be any more: policy is asked again at every reading.
    4. Note what was withheld: it comes on the lane again once the peer may have it.
    5. The page ends before the first statement that the peer is too old for, by the contract version that it
       ``reads``.
    6. Write down what is given, before it is.

    Raises as ``acknowledge``; NotAudited.
    """
    acknowledge(node, peer, start, head, proof, reads)
    with node.store.read() as session:
        lane, signed = lane_of(session, peer.node_id), latest_checkpoint(session)
        if signed is None or known_size > signed.size:
            placed = []
        else:
            placed = lane_items(session, peer.node_id, start=start, below_log_index=signed.size, limit=MAX_PAGE_ITEMS)
        given = _given(session, node, peer.node_id, placed)
        items, needs = readable(_bounded(placed), given, reads)
        read = node_reader(session)
        page = LanePage(
            contract=CONTRACT_VERSION,
            lane=peer.node_id,
            start=start,
            count=lane.count,
            head=(items[-1][0].head if items else head).hex(),
            checkpoint=base64.b64encode(signed.note).decode() if signed else None,
            consistency=_consistency(read, signed, known_size),
            items=tuple(_item(read, signed, given, *pair) for pair in items) if signed else (),
            needs=needs,
        )
    changed = {
        item.position: item.statement_id not in given
        for item, _ in items
        if item.withheld != (item.statement_id not in given)
    }
    if changed:
        with node.store.write() as session:
            note_withheld(session, peer.node_id, changed)
            current = find_peer(session, peer.node_id)
            if current is not None:  # what became allowed while the page was made; never what the rows alone allow
                withheld = [item.statement_id for item, _ in items if item.statement_id not in given]
                may = releasable(session, current, withheld, history=node.history)
                share_anew(session, current, owner=node.node_id, among=may)
    shown = tuple(item.statement_id for item in page.items if item.envelope is not None)
    if shown:
        node.audit.note(dealt_with(peer, Act.GIVE_PAGE, shown, len(shown)))
    return page


def waits_on_lane(node: Node, peer: str, start: int) -> bool:
    """Whether the last signed head covers anything that follows ``start`` on a peer's lane."""
    with node.store.read() as session:
        signed = latest_checkpoint(session)
        if signed is None:
            return False
        return bool(lane_items(session, peer, start=start, below_log_index=signed.size, limit=1))


def give_mended(node: Node) -> int:
    """Put on the lanes what was withheld while its rows did not say what was signed, and that do again. Returns how
    many places that makes."""
    places = 0
    with node.store.write() as session:
        for peer in all_peers(session):
            lacking = entitled(session, peer, owner=node.node_id)
            may = releasable(session, peer, lacking, history=node.history)
            places += share_anew(session, peer, owner=node.node_id, among=may) if may else 0
            if peer.state == PeerState.ENROLLED:
                withheld = withheld_others(session, peer.node_id)
                mended = [row.statement_id for row in withheld if may_pass(session, node.history, peer, row)]
                extend_lane(session, peer.node_id, mended)
                places += len(mended)
    return places


def may_fetch(node: Node, peer: PeerRow, sha256: str) -> list[Entitling]:
    """Returns the records that entitle a peer to the bytes of a scan, each with the acquisition that names them.

    A scan that is refused although its record was given makes that record come on the lane again once the peer may
    have it: else nothing would tell the peer to ask once more. Raises NotFound, the same whether the scan is unknown or
    withheld.
    """
    with node.store.read() as session:
        current = find_peer(session, peer.node_id)
        showing = given_showing(session, sha256, peer.node_id)
        entitled = [] if current is None else entitling(session, node, current, showing)
        given = [] if entitled else [row.statement_id for _, row in showing if row.issuer == node.node_id]
    if given:
        with node.store.write() as session:
            for statement_id in given:
                taken_back(session, peer.node_id, statement_id)
    if not entitled:
        raise NotFound(f"The scan {sha256} is not on this node.")
    return entitled


def entitling(session: Session, node: Node, peer: PeerRow, showing: Sequence[Entitling]) -> list[Entitling]:
    """Return the records that entitle the peer to a scan, out of the records that it issued or that are on its lane.
    Knowing the digest of a scan entitles nobody.

    1. Records of the peer itself, since it delivered these bytes.
    2. Records of this node which policy releases to it now.

    A record of anybody else's gives nothing, whatever it names and whoever may see it; nor does one whose row names
    other bytes, or another issuer, than was signed.
    """
    # 1.
    if peer.state != PeerState.ENROLLED:
        return []
    keys = peer_keys(peer)
    its_own = [pair for pair in showing if pair[1].issuer == peer.node_id and _is_named(session, pair, keys)]
    delivered_by_it = [pair for pair in its_own if holds(session, pair[0])]

    # 2.
    own = [statement.statement_id for _, statement in showing if statement.refused_by is None]
    released = releasable(session, peer, own, history=node.history)
    named = [pair for pair in showing if pair[1].statement_id in released and _is_named(session, pair, node.history)]
    return delivered_by_it + named


def _is_named(session: Session, showing: Entitling, keys: KeyHistory) -> bool:
    acquisition, statement = showing
    record = signed_record(session, statement.statement_id, keys)
    return record is not None and any(one.blob.sha256 == acquisition.sha256 for one in record.acquisitions)


def _bounded(items: Sequence[PlaceOnLane]) -> Sequence[PlaceOnLane]:
    total = 0
    for place, (_, statement) in enumerate(items):
        total += len(statement.envelope or b"") if statement else 0
        if total > _PAGE_BYTES and place:
            return items[:place]
    return items


def _consistency(read: merkle.Read, signed: CheckpointRow | None, known_size: int) -> tuple[str, ...]:
    if signed is None or not 0 < known_size < signed.size:
        return ()
    return tuple(node.hex() for node in merkle.consistency_proof(known_size, signed.size, read))


def _given(session: Session, node: Node, peer: str, items: Sequence[PlaceOnLane]) -> set[str]:
    """Of these statements those that the peer is given now: records as policy says, of a peer that was expelled the
    withdrawals alone; nothing that a compromised key signed."""
    current = find_peer(session, peer)
    standing = [statement for _, statement in items if statement is not None and statement.refused_by is None]
    records = [statement.statement_id for statement in standing if statement.type == "record"]
    if current is None:
        return set()
    others = {
        statement.statement_id
        for statement in standing
        if statement.type != "record"
        and (current.state == PeerState.ENROLLED or statement.type == "withdrawal")
        and may_pass(session, node.history, current, statement)
    }
    return others | releasable(session, current, records, history=node.history)


def may_pass(session: Session, history: KeyHistory, peer: PeerRow, row: StatementRow) -> bool:
    """Whether this is no record, whatever its row calls it, but a statement that this node signed, and one that is
    meant for this peer. Of what only a later release reads the signatures alone are known."""
    said = said_as_signed(row, history)
    if said is None:
        return is_as_signed(row, history)
    reader = LaneReader(peer.node_id, Jurisdiction(peer.jurisdiction))
    return not isinstance(said, Record) and _is_meant_for(session, reader, said, row.statement_id)


def _is_meant_for(session: Session, reader: LaneReader, said: AnyStatement, name: str) -> bool:
    """What is said of a hit, or takes something back, is for those whom that was for. It names it by its digest, so
    whatever has this digest is what was meant, whoever keeps it. A conclusion and its verification stay at home until a
    hit, or a comparison, rests on them; a verification that a partner was asked for goes to both sides at once."""
    if isinstance(said, Conclusion | Verification):
        asked_for = isinstance(said, Verification) and said.request is not None
        return is_meant_for(reader, said) and (asked_for or name in _rested_on(session, said))
    if kind_of(said).meant_for is not MeantFor.CONCERNED:
        return is_meant_for(reader, said)
    spoken_of = _named(session, about(said) or "")
    kinds = Hit | Conclusion | Verification | VerificationRequest
    return isinstance(spoken_of, kinds) and is_meant_for(reader, spoken_of)


def _rested_on(session: Session, said: Conclusion | Verification) -> set[str]:
    """Return the conclusions and verifications on which this node's hits and comparisons of the two exhibits rest, with
    the reviews of these exhibits that disagree. A side that reads a hit reads these too."""
    pairs = pairs_of_same_exhibits(session, said.pair)
    hits = chain.from_iterable(hits_of_pairs(session, pairs, most=MOST_HITS).values())
    steps = said_of_hits(session, pairs, "physical-comparison", most=MOST_STEPS)
    resting = [_named(session, row.statement_id) for row in (*hits, *steps) if row.issuer == said.issuer]
    named = {
        name
        for one in resting
        if isinstance(one, Hit | PhysicalComparison)
        for name in (one.conclusion, one.verification)
        if name is not None
    }
    return named | disagreeing_reviews(session, [said.pair]).get(pair_id(said.pair), {}).keys() if named else named


def _named(session: Session, name: str) -> AnyStatement | None:
    row = find_statement(session, name)
    try:
        payload = open_envelope(row.envelope).payload if row is not None and row.envelope is not None else b""
        return parse_statement(payload) if id_of(payload) == name else None
    except ContractError:
        return None


def _item(
    read: merkle.Read, signed: CheckpointRow, given: set[str], item: LaneItemRow, statement: StatementRow | None
) -> LaneItem:
    if statement is None:
        return LaneItem(
            position=item.position,
            statement_id=item.statement_id,
            log_index=item.log_index or 0,
            envelope=None,
            inclusion=(),
        )
    envelope = statement.envelope if statement.statement_id in given else None
    proof = merkle.inclusion_proof(statement.log_index, signed.size, read) if envelope is not None else []
    return LaneItem(
        position=item.position,
        statement_id=statement.statement_id,
        log_index=max(statement.log_index, 0),  # an altered row may say anything; its envelope is withheld
        envelope=base64.b64encode(envelope).decode() if envelope is not None else None,
        inclusion=tuple(step.hex() for step in proof),
    )
