"""Peers that live in memory: an identity, a log, a lane of key-events. A hostile one signs whatever it likes.

Keys are made once, from published seeds, so that thousands of peers cost no key generation.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from exchange.errors import CheckpointInvalid, PeerUnreachable, StatementInvalid
from exchange.log import merkle, note
from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.log.cosignature import with_lines
from exchange.log.tiles import parse_path
from exchange.net.client import PeerAddress
from exchange.trust.key_history import KeyHistory, begin_history, extend_history
from exchange.trust.keys import HybridSigner, LogKeys, NodeKeys
from exchange.trust.possession import prove_possession
from schemas import Envelope, KeyRole
from schemas.key_chain import KeyChain
from schemas.keys import KEY_ROLES
from schemas.lane import EMPTY_HEAD, LaneItem, LanePage, next_head
from schemas.statements import statement_id
from tests.schemas.examples import Json, card_fields, encoded, hybrid, of_node, seed

MADE_AT = 1_793_000_000


@functools.cache
def identity(number: int) -> HybridSigner:
    return hybrid(f"light peer {number} identity")


@functools.cache
def working(number: int) -> NodeKeys:
    def log_keys(role: str) -> LogKeys:
        name = f"light peer {number} {role}"
        return LogKeys(
            Ed25519PrivateKey.from_private_bytes(seed(f"{name} ed25519")),
            MLDSA44PrivateKey.from_seed_bytes(seed(f"{name} ml-dsa-44")),
        )

    transport = Ed25519PrivateKey.from_private_bytes(seed(f"light peer {number} transport"))
    statement = hybrid(f"light peer {number} statement")
    return NodeKeys(statement, log_keys("log"), log_keys("witness"), transport, nonce_secret=b"")


def with_roles(keys: NodeKeys, roles: Sequence[KeyRole], other: NodeKeys) -> NodeKeys:
    """Return ``keys`` with those of ``other`` for these roles."""
    return dataclasses.replace(keys, **{role: getattr(other, role) for role in roles})


class LightPeer:
    """``known`` are the key-events that an honest reader believes; ``keys`` those of the last one. ``history`` follows
    from the lane: what it makes beyond that is a lie."""

    def __init__(self, node_id: str, signer: HybridSigner, keys: NodeKeys) -> None:
        self.node_id, self.signer, self.keys = node_id, signer, keys
        self.url = f"http://{node_id}.test"
        self.card = self.sign(event="delegate", from_index=0, roles=KEY_ROLES, previous=None)
        self.history: KeyHistory = begin_history(self.card)
        self.leaves = [merkle.leaf_hash(self.card.leaf_data)]
        self.lane: list[tuple[Envelope, int]] = []
        self.pairs = {keys.log.public.ed25519: keys.log}
        self.origin = self.history.card.log_origin
        """The name under which it signs its heads."""

    def sign(
        self,
        *,
        event: str,
        from_index: int,
        roles: Sequence[KeyRole],
        previous: str | None,
        keys: NodeKeys | None = None,
        provers: NodeKeys | None = None,
        **changes: Any,
    ) -> Envelope:
        """A key-event as it wants it: ``keys`` are those that it names, ``provers`` those that prove themselves."""
        named = keys or self.keys
        proof = prove_possession(
            provers or named, roles, issuer=self.node_id, identity=self.signer.public, previous=previous
        )
        fields: Json = card_fields(
            **of_node(self.node_id),
            url=self.url,
            event=event,
            nonce=hashlib.sha256(f"{self.node_id} {previous} {event} {from_index}".encode()).hexdigest(),
            identity=self.signer.public.model_dump(),
            delegation=named.delegated(from_index).model_dump(),
            possession=proof.model_dump(),
            previous=previous,
        )
        return self.signer.sign(encoded(fields | changes))

    def put(self, envelope: Envelope) -> bool:
        """Append a key-event to the log and the lane. Its own history goes on where the key-event is good; returns
        whether it is."""
        index = len(self.leaves)
        self.leaves.append(merkle.leaf_hash(envelope.leaf_data))
        self.lane.append((envelope, index))
        try:
            extended = extend_history(self.history, envelope.raw)
        except StatementInvalid:
            return False
        if extended.last.index == index:
            self.history = extended
        return self.history is extended

    def rotate(
        self, roles: Sequence[KeyRole], new: NodeKeys, *, from_index: int | None = None, **changes: Any
    ) -> Envelope:
        """Replace the keys of these roles honestly, or as compromised, and put the key-event into the log."""
        self.keys = with_roles(self.keys, roles, new)
        self.pairs[self.keys.log.public.ed25519] = self.keys.log
        compromised = None if from_index is None else {"roles": list(roles), "from_index": from_index}
        envelope = self.sign(
            event="rotate" if compromised is None else "compromise",
            from_index=len(self.leaves),
            roles=roles,
            previous=self.history.last.statement_id,
            **{"compromised": compromised, **changes},
        )
        self.put(envelope)
        return envelope

    def grow(self, count: int = 1) -> None:
        for _ in range(count):
            self.leaves.append(merkle.leaf_hash(f"{self.node_id} {len(self.leaves)}".encode()))

    def fork(self, size: int) -> None:
        """Take the end of its log back, and sign another one of at least the same size."""
        before = len(self.leaves)
        self.leaves = self.leaves[:size]
        while len(self.leaves) <= before:
            self.leaves.append(merkle.leaf_hash(f"{self.node_id} another {len(self.leaves)}".encode()))

    def read(self, level: int, index: int) -> bytes:
        if level == 0:
            return self.leaves[index]
        return merkle.node_hash(self.read(level - 1, 2 * index), self.read(level - 1, 2 * index + 1))

    def head(self) -> bytes:
        size = len(self.leaves)
        head = Checkpoint(self.origin, size, merkle.root(size, self.read))
        try:
            pairs = [self.pairs[key.ed25519] for key in self.history.log_keys(size)]
        except CheckpointInvalid:  # by a key that it called compromised
            pairs = [self.keys.log]
        signed, *more = (sign_checkpoint(head, pair.ed25519, pair.ml_dsa, MADE_AT) for pair in pairs)
        for other in more:
            signed = with_lines(signed, note.parse_note(other).signatures)
        return signed

    def page(self, lane: str, start: int, known_size: int) -> bytes:
        size, head, items = len(self.leaves), EMPTY_HEAD, []
        for position, (envelope, index) in enumerate(self.lane):
            name = statement_id(envelope.payload)
            head = next_head(head, name)
            proof = merkle.inclusion_proof(index, size, self.read) if index < size else []
            item = LaneItem(
                position=position,
                statement_id=name,
                log_index=index,
                envelope=base64.b64encode(envelope.raw).decode(),
                inclusion=tuple(step.hex() for step in proof),
            )
            items.append(item)
        proof = merkle.consistency_proof(known_size, size, self.read) if 0 < known_size <= size else []
        page = LanePage(
            contract="1.0",
            lane=lane,
            start=start,
            count=len(self.lane),
            head=head.hex(),
            checkpoint=base64.b64encode(self.head()).decode(),
            consistency=tuple(step.hex() for step in proof),
            items=tuple(items[start:]),
        )
        return page.model_dump_json().encode()

    def chain(self) -> bytes:
        """All that is on its lane, good or not."""
        events = [self.card, *(envelope for envelope, _ in self.lane)]
        texts = tuple(base64.b64encode(envelope.raw).decode() for envelope in events)
        return KeyChain(contract="1.0", events=texts).model_dump_json().encode()


class LightClient:
    """Stands for the client of one reader; whoever is asked answers from memory. ``answers`` says who answers in place
    of a peer: a thief of its keys."""

    def __init__(self, reader: str, peers: dict[str, LightPeer]) -> None:
        self.reader, self.peers = reader, peers
        self.answers: dict[str, LightPeer] = {}
        self.shown: dict[bytes, list[bytes]] = {}
        """The leaves of every log that was shown, by the root of its head."""

    def _asked(self, peer: PeerAddress) -> LightPeer:
        found = self.answers.get(peer.node_id) or self.peers.get(peer.node_id)
        if found is None:
            raise PeerUnreachable(f"{peer.node_id} is not reached.")
        return found

    def fetch_lane(self, peer: PeerAddress, *, start: int, head: bytes, known_size: int, wait_s: int = 0) -> bytes:
        asked = self._asked(peer)
        self.shown[merkle.root(len(asked.leaves), asked.read)] = list(asked.leaves)
        return asked.page(self.reader, start, known_size)

    def fetch_keys(self, peer: PeerAddress) -> bytes:
        return self._asked(peer).chain()

    def fetch_tile(self, peer: PeerAddress, path: str) -> bytes:
        tile, asked = parse_path(path), self._asked(peer)
        assert tile.level == 0, "no log of these tests fills a tile"
        return b"".join(asked.leaves[tile.index * 256 :][: tile.width])

    ahead_s: Callable[[str], None] = staticmethod(lambda _url: None)
