"""The coordinator's desk at 400 pixels: figures, and what became of a file, stand below the name, within the window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.exchange.coordination.browser.desks import DESK_PORT, desks, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_figures_and_verdicts_are_seen_at_400_pixels(browser: Any, tmp_path: Path) -> None:
    found = desks(tmp_path)
    _name, app, _path = next(found)
    with served(app, DESK_PORT) as url:
        page = browser.new_context(viewport={"width": 400, "height": 800}).new_page()
        page.goto(f"{url}{app.state.base}/")
        line = page.locator(".stacked tbody tr").first
        for said in (line.get_by_text("verified"), line.get_by_role("button")):
            box = said.bounding_box()
            assert 0 <= box["x"] < box["x"] + box["width"] <= 400
            assert box["y"] > line.locator("th").bounding_box()["y"]
        page.goto(f"{url}{app.state.base}/report/2026H1")
        total, across = page.locator(".figures tbody tr").first.locator("td").all()
        assert [total.inner_text(), across.inner_text()] == [
            "The region6",
            "Across borders6",
        ]
        for box in (total.bounding_box(), across.bounding_box()):
            assert 0 <= box["x"] < box["x"] + box["width"] <= 400
        page.set_viewport_size({"width": 1280, "height": 800})
        assert total.inner_text() == "6", "the head of the table names the column"
    found.close()
