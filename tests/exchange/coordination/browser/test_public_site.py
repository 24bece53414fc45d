"""The public site in a browser: nothing for axe to find, nothing asked of elsewhere, no script needed, no sideways
scrolling on a telephone, and light enough for a slow network."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from exchange.coordination.public_site.site_folder import replace_site
from exchange.web.languages import CODES
from tests.browser.test_accessibility import RULES
from tests.exchange.coordination.public_site.made_site import MadeSite, made_site, released_region
from tests.exchange.coordination.public_site.outline import outline

__all__ = ["made_site", "released_region"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MOST_BYTES = 100_000
NARROW = (320, 400)
OUTLINE = """() => [...document.querySelectorAll("*")].map((found) => {
  let depth = 0;
  for (let up = found.parentElement; up; up = up.parentElement) depth += 1;
  return [depth, found.tagName.toLowerCase()];
})"""
"""Of what a browser made of a page: depth and name of each element."""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Nothing between the lines of the tests."""


@pytest.fixture(scope="module")
def address(made_site: MadeSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("www") / "site"
    replace_site(folder, made_site.files)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def paths(site: MadeSite, *codes: str) -> list[str]:
    return [name for name in site.pages if "/" not in name or name.split("/")[0] in codes]


def test_every_page_without_scripts_without_elsewhere_and_light(
    browser: Any,
    address: str,
    made_site: MadeSite,
) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 400, "height": 800})
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    # the way to the next page breaks off an icon that is still on its way
    page.on("requestfailed", lambda it: said.append(it.url) if it.failure != "net::ERR_ABORTED" else None)
    answers: list[Any] = []
    page.on("response", lambda answer: answers.append(answer))
    for path in paths(made_site, *CODES):
        answers.clear()
        page.goto(f"{address}/{path}")
        assert {answer.status for answer in answers} <= {200, 304}, path
        assert [answer.url for answer in answers if not answer.url.startswith(address)] == [], path
        whole = {path, *(name for name in made_site.files if name.endswith((".css", ".svg")))}
        assert {answer.url.removeprefix(f"{address}/") for answer in answers} <= whole, path
        assert sum(len(made_site.files[name]) for name in whole) < MOST_BYTES, path
        assert page.locator("h1").count() == 1
    assert said == []
    page.goto(f"{address}/index.html")
    page.get_by_role("link", name="Македонски").click()
    page.wait_for_url("**/mk/index.html")
    page.locator("details.languages > summary").click()
    page.get_by_role("link", name="Shqip").click()
    page.wait_for_url("**/sq/index.html")
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Any, address: str, made_site: MadeSite, scheme: str) -> None:
    axe = importlib.import_module("axe_playwright_python.sync_playwright").Axe()
    found: list[str] = []
    # axe itself is a script that is put into the page, which the page's own policy would not let in
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    for path in paths(made_site, *(("en", "mk", "sq", "uk") if scheme == "light" else ("en", "mk"))):
        page.goto(f"{address}/{path}")
        for item in axe.run(page, options=RULES).response["violations"]:
            found += [f"{path}: {item['id']}: {node['target']}" for node in item["nodes"][:3]]
    context.close()
    assert found == []


@pytest.mark.parametrize("width", NARROW)
def test_nothing_is_wider_than_a_telephone(
    browser: Any,
    address: str,
    made_site: MadeSite,
    width: int,
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 700})
    page = context.new_page()
    wide = []
    for path in paths(made_site, *CODES):
        page.goto(f"{address}/{path}")
        if width == NARROW[0]:
            # an element that the browser added, moved or closed would stand at another depth
            assert [tuple(item) for item in page.evaluate(OUTLINE)] == outline(made_site.pages[path]), path
        if page.evaluate("() => document.documentElement.scrollWidth") > width:
            wide.append(path)
        # letters of a drawing that run over its edge, or into each other
        wide += page.evaluate(
            """(path) => [...document.querySelectorAll("svg.chart text")]
            .filter((text) => text.getBoundingClientRect().right > innerWidth || text.getBoundingClientRect().left < 0)
            .map((text) => `${path}: ${text.textContent}`)""",
            path,
        )
    context.close()
    assert wide == []


def test_it_works_from_a_folder_without_a_server(browser: Any, made_site: MadeSite, tmp_path: Path) -> None:
    replace_site(tmp_path / "site", made_site.files)
    page = browser.new_page()
    page.goto((tmp_path / "site" / "en" / "hits.html").as_uri())
    assert page.evaluate("() => getComputedStyle(document.querySelector('.top')).backgroundColor") == "rgb(12, 58, 92)"
    page.close()
