"""Three nodes, of which the third owns neither record, and conclusions that nobody of the first may verify."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from exchange.flows.blind.verifications import read_verification, take_verification, verifications_of
from exchange.flows.node.node import Node
from exchange.flows.review.judge_blind import judge_blind
from exchange.flows.review.statements import Spoke, speak
from exchange.flows.statement.sign_statement import THE_NODE, enter, say
from exchange.flows.terms.terms import state_policy
from exchange.store.access.user_rows import add_user
from exchange.store.entry.record_rows import acquisitions_of
from exchange.store.log.statement_rows import statements_of_type
from exchange.store.review.candidate_rows import add_candidates
from exchange.store.review.review_rows import mark_seen, scans_of
from schemas import Maker, Pair, open_envelope, parse_statement
from schemas.sharing import LegalBasis
from schemas.vocabulary import ExhibitKind, Jurisdiction, ScreenConclusion, SharingRule
from tests.exchange.flows.blind.blind_world import FIRST, HEAD, SECOND, compared
from tests.exchange.flows.network import MK, RS, Network
from tests.schemas.results import SCREEN

ALL = ["RS", "MK", "XK"]
ASSOCIATED, APART = ScreenConclusion.POSSIBLE_ASSOCIATION, ScreenConclusion.NO_ASSOCIATION_INDICATED


@dataclass
class Partners:
    """Serbia's a and c, North Macedonia's b and d, which Kosovo* has too; each node has two examiners and a head."""

    network: Network
    records: dict[str, str]

    def node(self, node_id: str) -> Node:
        return self.network.nodes[node_id]

    def pair(self, one: str, other: str) -> Pair:
        sides = []
        for name in (one, other):
            with self.node(RS).store.read() as session:
                [scan] = acquisitions_of(session, self.records[name])
            record = {"record": self.records[name], "first_version": self.records[name]}
            sides.append({"issuer": RS if name in "ac" else MK, **record, "scan": scan.sha256})
        a, b = sorted(sides, key=lambda side: side["record"])
        return Pair.model_validate({"a": a, "b": b})

    def says(self, node_id: str, who: Maker, kind: str, **fields: Any) -> Spoke:
        return speak(self.node(node_id), who, json.dumps({"type": kind, **fields}).encode())

    def concludes(self, one: str = "a", other: str = "b") -> str:
        pair = self.pair(one, other).model_dump(mode="json")
        return self.says(RS, FIRST, "conclusion", pair=pair, **SCREEN).statement_id

    def used_up(self, node_id: str = RS, *who: Maker) -> None:
        """These examiners of a node were shown the scores of all pairs."""
        with self.node(node_id).store.write() as session:
            for maker in who or (FIRST, SECOND):
                for one, other in (("a", "b"), ("c", "b"), ("a", "d"), ("c", "d")):
                    pair = self.pair(one, other)
                    mark_seen(session, maker.pseudonym, [scans_of(pair.a.scan, pair.b.scan)], opened=False)

    def tasks(self, node_id: str, who: Maker = FIRST) -> list[str]:
        return [task.task_id for task in verifications_of(self.node(node_id), who.pseudonym, most_done=9).tasks]

    def judges(self, node_id: str, conclusion: ScreenConclusion = ASSOCIATED, who: Maker = FIRST) -> Spoke:
        [task] = self.tasks(node_id, who)
        take_verification(self.node(node_id), who.pseudonym, task)
        assert len(read_verification(self.node(node_id), who.pseudonym, task).sides) == 2
        return judge_blind(self.node(node_id), who, task, conclusion, None)

    def kinds(self, node_id: str, kind: str, issuer: str) -> list[Any]:
        with self.node(node_id).store.read() as session:
            rows = list(statements_of_type(session, issuer, kind))
            return [parse_statement(open_envelope(row.envelope or b"").payload) for row in rows]

    def forges(self, node_id: str, kind: Any, lanes: list[str], maker: Maker = THE_NODE, **fields: Any) -> str:
        """A node signs whatever it likes, past every check of its own, and puts it on these lanes."""
        said = say(self.node(node_id), kind, maker, **fields)
        with self.node(node_id).store.write() as session:
            enter(session, said, to=lanes)
        return said.statement_id


def made_partners(folder: Path) -> Partners:
    with closing(Network(folder)) as network:
        network.make(Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.XK)
        for node in network.nodes.values():
            with node.store.write() as session:
                for who in (FIRST, SECOND, HEAD):
                    add_user(session, who.pseudonym, who.role)
            others = [Jurisdiction(one) for one in ALL if one != node.settings.jurisdiction]
            state_policy(node, HEAD, (), tuple(basis_for(one) for one in others))
        records = {name: network.record(RS if name in "ac" else MK, audience=ALL) for name in "abcd"}
        network.settle()
        world = Partners(network, records)
        with world.node(RS).store.write() as session:
            for score, (one, other) in enumerate((("a", "d"), ("c", "b"), ("c", "d"), ("a", "b")), start=1):
                [a], [b] = (acquisitions_of(session, records[name]) for name in (one, other))
                add_candidates(session, [compared(a, b, score / 10)])
        return world


def basis_for(jurisdiction: Jurisdiction, rule: SharingRule = SharingRule.ALLOWED) -> LegalBasis:
    kinds = tuple(ExhibitKind)
    return LegalBasis(
        jurisdiction=jurisdiction, kinds=kinds, rule=rule, article="Article 7", review_by=date(2036, 1, 1)
    )
