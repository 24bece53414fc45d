"""A hit of the other side, while this side's own conclusion on the pair waits to be verified blind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange.errors import NotFound
from exchange.flows.alerts.alerts import count_fresh
from exchange.flows.alerts.deadlines import Duty
from exchange.flows.alerts.worklist import worklist_of
from exchange.flows.blind.visibility import hidden_pairs, tells_of
from exchange.flows.hits.history import all_links, find_link
from exchange.flows.review.disclosures import disclosures_on
from exchange.flows.review.statements import Spoke
from exchange.flows.review.visible_statements import StatementReader, visible_statements
from exchange.store.access.user_rows import add_user
from exchange.store.log.statement_rows import find_statement
from exchange.store.tables.record_tables import RecordRow
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.flows.network import MK, RS, Network, resting
from tests.exchange.flows.review.test_statements import FIRST, HEAD, SECOND, lead, says
from tests.exchange.flows.review.test_statements import pair as pair
from tests.schemas.results import INCONCLUSIVE

pytestmark = pytest.mark.slow


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    with resting(tmp_path, Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.XK) as made:
        for node in made.nodes.values():
            with node.store.write() as session:
                for pseudonym in (FIRST.pseudonym, SECOND.pseudonym):
                    add_user(session, pseudonym, Role.EXAMINER)
                add_user(session, "investigator", Role.INVESTIGATOR)
        yield made


@pytest.fixture
def said(network: Network, pair: dict[str, Any]) -> tuple[Spoke, Spoke, Spoke]:
    """A lead that Serbia sent, with a message about it, and North Macedonia's own first conclusion."""
    *_, hit = lead(network, pair)
    message = says(network, RS, FIRST, "message", to=MK, about=hit.statement_id, text="Thursday?", reference=None)
    network.settle()
    own = says(network, MK, FIRST, "conclusion", pair=pair, **INCONCLUSIVE)
    return hit, message, own


def seen(network: Network, hit: Spoke, role: Role, pseudonym: str) -> list[bool]:
    """Whether the hit is in the list, behind its address, among what is due, among the alerts."""
    node = network.nodes[MK]
    with node.store.read() as session:
        hidden = hidden_pairs(session, role, pseudonym)
        listed = [link.link_id for link in all_links(session, hidden)] == [hit.statement_id]
        try:
            opened = find_link(session, node, hit.statement_id, hidden).link_id == hit.statement_id
        except NotFound:
            opened = False
        fresh = count_fresh(session, node, role, pseudonym) > 1
    due = Duty.ANSWER in {item.duty for item in worklist_of(node, role, pseudonym).items}
    return [listed, opened, due, fresh]


def test_whoever_may_be_asked_is_told_of_the_hit_only_after_the_verification(
    network: Network, pair: dict[str, Any], said: tuple[Spoke, Spoke, Spoke]
) -> None:
    hit, _, own = said
    second = (Role.EXAMINER, SECOND.pseudonym)
    assert seen(network, hit, *second) == [False] * 4
    assert seen(network, hit, Role.EXAMINER, FIRST.pseudonym) == [True] * 4, "whoever concluded is not asked"
    assert seen(network, hit, Role.INVESTIGATOR, "investigator") == [True] * 4

    drawn = {"pair": pair, **INCONCLUSIVE}
    says(network, MK, SECOND, "verification", verifies=own.statement_id, **drawn)
    assert seen(network, hit, *second) == [True] * 4


def test_no_statement_about_the_pair_is_read_meanwhile(
    network: Network, pair: dict[str, Any], said: tuple[Spoke, Spoke, Spoke]
) -> None:
    node = network.nodes[MK]
    with node.store.read() as session:
        rows = [find_statement(session, item.statement_id) for item in said]
        for pseudonym, expected in ((SECOND.pseudonym, True), (FIRST.pseudonym, False)):
            hidden = hidden_pairs(session, Role.EXAMINER, pseudonym)
            assert [row is not None and tells_of(session, row, hidden) for row in rows] == [expected] * 3


def test_a_disclosure_on_either_exhibit_is_told_only_after_the_verification(
    network: Network, pair: dict[str, Any], said: tuple[Spoke, Spoke, Spoke]
) -> None:
    """That an owner told the other side more of an exhibit says what somebody holds of the pair."""
    node, (_, _, own) = network.nodes[MK], said
    record = next(side["record"] for side in pair.values() if side["issuer"] == MK)
    case_data = {"to": RS, "legal_basis": "Test agreement, article 4", "serial_number": "synthetic 0001"}
    says(network, MK, HEAD, "disclosure", record=record, **case_data)
    with node.store.read() as session:
        exhibit = session.get_one(RecordRow, record).exhibit

    def told(role: Role, pseudonym: str) -> int:
        reader = StatementReader(node, pseudonym, role)
        listed = visible_statements(reader, kinds={"disclosure"}, about=record, issuer=None, limit=9)
        shown = disclosures_on(node, role, pseudonym, [exhibit])
        assert [item.statement_id for item in shown] == [row.statement_id for row in listed]
        return len(shown)

    assert told(Role.EXAMINER, SECOND.pseudonym) == 0
    assert told(Role.EXAMINER, FIRST.pseudonym) == told(Role.HEAD, HEAD.pseudonym) == 1
    drawn = {"pair": pair, **INCONCLUSIVE}
    says(network, MK, SECOND, "verification", verifies=own.statement_id, **drawn)
    assert told(Role.EXAMINER, SECOND.pseudonym) == 1
