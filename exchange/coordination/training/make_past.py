"""Make a region that has a past: its nodes begin with the first half-year, under a trust root, and live through all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from exchange.clock import clock_of_the_past, now
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.training.live_past import MOST_HALVES, live
from exchange.coordination.training.past_papers import BEGINS_H
from exchange.coordination.training.past_stage import PastClock, PastStage
from exchange.demo.demo_processes import DemoNode
from exchange.errors import InvalidInput
from exchange.flows.access.tokens import give_token
from exchange.flows.node.node import opened
from exchange.scopes import usable_by
from exchange.trust.ceremony import combine_proposals, propose, publish_signed_round, sign_proposal, usual_threshold
from exchange.trust.keys import HybridSigner
from exchange.trust.registry import RegisteredNode, Trust
from exchange.trust.root_files import write_rounds
from exchange.trust.root_keys import RootKey, RootSigner
from schemas.vocabulary import Jurisdiction

TRUTH_FILE: Final = "truth.json"
ROOT_FOLDER: Final = "root"
KEPT_UNTIL: Final = timedelta(days=10)
"""What follows a half-year is kept by then: snapshot, incidents, the list of the way in."""
LASTS: Final = timedelta(days=365)


def halves_to_simulate(count: int) -> list[Half]:
    """The half-years that ended last, so many, the first first. Raises InvalidInput."""
    if not 1 <= count <= MOST_HALVES:
        raise InvalidInput(f"A region has a past of 1 to {MOST_HALVES} half-years.")
    last = Half.of(now() - KEPT_UNTIL).before()
    found = [last]
    while len(found) < count:
        found.insert(0, found[0].before())
    return found


def make_past(
    folder: Path,
    halves: Sequence[Half],
    seed: int,
    make: Callable[[], Sequence[DemoNode]],
    enrol: Callable[[Sequence[DemoNode]], None],
) -> Sequence[DemoNode]:
    """Nodes that ``make`` makes and ``enrol`` enrols, with these half-years behind them.

    1. Make the nodes and enrol them, as of the first day.
    2. Live through the half-years.
    3. Write down the truth, and a trust root that names the nodes for whoever reads their reports; the nodes themselves
       have none, so that further ones can join them. Give new tokens, since those of the first day may be over.
    """
    # 1.
    clock = PastClock(datetime.fromisoformat(halves[0].start) + timedelta(days=1, hours=BEGINS_H))
    with clock_of_the_past(clock):
        nodes = make()
        enrol(nodes)

    # 2.
    homes: Mapping[str, Path] = {str(node.jurisdiction): node.home for node in nodes}
    with PastStage(homes, clock) as stage:
        truth = live(stage, halves, folder / "scans", seed)

    # 3.
    write_rounds(folder / ROOT_FOLDER, _make_root(nodes))
    for node in nodes:
        _renew_tokens(node)
    part = folder / f"{TRUTH_FILE}.part"
    part.write_text(json.dumps({"synthetic": True, **truth}, indent=1) + "\n", encoding="utf-8")
    part.replace(folder / TRUTH_FILE)
    return nodes


def _renew_tokens(made: DemoNode) -> None:
    with opened(made.home) as node:
        made.tokens = {
            role: give_token(node, f"{role}-1", "training", list(usable_by(role)), LASTS.days) for role in made.tokens
        }


def _make_root(nodes: Sequence[DemoNode]) -> Trust:
    """One round, signed by all, whose keys are forgotten: nobody makes a second one."""
    signers = {
        node.jurisdiction: RootSigner(HybridSigner(Ed25519PrivateKey.generate(), MLDSA65PrivateKey.generate()))
        for node in nodes
    }
    proposal = propose(
        None,
        keys=[RootKey(jurisdiction=Jurisdiction(code), key=signer.keys.public) for code, signer in signers.items()],
        needed=usual_threshold(len(nodes)),
        nodes=[_registered(node) for node in nodes],
        time_stamping=(),
        expires=(now() + LASTS).replace(microsecond=0),
    )
    for signer in signers.values():
        _, files = sign_proposal(proposal, signer)
        proposal = combine_proposals(proposal, files)
    return publish_signed_round(None, proposal)


def _registered(made: DemoNode) -> RegisteredNode:
    with opened(made.home) as node:
        return RegisteredNode(
            node_id=node.node_id,
            jurisdiction=node.settings.jurisdiction,
            url=node.settings.url,
            identity=node.history.card.identity,
        )
