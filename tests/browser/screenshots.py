"""``make screenshots``: each page as a picture, from three nodes with real scans; a few of them for the user guide."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from exchange.flows.node.pipelines import PIPELINES
from exchange.flows.report.pair_report import gather_report
from exchange.store.access.user_rows import add_user
from exchange.store.review.candidate_rows import CandidateView, find_candidate
from exchange.web.report.render_report import draw_first_page
from schemas.vocabulary import Role
from tests.browser.conftest import OPTIONS, STATIC
from tests.browser.pages import person, sign_in, wait_ready
from tests.browser.world import World, made, pages_of
from tests.exchange import extended

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
GUIDE = STATIC / "guide"
SIZE = {"width": 1280, "height": 720}
LIGHT = {"home", "candidates", "comparison", "hit"}
"""Also drawn in the light scheme; all others in the dark one, as in a dimmed room."""
IN_GUIDE = {
    "home": "home",
    "draft": "register",
    "candidates": "candidates",
    "comparison-tools": "comparison",
    "comparison": "review",
    "verification": "verification",
    "hit": "hit",
    "peers": "peers",
    "audit": "audit",
}
"""What of it the guide shows, under which name: what one sees without scrolling."""
FROM_REVIEW_ON = {"comparison"}
MOST_BYTES, MOST_BYTES_IN_GUIDE = 150_000, 100_000
TALLEST = 1800
REPORT_PPI = 90.0
PICTURES_MS = 240_000  # each candidate's picture is drawn when it is asked for first


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--into", type=Path, default=FOLDER)
    arguments.add_argument("--guide", type=Path, default=GUIDE)
    said = arguments.parse_args()
    for folder in (said.into, said.guide):
        folder.mkdir(parents=True, exist_ok=True)
    scans = Path(os.environ["FFP_DATA"]) / "fadul"
    playwright = importlib.import_module("playwright.sync_api")
    with (
        tempfile.TemporaryDirectory() as folder_of_nodes,
        made(Path(folder_of_nodes), scans) as world,
        playwright.sync_playwright() as run,
    ):
        browser = run.chromium.launch(executable_path=shutil.which("chromium"), args=list(OPTIONS))
        draw_all(Camera(browser, world, said.into, said.guide, Path(folder_of_nodes) / "desks"))
        browser.close()
    shown, guided = (len(list(folder.glob("*.png"))) for folder in (said.into, said.guide))
    print(f"{shown} pictures in {said.into}, {guided} for the guide")


def draw_all(camera: Camera) -> None:
    """Everything once, for whom it is most at home with."""
    world = camera.world
    with world.rs.node.store.write() as session:
        add_user(session, "head-1", Role.HEAD)
    pages = pages_of(world)
    examiner = pages[Role.EXAMINER]
    page = camera.sits_down(None)
    camera.draw(page, [("sign-in", "/app/sign-in")])
    page = camera.sits_down(world.first)
    camera.draw(page, [shown for shown in examiner if shown[0] not in ("guide", "verifications")])
    _use_tools(page, world)
    camera.keep(page, "comparison-tools")
    waiting = [shown for shown in examiner if shown[0] == "verifications"]
    camera.draw(camera.sits_down(world.second), [*waiting, ("verification", f"/app/verifications/{world.task}")])
    for role, names in (
        (Role.OPERATOR, {"peers"}),
        (Role.HEAD, {"approvals"}),
        (Role.AUDITOR, {"audit"}),
    ):
        camera.draw(camera.sits_down(person(world.rs, role)), [shown for shown in pages[role] if shown[0] in names])
    # with the pictures that were just made
    camera.draw(page, [shown for shown in examiner if shown[0] == "guide"])
    light = [(f"{name}-light", path) for name, path in examiner if name in LIGHT]
    camera.draw(camera.sits_down(world.first, "light"), light)
    with world.rs.node.store.read() as session:
        found = find_candidate(session, world.concluded, CandidateView(PIPELINES, None))
    if found is None:
        raise LookupError("the world has no pair that was concluded on")
    for extension in extended.modules("browser.screens"):
        extension.draw(camera, pages)
    report = Image.open(io.BytesIO(draw_first_page(gather_report(world.rs.node, found, world.first), REPORT_PPI)))
    write_small(report, camera.into / "report.png", MOST_BYTES)


class Camera:
    """A browser in the world, and where its pictures go."""

    def __init__(self, browser: Any, world: World, into: Path, guide: Path, scratch: Path) -> None:
        self._browser = browser
        self.world, self.into, self.guide, self.scratch = world, into, guide, scratch

    def sits_down(self, pseudonym: str | None, scheme: str = "dark") -> Any:
        """A page of somebody who has signed in and said why; of nobody, with None."""
        page = self._browser.new_context(viewport=SIZE, color_scheme=scheme).new_page()
        if pseudonym is not None:
            sign_in(page, self.world.rs, pseudonym)
            if (purpose := page.locator("select[name=purpose]")).count():
                page.locator(".purpose > summary").click()
                purpose.select_option("investigation")
                page.locator("input[name=legal_basis]").fill("Criminal Procedure Code, article 286; KTI 118/26")
                page.locator("form[action='/app/purpose'] button").click()
        return page

    def draw(self, page: Any, pages: Sequence[tuple[str, str]]) -> None:
        for name, path in pages:
            page.goto(self.world.rs.url + path)
            _settle(page)
            self.keep(page, name)

    def keep(self, page: Any, name: str) -> None:
        """The whole page; for the guide what stands on the first screen, or the one that its review begins."""
        whole = page.evaluate("() => document.documentElement.scrollHeight")
        tall = {"width": SIZE["width"], "height": min(max(whole, SIZE["height"]), TALLEST)}
        if not page.locator("ffp-comparison").count():  # which is as high as the window lets it be
            page.set_viewport_size(tall)  # so that what sticks to the window's edge stands at the end
        write_small(_shot(page, full_page=True, clip={"x": 0, "y": 0, **tall}), self.into / f"{name}.png", MOST_BYTES)
        page.set_viewport_size(SIZE)
        if name in IN_GUIDE:
            if name in FROM_REVIEW_ON:
                page.locator("#review").evaluate("element => element.scrollIntoView()")
            write_small(_shot(page), self.guide / f"{IN_GUIDE[name]}.png", MOST_BYTES_IN_GUIDE)
        print(name)


def write_small(picture: Image.Image, path: Path, most_bytes: int) -> None:
    """With as many colours of a palette as the bytes allow: no programs for that need to be there."""
    how: dict[str, Any] = {"method": Image.Quantize.MAXCOVERAGE, "kmeans": 1, "dither": Image.Dither.NONE}
    for colours in (256, 128, 64, 48, 32, 24, 16):
        reduced = picture.convert("RGB").quantize(colours, **how)
        stream = io.BytesIO()
        reduced.save(stream, "PNG", optimize=True)
        if stream.tell() <= most_bytes:
            break
    path.write_bytes(stream.getvalue())


def _shot(page: Any, **how: Any) -> Image.Image:
    return Image.open(io.BytesIO(page.screenshot(**how)))


def _settle(page: Any) -> None:
    if page.locator("ffp-comparison").count():
        wait_ready(page)
    lazy = "() => document.querySelectorAll('img[loading=lazy]').forEach((image) => { image.loading = 'eager'; })"
    page.evaluate(lazy)
    # the network is never idle: an open page holds a line
    shown = "() => [...document.images].every((image) => image.complete)"
    page.wait_for_function(shown, timeout=PICTURES_MS)


def _use_tools(page: Any, world: World) -> None:
    """The stage as it is at work: cells, a profile across both specimens, and its chart."""
    page.goto(f"{world.rs.url}/app/pairs/{world.pair}?from={world.record}")
    _settle(page)
    page.locator("[data-command=cells]:enabled").wait_for()  # they may come after the stage
    page.locator(".ffp-stage").focus()
    for key in ("c", "p"):
        page.keyboard.press(key)
    page.locator(".ffp-plot").wait_for()
    page.wait_for_timeout(500)


if __name__ == "__main__":
    main()
