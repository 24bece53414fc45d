"""What an enrolled peer signs that erases, names or takes back what it may not; and so much of it that others wait."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from exchange.errors import NotFound, PeerMisbehaved
from exchange.flows.blind.visibility import Hidden
from exchange.flows.hits import bases, history
from exchange.flows.hits.history import find_link
from exchange.flows.hits.pairs import settle_pairs, work_out_all
from exchange.flows.hits.vocabulary import NoEffect, Stage
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.review.disclosures import disclosures_on
from exchange.flows.review.reviews import reviews_of
from exchange.flows.statement.sign_statement import THE_NODE, enter, say
from exchange.flows.sync.receipts import give_receipt
from exchange.flows.terms.expel import expel
from exchange.flows.terms.withdraw import place_hold, withdraw
from exchange.flows.witness.mirror import MOST_GROWTH, mirror_log
from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.store.log.statement_rows import find_statement, statements_about
from exchange.store.query.queries import FoundState
from exchange.store.sync.peers import NOT_ENTERED, NOT_OWNER, set_aside
from exchange.store.tables.hits import HitPairRow
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.tables.query_tables import FoundRow, QueryRow
from exchange.store.tables.record_tables import StatementRow
from schemas import (
    Acknowledgement,
    AnyStatement,
    Disclosure,
    Hit,
    Maker,
    Pair,
    Receipt,
    Retraction,
    ScreenResult,
    Verification,
    Withdrawal,
    open_envelope,
    parse_statement,
)
from schemas.vocabulary import Basis, ErasureOutcome, HitStage, Jurisdiction, Role, ScreenConclusion, WithdrawalReason
from tests.exchange.flows.network import MK, RS, XK, Network, resting
from tests.exchange.flows.review.test_statements import FIRST, HEAD, SECOND, agree, exhibits, lead, says
from tests.exchange.flows.review.test_statements import pair as pair
from tests.exchange.open_policy import LEGAL_BASIS

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("careless_owner")]

ERROR = WithdrawalReason.ENTERED_IN_ERROR
NOT_ASSOCIATED = ScreenResult(basis=Basis.SCREEN, conclusion=ScreenConclusion.NO_ASSOCIATION_INDICATED)
LONG_AGO = "2020-01-01T00:00:00.000Z"


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    """Serbia, North Macedonia, which signs anything, and Kosovo*.

    * References to Kosovo shall be understood to be in the context of Security Council resolution 1244 (1999).
    """
    with resting(tmp_path, Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.XK) as made:
        yield made


def signed(network: Network, kind: type[AnyStatement], maker: Maker = THE_NODE, *, by: str = MK, **fields: Any) -> str:
    """Put on Serbia's lane by a node that checks nothing."""
    node = network.nodes[by]
    said = say(node, kind, maker, **fields)
    with node.store.write() as session:
        enter(session, said, to=[RS])
    sign_head(node)
    return said.statement_id


def is_whole(network: Network, node: str, statement_id: str) -> bool:
    with network.nodes[node].store.read() as session:
        row = find_statement(session, statement_id)
    return row is not None and row.envelope is not None


def reasons(network: Network) -> list[str]:
    """Why what North Macedonia signed is set aside at Serbia's node."""
    with network.nodes[RS].store.read() as session:
        return [row.reason for row in set_aside(session, MK)]


def receipt(network: Network) -> tuple[int, tuple[object, ...]]:
    """What Serbia's node tells North Macedonia of what it set aside."""
    rs = network.nodes[RS]
    with rs.store.write() as session:
        peer = session.get_one(PeerRow, MK)
        peer.receipt_at, peer.enrolled_at = None, LONG_AGO
    assert give_receipt(rs, MK)
    with rs.store.read() as session:
        found = select(StatementRow).where(StatementRow.issuer == RS, StatementRow.type == "receipt")
        row = session.scalars(found.order_by(StatementRow.log_index.desc()).limit(1)).one()
    said = parse_statement(open_envelope(row.envelope or b"").payload)
    assert isinstance(said, Receipt)
    return said.set_aside, said.refused


def confirmed(network: Network, pair: dict[str, Any]) -> tuple[str, str]:
    _, _, hit = lead(network, pair)
    network.settle()
    agreed = agree(network, hit.statement_id)
    rests_on = exhibits(network, pair, "identification")
    said = says(network, MK, FIRST, "hit", pair=pair, stage="confirmed", basis="exhibits", answers=agreed, **rests_on)
    network.settle()
    return hit.statement_id, said.statement_id


def stage(network: Network, hit: str) -> Stage:
    rs = network.nodes[RS]
    with rs.store.read() as session:
        return find_link(session, rs, hit, Hidden()).progress.stage


def test_what_was_signed_of_a_hit_is_not_withdrawn(network: Network, pair: dict[str, Any]) -> None:
    """Its issuer confirms a hit and withdraws it like a record: the other side keeps what was signed."""
    first, hit = confirmed(network, pair)
    signed(network, Withdrawal, record=hit, first_version=hit, reason=ERROR, holder=None)
    network.settle()
    work_out_all(network.nodes[RS])
    assert is_whole(network, RS, hit)
    assert [stage(network, name) for name in (first, hit)] == [Stage.CONFIRMED] * 2
    assert reasons(network) == ["no-record"]


def test_a_hit_whose_content_is_gone_is_not_found(network: Network, pair: dict[str, Any]) -> None:
    _, _, hit = lead(network, pair)
    with network.nodes[RS].store.write() as session:
        session.get_one(StatementRow, hit.statement_id).envelope = None
    with pytest.raises(NotFound):
        stage(network, hit.statement_id)


def test_nobody_erases_what_another_told_of_a_record_that_is_not_here(network: Network) -> None:
    record = network.record(XK, audience=["MK"])
    told = signed(network, Disclosure, HEAD, by=XK, to=RS, record=record, legal_basis=LEGAL_BASIS, serial_number="1")
    network.settle()
    with network.nodes[RS].store.write() as session:  # as after a query that was granted, before the record comes
        asked = {"asker": RS, "asked": XK, "roi": "", "calibre": "", "purpose": "", "legal_basis": "", "made_by": ""}
        times = {"state": "answered", "at": LONG_AGO, "due_at": LONG_AGO}
        session.add(QueryRow(statement_id=told, case_reference="RS-1", **asked, **times))
        session.flush()
        session.add(FoundRow(handle="h", query=told, record=record, band="strong", state=FoundState.GRANTED))
    signed(network, Withdrawal, record=record, first_version=record, reason=ERROR, holder=None)
    network.settle()
    assert is_whole(network, RS, told)
    with network.nodes[RS].store.read() as session:
        assert session.get_one(FoundRow, "h").record == record
    withdraw(network.nodes[XK], HEAD, record, ERROR)
    signed(network, Withdrawal, by=XK, record=record, first_version=record, reason=ERROR, holder=None)
    network.settle()
    assert not is_whole(network, RS, told), "its owner does"
    with network.nodes[RS].store.read() as session:
        assert session.get_one(FoundRow, "h").record is None


def test_nobody_else_discloses_anything_of_a_record(network: Network) -> None:
    """A peer makes up a serial number for a test fire of this node's own, and for one of another's."""
    shown = {}
    for owner, scan in ((RS, b"1"), (XK, b"2")):
        record = network.record(owner, scan=scan, audience=["MK", "RS"])
        network.settle()
        told = {"to": RS, "record": record, "legal_basis": LEGAL_BASIS}
        signed(network, Disclosure, HEAD, serial_number="made up", **told)
        if owner == XK:
            signed(network, Disclosure, HEAD, by=XK, serial_number="true", **told)
        network.settle()
        found = disclosures_on(network.nodes[RS], Role.HEAD, HEAD.pseudonym, {f"{owner}/{record}"})
        shown[owner] = [item.said.serial_number for item in found]
    assert shown == {RS: [], XK: ["true"]}
    assert reasons(network) == [NOT_OWNER] * 2


def test_who_acknowledges_anothers_record_does_not_learn_whether_it_is_here(network: Network) -> None:
    here = network.record(XK, scan=b"1", audience=["MK", "RS"])
    unknown = network.record(XK, scan=b"2", audience=["MK"])
    network.settle()
    told = []
    for record in (here, unknown):
        fields = {"owner": RS, "withdrawal": record, "record": record, "outcome": ErasureOutcome.ERASED}
        signed(network, Acknowledgement, **fields)
        network.settle()
        told.append(receipt(network))
    assert told == [(0, ()), (0, ())]
    assert reasons(network) == [NOT_OWNER], "the operator is told"


def test_who_signs_a_hit_does_not_learn_which_scan_a_withheld_record_has(
    network: Network, pair: dict[str, Any]
) -> None:
    """The lane names a record that is withheld by now; its scan is guessed."""
    own, theirs = sorted(("a", "b"), key=lambda side: str(pair[side]["issuer"]), reverse=True)
    assert pair[own]["issuer"] == RS
    told = []
    for scan in (pair[own]["scan"], pair[theirs]["scan"]):
        joined = Pair.model_validate(pair | {own: pair[own] | {"scan": scan}})
        rests_on = {"conclusion": "1" * 64, "verification": "2" * 64}
        signed(network, Hit, FIRST, pair=joined, stage=HitStage.LEAD, basis=Basis.SCREEN, **rests_on)
        network.settle()
        told.append(receipt(network))
    assert told == [(0, ()), (0, ())]
    assert reasons(network) == [NOT_ENTERED]
    with network.nodes[RS].store.read() as session:
        assert len(session.scalars(select(HitPairRow)).all()) == 1


def test_a_peer_takes_back_and_verifies_no_conclusion_of_this_nodes(network: Network, pair: dict[str, Any]) -> None:
    first, second, hit = lead(network, pair)
    network.settle()
    rs, joined = network.nodes[RS], Pair.model_validate(pair)
    for name in (first.statement_id, second.statement_id, hit.statement_id):
        signed(network, Retraction, FIRST, retracts=name, reason="Not ours.")
    signed(network, Verification, SECOND, verifies=first.statement_id, pair=joined, result=NOT_ASSOCIATED, blind=True)
    network.settle()
    with rs.store.read() as session:
        assert len(statements_about(session, first.statement_id, ["retraction", "verification"])) == 3, "all are kept"
        (review,) = reviews_of(session, rs, joined, "examiner-1")
    assert (review.retracted, review.by_head, review.hit) == (False, None, hit.statement_id)
    assert review.verified is not None
    assert review.verified.statement_id == second.statement_id


def test_what_a_hit_names_is_part_of_its_history_only_as_its_grounds(network: Network, pair: dict[str, Any]) -> None:
    """Cards have no maker, and records are shown where their owner let them be: neither is a step of a hit."""
    rs = network.nodes[RS]
    first, _ = confirmed(network, pair)
    with rs.store.read() as session:
        every = {row.type: row.statement_id for row in session.scalars(select(StatementRow))}
    basis = {"pair": Pair.model_validate(pair), "stage": HitStage.LEAD, "basis": Basis.SCREEN}
    for name in every.values():
        signed(network, Hit, FIRST, conclusion=name, verification=name, **basis)
    network.settle()
    with rs.store.read() as session:
        link = find_link(session, rs, first, Hidden())
    steps = {"hit", "conclusion", "verification", "physical-comparison"}
    assert {entry.statement.type for entry in link.history} == steps
    assert link.progress.stage is Stage.CONFIRMED


def test_a_third_node_gives_a_hit_neither_its_name_nor_its_place_in_the_list(
    network: Network, pair: dict[str, Any]
) -> None:
    """It signs a lead of two others' records early in its log, so that the hit is listed among its own."""
    rs = network.nodes[RS]
    with rs.store.write() as session:
        theirs = session.scalars(select(StatementRow).where(StatementRow.issuer == MK, StatementRow.type == "record"))
        record = theirs.one()
        record.issuer, record.log_index = XK, 10**6
    side = next(side for side in ("a", "b") if pair[side]["issuer"] == MK)
    joined = Pair.model_validate(pair | {side: pair[side] | {"issuer": XK}})
    fields = {"pair": joined, "stage": HitStage.LEAD, "basis": Basis.SCREEN}
    rests_on = {"conclusion": "1" * 64, "verification": "2" * 64}
    early = signed(network, Hit, FIRST, **fields, **rests_on)
    network.publish(XK, 9)
    named = signed(network, Hit, FIRST, by=XK, **fields, **rests_on)
    network.settle()
    with rs.store.read() as session:
        link = find_link(session, rs, early, Hidden())
        places = {entry.statement_id: entry.log_index for entry in link.history}
    assert places[early] < places[named]
    assert link.link_id == named


def test_of_hits_without_an_end_the_first_count_and_are_read(
    network: Network, pair: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was found: twenty thousand of one pair took each page and each round of the worker half a minute."""
    for module in (history, bases):
        monkeypatch.setattr(module, "MOST_HITS", 3)
    rs = network.nodes[RS]
    first, _ = confirmed(network, pair)
    rests_on = {"conclusion": "1" * 64, "verification": "2" * 64}
    fields = {"pair": Pair.model_validate(pair), "stage": HitStage.LEAD, "basis": Basis.SCREEN, **rests_on}
    names = [signed(network, Hit, FIRST, **fields) for _ in range(5)]
    network.settle()
    settle_pairs(rs)
    with rs.store.read() as session:
        link = find_link(session, rs, first, Hidden())
    by_peer = {entry.statement_id for entry in link.history if isinstance(entry.statement, Hit)} - {first}
    assert len(by_peer) == 3
    assert by_peer & set(names) == set(names[:2]), "after the confirmed one"
    assert link.progress.stage is Stage.CONFIRMED
    assert {link.progress.no_effect[name] for name in names[:2]} == {NoEffect.NOT_HERE}


def test_a_peer_that_withdrew_what_a_court_holds_is_expelled_all_the_same(network: Network) -> None:
    record = network.record(MK, audience=["RS"])
    network.settle()
    rs = network.nodes[RS]
    place_hold(rs, HEAD, record, "Court of a test, 1/2026")
    withdraw(network.nodes[MK], HEAD, record, ERROR)
    network.settle()
    assert expel(rs, HEAD, MK, erase=True).erased == 1
    network.work(RS)
    assert is_whole(network, RS, record), "the court holds it"


def test_a_head_of_any_size_fills_no_memory(network: Network) -> None:
    """It costs nothing to sign, and was followed tile by tile until it led to its root."""
    network.publish(MK)
    network.pull(RS, MK)
    mk, rs = network.nodes[MK], network.nodes[RS]
    head = Checkpoint(mk.history.card.log_origin, 2 * MOST_GROWTH, b"\1" * 32)
    with rs.store.write() as session:
        session.get_one(PeerRow, MK).checkpoint = sign_checkpoint(head, mk.keys.log.ed25519, mk.keys.log.ml_dsa, 0)
    with pytest.raises(PeerMisbehaved, match="neither mirrored nor cosigned"):
        mirror_log(rs, network.client(RS), MK)
