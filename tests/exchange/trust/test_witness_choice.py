"""The dozen witnesses of a log: the same for everybody, spread, and moved by one when a node comes or goes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from exchange.trust.registry import RegisteredNode
from exchange.trust.witness_choice import DOZEN, EVERY_PEER_UP_TO, choose_witnesses, majority
from schemas import HybridKey
from schemas.jurisdiction import FIRST_JURISDICTIONS, Jurisdiction

KEY = HybridKey.model_construct(ed25519="", ml_dsa="")
ALL = FIRST_JURISDICTIONS


def entry(number: int, jurisdiction: Jurisdiction) -> RegisteredNode:
    """The choice reads the id and the jurisdiction alone."""
    node_id = f"ffp-{jurisdiction.lower()}-{number}"
    return RegisteredNode.model_construct(node_id=node_id, jurisdiction=jurisdiction, url="http://x.test", identity=KEY)


def federation(count: int, *, seed: int = 1, jurisdictions: Sequence[Jurisdiction] = ALL) -> list[RegisteredNode]:
    """Of very uneven jurisdictions: the first has a half of the nodes, the next half of the rest, and so on."""
    dice = random.Random(seed)
    weights = [0.5**place for place in range(len(jurisdictions))]
    return [entry(number, dice.choices(jurisdictions, weights)[0]) for number in range(count)]


def chosen(log: str, nodes: Sequence[RegisteredNode]) -> frozenset[str]:
    found = choose_witnesses(log, nodes)
    assert found is not None
    return found


def spread(witnesses: frozenset[str], nodes: Sequence[RegisteredNode]) -> Counter[Jurisdiction]:
    where = {node.node_id: node.jurisdiction for node in nodes}
    return Counter(where[name] for name in witnesses)


@pytest.mark.parametrize("count", [0, 1, 6, EVERY_PEER_UP_TO])
def test_in_a_small_federation_every_peer_is_a_witness(count: int) -> None:
    nodes = federation(count)
    assert all(choose_witnesses(name, nodes) is None for name in ["ffp-rs", *(node.node_id for node in nodes)])


@pytest.mark.slow
def test_a_dozen_of_a_larger_one_and_never_the_node_itself() -> None:
    for count in (EVERY_PEER_UP_TO + 1, 20, 200):
        nodes = federation(count)
        for node in nodes:
            found = chosen(node.node_id, nodes)
            assert len(found) == DOZEN
            assert node.node_id not in found
    assert majority(found) == 7


def test_all_who_hold_the_round_name_the_same_dozen() -> None:
    """Whatever the order in which they read it; and the dozen are these, in every release."""
    nodes = federation(40)
    log = nodes[0].node_id
    shuffled = list(nodes)
    random.Random(2).shuffle(shuffled)
    assert chosen(log, shuffled) == chosen(log, nodes)
    fixed = [entry(number, ALL[number % 4]) for number in range(16)]
    assert sorted(chosen("ffp-rs", fixed)) == FIXED


FIXED = [
    *("ffp-al-12", "ffp-al-4", "ffp-al-8", "ffp-ba-13", "ffp-ba-5", "ffp-ba-9"),
    *("ffp-md-11", "ffp-md-15", "ffp-md-7", "ffp-me-10", "ffp-me-14", "ffp-me-2"),
]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", [15, 60])
def test_a_node_that_comes_or_goes_changes_at_most_one_witness_of_each_log(seed: int, count: int) -> None:
    dice = random.Random(seed)
    some = dice.sample(ALL, 3)  # so that a jurisdiction comes and goes too
    nodes = federation(count, seed=seed, jurisdictions=some)
    moved = 0
    for step in range(20):
        logs = [node.node_id for node in nodes]
        if len(nodes) <= EVERY_PEER_UP_TO + 1 or dice.random() < 0.5:
            after = [*nodes, entry(1000 + step, dice.choice(ALL))]
        else:
            gone = dice.choice(nodes)
            after = [node for node in nodes if node is not gone]
            logs.remove(gone.node_id)
        for log in logs:
            before, now = chosen(log, nodes), chosen(log, after)
            assert len(before - now) <= 1
            moved += len(before - now)
        nodes = after
    assert moved > 0


@pytest.mark.slow
def test_a_dozen_is_spread_over_the_jurisdictions() -> None:
    """One has half of all nodes, and no more of a dozen than its turn."""
    nodes = federation(200)
    there = Counter(node.jurisdiction for node in nodes)
    assert max(there.values()) > 80
    for node in nodes:
        found = spread(chosen(node.node_id, nodes), nodes)
        others = Counter({code: count - (code == node.jurisdiction) for code, count in there.items()})
        for code, count in others.items():
            assert found[code] >= min(count, DOZEN // len(there)), "each has its turn"
            assert found[code] <= DOZEN // len(there) + 1 + _left_by_small_ones(others)


def _left_by_small_ones(there: Counter[Jurisdiction]) -> int:
    """Turns that jurisdictions with fewer nodes leave to the others."""
    turn = DOZEN // len(there)
    return sum(max(0, turn - count) for count in there.values())


def test_a_dozen_of_one_jurisdiction_stands_alone_only_where_there_is_no_other() -> None:
    rs = [entry(number, Jurisdiction.RS) for number in range(60)]
    assert spread(chosen(rs[0].node_id, rs), rs) == {Jurisdiction.RS: DOZEN}
    two = [*rs, entry(60, Jurisdiction.MK)]
    for node in rs:
        assert spread(chosen(node.node_id, two), two)[Jurisdiction.MK] == 1


@pytest.mark.slow
def test_logs_of_equal_jurisdictions_load_their_witnesses_alike() -> None:
    """200 nodes, 25 in each of eight jurisdictions: each witnesses a dozen logs, give or take."""
    nodes = [entry(number, ALL[number % len(ALL)]) for number in range(200)]
    load = Counter(name for node in nodes for name in chosen(node.node_id, nodes))
    assert sum(load.values()) == 200 * DOZEN
    assert len(load) == 200, "everybody is somebody's witness"
    assert max(load.values()) <= 2.5 * DOZEN
