"""Pages go on by themselves: pictures come, notices end, the number of alerts rises; what somebody is at stays."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from exchange.clock import stamp_in
from exchange.store.tables.terms_tables import ApprovalRow
from exchange.web.pages import live_hint_pages as live_hints
from schemas.vocabulary import Jurisdiction, Role
from tests.browser.pages import enter
from tests.exchange.running_nodes import RunningNode, node_starter
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.test_events import acquisition, in_state, kept
from tests.exchange.web.rest.test_terms import eventually

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SOON_MS = 30_000
CUT = """
    window.EventSource = class extends EventTarget {
        static CLOSED = 2;
        readyState = 2;
        constructor() { super(); setTimeout(() => this.dispatchEvent(new Event("error"))); }
        close() {}
    };
    const later = window.setTimeout;
    window.setTimeout = (what, ms) => later(what, Math.min(ms ?? 0, 500));
"""
"""A line that is refused for good, and a clock that waits for less."""


@pytest.fixture(scope="module")
def rs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        node_starter(tmp_path_factory.mktemp("live"), monkeypatch) as start,
    ):
        monkeypatch.setattr(live_hints, "PEOPLE_S", 0.3)
        monkeypatch.setattr(live_hints, "RECORDS_S", 0.2)
        yield start(Jurisdiction.RS)


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    made = browser.new_context(viewport={"width": 1280, "height": 720})
    yield made
    made.close()


@pytest.fixture
def page(context: Any) -> Iterator[Any]:
    """Nothing may be said on the console, nor break the policy."""
    made, said = context.new_page(), list[str]()
    made.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    made.on("pageerror", lambda error: said.append(str(error)))
    yield made
    assert said == []


@pytest.fixture
def waiting(rs: RunningNode) -> Iterator[str]:
    """A record whose scan waits, as it seems, to be prepared."""
    record: str = rs.submit(tiny_scan()).json()["statement_id"]
    eventually(lambda: acquisition(rs, record).state == "not-usable")
    in_state(rs, record, "queued")
    yield record
    in_state(rs, record, "not-usable")


def listens(page: Any) -> None:
    """Once the page has heard how everything stands."""
    page.wait_for_timeout(1500)


def test_what_is_awaited_comes_by_itself(page: Any, rs: RunningNode, waiting: str) -> None:
    enter(page, rs, Role.INVESTIGATOR)
    page.goto(f"{rs.url}/app/records/{waiting}")
    assert page.locator("#pending").is_visible()
    place = page.locator("#scans .scan").bounding_box()
    listens(page)
    assert page.locator("#scans img.scan").count() == 0
    in_state(rs, waiting, "not-usable")
    picture = page.locator("#scans img.scan")
    picture.wait_for(timeout=SOON_MS)
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    page.locator("#pending").wait_for(state="hidden", timeout=SOON_MS)
    assert page.locator("#scans .scan").bounding_box()["width"] == place["width"], "nothing moves"


def test_where_lines_are_cut_it_is_asked_for_now_and_then(page: Any, rs: RunningNode, waiting: str) -> None:
    enter(page, rs, Role.INVESTIGATOR)
    page.add_init_script(CUT)
    page.goto(f"{rs.url}/app/records/{waiting}")
    assert page.locator("#pending").is_visible()
    in_state(rs, waiting, "not-usable")
    page.locator("#pending").wait_for(state="hidden", timeout=SOON_MS)
    page.locator("#scans img.scan").wait_for(timeout=SOON_MS)


def test_who_asks_one_process_after_another_asks_for_nothing_anew(
    page: Any, rs: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each process counts for itself what it told a person."""
    serving = itertools.cycle([live_hints.LiveHints(rs.node, 3) for _ in range(3)])
    answer = live_hints.LiveHints.answer
    monkeypatch.setattr(live_hints.LiveHints, "answer", lambda _, watcher: answer(next(serving), watcher))
    enter(page, rs, Role.HEAD)
    asked = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    page.add_init_script(CUT)
    page.goto(f"{rs.url}/app/")
    eventually(lambda: bool(page.wait_for_timeout(200)) or asked.count("/app/events") >= 12)
    assert asked.count("/app/events/alerts") <= 2, "once for each process that had not answered yet"
    approval = ApprovalRow(concerns="cd" * 32, jurisdiction="MK", asked_at=stamp_in(0.01), due_at=stamp_in(60))
    with kept(rs, approval):
        page.locator("[data-live-count=alerts] .count").first.wait_for(timeout=SOON_MS)


def test_what_somebody_is_at_stays(page: Any, rs: RunningNode, waiting: str) -> None:
    enter(page, rs, Role.INVESTIGATOR)
    page.goto(f"{rs.url}/app/records/{waiting}")
    page.evaluate("""() => {
        const field = document.createElement("input");
        document.getElementById("scans").append(field);
        field.focus();
        field.value = "typed";
    }""")
    listens(page)
    in_state(rs, waiting, "not-usable")
    page.locator("#pending").wait_for(state="hidden", timeout=SOON_MS)
    page.wait_for_timeout(1000)
    assert page.locator("#scans input").input_value() == "typed"
    page.evaluate("() => { const field = document.querySelector('#scans input'); field.value = ''; field.blur(); }")
    page.locator("#scans input").wait_for(state="detached", timeout=SOON_MS)


def test_the_number_of_alerts_rises(page: Any, rs: RunningNode) -> None:
    enter(page, rs, Role.HEAD)
    alerts = page.locator("[data-live-count=alerts]").first
    assert alerts.locator(".count").count() == 0
    listens(page)
    with rs.node.store.write() as session:
        session.add(ApprovalRow(concerns="ab" * 32, jurisdiction="MK", asked_at=stamp_in(0.01), due_at=stamp_in(60)))
    alerts.locator(".count").wait_for(timeout=SOON_MS)
    assert alerts.locator(".count").inner_text() == "1"
