"""Marking as read and taking it back, on statements that travelled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange.clock import stamp_in
from exchange.errors import InvalidInput, NotFound
from exchange.flows.alerts.alerts import Alerts, alerts_for, count_fresh, mark_read, undo_mark
from exchange.flows.blind.tasks import tasks_for
from exchange.store.access.user_rows import add_user
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.flows.network import MK, RS, Network, resting
from tests.exchange.flows.review.test_statements import FIRST, SECOND, lead, says
from tests.exchange.flows.review.test_statements import pair as pair
from tests.schemas.results import INCONCLUSIVE

pytestmark = pytest.mark.slow

PEOPLE = (("reader", Role.INVESTIGATOR), (FIRST.pseudonym, Role.EXAMINER), (SECOND.pseudonym, Role.EXAMINER))


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    with resting(tmp_path, Jurisdiction.RS, Jurisdiction.MK, Jurisdiction.XK) as made:
        for node in made.nodes.values():
            with node.store.write() as session:
                for pseudonym, role in PEOPLE:
                    add_user(session, pseudonym, role)
        yield made


def shown(network: Network, node_id: str, role: Role = Role.INVESTIGATOR, pseudonym: str = "reader") -> Alerts:
    node = network.nodes[node_id]
    with node.store.read() as session:
        found = alerts_for(session, node, role, pseudonym)
        assert count_fresh(session, node, role, pseudonym) == found.fresh, "the head of each page says the same"
    return found


def mark(network: Network, seen_to: str) -> None:
    mark_read(network.nodes[MK], "reader", seen_to)


def undo(network: Network) -> None:
    undo_mark(network.nodes[MK], "reader")


def test_a_lead_is_news_there_until_it_is_marked_and_again_when_that_is_taken_back(
    network: Network, pair: dict[str, Any]
) -> None:
    assert shown(network, MK).fresh == 0
    *_, hit = lead(network, pair)
    network.settle()
    (line,) = shown(network, MK).lines
    assert (line.news.what, line.news.issuer, line.fresh) == ("hit", RS, True)
    assert line.page == f"/app/hits/{hit.statement_id}#s-{hit.statement_id[:12]}"
    mark(network, line.news.at)
    read = shown(network, MK)
    assert (read.fresh, len(read.lines), read.may_undo) == (0, 1, True)

    says(network, RS, FIRST, "message", to=MK, about=hit.statement_id, text="Thursday?", reference=None)
    network.settle()
    assert [(item.news.what, item.fresh) for item in shown(network, MK).lines] == [("message", True), ("hit", False)]
    undo(network)
    again = shown(network, MK)
    assert (again.fresh, again.may_undo) == (2, False)
    with pytest.raises(NotFound):
        undo(network)


def test_what_came_after_the_page_was_drawn_stays_new(network: Network, pair: dict[str, Any]) -> None:
    *_, hit = lead(network, pair)
    network.settle()
    drawn = shown(network, MK).lines[0].news.at
    says(network, RS, FIRST, "message", to=MK, about=hit.statement_id, text="Thursday?", reference=None)
    network.settle()
    mark(network, drawn)
    assert shown(network, MK).fresh == 1


def test_nobody_marks_what_is_still_to_come_nor_loses_the_mark_by_an_older_page(
    network: Network, pair: dict[str, Any]
) -> None:
    mark(network, stamp_in(3600))
    lead(network, pair)
    network.settle()
    assert shown(network, MK).fresh == 1
    mark(network, stamp_in(-3600))
    assert shown(network, MK).fresh == 1
    undo(network)
    for nonsense in ("", "yesterday", "2026-11-26", "9" * 10_000):
        with pytest.raises(InvalidInput):
            mark(network, nonsense)


def test_a_verification_is_news_to_exactly_those_who_find_it_on_its_page(
    network: Network, pair: dict[str, Any]
) -> None:
    says(network, RS, FIRST, "conclusion", pair=pair, **INCONCLUSIVE)
    node = network.nodes[RS]
    for maker, expected in ((FIRST, 0), (SECOND, 1)):
        with node.store.read() as session:
            assert len(tasks_for(session, maker.pseudonym)) == expected
        lines = shown(network, RS, Role.EXAMINER, maker.pseudonym).lines
        assert [line.news.what for line in lines] == ["verification-waits"] * expected
        assert [line.page for line in lines] == ["/app/verifications"] * expected


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
def test_others_are_told_nothing(network: Network, pair: dict[str, Any], role: Role) -> None:
    lead(network, pair)
    network.settle()
    with network.nodes[MK].store.read() as session:
        assert count_fresh(session, network.nodes[MK], role, "reader") == 0
