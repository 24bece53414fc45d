"""Random sequences of key-events by one to three hostile peers, against one honest witness."""

from __future__ import annotations

import copy
import itertools
import random
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import delete

from exchange.errors import InvalidInput, PeerMisbehaved
from exchange.flows.keys.enrol import enrol, read_introduction
from exchange.flows.keys.events import learn_keys
from exchange.flows.node.node import Node, create_node, opened
from exchange.flows.statement.heads import head_of
from exchange.flows.statement.peer import peer_keys
from exchange.flows.statement.peer_request import requesting_peer
from exchange.flows.sync.pull import pull
from exchange.flows.witness.cosign import cosign_head
from exchange.flows.witness.mirror import mirror_log
from exchange.log.checkpoint import Checkpoint
from exchange.store.sync.peers import find_peer
from exchange.store.tables.log import DisagreementRow, ToldHeadRow
from exchange.store.tables.mirror_tables import MirrorTileRow, ReceivedPlaceRow
from exchange.store.tables.peer_tables import (
    LaneItemRow,
    LaneRow,
    PeerDayRow,
    PeerRow,
    QuarantineCountRow,
    QuarantineRow,
)
from exchange.trust.keys import NodeKeys, raw_public, requester_id
from schemas import KeyRole
from schemas.keys import KEY_ROLES
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.keys.light_peer import LightClient, LightPeer, identity, with_roles, working
from tests.exchange.open_policy import LEGAL_BASIS
from tests.schemas.examples import of_node

STEPS = 6
OF_PEERS = (
    *(LaneItemRow, LaneRow, PeerDayRow, MirrorTileRow, ReceivedPlaceRow, QuarantineRow, QuarantineCountRow),
    *(ToldHeadRow, DisagreementRow, PeerRow),
)
VICTIM_KEYS, COMING_KEYS, NEWCOMER_KEYS, FIRST_SPARE = 3, 4, 5, 6
"""Numbers of sets of keys; those below are the hostile peers' first ones."""


class World:
    """An honest witness, a victim, one to three hostile peers, of which the first may have stolen keys."""

    def __init__(self, node: Node, number: int) -> None:
        self.node, self.random, self.number = node, random.Random(number), number
        self.victim = LightPeer(f"ffp-xk-{number}", identity(3), working(VICTIM_KEYS))
        names = ("mk", "al", "me")[: self.random.randint(1, 3)]
        self.hostile = [
            LightPeer(f"ffp-{name}-{number}", identity(place), working(place)) for place, name in enumerate(names)
        ]
        self.peers = {peer.node_id: peer for peer in (self.victim, *self.hostile)}
        self.client = LightClient(node.node_id, self.peers)
        self.spare = FIRST_SPARE
        self.stolen: tuple[KeyRole, ...] = tuple(self.random.sample(KEY_ROLES, self.random.randint(1, 4)))
        self.cosigned: dict[str, list[Checkpoint]] = {peer: [] for peer in self.peers}
        """The heads that the witness cosigned for each peer, in the order in which it did."""
        for peer in self.peers.values():
            self.enrol(peer)

    def enrol(self, peer: LightPeer) -> None:
        introduction = read_introduction(self.node, peer.card.raw)
        enrol(self.node, introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS)

    def fresh(self) -> NodeKeys:
        self.spare += 1
        return working(self.spare)

    def turn(self, node_id: str) -> None:
        """What the witness's worker does with a peer. Whatever it refuses, it goes on with the next one."""
        for _ in range(4):
            try:
                more = pull(self.node, self.client, node_id)  # type: ignore[arg-type]
                mirror_log(self.node, self.client, node_id)  # type: ignore[arg-type]
                cosign_head(self.node, node_id)
            except PeerMisbehaved:
                try:
                    more = learn_keys(self.node, self.client, node_id)  # type: ignore[arg-type]
                except PeerMisbehaved:
                    more = False
            self.note(node_id)
            if not more:
                return

    def note(self, node_id: str) -> None:
        with self.node.store.read() as session:
            row = find_peer(session, node_id)
        if row is not None and row.cosigned is not None:
            head, known = head_of(row.cosigned), self.cosigned[node_id]
            if head not in known:
                known.append(head)

    def row(self, node_id: str) -> PeerRow:
        with self.node.store.read() as session:
            return session.get_one(PeerRow, node_id)

    def roles(self) -> tuple[KeyRole, ...]:
        return tuple(self.random.sample(KEY_ROLES, self.random.randint(1, 4)))

    def step(self) -> None:
        peer = self.random.choice(self.hostile)
        self.random.choice(ACTIONS)(self, peer)
        if self.random.random() < 0.3:
            self.victim.grow(self.random.randint(1, 3))
        self.turn(self.random.choice(list(self.peers)))

    def clear(self) -> None:
        """The rows of this world's peers, so that a thousand worlds are as fast as one."""
        with self.node.store.write() as session:
            for table in OF_PEERS:
                session.execute(delete(table))


def _grows(world: World, peer: LightPeer) -> None:
    peer.grow(world.random.randint(1, 3))


def _rotates(world: World, peer: LightPeer) -> None:
    peer.rotate(world.roles(), world.fresh())


def _compromises(world: World, peer: LightPeer) -> None:
    peer.rotate(world.roles(), world.fresh(), from_index=world.random.randint(0, len(peer.leaves)))


def _claims(world: World, peer: LightPeer, provers: Callable[[NodeKeys], NodeKeys], **changes: object) -> None:
    """Name keys of the victim's, those of today or those to come, as its own."""
    roles = world.roles()
    named = with_roles(peer.keys, roles, working(world.random.choice((VICTIM_KEYS, COMING_KEYS, NEWCOMER_KEYS))))
    peer.put(
        peer.sign(
            event="rotate",
            from_index=len(peer.leaves),
            roles=roles,
            previous=peer.history.last.statement_id,
            keys=named,
            provers=provers(named),
            **changes,
        )
    )


def _claims_with_its_own_proof(world: World, peer: LightPeer) -> None:
    _claims(world, peer, lambda _named: world.fresh())


def _claims_without_proof(world: World, peer: LightPeer) -> None:
    _claims(world, peer, lambda named: named, possession=dict.fromkeys(KEY_ROLES))


def _claims_with_a_copied_proof(world: World, peer: LightPeer) -> None:
    shown = world.random.choice(world.victim.history.links).event.possession
    _claims(world, peer, lambda named: named, possession=shown.model_dump())


def _claims_what_it_stole(world: World, peer: LightPeer) -> None:
    """With the private keys: the proof is good, and the key-event is taken for what it is."""
    if peer is world.hostile[0] and not set(world.stolen) & _used(peer, working(VICTIM_KEYS)):
        peer.rotate(world.stolen, working(VICTIM_KEYS))


def _used(peer: LightPeer, keys: NodeKeys) -> set[KeyRole]:
    named = keys.delegated(0)
    return {
        role
        for role in KEY_ROLES
        for link in peer.history.links
        if getattr(link.event.delegation, role) == getattr(named, role)
    }


def _lies(**changes: object) -> Callable[[World, LightPeer], None]:
    def act(world: World, peer: LightPeer) -> None:
        roles, keys = world.roles(), world.fresh()
        stated = {"from_index": len(peer.leaves), "previous": peer.history.last.statement_id, **changes}
        named = with_roles(peer.keys, roles, keys)
        peer.pairs[named.log.public.ed25519] = named.log
        if peer.put(peer.sign(event="rotate", roles=roles, keys=named, **stated)):  # type: ignore[arg-type]
            peer.keys = named

    return act


def _names_the_victims_log(world: World, peer: LightPeer) -> None:
    _lies(log_origin=of_node(world.victim.node_id)["log_origin"])(world, peer)
    peer.origin = world.victim.origin


def _names_the_victims_identity(world: World, peer: LightPeer) -> None:
    _lies(identity=world.victim.signer.public.model_dump())(world, peer)


def _shows_the_victims_log(world: World, peer: LightPeer) -> None:
    """Forked, under its own name or the victim's."""
    peer.leaves = [*world.victim.leaves, bytes([world.random.randrange(256)]) * 32]
    peer.lane = []
    peer.origin = world.random.choice((peer.origin, world.victim.origin))


def _repeats_itself(_world: World, peer: LightPeer) -> None:
    if peer.lane:
        peer.put(peer.lane[-1][0])


def _forks(world: World, peer: LightPeer) -> None:
    peer.fork(world.random.randint(1, len(peer.leaves)))


def _answers_as_the_victim(world: World, peer: LightPeer) -> None:
    """The thief of the log's and the transport key shows the witness a log of the victim's that goes on otherwise."""
    if {"log", "transport"} <= set(world.stolen) and len(world.victim.history.links) == 1:
        thief = copy.copy(world.victim)
        thief.leaves = [*world.victim.leaves, bytes([world.random.randrange(256)]) * 32]
        world.client.answers[world.victim.node_id] = thief


ACTIONS: tuple[Callable[[World, LightPeer], None], ...] = (
    _grows,
    _rotates,
    _compromises,
    _claims_with_its_own_proof,
    _claims_without_proof,
    _claims_with_a_copied_proof,
    _claims_what_it_stole,
    _lies(from_index=1),
    _lies(previous="ab" * 32),
    _lies(jurisdiction="RS"),
    _names_the_victims_log,
    _names_the_victims_identity,
    _shows_the_victims_log,
    _repeats_itself,
    _forks,
    _answers_as_the_victim,
)


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    home = tmp_path_factory.mktemp("witness") / "node"
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://rs.test", port=9)
    with opened(home) as node:
        yield node


def run(world: World) -> None:
    for _ in range(STEPS):
        world.step()

    # the victim finds out, says so, and goes on with the keys that a hostile peer may have named before
    world.client.answers.clear()
    victim, cosigned = world.victim, world.row(world.victim.node_id).cosigned_size
    victim.grow(world.random.randint(0, 2))
    from_index = world.random.randint(1, max(1, min(cosigned, len(victim.leaves))))
    victim.rotate(world.stolen, working(COMING_KEYS), from_index=from_index)
    victim.grow(cosigned)
    for node_id in world.random.sample(sorted(world.peers), len(world.peers)):
        world.turn(node_id)
    check(world)


def forks(world: World) -> list[tuple[Checkpoint, Checkpoint]]:
    """Pairs of cosigned heads of which neither log goes on from the other, and heads under another log's name. A head
    whose key the issuer itself calls compromised is no head of its log."""
    found = []
    for node_id, heads in world.cosigned.items():
        keys = peer_keys(world.row(node_id))
        stand = [head for head in heads if not keys.is_refused("log", head.size - 1)]
        for one, other in itertools.combinations(sorted(stand, key=lambda head: head.size), 2):
            first, second = (world.client.shown[head.root] for head in (one, other))
            if second[: one.size] != first:
                found.append((one, other))
        found += [(head, head) for head in heads if head.origin != keys.card.log_origin]
    return found


def check(world: World) -> None:
    node, victim = world.node, world.victim
    assert forks(world) == [], world.number
    known = peer_keys(world.row(victim.node_id))
    assert known.links == victim.history.links, (world.number, "the compromise is known")
    kept = [
        role
        for role in world.stolen
        if getattr(known.in_force, role) == getattr(working(VICTIM_KEYS).delegated(0), role)
    ]
    assert kept == [], (world.number, "a stolen key is in force")
    mine = requesting_peer(node, requester_id(victim.node_id, raw_public(victim.keys.transport)))
    assert mine is not None
    assert mine.node_id == victim.node_id
    if "transport" in world.stolen:
        old = raw_public(working(VICTIM_KEYS).transport)
        assert requesting_peer(node, requester_id(victim.node_id, old)) is None
    for peer in world.hostile:
        claimed = requesting_peer(node, requester_id(peer.node_id, raw_public(victim.keys.transport)))
        assert claimed is None, (world.number, "a key that was named and not had is in force")
    newcomer = LightPeer(f"ffp-ba-{world.number}", identity(4), working(NEWCOMER_KEYS))
    world.enrol(newcomer)


def worlds(node: Node, numbers: range) -> None:
    for number in numbers:
        world = World(node, number)
        run(world)
        world.clear()


def test_no_claim_of_hostile_peers_has_a_fork_cosigned_or_keeps_a_stolen_key(witness: Node) -> None:
    worlds(witness, range(20))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 1000, 250))
def test_no_claim_in_a_thousand_sequences_has_a_fork_cosigned_or_keeps_a_stolen_key(witness: Node, first: int) -> None:
    worlds(witness, range(first, first + 250))


def test_a_card_that_names_another_log_or_jurisdiction_is_no_card(witness: Node) -> None:
    peer = LightPeer("ffp-mk", identity(0), working(0))
    for changes in ({"log_origin": "ffp-xk.ffp-exchange/log"}, {"jurisdiction": "XK"}):
        card = peer.sign(event="delegate", from_index=0, roles=KEY_ROLES, previous=None, **changes)
        with pytest.raises(InvalidInput, match="no node's card"):
            read_introduction(witness, card.raw)
