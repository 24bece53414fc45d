"""The printed sheet of a comparison: what each page has of it, and what it tells nobody who is to judge blind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import pytest

from exchange.clock import stamp
from exchange.flows.access.sign_in import csrf_of
from exchange.flows.blind.tasks import take_task, tasks_for
from exchange.log.audit_entry import AuditEntry
from exchange.store.log.audit import audit_state, entries_from
from exchange.store.tables.record_tables import AcquisitionRow
from schemas import Maker
from tests.exchange.flows.blind.blind_world import FIRST, REGIONS, SECOND, BlindWorld, scan_of
from tests.exchange.web.test_blind_pages import site_of

pytestmark = pytest.mark.slow

BREECH, _ = REGIONS
SHEET = {"printed": "comparison sheet"}


@pytest.fixture
def world(made: BlindWorld, tmp_path: Path) -> Iterator[BlindWorld]:
    with made.copied(tmp_path / "copy") as copy:
        with copy.rs.store.write() as session:
            for scan in session.query(AcquisitionRow):
                scan.delivered_at = stamp()
        yield copy


def sheet_at(world: BlindWorld, who: Maker, path: str) -> str:
    """What of a page is for paper alone."""

    async def ask() -> str:
        async with site_of(world) as site:
            return await site.get(who, path)

    page = anyio.run(ask)
    assert page.count('<article class="sheet"') == 1
    return page.partition('<article class="sheet"')[2].partition("</article>")[0]


def tell_printed(world: BlindWorld, who: Maker, path: str, *, csrf: bool = True) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with site_of(world) as site:
            cookie = site.cookie(who)
            headers = {"Cookie": f"ffp={cookie}"} | ({"X-CSRF": csrf_of(cookie)} if csrf else {})
            return await site.http.post(path, headers=headers)

    return anyio.run(ask)


def rows_since(world: BlindWorld, start: int) -> list[AuditEntry]:
    with world.rs.store.read() as session:
        return [item.entry for item in entries_from(session, start)]


def following(world: BlindWorld) -> int:
    with world.rs.store.read() as session:
        return audit_state(session).last + 1


def taken(world: BlindWorld) -> str:
    """A verification of the second examiner's."""
    world.shown(FIRST, "a", "b", BREECH, opened=True)
    world.concludes(FIRST, "a", "b")
    with world.rs.store.write() as session:
        (task,) = tasks_for(session, SECOND.pseudonym)
        take_task(session, SECOND.pseudonym, task.task_id)
        return task.task_id


def test_the_sheet_of_a_pair_has_its_score_and_its_conclusion(world: BlindWorld) -> None:
    pair = world.candidate("a", "b").row
    world.shown(FIRST, "a", "b", BREECH, opened=True)
    world.concludes(FIRST, "a", "b")
    start = following(world)
    sheet = sheet_at(world, FIRST, f"/app/pairs/{pair.candidate_id}")
    for said in ("case-a", "case-b", "<dt>Score</dt>", "Conclusion: ", "not stated here", "Signature", "UTC (here "):
        assert said in sheet
    for name in "ab":
        assert world.records[name] in sheet
        assert scan_of(name, BREECH)[:16] in sheet
    path = f"/app/pairs/{pair.candidate_id}/sheet"
    assert tell_printed(world, FIRST, path, csrf=False).status_code == 403
    assert tell_printed(world, FIRST, path).status_code == 204
    row = rows_since(world, start)[-1]
    assert (row.act, row.actor, row.subjects) == ("read-report", FIRST.pseudonym, (pair.statement_a, pair.statement_b))
    assert json.loads(row.asked or "") == {"candidate": str(pair.candidate_id), **SHEET}


def test_a_restriction_stands_on_top_in_its_own_words(world: BlindWorld) -> None:
    stated = {"code": "H3", "restriction": "Not for the press <b>"}
    world.exhibit("d", handling=stated)
    world.compare("d", "b")
    sheet = sheet_at(world, FIRST, f"/app/pairs/{world.candidate('d', 'b').row.candidate_id}")
    assert "<b>H3</b> Not for the press &lt;b&gt; (Serbia, case-d" in sheet


def test_a_blind_sheet_has_nothing_that_is_held_of_the_pair(world: BlindWorld) -> None:
    task = taken(world)
    two = f"?a={scan_of('a', BREECH)}&b={scan_of('b', BREECH)}"
    for path in (f"/app/verifications/{task}", f"/app/compare{two}"):
        sheet = sheet_at(world, SECOND, path).replace("A score ranks candidates", "")
        for told in ("core", "ikelihood", "LR", "Congruent", "Conclusion", "association", "/picture"):
            assert told not in sheet, (path, told)
        assert "case-a" in sheet
    start = following(world)
    assert tell_printed(world, SECOND, f"/app/verifications/{task}/sheet").status_code == 204
    assert tell_printed(world, SECOND, f"/app/compare/sheet{two}").status_code == 204
    rows = rows_since(world, start)
    assert [(row.act, row.count, json.loads(row.asked or "")) for row in rows] == [("read-record", 2, SHEET)] * 2
    assert set(rows[0].subjects) == {world.records["a"], world.records["b"]}


def test_nobody_prints_what_they_may_not_see(world: BlindWorld) -> None:
    task, pair = taken(world), world.candidate("a", "b").row.candidate_id
    assert tell_printed(world, FIRST, f"/app/verifications/{task}/sheet").status_code == 404
    assert tell_printed(world, SECOND, f"/app/pairs/{pair}/sheet").status_code == 404
    unknown = f"/app/compare/sheet?a={'cd' * 32}&b={scan_of('b', BREECH)}"
    assert tell_printed(world, SECOND, unknown).status_code == 404
