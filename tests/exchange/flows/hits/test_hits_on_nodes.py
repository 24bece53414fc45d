"""A hit on real nodes: one state in whatever order its statements come, one deadline on both sides, no hit lost."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from exchange.clock import LAST, stamp, stamp_in
from exchange.config import Settings
from exchange.errors import Conflict
from exchange.flows.alerts.deadlines import Duty, head_duties
from exchange.flows.blind.visibility import Hidden
from exchange.flows.hits import history
from exchange.flows.hits.history import all_links, find_link, find_links, links_of, open_links, pair_id
from exchange.flows.hits.pairs import note_said, settle_pairs, work_out_all
from exchange.flows.hits.stage import Entry, HitProgress, both_have, pair_of_hit, progress
from exchange.flows.hits.vocabulary import NoEffect, Said, Stage, Todo
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import Node
from exchange.flows.statement.sign_statement import THE_NODE, enter, put_on_lanes, say
from exchange.flows.sync.receipts import give_receipt
from exchange.flows.sync.receive import receive_page
from exchange.flows.sync.verify_lane_page import Received
from exchange.flows.terms.terms import approve
from exchange.store.hits.joined_pairs import PairFilter
from exchange.store.log.statement_rows import add_statement
from exchange.store.review.review_rows import scans_of
from exchange.store.sync.peers import NOT_ENTERED, find_peer
from exchange.store.tables.hits import HitPairRow, HitRow
from exchange.store.tables.peer_tables import PeerRow, QuarantineRow
from exchange.store.tables.record_tables import StatementRow
from schemas import (
    AnyStatement,
    Hit,
    Maker,
    Pair,
    PhysicalComparison,
    Receipt,
    open_envelope,
    parse_statement,
    statement_payload,
)
from schemas.vocabulary import Basis, ComparisonStep, Decision, HitStage, Jurisdiction
from tests.exchange.flows.hits.hit_histories import PAIR, THIRD, History, histories
from tests.exchange.flows.network import MK, RS, XK, Network, resting
from tests.exchange.flows.review.test_statements import FIRST, HEAD, INVESTIGATOR, agree, exhibits, lead, says, today
from tests.exchange.flows.review.test_statements import pair as pair

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("FFP_PERMUTATIONS_SIGNED", "25"))
"""Each is signed, and read by three nodes."""
FIRST_INDEX = 1_000_000


class _UndoError(Exception):
    """So that the next history finds the node as it was."""


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Node]]:
    """Both sides of a hit, and one of them once more, which hears all in an order of its own."""
    network = Network(tmp_path_factory.mktemp("three"))
    network.make(Jurisdiction.RS, Jurisdiction.MK)
    twin = network.twin(MK)
    nodes = [network.nodes[RS], network.nodes[MK], twin]
    for node in nodes:
        _own_records(node)
    yield nodes
    twin.close()
    network.close()


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    with resting(tmp_path, Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.XK) as made:
        yield made


def _own_records(node: Node) -> None:
    """Those of the made-up pair, which were erased since."""
    with node.store.write() as session:
        for number, side in enumerate((PAIR.a, PAIR.b)):
            session.add(
                StatementRow(
                    statement_id=side.record,
                    type="record",
                    issuer=side.issuer,
                    leaf=b"",
                    log_index=FIRST_INDEX - 1 - number,
                    received_at=stamp(),
                )
            )


@given(said=histories(), chance=st.randoms(use_true_random=False))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_order_of_arrival_gives_one_state_on_three_nodes(
    three: list[Node], said: tuple[Said, ...], chance: random.Random
) -> None:
    keys = {node.node_id: node.keys.statement for node in three}
    sent = [one for one in said if one.statement.issuer != THIRD]
    items = [
        Received(
            position,
            one.statement_id,
            one.statement,
            keys[one.statement.issuer].sign(statement_payload(one.statement)),
            FIRST_INDEX + one.log_index,
        )
        for position, one in enumerate(sent)
    ]
    states = []
    for node in three:
        chance.shuffle(items)
        states.append(_state(node, items))
    assert states[0] == states[1] == states[2]


def _state(node: Node, items: Sequence[Received]) -> object:
    found: list[object] = []
    with contextlib.suppress(_UndoError), node.store.write() as session:
        for item in items:
            if item.statement.issuer == node.node_id:  # as what comes back after a restore
                kind = item.statement.type
                add_statement(session, item.statement_id, item.statement, kind, item.envelope, item.log_index)
                note_said(session, item.statement_id, item.statement)
                continue
            peer = find_peer(session, item.statement.issuer)
            assert peer is not None
            refused = receive_page(session, node, peer, [item])
            assert {error.code for _, error in refused} <= {"not-owner"}, "a retraction of another's statement"
        rows = {row.pair for row in session.scalars(select(HitPairRow))}
        for link in links_of(session, node, sorted(rows)):
            told = link.progress
            effects = {name: why for name, why in told.no_effect.items() if why is not NoEffect.NOT_ITS_OWN}
            found.append((link.link_id, told.stage, told.waits_for, told.on, told.disputed, told.feedback, effects))
        raise _UndoError
    return found


def countersign(network: Network) -> None:
    """Both sides sign for what they have read, and read that."""
    for reader, owner in ((MK, RS), (RS, MK)):
        with network.nodes[reader].store.write() as session:
            session.execute(update(PeerRow).where(PeerRow.receipt_at.is_not(None)).values(receipt_at=stamp_in(-120)))
        give_receipt(network.nodes[reader], owner)
        sign_head(network.nodes[reader])
    network.settle()


def link_on(network: Network, node: str, hit: str) -> history.Link:
    with network.nodes[node].store.read() as session:
        return find_link(session, network.nodes[node], hit, Hidden())


def test_both_sides_count_from_one_time(network: Network, pair: dict[str, Any]) -> None:
    _, _, hit = lead(network, pair)
    with network.nodes[RS].store.write() as session:  # as if it had waited for three days
        session.execute(
            update(StatementRow)
            .where(StatementRow.statement_id == hit.statement_id)
            .values(received_at=stamp_in(-3 * 86_400))
        )
    network.settle()
    before = [link_on(network, node, hit.statement_id).progress for node in (RS, MK)]
    assert [one.provisional for one in before] == [True, True]
    assert before[0].due_at != before[1].due_at, "each has its own clock alone"
    countersign(network)
    after = [link_on(network, node, hit.statement_id) for node in (RS, MK)]
    assert [one.progress.provisional for one in after] == [False, False]
    assert after[0].progress.due_at == after[1].progress.due_at
    assert after[0].progress.since == after[1].progress.since
    with network.nodes[RS].store.read() as session:
        (row,) = session.scalars(select(HitPairRow))
    assert (row.due_at, row.provisional) == (after[0].progress.due_at, False), "and so do lists"
    entry = next(one for one in after[1].history if isinstance(one.statement, Hit))
    assert entry.statement.stated_at is not None
    assert entry.countersigned_at != entry.received_at


def test_a_receipt_for_a_hit_is_given_at_once_and_states_its_time(network: Network, pair: dict[str, Any]) -> None:
    lead(network, pair)
    network.settle()
    assert give_receipt(network.nodes[MK], RS)
    assert not give_receipt(network.nodes[MK], RS), "once"
    with network.nodes[MK].store.read() as session:
        (row,) = session.scalars(select(StatementRow).where(StatementRow.type == "receipt"))
    receipt = parse_statement(open_envelope(row.envelope or b"").payload)
    assert isinstance(receipt, Receipt)
    assert receipt.stated_at is not None


def test_from_a_lead_to_a_confirmed_hit_both_sides_show_the_same(network: Network, pair: dict[str, Any]) -> None:
    _, _, hit = lead(network, pair)
    network.settle()
    agreed = agree(network, hit.statement_id)
    done = {"hit": hit.statement_id, "step": "done", **exhibits(network, pair, "identification")}
    says(network, MK, FIRST, "physical-comparison", **done)
    network.settle()
    assert [link_on(network, node, hit.statement_id).progress.stage for node in (RS, MK)] == [Stage.COMPARED] * 2
    rests_on = {name: done[name] for name in ("conclusion", "verification")}
    says(network, MK, FIRST, "hit", pair=pair, stage="confirmed", basis="exhibits", answers=agreed, **rests_on)
    says(network, RS, INVESTIGATOR, "feedback", hit=hit.statement_id, outcome="charged")
    network.settle()
    found = [link_on(network, node, hit.statement_id) for node in (RS, MK)]
    assert found[0].link_id == found[1].link_id == hit.statement_id
    assert [one.progress.stage for one in found] == [Stage.CONFIRMED] * 2
    assert [set(one.progress.waits_for) for one in found] == [{MK}] * 2, "a comparison of Serbia's own is optional"
    assert {(task.todo, task.node) for task in found[0].progress.tasks} == {
        (Todo.OUTCOME, MK),
        (Todo.RETURN, MK),
    }


def test_what_arrives_against_the_rules_is_kept_and_has_no_effect(network: Network, pair: dict[str, Any]) -> None:
    """A node that checks nothing signs a confirmed hit over two inconclusive conclusions."""
    _, _, hit = lead(network, pair)
    network.settle()
    agree(network, hit.statement_id)
    mk = network.nodes[MK]
    rests_on = exhibits(network, pair, "inconclusive_b")
    confirmed = {"stage": HitStage.CONFIRMED, "basis": Basis.EXHIBITS, "answers": None}
    said = say(mk, Hit, FIRST, pair=Pair.model_validate(pair), **confirmed, **rests_on)
    with mk.store.write() as session:
        for name in rests_on.values():
            put_on_lanes(session, name, [RS])
        enter(session, said, to=[RS])
        note_said(session, said.statement_id, said.statement)
    settle_pairs(mk)
    sign_head(mk)
    network.settle()
    for node in (RS, MK):
        found = link_on(network, node, hit.statement_id).progress
        assert found.stage is Stage.COMPARISON_AGREED
        assert found.no_effect == {said.statement_id: NoEffect.NOT_IDENTIFIED}


@pytest.fixture
def asked(network: Network, pair: dict[str, Any]) -> tuple[str, str]:
    """A lead, and what Serbia asked of it."""
    _, _, hit = lead(network, pair)
    network.settle()
    step = says(network, RS, HEAD, "physical-comparison", step="asked", on="2199-01-01", hit=hit.statement_id)
    network.settle()
    return hit.statement_id, step.statement_id


def _hostile(node: Node, kind: type[AnyStatement], maker: Maker, **fields: Any) -> None:
    """Signed and sent by a node that checks nothing."""
    said = say(node, kind, maker, **fields)
    with node.store.write() as session:
        enter(session, said, to=[RS])
    sign_head(node)


def test_the_last_of_all_days_stops_no_node(network: Network, asked: tuple[str, str]) -> None:
    hit, question = asked
    mk, rs = network.nodes[MK], network.nodes[RS]
    step = {"hit": hit, "step": ComparisonStep.AGREED, "on": date.max, "answers": question}
    _hostile(mk, PhysicalComparison, FIRST, **step)
    with mk.store.read() as session:
        peer = find_peer(session, RS)
    assert peer is not None
    counts = {"count": peer.cursor_count, "accepted": peer.cursor_count, "withheld": 0, "set_aside": 0, "refused": ()}
    last = "9999-12-31T23:59:59.999Z"
    _hostile(mk, Receipt, THE_NODE, owner=RS, head=peer.cursor_head.hex(), stated_at=last, **counts)
    network.settle()
    work_out_all(rs)
    found = link_on(network, RS, hit)
    assert (found.progress.stage, found.progress.on) == (Stage.COMPARISON_AGREED, date.max)
    assert found.progress.due_at == "2199-12-31T23:00:00.000Z"
    assert all(entry.at <= LAST for entry in found.history)


def test_a_pair_that_cannot_be_worked_out_holds_up_no_other(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    node = network.nodes[MK]
    bad, *others = sorted(map(pair_id, _many(node, 3)))

    def fails(history: Sequence[Entry], terms: Settings) -> HitProgress:
        if pair_id(pair_of_hit(history)) == bad:
            raise OverflowError
        return progress(history, terms)

    monkeypatch.setattr(history, "progress", fails)
    work_out_all(node)
    with node.store.read() as session:
        assert {row.pair: row.stale for row in session.scalars(select(HitPairRow))} == {
            bad: True,
            **dict.fromkeys(others, False),
        }
        assert {pair_id(link.pair) for link in open_links(session, node, Hidden()).links} == set(others)
    monkeypatch.undo()
    settle_pairs(node)
    with node.store.read() as session:
        assert not any(row.stale for row in session.scalars(select(HitPairRow)))


def test_one_side_alone_neither_moves_the_day_nor_confirms_before_it(network: Network, pair: dict[str, Any]) -> None:
    _, _, hit = lead(network, pair)
    network.settle()
    agree(network, hit.statement_id, on="2199-01-01")
    step = {"hit": hit.statement_id, "step": "agreed"}
    with pytest.raises(Conflict, match="Name today or a later one"):
        says(network, MK, FIRST, "physical-comparison", on="2020-01-01", **step)
    says(network, MK, FIRST, "physical-comparison", on=today(), **step)
    network.settle()
    assert {str(link_on(network, node, hit.statement_id).progress.on) for node in (RS, MK)} == {"2199-01-01"}
    confirmed = {"pair": pair, "stage": "confirmed", "basis": "exhibits"}
    with pytest.raises(Conflict, match="The day is 2199-01-01"):
        says(network, MK, FIRST, "hit", **confirmed, **exhibits(network, pair, "identification"))
    says(network, RS, HEAD, "physical-comparison", on=today(), **step)
    network.settle()
    assert {str(link_on(network, node, hit.statement_id).progress.on) for node in (RS, MK)} == {today()}
    says(network, MK, FIRST, "hit", **confirmed, **exhibits(network, pair, "identification"))
    network.settle()
    assert {link_on(network, node, hit.statement_id).progress.stage for node in (RS, MK)} == {Stage.CONFIRMED}


def test_who_reads_cannot_put_a_confirmed_hit_before_its_day() -> None:
    said = History()
    said.lead()
    late = said.said[-1].statement.model_copy(update={"stated_at": "2026-03-02T09:00:00.000Z"})
    assert both_have(late, "2020-01-01T00:00:00.000Z") == "2026-03-02T09:00:00.000Z"
    assert both_have(late, "2026-03-02T09:00:01.000Z") == "2026-03-02T09:00:01.000Z"
    assert both_have(late, None) is None


def test_a_hit_of_a_record_that_never_was_is_set_aside(network: Network, pair: dict[str, Any]) -> None:
    mk, rs = network.nodes[MK], network.nodes[RS]
    own = next(side for side in ("a", "b") if pair[side]["issuer"] == RS)
    unknown = ("0" if own == "a" else "f") * 64  # a pair has the smaller id first
    for changed in ({"record": unknown, "first_version": unknown}, {"first_version": unknown}, {"scan": unknown}):
        invented = Pair.model_validate(pair | {own: pair[own] | changed})
        basis = {"pair": invented, "basis": Basis.SCREEN}
        rests_on = {"conclusion": "1" * 64, "verification": "2" * 64}
        _hostile(mk, Hit, FIRST, stage=HitStage.LEAD, score=None, matcher=None, **basis, **rests_on)
    network.settle()
    with rs.store.read() as session:
        assert session.scalars(select(HitPairRow)).all() == []
        reasons = [row.reason for row in session.scalars(select(QuarantineRow))]
    assert reasons == [NOT_ENTERED] * 3


def test_a_hit_that_names_another_issuer_than_its_record_is_set_aside(network: Network, pair: dict[str, Any]) -> None:
    own = next(side for side in pair.values() if side["issuer"] == RS)
    theirs = next(side for side in pair.values() if side["issuer"] == MK)
    a, b = sorted((own, theirs | {"issuer": XK}), key=lambda side: side["record"])
    basis = {"pair": Pair.model_validate({"a": a, "b": b}), "basis": Basis.SCREEN}
    rests_on = {"conclusion": "1" * 64, "verification": "2" * 64}
    _hostile(network.nodes[XK], Hit, FIRST, stage=HitStage.LEAD, score=None, matcher=None, **basis, **rests_on)
    network.settle()
    with network.nodes[RS].store.read() as session:
        assert session.scalars(select(HitPairRow)).all() == []
        assert [row.reason for row in session.scalars(select(QuarantineRow))] == [NOT_ENTERED]


@pytest.mark.parametrize("signer", [MK, XK])
def test_a_record_that_an_earlier_hit_of_its_owner_contradicts_is_set_aside(
    network: Network, pair: dict[str, Any], signer: str
) -> None:
    mk, rs = network.nodes[MK], network.nodes[RS]
    late = network.record(MK, audience=["RS"], handling={"code": "H3", "restriction": "Ask first."})
    own = next(side for side in pair.values() if side["issuer"] == RS)
    theirs = {"issuer": MK, "record": late, "first_version": "7" * 64, "scan": "8" * 64}
    a, b = sorted((own, theirs), key=lambda side: side["record"])
    basis = {"pair": Pair.model_validate({"a": a, "b": b}), "basis": Basis.SCREEN}
    rests_on = {"conclusion": "1" * 64, "verification": "2" * 64}
    _hostile(network.nodes[signer], Hit, FIRST, stage=HitStage.LEAD, score=None, matcher=None, **basis, **rests_on)
    network.settle()
    approve(mk, HEAD, late, Jurisdiction.RS, Decision.APPROVED, "The prosecutor agrees.")
    network.settle()
    with rs.store.read() as session:
        reasons = [row.reason for row in session.scalars(select(QuarantineRow).where(QuarantineRow.peer == MK))]
    assert (late in network.holds(RS), reasons) == ((False, [NOT_ENTERED]) if signer == MK else (True, []))


def test_no_nodes_hits_leave_anothers_out(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    node = network.nodes[MK]
    monkeypatch.setattr(history, "MOST_OPEN", 5)
    first, *_ = _many(node, 12)
    with node.store.write() as session:
        row = session.get_one(HitPairRow, pair_id(first))
        row.due_at = LAST
        session.get_one(StatementRow, row.link_id).issuer = MK
    with node.store.read() as session:
        assert first in {link.pair for link in open_links(session, node, Hidden()).links}


def _many(node: Node, count: int) -> list[Pair]:
    """Leads that a peer sent, each of a pair of its own."""
    pairs = []
    with node.store.write() as session:
        for number in range(count):
            made = History()
            sides = [
                {"issuer": issuer, "record": name, "first_version": name, "scan": _digest(f"scan {side} {number}")}
                for side, issuer in (("a", RS), ("b", MK))
                for name in [_digest(f"{side} {number}")]
            ]
            a, b = sorted(sides, key=lambda side: side["record"])
            made.pair = {"a": a, "b": b}
            made.lead(RS)
            for one in made.said:
                payload = statement_payload(one.statement)
                envelope = node.keys.statement.sign(payload)
                index = FIRST_INDEX + 3 * number + one.log_index
                add_statement(session, one.statement_id, one.statement, one.statement.type, envelope, index)
                note_said(session, one.statement_id, one.statement)
            pairs.append(Pair.model_validate(made.pair))
    settle_pairs(node)
    return pairs


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_no_hit_is_lost_behind_newer_ones(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    node = network.nodes[MK]
    monkeypatch.setattr(history, "MOST_OPEN", 5)
    pairs = _many(node, 12)
    scans = [scans_of(one.a.scan, one.b.scan) for one in pairs]
    with node.store.read() as session:
        assert len(all_links(session, Hidden())) == 12
        found = open_links(session, node, Hidden())
        assert (len(found.links), found.left_out) == (5, 7), "and the page says so"
        assert open_links(session, node, Hidden(scans=frozenset(scans))).links == []
    (due,) = [one for one in head_duties(node, "head-1")[1] if one.duty is Duty.ANSWER]
    assert due.count == 12
    with node.store.write() as session:
        session.execute(update(HitPairRow).values(due_at=""))
    closed = PairFilter(closed=True)
    with node.store.read() as session:
        first = find_links(session, node, Hidden(), closed, after=None, limit=8)
        second = find_links(session, node, Hidden(), closed, after=first.following, limit=8)
    assert len({link.link_id for link in (*first.links, *second.links)}) == 12
    assert second.following is None


def test_pairs_are_worked_out_of_the_statements_alone(network: Network) -> None:
    """After the upgrade, or after a restore, the tables are empty."""
    node = network.nodes[MK]
    _many(node, 3)
    with node.store.write() as session:
        before = [_row(row) for row in session.scalars(select(HitPairRow).order_by(HitPairRow.pair))]
        for table in (HitPairRow, HitRow):
            session.query(table).delete()
    work_out_all(node)
    with node.store.read() as session:
        assert [_row(row) for row in session.scalars(select(HitPairRow).order_by(HitPairRow.pair))] == before
        assert not any(row.stale for row in session.scalars(select(HitPairRow)))


def _row(row: HitPairRow) -> tuple[str, ...]:
    return row.pair, row.link_id, row.stage, row.since, row.due_at, row.waits_for


def _unchecked(node: Node, **fields: Any) -> None:
    """Signed by a node that checks nothing."""
    said = say(node, PhysicalComparison, FIRST, **fields)
    with node.store.write() as session:
        enter(session, said, to=[MK])
        note_said(session, said.statement_id, said.statement)
    settle_pairs(node)
