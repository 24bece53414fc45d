"""Each page for each role: axe-core finds nothing serious (WCAG 2.2 AA), the console stays silent."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.vocabulary import Role
from tests.browser.pages import person, sign_in, wait_ready
from tests.browser.world import World, made, pages_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.data]

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
BAD = {"serious", "critical"}
WINDOW = {"width": 1280, "height": 720}
ZOOMED = {"width": 640, "height": 360}
"""What a page has of it at 200 per cent: half as many pixels of a style sheet, each twice as wide."""


@pytest.fixture(scope="module")
def world(ffp_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with made(tmp_path_factory.mktemp("world"), ffp_data / "fadul") as found:
        yield found


LIGHT = pytest.param("light", marks=pytest.mark.long)


@pytest.mark.parametrize("zoom", [1, 2], ids=["whole", "zoomed"])
@pytest.mark.parametrize("scheme", ["dark", LIGHT])
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.NODE])
def test_nothing_serious_is_found_on_any_page(browser: Any, world: World, role: Role, scheme: str, zoom: int) -> None:
    axe = importlib.import_module("axe_playwright_python.sync_playwright").Axe()
    window = WINDOW if zoom == 1 else ZOOMED
    context = browser.new_context(viewport=window, device_scale_factor=zoom, color_scheme=scheme)
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto(f"{world.rs.url}/app/sign-in")
    found = serious(axe, page, "sign-in")
    sign_in(page, world.rs, world.first if role is Role.EXAMINER else person(world.rs, role))
    for name, path in pages_of(world)[role]:
        page.goto(world.rs.url + path)
        if page.locator("ffp-comparison").count():
            wait_ready(page)
        found += serious(axe, page, name)
        width = page.evaluate("() => document.documentElement.scrollWidth")
        if width > window["width"]:
            found.append(f"{name} is wider than the window: {width}")
    context.close()
    assert not found
    assert [text for text in said if "404 (Not Found)" not in text] == [], "the error page itself is a 404"


def serious(axe: Any, page: Any, name: str) -> list[str]:
    """What axe-core holds for serious or worse, in one line each."""
    violations = axe.run(page, options=RULES).response["violations"]
    return [
        f"{name}: {item['id']}: {node['target']}: {node['failureSummary'][:200]}"
        for item in violations
        if item["impact"] in BAD
        for node in item["nodes"][:3]
    ]
