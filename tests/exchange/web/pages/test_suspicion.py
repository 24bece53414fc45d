"""Where a record is shown, it is said in words that the key which signed it was in wrong hands."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from exchange.flows.keys import rotate
from exchange.flows.node.node import open_node
from exchange.store.access.user_rows import add_user
from exchange.trust.keys import load_identity
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.flows.blind.lists import open_all_lists
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person

SAID = "is under suspicion since"


@pytest.mark.slow
def test_a_record_of_a_compromised_key_is_never_shown_without_a_word_of_that(
    start_node: Callable[..., RunningNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start_node(Jurisdiction.RS)
    stands = first.submit(tiny_scan(), case_reference="RS-1").json()["statement_id"]
    stolen = first.submit(tiny_scan(), case_reference="RS-2").json()
    assert first.get(f"/v1/records/{stands}").json()["suspicion"] is None
    home = first.node.settings.home
    first.stop()
    node = open_node(home)
    monkeypatch.setattr(rotate, "cosigned_up_to", lambda _node: stolen["log_index"])  # as a peer would have, by then
    rotate.replace_keys(
        node, load_identity(home / "keys"), ["statement"], compromised=True, from_index=stolen["log_index"]
    )
    node.close()

    running = start_node(Jurisdiction.RS)
    shown = running.get(f"/v1/records/{stolen['statement_id']}").json()
    assert shown["superseded_by"] is None, "no newer version stands in its place"
    assert not shown["suspicion"]["believed"]
    assert SAID in shown["suspicion"]["in_words"]
    (listed,) = running.get("/v1/records").json()["items"]
    assert listed["statement_id"] == stands
    assert listed["suspicion"]["believed"]
    assert listed["suspicion"]["place"] == stolen["log_index"]

    with running.node.store.write() as session:
        add_user(session, "looks-at-it", Role.EXAMINER)
    person = Person(running, "looks-at-it")
    assert person.accept().status_code == 200
    assert person.sign_in().status_code == 303
    not_believed = person.get(f"/app/records/{stolen['statement_id']}").text
    assert f"Not believed: the key that signed this {SAID}" in not_believed
    assert "A newer version stands in its place" not in not_believed
    for path in (f"/app/records/{stands}", "/app/search?case_reference=RS-1", "/app/cases/RS/RS-1"):
        assert f"The key that signed this {SAID}" in person.get(path).text, path
    person.http.close()


@pytest.mark.slow
@pytest.mark.data
def test_nor_beside_another_record_or_in_a_table(
    start_node: Callable[..., RunningNode], monkeypatch: pytest.MonkeyPatch, ffp_data: Path
) -> None:
    first = start_node(Jurisdiction.RS)
    stands = first.submit(ffp_data / "fadul" / "Fadul 1-1.x3p", case_reference="RS-1").json()["statement_id"]
    first.submit(ffp_data / "fadul" / "Fadul 1-2.x3p", case_reference="RS-2")
    first.wait_correlated(2)
    stolen = first.submit(tiny_scan(), case_reference="RS-3").json()
    home = first.node.settings.home
    first.stop()
    node = open_node(home)
    monkeypatch.setattr(rotate, "cosigned_up_to", lambda _node: stolen["log_index"])
    rotate.replace_keys(
        node, load_identity(home / "keys"), ["statement"], compromised=True, from_index=stolen["log_index"]
    )
    node.close()

    running = start_node(Jurisdiction.RS)
    running.post(f"/v1/records/{stands}/scored-list", None)
    (pair,) = running.get(f"/v1/records/{stands}/candidates").json()["items"]
    detail = running.get(f"/v1/candidates/{pair['candidate_id']}").json()
    for answer in (pair, detail):
        assert all(SAID in answer[side]["suspicion"]["in_words"] for side in ("record", "other"))
    with running.node.store.write() as session:
        add_user(session, "looks-at-it", Role.EXAMINER)
    open_all_lists(running.node, "looks-at-it")
    person = Person(running, "looks-at-it")
    assert person.accept().status_code == 200
    assert person.sign_in().status_code == 303
    on_paper = 2  # the page of a pair holds its printed sheet
    for path, times in ((f"/app/records/{stands}/candidates", 2), (f"/app/pairs/{pair['candidate_id']}", 2 + on_paper)):
        assert person.get(path).text.count(f"The key that signed this {SAID}") == times, path
    table = csv.reader(io.StringIO(person.get("/app/search.csv").content.decode("utf-8-sig")))
    head, *lines = table
    told = head.index("suspicion")
    assert [SAID in line[told] for line in lines] == [True, True]
    person.http.close()


TOLD_OTHERWISE = {
    "withdrawal.html",
    "compare_choose.html",
    "alert_pictures.html",  # small, beside words; the page of the hit tells
    "two_specimens.html",  # the pages that are made of it tell
    "draft.html",
    "draft_summary.html",
    "rail.html",
    "queries.html",
    "record.html",
    "search.html",
}
"""Drafts, forms, links and what is chosen from; the page of one record, which says it in a paragraph of its own."""


def test_every_page_that_shows_a_record_says_so() -> None:
    pages = {page.name: page.read_text() for page in files("exchange.web.pages").joinpath("templates").iterdir()}
    named = re.compile(r"(?:record|side|item)(?:\.case_reference|\|named)")
    showing = {name for name, page in pages.items() if named.search(page)}
    assert showing - TOLD_OTHERWISE >= {"hit.html", "hits.html", "pair.html", "candidates.html", "verifications.html"}
    for name in showing - TOLD_OTHERWISE:
        assert re.search(r"\{\{ doubt\(", pages[name]), name
