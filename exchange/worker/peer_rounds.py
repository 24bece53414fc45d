"""A node's rounds with its peers: take back what was lost, pull, mirror their logs, cosign their heads, tell them."""

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
"""In intervals of asking: how far apart a peer is asked that misbehaves each time."""
RESTS = 2
"""A peer that always has more is read a third of the time: for so many times as long as its page took, others have the
node to themselves, and never for longer than ``LONGEST_REST_S``."""
LONGEST_REST_S = 1.0
BUSY_S = 60  # the longest that a busy peer is left alone, whatever it asks for


class PeerRounds:
    """What is remembered from one round with a peer to the next. No two rounds with a peer run at once."""

    def __init__(self, node: Node, client: PeerClient, hours: AvailableHours, stopping: threading.Event) -> None:
        self._node, self._client, self._hours, self._stopping = node, client, hours, stopping
        self._told: dict[str, bytes | None] = {}
        self._up_to_date: set[str] = set()
        self._cosigned = False
        self._lied: dict[str, int] = {}
        self._ask_at: dict[str, float] = {}

    def is_up_to_date(self, peer: str) -> bool:
        """Whether nothing was left to be had of a peer when the last round with it ended, and none is waited for."""
        return peer in self._up_to_date

    def pull(self, peer: str) -> bool:
        """One round with one peer, and what its clock said in it."""
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
        """Take back what was lost, pull, mirror the log, cosign its head, tell it; or ask who else cosigned it."""
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
        """Tell those peers what was cosigned since, of which no news is waited for meanwhile."""
        if self._cosigned:
            self._cosigned = False
            for peer in sorted(self._up_to_date):
                if not self._stopping.is_set():
                    with contextlib.suppress(PeerError):  # met again in the next round with it, where it is an alarm
                        self._meet(peer)

    def _come_again(self, peer: str, busy: PeerBusy) -> bool:
        """As late as it asked for. No alarm: nothing is wrong. No wait here, where it would take another's place."""
        log.info("a peer is busy, asked again later", peer=peer, detail=str(busy))
        self._ask_at[peer] = monotonic() + min(busy.retry_after_s, BUSY_S)
        return False

    def _look_for_keys(self, peer: str, error: PeerError) -> bool:
        """What a peer signed did not verify, or was refused: its keys may be new ones. Returns whether they are."""
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
        """Who misbehaves again and again is asked seldom: to read and refuse its answers costs others' time too."""
        times = self._lied[peer] = self._lied.get(peer, 0) + 1
        longer = min(2 ** min(times, 10), LEAST_OFTEN)
        self._ask_at[peer] = monotonic() + longer * self._node.settings.pull_interval_s

    def _get_back(self, peer: str) -> PeerError | None:
        """After a restore: the log's hashes, then what this peer holds of this node's own. What is refused keeps
        nothing else from being done."""
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
