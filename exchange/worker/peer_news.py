"""Waiting for news of peers: for how long each is asked to wait, and which lines stand meanwhile."""

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
"""A line that nobody knows yet is asked to stand for so long, and twice as long after each quiet answer. One that
breaks off was perhaps forgotten by a router or a proxy, and the next stands for half as long."""
A_PEER_S: Final = 36
"""Of each peer a node adds so much to the longest wait: it asks no more often with two hundred peers than with six."""
CERTAIN_S: Final = 30
"""Until then a line may be one that nobody takes at the other end."""
ROUND_AGAIN_S: Final = 3600
"""A peer without news is gone round to so often, or after its answer."""
IN_VAIN: Final = 3
"""Of so many questions in a row one may have met a restart of the peer, and one a change of its keys."""


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
        """Until a peer says that it has news, or its line breaks: the next round finds out. At the latest an hour
        later, since that round asks for more than the lane."""
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
        """False too for what is no answer."""
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
        """The rounds between go well, or nobody would be waited for: nothing else tells the operator."""
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
        """A line that stands is a peer that is there: write it down."""
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
        """None where nothing is waited for: the peer is asked again after the pause between two rounds."""
        with self._node.store.read() as session:
            most_s = min(self._node.settings.lane_wait_s, max(SHORTEST_S, A_PEER_S * len(asked_peers(session))))
        wait_s = int(min(most_s, self._wait_s.get(peer, SHORTEST_S)))
        if wait_s == 0:
            return None
        return question_for_news(self._node, self._client, peer, wait_s=wait_s)
