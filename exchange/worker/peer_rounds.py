"""Rounds with peers: restore lost statements, pull, mirror the peer's log, cosign its tree head, report it."""

from __future__ import annotations

import contextlib
import threading
from time import monotonic

import structlog

from exchange.errors import PeerBusy, PeerError, PeerMisbehaved, PeerUnreachable
from exchange.flows.keys.events import learn_keys
from exchange.flows.keys.restore_key_events import return_key_events
from exchange.flows.log.start import may_sign
from exchange.flows.node.node import Node
from exchange.flows.statement.peer import note_alarm
from exchange.flows.sync.available_hours import AvailableHours
from exchange.flows.sync.clocks import note_clock
from exchange.flows.sync.peer_quota import has_bytes_left
from exchange.flows.sync.pull import pull
from exchange.flows.sync.receipts import give_receipt
from exchange.flows.witness.cosign import cosign_head, meet
from exchange.flows.witness.mirror import mirror_log
from exchange.flows.witness.rebuild import rebuild
from exchange.flows.witness.recover import recover
from exchange.flows.witness.witnessed import check_witnessed
from exchange.net.client import PeerClient
from exchange.store.sync.peers import find_peer

log = structlog.get_logger(__name__)

LEAST_OFTEN = 16
"""The longest pause before a misbehaving peer is asked again, in multiples of the usual pause."""
RESTS = 2
"""After each page of a peer that has more, the node rests for this many times the page's duration, at most
``LONGEST_REST_S``. So such a peer occupies the node for a third of the time."""
LONGEST_REST_S = 1.0
BUSY_S = 60  # the longest pause that a busy peer can ask for


class PeerRounds:
    """State between the rounds with each peer. No two rounds with the same peer run at once."""

    def __init__(self, node: Node, client: PeerClient, hours: AvailableHours, stopping: threading.Event) -> None:
        self._node, self._client, self._hours, self._stopping = node, client, hours, stopping
        self._told: dict[str, bytes | None] = {}
        self._up_to_date: set[str] = set()
        self._cosigned = False
        self._lied: dict[str, int] = {}
        self._ask_at: dict[str, float] = {}

    def is_up_to_date(self, peer: str) -> bool:
        """Return whether the last round fetched everything from the peer, and no statement of it is awaited."""
        return peer in self._up_to_date

    def pull(self, peer: str) -> bool:
        """Do one round with a peer, and note how far its clock differs."""
        self._up_to_date.discard(peer)
        if monotonic() < self._ask_at.get(peer, 0.0):
            return False
        try:
            return self._round(peer)
        finally:
            with self._node.store.read() as session:
                found = find_peer(session, peer)
            ahead_s = self._client.ahead_s(found.url) if found else None
            if ahead_s is not None:
                note_clock(self._node, peer, ahead_s)

    def _round(self, peer: str) -> bool:
        """Restore lost statements, pull, mirror the log, cosign its tree head and report it, or ask for cosignatures of
        others."""
        try:
            with self._node.store.read() as session:
                waits = not may_sign(self._node, session)
            if waits:  # whatever else is wrong between the two: the peer may hold this node's heads
                with contextlib.suppress(PeerError):  # met again below, where it is an alarm
                    self._meet(peer)
            refused = self._get_back(peer)
            begun = monotonic()
            more = pull(self._node, self._client, peer)
            self._hours.note(peer, answered=True)
            while has_bytes_left(self._node, peer) and not self._stopping.is_set():
                if not mirror_log(self._node, self._client, peer):
                    break
            self._cosigned |= cosign_head(self._node, peer)
            if more:
                self._stopping.wait(min(RESTS * (monotonic() - begun), LONGEST_REST_S))
            else:
                give_receipt(self._node, peer)
                self._meet(peer)
                if cosign_head(self._node, peer):  # the proofs that it waited for came with that answer
                    self._meet(peer)
                    self._cosigned = True
            check_witnessed(self._node, self._client, peer)
            if refused is not None:
                raise refused
            self._lied.pop(peer, None)
            if not more and not waits:
                self._up_to_date.add(peer)
        except PeerError as error:
            if self._stopping.is_set():
                return False
            if isinstance(error, PeerBusy):
                self._hours.note(peer, answered=True)
                return self._come_again(peer, error)
            self._hours.note(peer, answered=not isinstance(error, PeerUnreachable))
            return self._look_for_keys(peer, error)
        return more

    def tell_witnesses(self) -> None:
        """Report newly cosigned heads to the peers that are up to date, with which no round is due."""
        if self._cosigned:
            self._cosigned = False
            for peer in sorted(self._up_to_date):
                if not self._stopping.is_set():
                    with contextlib.suppress(PeerError):  # met again in the next round with it, where it is an alarm
                        self._meet(peer)

    def _come_again(self, peer: str, busy: PeerBusy) -> bool:
        """Ask a busy peer again at the time that it named. This is no alarm. Waiting here would block another peer."""
        log.info("a peer is busy, asked again later", peer=peer, detail=str(busy))
        self._ask_at[peer] = monotonic() + min(busy.retry_after_s, BUSY_S)
        return False

    def _look_for_keys(self, peer: str, error: PeerError) -> bool:
        """Ask for new keys of a peer whose signature failed. Return whether there are new keys."""
        told = str(error)
        try:
            if isinstance(error, PeerMisbehaved) and learn_keys(self._node, self._client, peer):
                log.info("learned new keys", peer=peer)
                return True
        except PeerMisbehaved as also:
            told = f"{told} {also}"
        except PeerError:
            pass  # what went wrong first is what the operator must know
        if not self._stopping.is_set():  # else broken off here, no fault of the peer
            log.warning("pull failed", peer=peer, code=error.code, detail=told)
            note_alarm(self._node, peer, told)
            if isinstance(error, PeerMisbehaved):
                self._ask_later(peer)
        return False

    def _ask_later(self, peer: str) -> None:
        """Ask a peer that keeps misbehaving less often: reading its answers delays other peers."""
        times = self._lied[peer] = self._lied.get(peer, 0) + 1
        longer = min(2 ** min(times, 10), LEAST_OFTEN)
        self._ask_at[peer] = monotonic() + longer * self._node.settings.pull_interval_s

    def _get_back(self, peer: str) -> PeerError | None:
        """After a restore, get the log's hashes, then this node's own statements that the peer holds. Return a refusal
        of the peer as an error, so that the round goes on."""
        try:
            if rebuild(self._node, self._client):
                log.warning("the log was rebuilt from its witnesses")
            if return_key_events(self._node):
                log.warning("the last change of keys is in the log again")
            if recover(self._node, self._client, peer):
                log.warning("what a peer holds of this node's own was taken back", peer=peer)
        except PeerError as error:
            return error
        return None

    def _meet(self, peer: str) -> None:
        self._told[peer] = meet(self._node, self._client, peer, self._told.get(peer))
