"""Pull what a peer shares: verify all of it before believing any of it, and store it with the cursor."""

from __future__ import annotations

import shutil
import time

import structlog

from exchange.clock import stamp
from exchange.errors import (
    HistoryDiffers,
    PeerMisbehaved,
    StatementInvalid,
    StoreFull,
)
from exchange.flows.hits.pairs import settle_pairs
from exchange.flows.keys.events import adopt_keys, drop_refused, learn_keys
from exchange.flows.log.audit_rows import took
from exchange.flows.log.head_gossip import keep_shown, refuse_forked, refuse_hidden
from exchange.flows.node.node import Node
from exchange.flows.node.witnesses import installed_witnesses
from exchange.flows.review.partners import tell_declined
from exchange.flows.statement.heads import head_of
from exchange.flows.statement.peer import address_of, peer_keys
from exchange.flows.sync.fetch import ask_again
from exchange.flows.sync.peer_quota import is_stopped, take_share
from exchange.flows.sync.quarantine import keep_evidence
from exchange.flows.sync.receive import receive_page
from exchange.flows.sync.verify_lane_page import Expected, Poison, Received, VerifiedPage, poison, verify_page
from exchange.log.audit_entry import Act
from exchange.log.checkpoint import Checkpoint
from exchange.net.client import NewsQuestion, PeerClient
from exchange.store.sync.peers import ASKED, find_peer, standing_alarm
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.witness.cosignatures import told_heads
from exchange.store.witness.mirror_rows import drop_mirror, keep_places
from schemas import ContractError, Record
from schemas.lane import LanePage, parse_lane_page

log = structlog.get_logger(__name__)


def pull(node: Node, client: PeerClient, node_id: str) -> bool:
    """Pull one page from a peer. Returns whether more is waiting.

    Nothing is asked of a peer that has used up its share of this node, and of a page as much is taken as is left of it.

    1. Ask, signed, for what follows the cursor. The answer must be the peer's own, to this request.
    2. Verify the page: head of the log, its consistency with the last one seen, each item, the lane's running head.
    3. In one transaction: the keys that key-events brought and what they refuse, statements, records, promised fetches,
       quarantine, the audit row, and the cursor. A peer that answers again is asked again for the scans that it left
       undelivered.
    4. The head must reach as far as any that other peers told of before it was asked for.
    5. Where the lane waits for an upgrade of this node, the peer is asked for its key-events: one that calls a key
       compromised may stand behind what waits, and holds at once.

    What this release is too old to read stays on the lane with all that follows it: the cursor stands, and the alarm
    says to upgrade. A log that is known to be forked is read no further, and a signed head that does not go on from the
    last one is kept as evidence. Raises PeerUnreachable, PeerMisbehaved, StoreFull; up to step 3 the cursor stands
    still then.
    """
    _check_space(node)
    with node.store.read() as session:
        peer, told = find_peer(session, node_id), told_heads(session, node_id)
        refuse_forked(session, node_id)
    if peer is None or peer.state not in ASKED or is_stopped(node, node_id):
        return False
    keys = peer_keys(peer)
    expected = Expected(
        keys=keys,
        lane=node.node_id,
        start=peer.cursor_count,
        head=peer.cursor_head,
        known=head_of(peer.checkpoint) if peer.checkpoint else None,
    )
    try:
        page = _ask(client, peer, expected)
        begun = time.time()
        verified = verify_page(page, expected)
    except HistoryDiffers as error:
        if expected.known is not None and keys.is_refused("log", max(expected.known.size - 1, 0)):
            _set_head_aside(node, peer, expected.known)
        keep_shown(node, peer, error)
        raise
    with node.store.write() as session:
        row = find_peer(session, node_id)
        if row is None or row.state not in ASKED or row.cursor_count != expected.start:
            return False  # revoked, or read by somebody else meanwhile
        if row.checkpoint != peer.checkpoint:
            return False  # this page was not held against the head that is the last one by now
        if row.key_chain != peer.key_chain:
            return False  # nor against the keys
        if verified.keys != keys:
            adopt_keys(session, row, verified.keys)
        verified = take_share(session, node.settings, node_id, verified, expected.head)
        keep_places(session, node_id, verified.places)
        refused = receive_page(session, node, row, verified.accepted)
        keep_evidence(session, node, node_id, [*(_poison(*item) for item in refused), *verified.poisoned])
        took(session, row, Act.TAKE_PAGE, _arrived(verified), len(_arrived(verified)))
        row.cursor_count, row.cursor_head = verified.count, verified.head
        row.withheld += verified.withheld
        row.checkpoint = verified.checkpoint or row.checkpoint
        row.needs, row.waiting = verified.needs, verified.waiting
        ask_again(session, node_id)
        row.pulled_at, row.alarm = stamp(), standing_alarm(session, node_id)
    for item in verified.accepted:
        if isinstance(item.statement, Record):
            node.tracing.note("record received", item.statement_id, begun, peer=node_id)
    drop_refused(node, keys, verified.keys)
    settle_pairs(node)
    tell_declined(node)
    refuse_hidden(node_id, verified.log_size, told)
    if verified.needs is not None:
        learn_keys(node, client, node_id)
    return verified.more


def question_for_news(node: Node, client: PeerClient, node_id: str, *, wait_s: int) -> NewsQuestion | None:
    """What to ask a peer that has nothing more just now; None where nothing is to be read of it. Each new head of its
    log is news to a witness of it, and while something waits on its lane that this release is too old for."""
    with node.store.read() as session:
        peer = find_peer(session, node_id)
    if peer is None or peer.state not in ASKED or is_stopped(node, node_id):
        return None
    known_size = head_of(peer.checkpoint).size if peer.checkpoint else 0
    each_head = peer.waiting or installed_witnesses(node.settings).includes(node.node_id, node_id)
    return client.news_question(
        address_of(peer),
        start=peer.cursor_count,
        head=peer.cursor_head,
        known_size=known_size if each_head else None,
        wait_s=wait_s,
    )


def _set_head_aside(node: Node, peer: PeerRow, known: Checkpoint) -> None:
    """The last head that was seen was signed by a key in wrong hands, and the log does not lead on from it: it is read
    anew, from no head. Raises PeerMisbehaved, for the operator to know."""
    with node.store.write() as session:
        row = find_peer(session, peer.node_id)
        if row is not None and row.checkpoint == peer.checkpoint:
            row.checkpoint = None
            drop_mirror(session, peer.node_id)
    raise PeerMisbehaved(
        f"The last head that {peer.node_id} showed, size {known.size}, root {known.root.hex()[:16]}..., was signed by "
        "a key that was in wrong hands, and its log does not go on from there: that head is set aside. Compare both "
        "logs with its operator."
    )


def _ask(client: PeerClient, peer: PeerRow, expected: Expected) -> LanePage:
    known_size = expected.known.size if expected.known else 0
    body = client.fetch_lane(address_of(peer), start=expected.start, head=expected.head, known_size=known_size)
    try:
        return parse_lane_page(body)
    except ContractError as error:
        raise PeerMisbehaved(f"{peer.node_id} sent a page that breaks the contract: {error}") from error


def _check_space(node: Node) -> None:
    """What peers send must not take the space that the database needs to finish what it began."""
    if shutil.disk_usage(node.settings.home).free < node.settings.min_free_bytes:
        raise StoreFull("Too little space is free on this node; peers are not read until there is more.")


def _poison(item: Received, error: StatementInvalid) -> Poison:
    return poison(item.position, item.statement_id, item.log_index, item.envelope.raw, error)


def _arrived(page: VerifiedPage) -> tuple[str, ...]:
    """The statements whose envelopes came, in the lane's order, whether they may be believed or not."""
    places = {item.position: item.statement_id for item in page.accepted}
    places |= {item.position: item.statement_id for item in page.poisoned}
    return tuple(places[position] for position in sorted(places))
