"""Long polling of peers: how long each peer is asked to wait for news, and which connections are open meanwhile."""

from __future__ import annotations

import time
from collections.abc import Collection
from functools import partial
from http import HTTPStatus
from typing import Final

import structlog

from exchange.clock import stamp
from exchange.errors import PeerMisbehaved, PeerUnreachable
from exchange.flows.node.node import Node
from exchange.flows.statement.peer import note_alarm
from exchange.flows.sync.available_hours import AvailableHours
from exchange.flows.sync.clocks import note_clock
from exchange.flows.sync.fetch import ask_again
from exchange.flows.sync.pull import question_for_news
from exchange.net.client import NewsQuestion, PeerClient
from exchange.net.news_lines import NewsAnswer, NewsLines
from exchange.store.sync.peers import asked_peers, still_answers
from exchange.worker.loops import Loops

log = structlog.get_logger(__name__)

SHORTEST_S: Final = 20
"""The first wait that a peer is asked for. It doubles after each answer without news. It is halved after a broken
connection, since a router or a proxy may have dropped it."""
A_PEER_S: Final = 36
"""What each peer adds to the longest wait, so that two hundred peers are not asked more often in all than six."""
CERTAIN_S: Final = 30
"""After this time an open connection counts as accepted by the peer."""
ROUND_AGAIN_S: Final = 3600
"""The longest time between two rounds with a peer that has no news."""
IN_VAIN: Final = 3
"""An alarm follows this many failed questions in a row: a restart of the peer and a change of its keys may each fail
one."""


class PeerNews:
    def __init__(self, node: Node, client: PeerClient, hours: AvailableHours) -> None:
        self._node, self._client, self._hours = node, client, hours
        self._wait_s: dict[str, float] = {}
        self._standing: dict[str, float] = {}
        self._in_vain: dict[str, int] = {}

    def lines(self) -> NewsLines:
        settings = self._node.settings
        return NewsLines(
            guard=self._node.egress, timeout_s=settings.peer_timeout_s, certificate=settings.client_certificate
        )

    async def wait(self, peer: str, lines: NewsLines, loops: Loops) -> None:
        """Wait until the peer has news or the connection breaks, at most an hour: the next round also asks for what is
        not on the lane."""
        until = time.monotonic() + ROUND_AGAIN_S
        while await self._is_quiet(peer, lines, loops) and time.monotonic() < until:
            pass

    async def _is_quiet(self, peer: str, lines: NewsLines, loops: Loops) -> bool:
        name = f"news of {peer}"
        asked = await loops.step(name, partial(self._question, peer))
        if asked is None:
            return False
        begun = time.monotonic()
        self._standing[peer] = begun
        try:
            answer = await lines.ask(asked.url, asked.headers, wait_s=asked.wait_s)
        except PeerUnreachable as error:
            stood_s = time.monotonic() - begun
            self._wait_s[peer] = max(SHORTEST_S, stood_s / 2)
            if asked.wait_s <= SHORTEST_S:  # the shortest, and that breaks too
                await loops.step(name, partial(self._asked_in_vain, peer, str(error)))
            return False
        finally:
            del self._standing[peer]
        quiet = bool(await loops.step(name, partial(self._is_said_quiet, asked, answer)))
        if quiet:
            self._wait_s[peer] = 2 * asked.wait_s
            await loops.step(name, partial(self._note_answers, [peer]))
            if answer.ahead_s is not None:
                await loops.step(name, partial(note_clock, self._node, peer, answer.ahead_s))
        return quiet and time.monotonic() - begun > asked.wait_s / 2  # who does not wait is not asked at once again

    def _is_said_quiet(self, asked: NewsQuestion, answer: NewsAnswer) -> bool:
        """Return whether the answer is valid and reports no news."""
        peer = asked.peer.node_id
        if answer.status != HTTPStatus.OK:
            self._asked_in_vain(peer, f"the answer has the status {answer.status}.")
            return False
        try:
            quiet = not self._client.is_news(asked, answer)
        except PeerMisbehaved as error:
            self._asked_in_vain(peer, str(error))
            return False
        self._in_vain.pop(peer, None)
        return quiet

    def _asked_in_vain(self, peer: str, why: str) -> None:
        """Raise an alarm after ``IN_VAIN`` failures. Ordinary rounds with the peer succeed, so nothing else would
        inform the operator."""
        times = self._in_vain[peer] = self._in_vain.get(peer, 0) + 1
        if times == IN_VAIN:
            log.warning("a peer cannot be waited for", peer=peer, detail=why)
        if times >= IN_VAIN:
            note_alarm(
                self._node,
                peer,
                f"{peer} is read as ever, but cannot be waited for: {times} times in a row there was no answer to "
                f"/v1/lane/news, the last time since {why.rstrip('.')}. It is read every "
                f"{self._node.settings.pull_interval_s:g} s in place of that. "
                "Look at what stands between the two nodes, and telephone its operator.",
            )

    def note_standing(self) -> None:
        """Record that the peers with open connections are reachable."""
        longest = time.monotonic() - CERTAIN_S
        standing = sorted(peer for peer, begun in list(self._standing.items()) if begun < longest)
        if standing:
            self._note_answers(standing)

    def _note_answers(self, peers: Collection[str]) -> None:
        for peer in peers:
            self._hours.note(peer, answered=True)
        with self._node.store.write() as session:
            for peer in peers:
                ask_again(session, peer)
            still_answers(session, peers, stamp())

    def _question(self, peer: str) -> NewsQuestion | None:
        """Return None if the peer is not asked to wait: then the usual pause between two rounds applies."""
        with self._node.store.read() as session:
            most_s = min(self._node.settings.lane_wait_s, max(SHORTEST_S, A_PEER_S * len(asked_peers(session))))
        wait_s = int(min(most_s, self._wait_s.get(peer, SHORTEST_S)))
        if wait_s == 0:
            return None
        return question_for_news(self._node, self._client, peer, wait_s=wait_s)
