"""The head of each page: low at every size, its menus by pointer, by keyboard and without script, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from exchange.store.access.user_rows import add_user
from schemas.vocabulary import Jurisdiction, Role
from tests.browser.pages import sign_in, sign_out
from tests.exchange.running_nodes import RunningNode, node_starter

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MOST_HIGH = 56
SMALL = ({"width": 400, "height": 800}, {"width": 640, "height": 360})
"""A telephone, and what a window of 1280 x 720 has at 200 per cent."""
GROUND = "() => getComputedStyle(document.body).backgroundColor"
LONG = "examiner-with-a-long-name"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        node_starter(tmp_path_factory.mktemp("header"), monkeypatch) as start,
    ):
        made = start(Jurisdiction.XK)
        with made.node.store.write() as session:
            add_user(session, LONG, Role.EXAMINER)
        yield made


def test_the_header_leaves_the_screen_to_the_page(browser: Any, node: RunningNode) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 720}, color_scheme="light")
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    sign_in(page, node, LONG)
    assert page.locator(".brand").inner_text() == "Kosovo*"
    assert "* References to Kosovo" in page.locator("footer").inner_text()
    for window in ({"width": 1440, "height": 900}, {"width": 1280, "height": 720}, *SMALL):
        page.set_viewport_size(window)
        high = page.locator("header").evaluate("header => header.offsetHeight")
        assert high <= MOST_HIGH, window
        assert high <= window["height"] / 4
        assert page.evaluate("() => document.documentElement.scrollWidth") <= window["width"]

    # the groups behind a button
    register = page.get_by_role("link", name="Register", exact=True)
    assert not page.get_by_role("link", name="Hits").is_visible()
    page.get_by_role("button", name="Pages").click()
    assert page.get_by_role("link", name="Hits").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("link", name="Hits").is_visible()

    # and in a row, what belongs to a group below it; by keyboard
    page.set_viewport_size({"width": 1280, "height": 720})
    more = page.get_by_label("More under Work")
    more.focus()
    page.keyboard.press("Enter")
    assert register.is_visible()
    page.keyboard.press("Escape")
    assert not register.is_visible()
    assert page.evaluate("() => document.activeElement.ariaLabel") == "More under Work"
    more.click()
    register.click()
    page.wait_for_url("**/app/register")

    # dark, without a flash: the page comes so
    light = page.evaluate(GROUND)
    page.locator(".person > summary").click()
    page.get_by_role("button", name="Dark").click()
    page.wait_for_url("**/app/register")
    assert page.evaluate(GROUND) != light
    page.locator(".person > summary").click()
    page.locator("h1").click()
    assert not page.get_by_role("button", name="Sign out").is_visible(), "a press elsewhere closes it"
    sign_out(page)
    page.wait_for_url("**/app/sign-in")
    context.close()
    assert said == []
