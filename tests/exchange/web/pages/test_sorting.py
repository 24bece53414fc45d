"""Lists sorted by the heads of their columns: the addresses, the cursors, and the pages that have them."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from sqlalchemy import update

from exchange.errors import InvalidInput
from exchange.flows.review.records import NEWEST_FIRST, RecordColumn
from exchange.list_order import ListOrder
from exchange.store.tables.record_tables import RecordRow
from exchange.web.pages.entry import search_pages as search
from exchange.web.pages.entry.sorted_drafts import SAVED_LAST_FIRST, DraftColumn, DraftOrder, sorted_drafts
from exchange.web.pages.entry.sorted_records import FALLING, few_records, record_order
from exchange.web.pages.sorting import Direction, Sorting, cursor_after, opened_cursor, order_of
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person

BY_CALIBRE = ListOrder(RecordColumn.CALIBRE, descending=False)
CASES = {"SORT-B": "7.62x39", "SORT-C": "9x19", "SORT-A": "5.45x39", "SORT-D": "7.62x39"}


def test_an_address_says_what_is_not_usual() -> None:
    usual = few_records(NEWEST_FIRST, "/app/x")
    assert (usual.said, usual.aria(RecordColumn.RECEIVED), usual.aria(RecordColumn.CASE)) == ({}, "descending", "")
    assert usual.address(RecordColumn.RECEIVED) == "/app/x?sort=received&order=asc"
    assert usual.address(RecordColumn.CASE) == "/app/x?sort=case&order=asc"
    assert usual.address(RecordColumn.OCCURRED) == "/app/x?sort=occurred&order=desc"
    sorting = Sorting(BY_CALIBRE, NEWEST_FIRST, tuple(RecordColumn), FALLING, "/app/x", {"kind": "seized"})
    assert sorting.said == {"sort": "calibre", "order": "asc"}
    assert sorting.address(RecordColumn.CALIBRE) == "/app/x?kind=seized&sort=calibre&order=desc"
    assert sorting.address(RecordColumn.RECEIVED) == "/app/x?kind=seized"
    assert sorting.address_after("abc") == "/app/x?kind=seized&sort=calibre&order=asc&cursor=abc"


def test_an_order_is_the_one_that_is_of_use_where_none_is_named() -> None:
    assert record_order(None, None) == NEWEST_FIRST
    assert record_order(None, Direction.ASCENDING) == ListOrder(RecordColumn.RECEIVED, descending=False)
    assert record_order(RecordColumn.OCCURRED, None).descending
    assert not record_order(RecordColumn.CASE, None).descending
    assert order_of(NEWEST_FIRST, FALLING, RecordColumn.CASE, Direction.DESCENDING).descending


def test_a_cursor_is_of_its_order_alone() -> None:
    cursor = cursor_after(BY_CALIBRE, ("7.62x39",), 17)
    assert opened_cursor(cursor, BY_CALIBRE, 1) == (ListOrder(RecordColumn.CALIBRE, False, ("7.62x39",)), 17)
    for order, values in (
        (ListOrder(RecordColumn.CALIBRE, descending=True), 1),
        (ListOrder(RecordColumn.CASE, descending=False), 1),
        (BY_CALIBRE, 0),
        (BY_CALIBRE, 2),
    ):
        with pytest.raises(InvalidInput, match="none of this node's"):
            opened_cursor(cursor, order, values)
    with pytest.raises(InvalidInput):
        opened_cursor(f"{cursor}x", BY_CALIBRE, 1)
    with pytest.raises(InvalidInput):  # half a character, which no database takes
        opened_cursor(cursor_after(BY_CALIBRE, ("\ud800",), 17), BY_CALIBRE, 1)


def test_drafts_are_sorted_by_what_was_typed() -> None:
    class Saved:
        def __init__(self, at: str) -> None:
            self.saved_at = at

    typed: list[dict[str, str]] = [{"case_reference": "B"}, {}, {"case_reference": "A"}]
    drafts = [(Saved(at), fields) for at, fields in zip("123", typed, strict=True)]
    assert [row.saved_at for row, _ in sorted_drafts(drafts, SAVED_LAST_FIRST)] == ["3", "2", "1"]
    assert [row.saved_at for row, _ in sorted_drafts(drafts, DraftOrder(DraftColumn.CASE, False))] == ["2", "3", "1"]


@pytest.fixture
def four(node: RunningNode) -> dict[str, str]:
    """Four records of one municipality that no other test names, by their cases."""
    made = {}
    for case, calibre in CASES.items():
        exhibit = {"kind": "crime_scene", "calibre": calibre, "municipality": "Ћићевац"}
        answer = node.submit(tiny_scan(), case_reference=case, exhibit=exhibit)
        assert answer.status_code in {200, 201}, answer.text
        made[case] = str(answer.json()["statement_id"])
    return made


def listed(page: str) -> list[str]:
    """The cases of a table of records, as they stand."""
    return re.findall(r'<td><a href="/app/records/[0-9a-f]{64}">(SORT-[A-D])', page)


@pytest.mark.slow
def test_found_records_are_sorted_counted_and_paged(
    node: RunningNode, four: dict[str, str], signed_in: Callable[[Role], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    del node, four
    monkeypatch.setattr(search, "_ON_A_PAGE", 3)
    person, asked = signed_in(Role.INVESTIGATOR), "/app/search?municipality=cicevac"
    usual = person.get(asked).text
    held = int(re.findall(r"\d+ of (\d+) records fit", usual)[0])
    assert held >= 4
    assert re.search(r'<p role="status">\d+ of \d+ records fit\.</p>', usual)
    (head,) = re.findall(r'<th scope="col" aria-sort="descending">.*?</th>', usual)
    assert "Received" in head
    assert 'role="img" aria-label="descending"' in head
    by_calibre = re.findall(r'<th scope="col"><a class="sorted" href="([^"]+)">Calibre', usual)[0]
    assert by_calibre == "/app/search?municipality=cicevac&amp;sort=calibre&amp;order=asc"
    address, shown = html.unescape(by_calibre), list[str]()
    while address:
        page = person.get(address).text
        shown += listed(page)
        assert "records fit." in page
        address = html.unescape("".join(re.findall(r'<a class="button" href="([^"]+)">Further records', page)))
    calibres = [CASES[case] for case in shown]
    assert calibres == sorted(calibres)
    assert len(shown) % 4 == 0, "each once, though a calibre stands on two pages"
    assert set(shown) == set(CASES)


@pytest.mark.slow
def test_the_order_stays_when_a_condition_changes_and_no_other_is_taken(
    four: dict[str, str], signed_in: Callable[[Role], Person]
) -> None:
    del four
    person = signed_in(Role.INVESTIGATOR)
    page = person.get("/app/search?municipality=cicevac&kind=crime_scene&sort=case&order=desc").text
    assert '<input type="hidden" name="sort" value="case">' in page
    assert 'href="/app/search?municipality=cicevac&amp;sort=case&amp;order=desc"' in page, "without the kind"
    cases = listed(page)
    assert cases == sorted(cases, reverse=True)
    stripped = person.get("/app/search?municipality=cicevac&kind=&sort=case&order=desc")
    assert stripped.headers["location"] == "/app/search?municipality=cicevac&sort=case&order=desc"
    for wrong in ("sort=place", "sort=case&order=up", "sort=case&cursor=WzFd", f"cursor={'x' * 700}"):
        assert person.get(f"/app/search?{wrong}").status_code == 422, wrong


@pytest.mark.slow
def test_by_the_day_few_are_sorted_and_of_many_it_is_said(
    four: dict[str, str], signed_in: Callable[[Role], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    del four
    person = signed_in(Role.INVESTIGATOR)
    address = "/app/search?municipality=cicevac&sort=occurred&order=asc"
    page = person.get(address).text
    assert re.search(r'<th scope="col" aria-sort="ascending"><a[^>]*>Occurred', page)
    monkeypatch.setattr("exchange.flows.review.records.MOST_COUNTED", 2)
    page = person.get(address).text
    assert re.search(r'<th scope="col" aria-sort="descending"><a[^>]*>Received', page)
    assert '<th scope="col">Occurred</th>' in page
    assert "They can be sorted by the day" in page


@pytest.mark.slow
def test_what_may_not_be_seen_is_not_counted(
    node: RunningNode, four: dict[str, str], signed_in: Callable[[Role], Person]
) -> None:
    """What a court holds after its withdrawal stands in no list, and so in no count."""
    person, asked = signed_in(Role.INVESTIGATOR), "/app/search?municipality=cicevac"
    counts = re.compile(r"(\d+) of (\d+) records fit")
    fit, held = map(int, counts.findall(person.get(asked).text)[0])
    of_one = RecordRow.statement_id == four["SORT-A"]
    with node.node.store.write() as session:
        session.execute(update(RecordRow).where(of_one).values(restricted=True))
    try:
        assert counts.findall(person.get(asked).text) == [(str(fit - 1), str(held - 1))]
    finally:
        with node.node.store.write() as session:
            session.execute(update(RecordRow).where(of_one).values(restricted=False))


@pytest.mark.slow
def test_the_exhibits_of_a_case_and_drafts_are_sorted_too(
    four: dict[str, str], signed_in: Callable[[Role], Person]
) -> None:
    examiner = signed_in(Role.EXAMINER)
    page = examiner.get("/app/cases/RS/SORT-A?sort=calibre").text
    assert f"/app/records/{four['SORT-A']}" in page
    assert re.search(r'aria-sort="ascending"><a class="sorted" href="/app/cases/RS/SORT-A\?sort=calibre&amp;', page)
    for case in ("DRAFT-B", "DRAFT-A"):
        began = examiner.post("/app/register", {"csrf": examiner.csrf(), "act": "new", "case_reference": case})
        assert began.status_code == 303
    page = examiner.get("/app/register?sort=case").text
    assert "2 drafts" in page
    assert re.findall(r">(DRAFT-[AB])<", page) == ["DRAFT-A", "DRAFT-B"]
    home = examiner.get("/app/").text
    assert home.count("Unsigned: a new exhibit") == 2
    assert "2 for you, " in home
    assert "DRAFT-A" not in signed_in(Role.EXAMINER).get("/app/").text, "it is another's"


@pytest.mark.slow
def test_queries_and_hits_have_their_heads_and_counts(signed_in: Callable[[Role], Person]) -> None:
    person = signed_in(Role.INVESTIGATOR)
    for address in ("/app/queries?sort=due&order=asc", "/app/queries?received=1&sort=case", "/app/hits?sort=stage"):
        assert person.get(address).status_code == 200, address
    for wrong in ("/app/queries?sort=band", "/app/hits?sort=score", "/app/queries?sort=case&cursor=WzFd"):
        assert person.get(wrong).status_code == 422, wrong
