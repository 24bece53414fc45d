"""The pages of a head on a telephone: nothing runs out of the window but what scrolls by itself, and what a page is
opened for stands in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from exchange.clock import now
from exchange.coordination.half_year.half_years import Half
from exchange.store.access.user_rows import add_user
from exchange.web.languages.spoken import COOKIE
from schemas.vocabulary import Jurisdiction, Role
from tests.browser.pages import person, sign_in
from tests.exchange.coordination.browser.desks import COUNTED, tell_of_the_region
from tests.exchange.coordination.browser.world import publish_laws
from tests.exchange.running_nodes import RunningNode, enrol_each_other, node_starter

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WIDE = 400
HALF = Half.of(now())
PAGES = (
    "/app/",
    "/app/actions",
    "/app/actions?owner=RS&open_only=yes",
    "/app/meetings",
    f"/app/meetings/pack/{HALF}",
    "/app/region",
    "/app/onboarding/MD",
    "/app/exercises",
    "/app/monitoring",
    "/app/maturity",
    f"/app/incidents/{COUNTED}",
    f"/app/incidents/{COUNTED}/sheet",
    "/app/law",
    "/app/law/pair/RS/MK",
    "/app/law/concordance",
    "/app/law/changes",
    "/app/law/of/RS",
    "/app/law/draft",
    "/app/law/draft/article",
)
RUNS_OUT = """(wide) => [...document.querySelectorAll("main *")]
.filter((found) => !found.closest(".scroll, svg, dfn") && found.getBoundingClientRect().right > wide + 1)
.map((found) => `${found.tagName} ${found.className} ${found.textContent.trim().slice(0, 40)}`).slice(0, 5)"""
"""What does not scroll by itself, and ends right of the window."""


@pytest.fixture(scope="module")
def serbia(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    folder = tmp_path_factory.mktemp("telephone")
    with pytest.MonkeyPatch.context() as monkeypatch, node_starter(folder, monkeypatch) as start:
        rs, mk = start(Jurisdiction.RS), start(Jurisdiction.MK)
        enrol_each_other(rs, mk)
        for node in (rs, mk):
            with node.node.store.write() as session:
                add_user(session, "head-1", Role.HEAD)
        tell_of_the_region(rs)
        publish_laws(rs, mk)
        yield rs


@pytest.mark.parametrize("language", ["en", "mk"])
def test_nothing_runs_out_of_a_telephone(browser: Any, serbia: RunningNode, language: str) -> None:
    page = browser.new_context(viewport={"width": WIDE, "height": 800}).new_page()
    sign_in(page, serbia, person(serbia, Role.HEAD))
    page.context.add_cookies([{"name": COOKIE, "value": language, "url": serbia.url}])
    found = []
    for path in PAGES:
        page.goto(serbia.url + path)
        assert page.locator("html").get_attribute("lang") == language
        across = page.evaluate("() => document.documentElement.scrollWidth")
        if across > WIDE:
            found.append(f"{path} is {across} wide")
        found += [f"{path}: {said}" for said in page.evaluate(RUNS_OUT, WIDE)]
    assert found == []

    # the day until which, what, and who
    page.goto(f"{serbia.url}/app/actions")
    cells = page.locator(".agreed").first.locator("tbody tr").first.locator("td")
    for cell in (cells.nth(0), cells.nth(1), cells.nth(1).locator(".on-telephone")):
        box = cell.bounding_box()
        assert box["x"] + box["width"] <= WIDE
    assert cells.first.inner_text().startswith("20")
    assert cells.nth(2).is_hidden(), "who does it stands below what is to be done"
    page.context.close()


def test_the_form_of_a_meeting_shows_who_is_counted(browser: Any, serbia: RunningNode) -> None:
    """No list of it is cut to its first letters, and each count says whom it is of."""
    page = browser.new_context(viewport={"width": WIDE, "height": 800}).new_page()
    sign_in(page, serbia, person(serbia, Role.HEAD))
    page.goto(f"{serbia.url}/app/meetings")
    page.locator("details", has=page.locator(".attendance")).evaluate("found => found.open = true")
    for name in ("institution-0", "role-0"):
        assert page.locator(f"select[name={name}]").bounding_box()["width"] > WIDE * 0.75, name
    table = page.locator(".scroll", has=page.locator(".attendance"))
    assert table.evaluate("found => found.scrollWidth - found.clientWidth") == 0
    count = page.locator("input[name=women-0]").locator("xpath=..")
    assert count.evaluate("found => getComputedStyle(found, '::before').content") == '"Women"'
