"""A partner verifies blind where no examiner of the node is left: three nodes, the third owns neither record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from exchange.errors import Conflict, ExchangeError, NotFound
from exchange.flows.blind.verifications import (
    read_verification,
    take_verification,
    verifications_of,
)
from exchange.flows.blind.visibility import hidden_pairs
from exchange.flows.hits.history import links_of, pair_id
from exchange.flows.hits.stage import Stage
from exchange.flows.node.node import Node
from exchange.flows.review.judge_blind import judge_blind, take_judgement_back
from exchange.flows.review.partners import MOST_OF_ONE, ask_partner, draw_control, offered_partners, tell_declined
from exchange.flows.review.reviews import read_reviews
from exchange.flows.review.statements import Spoke, speak
from exchange.flows.review.visible_statements import StatementReader, visible_statements
from exchange.flows.terms.terms import state_policy
from exchange.store.access.users import add_user
from exchange.store.entry.records import acquisitions_of
from exchange.store.log.statements import statements_of_type
from exchange.store.review.candidates import add_candidates
from exchange.store.review.reviews import mark_exhibits, mark_seen, scans_of
from exchange.store.tables.reviews import VerificationTaskRow
from schemas import Maker, Pair, Verification, open_envelope, parse_statement
from schemas.sharing import LegalBasis
from schemas.vocabulary import ExhibitKind, Jurisdiction, Role, ScreenConclusion, SharingRule
from tests.exchange.flows.blind.blind_world import FIRST, HEAD, SECOND, compared
from tests.exchange.flows.network import MK, RS, XK, Network
from tests.schemas.results import SCREEN

pytestmark = pytest.mark.slow

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
            sides.append({"issuer": RS if name in "ac" else MK, "record": self.records[name], "scan": scan.sha256})
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


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Partners:
    with closing(Network(tmp_path_factory.mktemp("partners"))) as network:
        network.make(Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.XK)
        for node in network.nodes.values():
            with node.store.write() as session:
                for who in (FIRST, SECOND, HEAD):
                    add_user(session, who.pseudonym, who.role)
            others = [Jurisdiction(one) for one in ALL if one != node.settings.jurisdiction]
            state_policy(node, HEAD, (), tuple(_basis(one) for one in others))
        records = {name: network.record(RS if name in "ac" else MK, audience=ALL) for name in "abcd"}
        network.settle()
        world = Partners(network, records)
        with world.node(RS).store.write() as session:
            for score, (one, other) in enumerate((("a", "d"), ("c", "b"), ("c", "d"), ("a", "b")), start=1):
                [a], [b] = (acquisitions_of(session, records[name]) for name in (one, other))
                add_candidates(session, [compared(a, b, score / 10)])
        return world


@pytest.fixture
def world(made: Partners, tmp_path: Path) -> Iterator[Partners]:
    with closing(made.network.copied(tmp_path / "copy")) as network:
        yield Partners(network, made.records)


def _basis(jurisdiction: Jurisdiction, rule: SharingRule = SharingRule.ALLOWED) -> LegalBasis:
    kinds = tuple(ExhibitKind)
    return LegalBasis(
        jurisdiction=jurisdiction, kinds=kinds, rule=rule, article="Article 7", review_by=date(2036, 1, 1)
    )


def test_a_partner_is_offered_where_nobody_is_left(world: Partners) -> None:
    said = world.concludes()
    assert offered_partners(world.node(RS), "one", said) == [], "a colleague is left"
    with pytest.raises(Conflict, match="can still verify") as refused:
        ask_partner(world.node(RS), "one", said, XK)
    assert refused.value.code == "examiner-left"
    world.used_up()
    assert offered_partners(world.node(RS), "one", said) == [MK, XK]
    assert offered_partners(world.node(RS), "two", said) == [], "who concluded asks"
    with pytest.raises(NotFound):
        ask_partner(world.node(RS), "two", said, XK)


def test_only_a_node_that_may_have_both_records_is_offered(world: Partners) -> None:
    """By this node's own policy for its record, and by the other owner's signed policy for the other."""
    said = world.concludes()
    world.used_up()
    closed = (_basis(Jurisdiction.RS), _basis(Jurisdiction.XK, SharingRule.BLOCKED))
    state_policy(world.node(MK), HEAD, (), closed)
    world.network.settle()
    assert offered_partners(world.node(RS), "one", said) == [MK]
    state_policy(world.node(RS), HEAD, (), (_basis(Jurisdiction.XK),))
    assert offered_partners(world.node(RS), "one", said) == []
    with pytest.raises(Conflict) as refused:
        ask_partner(world.node(RS), "one", said, MK)
    assert refused.value.code == "no-partner"


@pytest.mark.parametrize("partner", [XK, MK])
def test_a_lead_rests_on_a_partners_verification_at_both_sides(world: Partners, partner: str) -> None:
    """The third node; and the other side itself, where its examiner was shown no score."""
    said = world.concludes()
    world.used_up()
    ask_partner(world.node(RS), "one", said, partner)
    world.network.settle()
    spoke = world.judges(partner)
    world.network.settle()

    [signed] = world.kinds(RS, "verification", partner)
    assert (signed.blind, signed.verifies, signed.pair) == (True, said, world.pair("a", "b"))
    [review] = read_reviews(world.node(RS), world.pair("a", "b"), "one")
    assert review.verified is not None
    assert (review.verified.statement_id, review.agreed, review.due_at) == (spoke.statement_id, True, None)
    rests_on = {"conclusion": said, "verification": spoke.statement_id}
    pair = world.pair("a", "b").model_dump(mode="json")
    world.says(RS, FIRST, "hit", pair=pair, stage="lead", basis="screen", **rests_on)
    world.network.settle()
    for node_id in (RS, MK):
        node = world.node(node_id)
        with node.store.read() as session:
            [link] = links_of(session, node, [pair_id(world.pair("a", "b"))])
        assert (link.progress.stage, dict(link.progress.no_effect)) == (Stage.LEAD, {}), node_id
    if partner == XK:
        assert world.kinds(XK, "hit", RS) == [], "the partner learns nothing of what it led to"


def test_the_partner_learns_two_records_and_nothing_of_the_conclusion(world: Partners) -> None:
    said = world.concludes()
    world.used_up()
    ask_partner(world.node(RS), "one", said, XK)
    world.network.settle()
    [request] = world.kinds(XK, "verification-request", RS)
    assert request.model_dump(exclude={"contract", "nonce", "issuer", "stated_at", "made_by", "type"}) == {
        "to": XK,
        "conclusion": said,
        "pair": world.pair("a", "b").model_dump(),
    }
    assert request.made_by.role is Role.NODE
    assert world.kinds(XK, "conclusion", RS) == []
    assert world.kinds(MK, "verification-request", RS) == []
    [task] = verifications_of(world.node(XK), "one", most_done=9).tasks
    assert {row.statement_id for row in task.records} == {world.records["a"], world.records["b"]}
    with world.node(XK).store.read() as session:
        assert hidden_pairs(session, Role.EXAMINER, "two").exhibits == frozenset(), "it hides nothing there"


def test_an_examiner_of_the_partner_who_was_shown_a_score_is_not_asked(world: Partners) -> None:
    said = world.concludes()
    world.used_up()
    world.used_up(MK, FIRST)
    ask_partner(world.node(RS), "one", said, MK)
    world.network.settle()
    assert world.tasks(MK, FIRST) == []
    [task] = world.tasks(MK, SECOND)
    take_verification(world.node(MK), "two", task)
    world.used_up(MK, SECOND)
    with pytest.raises(ExchangeError):
        judge_blind(world.node(MK), SECOND, task, ASSOCIATED, None)
    assert world.kinds(MK, "verification", MK) == []


def test_a_partner_without_a_blind_examiner_declines_and_another_is_asked(world: Partners) -> None:
    said = world.concludes()
    world.used_up()
    world.used_up(MK)
    ask_partner(world.node(RS), "one", said, MK)
    world.network.settle()
    [declined] = world.kinds(RS, "verification-declined", MK)
    assert declined.to == RS
    assert world.tasks(MK) == world.tasks(MK, SECOND) == []
    assert offered_partners(world.node(RS), "one", said) == [XK]
    ask_partner(world.node(RS), "one", said, XK)
    world.network.settle()
    assert len(world.tasks(XK)) == 1


def test_what_was_asked_is_over_when_the_conclusion_is_taken_back_or_another_node_is_asked(world: Partners) -> None:
    said = world.concludes()
    world.used_up()
    ask_partner(world.node(RS), "one", said, MK)
    world.network.settle()
    assert len(world.tasks(MK)) == 1
    ask_partner(world.node(RS), "one", said, XK)
    world.network.settle()
    assert (len(world.tasks(MK)), len(world.tasks(XK))) == (0, 1)
    world.says(RS, FIRST, "retraction", retracts=said, reason="The wrong scan.")
    world.network.settle()
    assert world.tasks(XK) == []


def test_a_verification_that_nobody_asked_for_verifies_nothing(world: Partners) -> None:
    """A peer that learned the conclusion's id somehow, and a node that signs for another."""
    said = world.concludes()
    world.used_up()
    ask_partner(world.node(RS), "one", said, XK)
    world.network.settle()
    pair = world.pair("a", "b").model_dump(mode="json")
    with pytest.raises(NotFound):
        world.says(XK, FIRST, "verification", verifies=said, pair=pair, request="f" * 64, **SCREEN)
    [task] = world.tasks(XK)
    with world.node(XK).store.read() as session:
        request = session.get_one(VerificationTaskRow, task).request
    with pytest.raises(NotFound):
        world.says(XK, FIRST, "verification", verifies=said, pair=pair, request=request, **SCREEN)
    [review] = read_reviews(world.node(RS), world.pair("a", "b"), "one")
    assert review.verified is None


def test_a_partner_takes_its_verification_back(world: Partners) -> None:
    said = world.concludes()
    world.used_up()
    ask_partner(world.node(RS), "one", said, XK)
    world.network.settle()
    [task] = world.tasks(XK)
    world.judges(XK)
    world.network.settle()
    take_judgement_back(world.node(XK), FIRST, task, "The wrong scan.")
    world.network.settle()
    [review] = read_reviews(world.node(RS), world.pair("a", "b"), "one")
    assert (review.verified, review.verification_taken_back) == (None, True)
    assert len(world.kinds(MK, "retraction", XK)) == 1, "both sides had it"


def test_the_other_side_reads_what_a_partner_holds_when_a_hit_rests_on_it(world: Partners) -> None:
    said = world.concludes()
    world.used_up()
    ask_partner(world.node(RS), "one", said, XK)
    world.network.settle()
    spoke = world.judges(XK)
    world.network.settle()
    reader = StatementReader(world.node(MK), "one", Role.EXAMINER)

    def read() -> list[str]:
        rows = visible_statements(reader, kinds={"verification"}, about=None, issuer=None, limit=9)
        return [row.statement_id for row in rows]

    assert read() == []
    pair = world.pair("a", "b").model_dump(mode="json")
    rests_on = {"conclusion": said, "verification": spoke.statement_id}
    world.says(RS, FIRST, "hit", pair=pair, stage="lead", basis="screen", **rests_on)
    world.network.settle()
    assert read() == [spoke.statement_id]


def test_a_partner_is_sent_controls_that_look_alike(world: Partners) -> None:
    settings = world.node(RS).settings.model_copy(update={"control_share": 1.0})
    world.network.nodes[RS] = replace(world.node(RS), settings=settings)
    said = world.concludes()
    world.used_up()
    ask_partner(world.node(RS), "one", said, XK)
    draw_control(world.node(RS), 7)
    draw_control(world.node(RS), 7)  # by a worker that ended before it wrote down that it was done
    world.network.settle()
    lead, control = world.kinds(XK, "verification-request", RS)
    assert [len(one.conclusion) for one in (lead, control)] == [64, 64]
    assert (lead.made_by, lead.to) == (control.made_by, control.to)
    assert control.pair != lead.pair
    assert len(world.tasks(XK)) == 2
    with world.node(XK).store.read() as session:
        rows = session.scalars(select(VerificationTaskRow)).all()
        forms = {(row.basis, row.asked_by, row.concluded_by, row.not_for, len(row.conclusion or "")) for row in rows}
    assert len(forms) == 1, "nothing at the partner tells which is which"
    for task in world.tasks(XK):
        take_verification(world.node(XK), "one", task)
        judge_blind(world.node(XK), FIRST, task, APART, None)
    world.network.settle()
    answers = world.kinds(RS, "verification", XK)
    assert all(isinstance(one, Verification) for one in answers)
    assert len(answers) == 2
    [review] = read_reviews(world.node(RS), world.pair("a", "b"), "one")
    assert review.verified is not None


def test_a_node_that_asks_without_end_is_declined(world: Partners) -> None:
    said = world.concludes()
    world.used_up()
    with world.node(XK).store.write() as session:
        for number in range(MOST_OF_ONE):
            row = VerificationTaskRow(
                task_id=f"{number:032x}",
                conclusion=None,
                concluded_by=None,
                not_for=None,
                basis="screen",
                scan_low="a",
                scan_high="b",
                exhibit_low="a",
                exhibit_high="b",
                statement_a="a",
                statement_b="b",
                pair="",
                created_at="2026-01-01T00:00:00.000Z",
                due_at="2026-01-01T00:00:00.000Z",
                request=f"{number:064x}",
                asked_by=RS,
            )
            session.add(row)
    ask_partner(world.node(RS), "one", said, XK)
    world.network.settle()
    assert len(world.kinds(RS, "verification-declined", XK)) == 1
    tell_declined(world.node(XK))
    world.network.settle()
    assert len(world.kinds(RS, "verification-declined", XK)) == 1, "once"


def test_an_exhibit_that_waits_at_the_partner_too_is_judged_for_itself_first(world: Partners) -> None:
    """Else two tasks on one pair would tell that neither is a control."""
    said = world.concludes()
    world.used_up()
    pair = world.pair("a", "b").model_dump(mode="json")
    world.says(MK, FIRST, "conclusion", pair=pair, **SCREEN)
    ask_partner(world.node(RS), "one", said, MK)
    world.network.settle()
    assert len(world.tasks(MK, SECOND)) == 1
    world.judges(MK, who=SECOND)
    with world.node(MK).store.write() as session:
        mark_exhibits(session, "one", [])
    assert len(world.tasks(MK, SECOND)) == 1, "then the other node's"
