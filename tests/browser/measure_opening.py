"""How soon pages stand on a node that nobody used for a while, in a region of six nodes on this machine.

Each node is a process of its own, and pulls from the others all the while. Run it on a machine that does nothing else:

    python -m tests.browser.measure_opening
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

import matcher
from exchange.demo.deal import DealtScan
from exchange.flows.access.sign_in import invite_user
from exchange.flows.node.node import opened
from schemas.vocabulary import Jurisdiction
from tests.browser.conftest import OPTIONS
from tests.browser.pages import take_up, wait_ready
from tests.browser.test_figures import scan_of
from tests.chaos.nodes.processes import Process
from tests.chaos.nodes.region import Exhibit, Region, region

POINTS = 545
OF_ONE_FIREARM, LISTED = 7, 50
AT_REST_S = 90
"""Longer than a worker process stays when nothing is asked of it."""
ROUNDS = 3
WIDTH, HEIGHT = 1440, 900
NODE = Jurisdiction.RS
NOTED = """
const now = () => performance.timeOrigin + performance.now();
for (const name of ["keydown", "click"]) addEventListener(name, () => { sessionStorage.begun = now(); }, true);
addEventListener("ffp-state", ({ detail }) => {
  if (detail.state === "ready") window.waited = now() - sessionStorage.begun;
}, true);
"""
"""Each page notes how long a person waited for it: from the key or the click until its comparison was drawn."""
WANTED = {"first opening s": 1.5, "next s": 0.4, "pictures of a list after the page s": 1.0}


def main() -> None:
    """Print the medians of some rounds as JSON, each beside what is wanted."""
    with tempfile.TemporaryDirectory() as folder, region(Path(folder), seed=18) as made:
        exhibits = _filled(made, Path(folder))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(OPTIONS))
            page = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}).new_page()
            page.add_init_script(NOTED)
            _enter(page, made.nodes[NODE])
            rounds = [_round(page, made.nodes[NODE], exhibits[0]) for _ in range(ROUNDS)]
            browser.close()
    found = {name: statistics.median(time for each in rounds for time in each[name]) for name in WANTED}
    said = {name: {"median": round(found[name], 2), "at most": most} for name, most in WANTED.items()}
    print(json.dumps({**said, "rounds": ROUNDS, "load": os.getloadavg()[0]}, indent=2))


def _filled(made: Region, folder: Path) -> list[Exhibit]:
    """Exhibits of one firearm, and others enough for a list."""
    sent = []
    for number in range(LISTED):
        firearm, points = (1, POINTS) if number < OF_ONE_FIREARM else (number + 10, 200)
        path = folder / f"{number}.x3p"
        matcher.write_topography(scan_of(points, number + 1, firearm), path, instrument="synthetic")
        sent.append(made.send(DealtScan(path, NODE, f"CASE-{number:04}", str(firearm))))
    for node in made.nodes.values():
        node.wait_for(lambda status: status["acquisitions"] == {"correlated": LISTED} and not status["jobs"], 600)
    return sent


def _enter(page: Any, node: Process) -> None:
    with opened(node.home) as home:
        address = invite_user(home, "examiner-1")
    take_up(page, address)
    page.goto(f"{node.url}/app/")  # without the tour


def _round(page: Any, node: Process, exhibit: Exhibit) -> dict[str, list[float]]:
    """1. A list with its pictures. 2. A pair, opened from a list. 3. The next ones."""
    # 1.
    time.sleep(AT_REST_S)
    page.set_viewport_size({"width": WIDTH, "height": 9_000})  # all of them are in sight
    page.goto(f"{node.url}/app/search", wait_until="domcontentloaded")
    begun = time.perf_counter()
    page.evaluate("() => Promise.all([...document.images].map((image) => image.decode()))")
    pictures = [time.perf_counter() - begun]
    assert page.locator("img.scan").count() == LISTED
    print(f"{LISTED} pictures: {pictures[0]:.2f} s", flush=True)

    # 2.
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    time.sleep(AT_REST_S)
    page.goto(f"{node.url}/app/records/{exhibit.name}/candidates")
    page.get_by_role("link", name="Compare").first.click()
    opening = [_waited(page)]
    print(f"first opening: {opening[0]:.2f} s", flush=True)

    # 3.
    following = []
    for _ in range(OF_ONE_FIREARM - 2):
        page.wait_for_timeout(2_000)  # it is looked at
        address = page.url
        page.keyboard.press("j")
        page.wait_for_url(lambda url, before=address: url != before)
        following.append(_waited(page))
    print("next:", ", ".join(f"{took:.2f}" for took in following), flush=True)
    return dict(zip(WANTED, (opening, following, pictures), strict=True))


def _waited(page: Any) -> float:
    """Seconds that the page itself noted."""
    wait_ready(page)
    return float(page.evaluate("() => window.waited")) / 1000


if __name__ == "__main__":
    main()
