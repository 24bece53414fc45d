"""After a rebuild each peer gives back what it holds of this node's own: the statements, and its lane as it read it.

Nothing is taken on a peer's word: a statement must carry this node's own signatures and be the leaf that the log has at
its index. A lane is what its reader says that it read, as long as it is made of this node's own statements.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.errors import PeerError, PeerMisbehaved, StatementInvalid
from exchange.flows.hits.pairs import note_said
from exchange.flows.node.last_head import last_head_fault, remember_head
from exchange.flows.node.node import Node
from exchange.flows.statement.heads import head_of
from exchange.flows.statement.peer import address_of
from exchange.flows.statement.sharing import share, share_anew
from exchange.flows.statement.sign_statement import put_on_lanes
from exchange.flows.statement.widening import is_for_the_head
from exchange.flows.terms.withdraw import take_away, withdrawn
from exchange.log import merkle
from exchange.net.client import PeerClient
from exchange.store.entry.record_rows import AcquisitionState, add_record
from exchange.store.log.statement_rows import (
    add_statement,
    append_leaf,
    find_statement,
    latest_checkpoint,
    latest_of,
    log_size,
    node_reader,
)
from exchange.store.node.jobs import JobKind, promise
from exchange.store.sync.peers import all_peers, find_peer, lane_head_at, lane_of, readers_of
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.tables.record_tables import RecordRow
from exchange.store.terms.terms_rows import keep_grant, replace_policy
from exchange.store.terms.withdrawals import ends_grant, lift_tombstones, tombstone_for
from exchange.store.witness.cosignatures import LogStartState, log_start
from exchange.store.witness.rebuild_rows import (
    PARKED,
    RebuiltPlace,
    drop_source,
    forget_returned_heads,
    is_lost,
    lane_from,
    lane_ids,
    lay_lane,
    no_longer_lost,
    own_ids,
    parked_statements,
    rebuild_source,
    rebuild_sources,
    renumber,
)
from exchange.trust.verify import VerifiedStatement, verify_statement
from schemas import Action, ContractError, Grant, Law, Onboarding, Policy, Record, Withdrawal
from schemas.lane import EMPTY_HEAD, next_head
from schemas.mirror import MirroredLane, MirroredStatement, MirroredStatements, ReceivedPlace, parse_mirror


@dataclass(frozen=True)
class _Back:
    """An own statement that came back and may be believed."""

    log_index: int
    verified: VerifiedStatement


def recover(node: Node, client: PeerClient, node_id: str) -> bool:
    """Take back what one peer holds of this node's own, once after a rebuild. Returns whether it was asked.

    1. Its own statements, page by page: each verified, stored at its index, and put on the lanes where policy says so.
    2. Its own lane to that peer: laid as the peer read it, and after that what the peer has not read.
    3. When all peers that returned their heads were tried, what was appended since the restore is appended anew, and
       the log is signed on. A peer that comes later is asked all the same.

    Raises PeerUnreachable, PeerMisbehaved; what was verified before stays.
    """
    with node.store.read() as session:
        peer, source = find_peer(session, node_id), rebuild_source(session, node_id)
    if peer is None or peer.state != PeerState.ENROLLED or source is None:
        _go_on(node)  # a peer that was revoked meanwhile is not waited for
        return False
    try:
        _take_statements(node, client, peer, source.next_index)
        _take_lane(node, client, peer)
        with node.store.write() as session:
            drop_source(session, node_id)
    except PeerError:
        with node.store.write() as session:
            row = rebuild_source(session, node_id)
            if row is not None:
                row.tried = True
        raise
    finally:
        _go_on(node)
    return True


def _take_statements(node: Node, client: PeerClient, peer: PeerRow, start: int | None) -> None:
    while start is not None:
        try:
            page = parse_mirror(MirroredStatements, client.fetch_mirror(address_of(peer), "statements", start=start))
        except ContractError as error:
            raise PeerMisbehaved(
                f"{peer.node_id} gave statements back in a form that breaks the contract: {error}"
            ) from error
        if page.start != start or (page.next is not None and page.next <= start):
            raise PeerMisbehaved(f"{peer.node_id} gave other statements back than were asked for.")
        with node.store.read() as session:
            back = [_verified(session, node, peer, item) for item in page.items if is_lost(session, item.log_index)]
        with node.store.write() as session:
            for item in back:
                _store_back(session, node, item)
            source = rebuild_source(session, peer.node_id)
            if source is not None and page.next is not None:
                source.next_index = page.next
        start = page.next


def _verified(session: Session, node: Node, peer: PeerRow, item: MirroredStatement) -> _Back:
    """Own signatures, and the very leaf that a head covers which this node signed."""
    raw = base64.b64decode(item.envelope)
    try:
        verified = verify_statement(raw, issuer=node.node_id, key=node.history.statement_key(item.log_index))
    except StatementInvalid as error:
        raise PeerMisbehaved(
            f"{peer.node_id} gave something back as this node's statement {item.log_index} that is none: {error}"
        ) from error
    if node_reader(session)(0, item.log_index) != merkle.leaf_hash(verified.envelope.leaf_data):
        raise PeerMisbehaved(
            f"{peer.node_id} gave another statement back than this node's log has at {item.log_index}."
        )
    return _Back(item.log_index, verified)


def _store_back(session: Session, node: Node, back: _Back) -> None:
    if not is_lost(session, back.log_index):
        return
    verified, statement = back.verified, back.verified.statement
    row = find_statement(session, verified.statement_id)
    if row is not None and row.log_index < PARKED:
        return  # entered once more before it came back: it has another index now, and this leaf no statement
    no_longer_lost(session, back.log_index)
    if row is not None:  # submitted again since the restore, and not logged: it takes its old place
        row.envelope, row.leaf = verified.envelope.raw, merkle.leaf_hash(verified.envelope.leaf_data)
        renumber(session, row, back.log_index)
        return
    newest = latest_of(session, node.node_id, statement.type)
    add_statement(session, verified.statement_id, statement, statement.type, verified.envelope, back.log_index)
    note_said(session, verified.statement_id, statement)
    _apply(session, node, back, is_newest=newest is None or newest.log_index < back.log_index)


def _apply(session: Session, node: Node, back: _Back, *, is_newest: bool) -> None:
    """What follows from an own statement, as when it was made; whom it was for gets it, unless that one has it."""
    name, owner = back.verified.statement_id, node.node_id
    match back.verified.statement:
        case Record() as record:
            submitted_by = record.made_by.pseudonym
            for acquisition in add_record(
                session, name, record, submitted_by=submitted_by, state=AcquisitionState.AWAITING_SCAN
            ):
                promise(session, JobKind.FETCH_SCAN, acquisition)
            is_known = is_for_the_head(session, node.history, record, back.log_index)
            session.get_one(RecordRow, name).widened = is_known is not False
            stone = tombstone_for(session, name, "", issuer=owner)
            if stone is not None:  # its withdrawal came back before it
                take_away(session, stone)
                return
            share(session, name, record, history=node.history)
        case Withdrawal() as said:
            put_on_lanes(session, name, [said.holder] if said.holder else readers_of(session, said.record))
            withdrawn(session, said, name, back.log_index)
        case Grant() as said:
            peers = [peer.node_id for peer in all_peers(session) if peer.jurisdiction == said.jurisdiction]
            put_on_lanes(session, name, peers)
            if not ends_grant(session, said, peers, back.log_index):
                keep_grant(session, said, name, back.log_index)
                for peer in peers:
                    lift_tombstones(session, said, peer, back.log_index)
        case Policy() as said if is_newest:
            replace_policy(session, name, said, own=True)
            put_on_lanes(session, name, [peer.node_id for peer in all_peers(session)])
        case Law() if is_newest:
            put_on_lanes(session, name, [peer.node_id for peer in all_peers(session)])
        case Action() | Onboarding():
            put_on_lanes(session, name, [peer.node_id for peer in all_peers(session)])
        case _:
            pass  # it is kept, and shown where its subject is


def _take_lane(node: Node, client: PeerClient, peer: PeerRow) -> None:
    page = _lane_page(client, peer, 0)
    count, head = page.count, bytes.fromhex(page.head)
    with node.store.read() as session:
        if lane_head_at(session, peer.node_id, count) == head:
            return  # it read nothing that this node does not know of
    places = list(page.items)
    while page.items and len(places) < count:
        page = _lane_page(client, peer, len(places))
        places += page.items
    places = places[:count]
    running = EMPTY_HEAD
    for place in places:
        running = next_head(running, place.statement_id)
    if len(places) != count or running != head:
        raise PeerMisbehaved(f"{peer.node_id} gave a lane back that does not add up to its own head of it.")
    with node.store.write() as session:
        _lay(session, node, peer, places)


def _lane_page(client: PeerClient, peer: PeerRow, start: int) -> MirroredLane:
    try:
        page = parse_mirror(MirroredLane, client.fetch_mirror(address_of(peer), "lane", start=start))
    except ContractError as error:
        raise PeerMisbehaved(
            f"{peer.node_id} gave its lane back in a form that breaks the contract: {error}"
        ) from error
    if page.start != start or page.reader != peer.node_id:
        raise PeerMisbehaved(f"{peer.node_id} gave another lane back than was asked for.")
    return page


def _lay(session: Session, node: Node, peer: PeerRow, read: list[ReceivedPlace]) -> None:
    """What the peer read comes first, in its order; what it has not read follows, in the order in which it was put on
    the lane here."""
    own, here = own_ids(session, node.node_id), lane_ids(session, peer.node_id)
    common = 0
    while common < min(len(here), len(read)) and here[common] == read[common].statement_id:
        common += 1
    if common < lane_of(session, peer.node_id).acknowledged_count:
        raise PeerMisbehaved(f"{peer.node_id} gave a lane back that is not the one whose beginning it acknowledged.")
    for place in read[common:]:
        known = place.statement_id in own
        if not known and (
            find_statement(session, place.statement_id) is not None or not is_lost(session, place.log_index)
        ):
            raise PeerMisbehaved(
                f"{peer.node_id} says that it read {place.statement_id} on its lane, which is none of this node's."
            )
    given = {place.statement_id for place in read if not place.withheld}
    order = [(place.statement_id, place.log_index, place.withheld) for place in read[common:]]
    order += [
        (item.statement_id, item.log_index or 0, item.withheld)
        for item in lane_from(session, peer.node_id, common)
        if item.statement_id not in given
    ]
    head = lane_head_at(session, peer.node_id, common) or EMPTY_HEAD
    placed, withdrawals = [], []
    for name, log_index, withheld in order:
        head = next_head(head, name)
        stone = tombstone_for(session, name, peer.node_id, issuer=node.node_id)
        placed.append(RebuiltPlace(name, head, None if name in own else log_index, withheld or stone is not None))
        if stone is not None and stone.withdrawal is not None:
            withdrawals.append(stone.withdrawal)
    lay_lane(session, peer.node_id, common, placed, head)
    for withdrawal in withdrawals:  # it may have come back before it was known who had read the record
        put_on_lanes(session, withdrawal, [peer.node_id])
    share_anew(session, peer, owner=node.node_id)


def _go_on(node: Node) -> None:
    """Append what is parked, and let the log be signed, once each peer that returned its head was tried."""
    with node.store.write() as session:
        start = log_start(session)
        if start is None or start.state != LogStartState.RECOVERING:
            return
        for source in rebuild_sources(session):
            peer = find_peer(session, source.peer)
            counts = peer is not None and peer.state == PeerState.ENROLLED and peer.returned_at is not None
            if counts and not source.tried:
                return
        for row in parked_statements(session, node.node_id):
            renumber(session, row, append_leaf(session, row.leaf))
        start.state = LogStartState.FREE
        forget_returned_heads(session)
        latest = latest_checkpoint(session)
        whole = latest is not None and latest.size <= log_size(session)
        settled = last_head_fault(node.settings, session) is None  # else a later head is still lacking
    if latest is not None and whole and settled:
        remember_head(node.settings, head_of(latest.note))
