"""What must not crowd out its neighbour: fields of one row, columns of a list, the two names on the stage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.data]

FAULT = '<span class="problem-note">The day has not come. Sign this step when it has happened.</span>'
ROW = (
    '<div class="row"><label>Day<input type="date">{}</label>'
    '<label>Seal that it leaves under<input name="seal"></label></div>'
)
NUMBERS = '<td class="number">0.113</td>' * 12
LIST = (
    f'<table><tr><td class="pictured"></td><td id="named">RS-2026-0815, incident 1, item 3</td>{NUMBERS}</tr></table>'
)
CANDIDATES = (
    f'<table class="candidates"><tr>{NUMBERS}<td>RS-2026-0815, incident 1, item 3</td>'
    '<td id="named">MK-2026-0044, incident 2, item 7</td></tr></table>'
)
GROUPS = f'<table><tr><th scope="row" id="named">breech face, 9 mm Luger</th>{NUMBERS}</tr></table>'


@pytest.fixture
def page(browser: Any, site: Site) -> Iterator[Any]:
    made = browser.new_page(viewport={"width": 1280, "height": 720}, base_url=site.url)
    yield made
    made.close()


def show(page: Any, markup: str) -> None:
    sheet = '<link rel="stylesheet" href="/static/node.css">'
    whole = f"<!doctype html>{sheet}<main>{markup}</main>"
    page.unroute("**/shown")
    page.route("**/shown", lambda route: route.fulfill(body=whole, content_type="text/html"))
    page.goto("/shown")


def test_a_fault_at_one_field_moves_none_beside_it(page: Any) -> None:
    places = []
    for fault in ("", FAULT):
        show(page, ROW.format(fault))
        places.append([page.locator("input").nth(number).bounding_box() for number in (0, 1)])
    assert places[0] == places[1]


@pytest.mark.parametrize("lines", [LIST, CANDIDATES, GROUPS], ids=["records", "candidates", "groups"])
def test_a_name_has_room_on_a_small_screen(page: Any, lines: str) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    show(page, f'<div class="scroll">{lines}</div>')
    assert page.locator("#named").bounding_box()["width"] >= 140


def test_a_name_that_is_wider_than_its_side_of_the_stage_is_broken(page: Any) -> None:
    show(page, "")
    lines = """async ([name, most]) => {
      const { nameLines } = await import('/static/viewer/overlay.js');
      return nameLines(name, (line) => line.length <= most);
    }"""
    name = "Serbia, RS-2026-0815, incident 1, item 3"
    assert page.evaluate(lines, [name, 60]) == [name]
    assert page.evaluate(lines, [name, 21]) == ["Serbia, RS-2026-0815,", "incident 1, item 3"]
    assert page.evaluate(lines, ["Kosovo* + Serbia", 10]) == ["Kosovo* +", "Serbia"]
    assert page.evaluate(lines, [name, 1]) == ["Serbia,", "RS-2026-0815,", "incident 1,", "item 3"], "no name is cut"
