"""Lists of exhibit pairs on the pages of a node: what stands out with its pictures, the strip, and what is not sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from exchange.flows.candidates.exhibit_pairs import ExhibitPair, GroupedExhibits, RecordGroup, exhibits_of_record
from exchange.flows.candidates.exhibit_ranking import RankedExhibits, Ranking
from exchange.flows.candidates.own_view import OwnView
from exchange.store.entry.record_rows import acquisitions_of
from exchange.store.review.exhibit_pair_rows import ScanPairScore
from exchange.store.review.review_rows import exhibits_seen_by
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.review_tables import ScoreSeenRow
from exchange.web.pages.layout import page
from exchange.web.pages.review.pair import ExhibitScans
from exchange.web.pages.review.score_strip import strip_of
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.pages.conftest import Person

pytestmark = pytest.mark.slow

NAMES = [f"{firearm}-{shot}" for firearm in (1, 2, 3) for shot in (1, 2)]


@pytest.fixture(scope="module")
def node(start_shared: Callable[..., RunningNode], scans: dict[str, Path]) -> RunningNode:
    """Two scans of each of three firearms: of each record's five pairs one stands out."""
    started = start_shared(Jurisdiction.RS)
    for name in NAMES:
        assert started.submit(scans[name], case_reference=f"CASE-{name}").status_code == 201
    started.wait_correlated(len(NAMES))
    return started


@pytest.fixture
def records(node: RunningNode) -> dict[str, str]:
    found = node.get("/v1/records").json()["items"]
    return {item["case_reference"].removeprefix("CASE-"): item["statement_id"] for item in found}


def seen(node: RunningNode, person: Person, record: str) -> tuple[int, int]:
    """With how many other exhibits this person was shown a score of one, and how many were in a list of it: of none of
    these they verify a pair blind."""
    with node.node.store.read() as session:
        of_all = {row.statement_id: row.exhibit for row in session.query(RecordRow)}
        mine = of_all[record]
        pairs = {(min(mine, other), max(mine, other)) for other in of_all.values() if other != mine}
        (scan,) = acquisitions_of(session, record)
        rows = session.query(ScoreSeenRow).filter_by(pseudonym=person.pseudonym)
        shown = [row for row in rows if scan.sha256 in (row.scan_low, row.scan_high)]
        return len(shown), len(exhibits_seen_by(session, person.pseudonym, pairs))


def pair_on(shown: str) -> str:
    found: list[str] = re.findall(r'href="(/app/pairs/\d+)\?from=', shown)
    return found[0]


def test_a_record_shows_what_stands_out_and_sends_no_more(
    node: RunningNode, records: dict[str, str], signed_in: Callable[[Role], Person]
) -> None:
    person = signed_in(Role.EXAMINER)
    shown = person.get(f"/app/records/{records['1-1']}/candidates").text
    assert ("1 pair stands out" in shown, "CASE-1-2" in shown) == (True, True)
    assert not [name for name in NAMES[2:] if f"CASE-{name}" in shown or records[name] in shown]
    assert len(set(re.findall(r"/app/pairs/\d+", shown))) == 1
    assert "picture?width=" not in shown, "no pair is drawn for a list"
    assert re.findall(r'<img class="scan large"[^>]* width="152" height="152"', shown)
    assert seen(node, person, records["1-1"]) == (1, 5), "that a pair is none of those shown tells of it too"
    (strip,) = re.findall(r'<svg class="strip".*?</svg>', shown, flags=re.DOTALL)
    assert (strip.count('class="clear"'), "Scores of 5 exhibits" in strip) == (1, True)
    assert re.search(r"gap 0\.\d\d to 0\.\d\d", shown)


def test_a_list_that_leaves_out_what_stands_out_does_not_say_that_nothing_does(
    node: RunningNode,
    records: dict[str, str],
    signed_in: Callable[[Role], Person],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Candidates across borders show no pair of the own side: they lead to the list that does."""
    person = signed_in(Role.EXAMINER)
    found = exhibits_of_record(node.node, Role.EXAMINER, person.pseudonym, records["1-1"])
    assert found is not None
    assert len(found.standing) == 1
    record, ranking = found.record, found.ranking

    def shown(own: OwnView, standing: Sequence[ExhibitPair]) -> str:
        groups = [RecordGroup(record, ranking, own, standing)]
        monkeypatch.setattr(
            "exchange.flows.candidates.candidate_pages.exhibits_across_borders",
            lambda *_, **__: GroupedExhibits(groups, None, 0),
        )
        return person.get("/app/candidates").text

    left_out = shown(found.own, [])
    assert f'<a href="/app/records/{records["1-1"]}/candidates">1 pair stands out</a>' in left_out
    assert "Nothing stands out" not in left_out
    assert "more that stand" not in left_out, "more than what?"
    none = shown(replace(found.own, standing=[]), [])
    assert ("Nothing stands out." in none, "1 pair stands out" in none) == (True, False)
    twice = shown(replace(found.own, standing=[*found.own.standing] * 2), found.standing)
    assert ("Nothing stands out" in twice, "1 more that stands out" in twice) == (False, True)


def test_weaker_pairs_are_sent_and_seen_once_they_are_asked_for(
    node: RunningNode, records: dict[str, str], signed_in: Callable[[Role], Person]
) -> None:
    person = signed_in(Role.EXAMINER)
    lists = f"/app/records/{records['2-1']}/candidates"
    assert re.search(rf'href="{lists}\?rest=weaker#weaker">4 weaker pairs, highest 0\.\d\d<', person.get(lists).text)
    shown = person.get(f"{lists}?rest=weaker").text
    assert all(f"CASE-{name}" in shown for name in NAMES)
    assert seen(node, person, records["2-1"]) == (5, 5)


def test_exhibits_that_wait_for_a_verification_are_in_no_list_of_whoever_may_be_asked(
    node: RunningNode, records: dict[str, str], signed_in: Callable[[Role], Person]
) -> None:
    first, second = signed_in(Role.EXAMINER), signed_in(Role.EXAMINER)
    lists = f"/app/records/{records['3-1']}/candidates"
    pair = pair_on(first.get(lists).text)
    fields = {"csrf": first.csrf(), "conclusion": "possible_association", "from": records["3-1"]}
    answer = first.post(f"{pair}/conclusion", fields)
    assert answer.headers["location"] == f"{pair}?from={records['3-1']}#review", "the rail stays"
    assert 'class="rail"' in first.get(answer.headers["location"]).text
    shown = second.get(f"{lists}?rest=weaker").text
    assert (pair in shown, "CASE-3-2" in shown, "No pair stands out" in shown) == (False, False, True)
    assert ("4 weaker pairs" in shown, "Scores of 4 exhibits" in shown) == (True, True)
    assert "1 pair stands out" in first.get(lists).text
    assert "concluded" in first.get(lists).text


def test_the_rail_has_what_stands_out_and_a_link_to_the_rest(
    node: RunningNode, records: dict[str, str], signed_in: Callable[[Role], Person]
) -> None:
    person = signed_in(Role.EXAMINER)
    lists = f"/app/records/{records['1-2']}/candidates"
    pair = pair_on(person.get(lists).text)
    shown = person.get(f"{pair}?from={records['1-2']}").text
    (rail,) = re.findall(r'<nav class="rail".*?</nav>', shown, flags=re.DOTALL)
    assert (rail.count("aria-current"), "4 weaker" in rail) == (1, True)
    assert f'data-src="/app/records/{records["1-1"]}/scans/0/picture?' in rail
    assert not re.findall('rel="(?:next|prev)"', rail)
    assert seen(node, person, records["1-2"]) == (1, 5)


def test_a_program_gets_scan_pairs_as_before(node: RunningNode, records: dict[str, str]) -> None:
    found = node.get(f"/v1/records/{records['1-1']}/candidates").json()["items"]
    assert len(found) == 5


def scan_pairs(*, signed_on: int = 1, reviewed_on: int | None = None, here: int = 2, rail: object = None) -> str:
    """What is shown beside the review: the breech face is pair 1, the firing pin pair 2."""
    known = {"not_validated": None, "congruent_cells": 22, "cells": 22}
    not_known = {"not_validated": "Not validated: drawn marks.", "cells": None}
    lines: list[Any] = [
        SimpleNamespace(candidate_id=1, roi="breech_face", score=0.93, **known),
        SimpleNamespace(candidate_id=2, roi="firing_pin_impression", score=0.71, **not_known),
    ]
    shown = page(
        "scan_pairs",
        None,
        exhibits=ExhibitScans(lines, signed_on, reviewed_on),
        may_conclude=True,
        rail=rail,
        pair=SimpleNamespace(candidate_id=here),
    )
    return bytes(shown.body).decode()


def test_a_weaker_scan_pair_says_on_which_a_conclusion_is_signed() -> None:
    weaker = scan_pairs()
    assert ('href="/app/pairs/1"' in weaker, 'href="/app/pairs/2"' in weaker) == (True, False)
    assert "signed on their strongest pair of scans, 1, unless you choose this one" in weaker
    assert 'name="on" value="this" form="conclude"' in weaker
    assert "unless you choose" not in scan_pairs(here=1)
    assert 'href="/app/pairs/1#review">Pair 1<' in scan_pairs(reviewed_on=1)


def test_a_list_of_which_nothing_is_open_any_more_has_no_strip() -> None:
    """Of a record whose only pair became a hit: its page is opened from the list all the same."""
    of, across = "a" * 64, "b" * 64
    measured = ("topography",) * 2 + (6.25,) * 4 + (3.0,) * 2 + (False,) * 2
    scores = ScanPairScore(1, 0.93, "breech_face", of, across, "A", "B", True, False, "c" * 64, "d" * 64, *measured)
    found = RankedExhibits(of, across, (scores,), None)
    for ranking, drawn in ((Ranking(of, 0, [], [], [], [found]), 0), (Ranking(of, 0, [], [found], [], []), 1)):
        rail = SimpleNamespace(seen_from=of, strip=strip_of(ranking, found.score))
        assert scan_pairs(rail=rail).count('<svg class="strip"') == drawn
