"""A search that is kept tells its maker of new records that fit, own and received, until it is stopped."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select

from exchange.clock import stamp
from exchange.flows.access.users import revoke_user
from exchange.flows.alerts.alerts import count_fresh
from exchange.flows.alerts.kept_searches import MOST_SEARCHES
from exchange.record_filter import RecordFilter
from exchange.store.review.kept_search_rows import filter_of
from exchange.store.tables.review_tables import KeptSearchRow
from exchange.store.tables.sign_in_tables import UserRow
from exchange.web.pages.entry.search_form import search_address
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person
from tests.schemas.examples import exhibit_fields


def test_the_address_of_a_search() -> None:
    wanted = RecordFilter(headstamp="ППУ", earliest=date(2026, 3, 1), lateral_resolution_um=3.0, empty=("item", "seal"))
    assert search_address(wanted) == (
        "/app/search?earliest=2026-03-01&headstamp=%D0%9F%D0%9F%D0%A3&lateral_resolution_um=3&empty=item&empty=seal"
    )


def test_what_another_release_kept_is_told_as_not_understood() -> None:
    assert filter_of(KeptSearchRow(conditions='{"colour":"red"}')) is None


def submit(node: RunningNode, headstamp: str) -> None:
    made = node.submit(tiny_scan(), exhibit=exhibit_fields(headstamp=headstamp))
    assert made.status_code == 201, made.text


def fresh(node: RunningNode, person: Person, role: Role) -> int:
    with node.node.store.read() as session:
        return count_fresh(session, node.node, role, person.pseudonym)


@pytest.mark.slow
def test_kept_told_looked_at_stopped_and_taken_up(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    person, other = signed_in(Role.INVESTIGATOR), signed_in(Role.INVESTIGATOR)
    submit(node, "KEPT before")
    assert "Keep this search" in person.get("/app/search?headstamp=kept").text
    question = {"question": "headstamp=kept", "title": "The kept lot"}
    assert person.post("/app/searches", question | {"csrf": person.csrf()}).status_code == 303
    home = person.get("/app/").text
    assert "The kept lot" in home
    assert "nothing new" in home
    assert "The kept lot" not in other.get("/app/").text

    submit(node, "another")
    assert fresh(node, person, Role.INVESTIGATOR) == 0
    submit(node, "КЕПТ 2")
    assert fresh(node, person, Role.INVESTIGATOR) == 1
    assert fresh(node, other, Role.INVESTIGATOR) == 0
    assert "1 new record<" in person.get("/app/").text
    alerts = person.get("/app/alerts").text
    assert "A new record fits a search that you keep" in alerts
    (address,) = set(re.findall(r'href="(/app/searches/\d+)"', alerts))

    assert other.get(address).status_code == 404, "it is not theirs"
    assert person.get(address).headers["location"] == "/app/search?headstamp=kept"
    assert "nothing new" in person.get("/app/").text

    assert other.post(f"{address}/stop", {"csrf": other.csrf()}).status_code == 404
    assert person.post(f"{address}/stop", {"csrf": person.csrf()}).status_code == 303
    assert "The kept lot: stopped" in person.get("/app/").text
    submit(node, "kept 3")
    assert fresh(node, person, Role.INVESTIGATOR) == 0
    assert person.post(f"{address}/resume", {"csrf": person.csrf()}).status_code == 303
    assert "1 new record<" in person.get("/app/").text, "as if it had not been stopped"


@pytest.mark.slow
def test_who_left_keeps_no_search(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    """Nor is a record held against what somebody kept who left before that was so."""
    person, left = signed_in(Role.INVESTIGATOR), signed_in(Role.INVESTIGATOR)
    for one in (person, left):
        question = {"question": "headstamp=kept", "title": "The kept lot", "csrf": one.csrf()}
        assert one.post("/app/searches", question).status_code == 303
    revoke_user(node.node, person.pseudonym)
    with node.node.store.write() as session:
        kept = select(KeptSearchRow).where(KeptSearchRow.pseudonym.in_([person.pseudonym, left.pseudonym]))
        (row,) = session.scalars(kept).all()
        assert row.pseudonym == left.pseudonym
        session.get_one(UserRow, left.pseudonym).revoked_at = stamp()
    submit(node, "KEPT")
    with node.node.store.read() as session:
        assert session.get_one(KeptSearchRow, row.search_id).newest_at is None


@pytest.mark.slow
def test_what_is_not_kept(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    person, auditor = signed_in(Role.EXAMINER), signed_in(Role.AUDITOR)
    csrf = person.csrf()
    for question, title in (("", "All"), ("kind=bullet", "Wrong"), ("kind=seized", ""), ("kind=seized", "two\nlines")):
        sent = {"question": question, "title": title, "csrf": csrf}
        assert person.post("/app/searches", sent).status_code == 422, (question, title)
    sent = {"question": "kind=seized", "title": "Seized", "csrf": auditor.csrf()}
    assert auditor.post("/app/searches", sent).status_code == 403
    for number in range(MOST_SEARCHES):
        sent = {"question": "kind=seized", "title": f"Seized {number}", "csrf": csrf}
        assert person.post("/app/searches", sent).status_code == 303
    assert person.post("/app/searches", sent).status_code == 409
    assert node.get("/readyz").status_code == 200
