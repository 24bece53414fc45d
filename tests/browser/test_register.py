"""An examiner registers an exhibit: files dropped, a line that breaks, previews, a signature, candidates."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest

from schemas.vocabulary import Jurisdiction, Role
from tests.browser.pages import enter, field
from tests.exchange.running_nodes import RunningNode, node_starter

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.data]

CASE = "RS-2026-0815"
DROP = """async (zone, files) => {
  const data = new DataTransfer();
  for (const { name, base64, modified } of files) {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    data.items.add(new File([bytes], name, { lastModified: modified }));
  }
  zone.dispatchEvent(new DragEvent("dragover", { dataTransfer: data, bubbles: true, cancelable: true }));
  zone.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(scope="module")
def rs(ffp_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """Serbia has one scan of a firearm already."""
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        node_starter(tmp_path_factory.mktemp("register"), monkeypatch) as start,
    ):
        node = start(Jurisdiction.RS)
        first = node.submit(ffp_data / "fadul" / "Fadul 1-1.x3p", case_reference="RS-2026-0001")
        assert first.status_code == 201
        node.wait_correlated(1)
        yield node


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def page(browser: Any, said: list[str]) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    made = context.new_page()
    made.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    made.on("pageerror", lambda error: said.append(str(error)))
    yield made
    context.close()


def begin(page: Any, node: RunningNode) -> pyotp.TOTP:
    """A draft; returns the authenticator of who began it."""
    authenticator = enter(page, node, Role.EXAMINER)
    page.get_by_role("link", name="Register").click()
    page.get_by_label("Case reference").fill(CASE)
    page.get_by_role("button", name="Begin").click()
    page.locator("[data-register][data-state=ready]").wait_for()
    return authenticator


def dropped(page: Any, *paths: Path) -> None:
    files = [
        {"name": path.name, "base64": base64.b64encode(path.read_bytes()).decode(), "modified": 1_700_000_000_000}
        for path in paths
    ]
    page.locator("[data-drop]").evaluate(DROP, files)


def saved(page: Any) -> None:
    page.locator("[data-saved]", has_text="Saved at").wait_for()


def test_from_dropped_files_to_candidates(page: Any, rs: RunningNode, ffp_data: Path, said: list[str]) -> None:
    begin(page, rs)
    sent: list[int] = []
    cut = {"left": 3}

    def broken_line(route: Any) -> None:
        """The second piece of every file meets a line that is down, three times in all."""
        offset = int(route.request.url.rpartition("/")[2])
        sent.append(offset)
        if offset and cut["left"]:
            cut["left"] -= 1
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/from/*", broken_line)
    scans = [ffp_data / "fadul" / f"Fadul {name}.x3p" for name in ("1-2", "2-1")]
    dropped(page, *scans)
    page.locator("[data-said]", has_text="The line is broken").first.wait_for()
    page.locator("[data-file][data-state=read]").nth(1).wait_for(timeout=60_000)
    assert cut["left"] == 0
    assert sent.count(0) == 2, "nothing that had arrived was sent again"
    for card in page.locator("[data-file]").all():
        assert "Fit for comparison" in card.inner_text()
        assert "6.25 x 6.25 um" in card.inner_text()
        assert card.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 400

    page.get_by_label("Kind", exact=True).select_option("crime_scene")
    page.get_by_label("Calibre", exact=True).fill("9x19 Parabellum")
    page.locator("[data-note='exhibit.calibre']", has_text="Entered as 9 mm Luger").wait_for()
    field(page, "Headstamp").fill("Petar Petrović")
    page.locator("[data-note='exhibit.headstamp']", has_text="looks like a person's name").wait_for()
    field(page, "Headstamp").fill("PPU 9 mm")
    page.locator("[data-note='exhibit.headstamp']:empty").wait_for(state="attached")
    saved(page)
    page.reload()
    assert field(page, "Headstamp").input_value() == "PPU 9 mm"
    assert page.locator("[data-file][data-state=read]").count() == 2

    page.get_by_role("button", name="Check and sign").click()
    page.wait_for_url("**/summary")
    assert CASE in page.locator("dl").first.inner_text()
    assert "nobody else may search" in page.locator("main").inner_text()
    page.get_by_role("button", name="Sign and submit").dblclick()
    page.wait_for_url("**/app/records/*")
    assert page.locator("h1").inner_text() == CASE
    page.locator("#pending").wait_for(state="hidden", timeout=60_000)
    page.get_by_role("link", name="Candidates of this record").click()
    assert "RS-2026-0001" in page.locator(".exhibit-pairs").first.inner_text()
    assert [error for error in said if "ERR_CONNECTION_RESET" not in error] == []


def test_a_busy_node_is_waited_for(page: Any, rs: RunningNode, ffp_data: Path) -> None:
    """Pieces, and the reading of a file, that the node refuses for now come again by themselves, when they were told
    to."""
    begin(page, rs)
    refused: list[str] = []

    def busy(route: Any) -> None:
        step = "from" if "/from/" in route.request.url else "read"
        if refused.count(step) < 2:
            refused.append(step)
            route.fulfill(status=429, headers={"Retry-After": "1", "Content-Type": "text/html"}, body="Busy")
        else:
            route.continue_()

    page.route("**/files/*/**", busy)
    page.locator("[data-pick]").set_input_files(str(ffp_data / "fadul" / "Fadul 4-1.x3p"))
    page.locator("[data-said]", has_text="Waiting for its turn").wait_for()
    page.locator("[data-file][data-state=read]").wait_for(timeout=60_000)
    assert refused == ["from", "from", "read", "read"]


def test_the_same_file_picked_again_goes_on(page: Any, rs: RunningNode, ffp_data: Path) -> None:
    begin(page, rs)
    scan = ffp_data / "fadul" / "Fadul 3-1.x3p"

    def down(route: Any) -> None:
        offset = int(route.request.url.rpartition("/")[2])
        route.abort("connectionreset") if offset else route.continue_()

    page.route("**/from/*", down)
    page.locator("[data-pick]").set_input_files(str(scan))
    page.locator("[data-said]", has_text="The line is broken").wait_for()
    page.unroute_all(behavior="ignoreErrors")
    page.reload()
    assert "pick the same file again" in page.locator("[data-file][data-state=arriving]").inner_text()
    offsets: list[str] = []
    page.on("request", lambda request: offsets.append(request.url) if "/from/" in request.url else None)
    page.locator("[data-pick]").set_input_files(str(scan))
    page.locator("[data-file][data-state=read]").wait_for(timeout=60_000)
    assert page.locator("[data-file]").count() == 1
    assert offsets
    assert not [url for url in offsets if url.endswith("/from/0")]


def test_what_cannot_be_used_is_said_and_removed(page: Any, rs: RunningNode, tmp_path: Path) -> None:
    begin(page, rs)
    (tmp_path / "<img src=x onerror=alert(1)>.x3p").write_bytes(b"PK\x03\x04 no archive")
    page.locator("[data-pick]").set_input_files(str(tmp_path / "<img src=x onerror=alert(1)>.x3p"))
    card = page.locator("[data-file][data-state=refused]")
    card.wait_for(timeout=30_000)
    assert "<img src=x onerror=alert(1)>.x3p" in card.inner_text()
    page.get_by_role("button", name="Check and sign").click()
    page.locator("[role=alert]", has_text="cannot be signed yet").wait_for()
    assert "This file cannot be used" in page.locator("[data-file]").inner_text()
    page.get_by_role("button", name="Remove this file").click()
    page.locator("[data-file]").wait_for(state="detached")


def test_a_photograph_asks_for_its_scale(page: Any, rs: RunningNode, ffp_data: Path) -> None:
    begin(page, rs)
    page.locator("[data-pick]").set_input_files(str(ffp_data / "reflectance" / "NBIDE R BF 118.png"))
    card = page.locator("[data-file][data-state=read]")
    card.wait_for(timeout=60_000)
    assert "as the file's name says" in card.inner_text()
    assert "State the micrometres per pixel" in card.inner_text()
    card.get_by_label("Micrometres per pixel").fill("2,53")
    card.get_by_label("Micrometres per pixel").press("Tab")
    page.locator("[data-file]", has_text="Focus: sharp").wait_for(timeout=60_000)
    assert "6.56 x 4.92 mm" in page.locator("[data-file]").inner_text()


def test_without_a_script_the_form_works(browser: Any, rs: RunningNode) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    enter(page, rs, Role.EXAMINER)
    page.get_by_role("link", name="Register").click()
    page.get_by_role("button", name="Begin").click()
    field(page, "Headstamp").fill("PPU")
    page.get_by_role("button", name="Save", exact=True).click()
    assert field(page, "Headstamp").input_value() == "PPU"
    page.get_by_role("button", name="Check and sign").click()
    assert "An exhibit needs one scan at least" in page.locator("main").inner_text()
    context.close()


class Counted:
    """Counts what a person does: a key or a chord, a text typed, a click, a choice of files."""

    def __init__(self, page: Any) -> None:
        self.page, self.actions = page, 0

    def press(self, key: str) -> None:
        self.actions += 1
        self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.actions += 1
        self.page.keyboard.type(text)

    def click(self, found: Any) -> None:
        self.actions += 1
        found.click()

    def choose(self, paths: list[Path], opening: Callable[[], None]) -> None:
        with self.page.expect_file_chooser() as chooser:
            opening()
        self.actions += 1
        chooser.value.set_files([str(path) for path in paths])

    def tab_to(self, wanted: str) -> None:
        """Presses Tab until the element that holds the focus matches."""
        for _ in range(30):
            if self.page.evaluate("(wanted) => document.activeElement.matches(wanted)", wanted):
                return
            self.press("Tab")
        raise AssertionError(f"thirty times Tab do not lead to {wanted}")


MOST_ACTIONS = 25


@pytest.fixture
def two_scans(ffp_data: Path) -> list[Path]:
    return [ffp_data / "fadul" / f"Fadul {name}.x3p" for name in ("3-1", "3-2")]


@pytest.fixture
def shared_before(rs: RunningNode, ffp_data: Path) -> None:
    """The laboratory has shared an exhibit."""
    shared = {"level": "full", "audience": ["MK", "XK"], "case_reference": "RS-2026-0002"}
    assert rs.submit(ffp_data / "fadul" / "Fadul 5-1.x3p", **shared).status_code in (200, 201)


def test_two_scans_are_signed_by_keyboard_in_few_actions(
    page: Any, rs: RunningNode, two_scans: list[Path], shared_before: None
) -> None:
    enter(page, rs, Role.EXAMINER)
    page.reload()  # as on any other day, without the tour
    person = Counted(page)
    person.tab_to(".skip")
    person.press("Enter")
    page.wait_for_url("**#content")
    person.tab_to("a[href='/app/register']")
    person.press("Enter")
    page.wait_for_url("**/app/register")
    person.type("RS-2026-0901")
    person.tab_to("[name=usual]")
    person.press("Space")
    person.press("Enter")
    page.locator("[data-register][data-state=ready]").wait_for()
    person.type("crime")
    person.tab_to("[name='exhibit.calibre']")
    person.type("9x19")
    person.tab_to("[data-pick]")
    person.choose(two_scans, lambda: person.press("Space"))
    page.locator("[data-file][data-state=read]").nth(1).wait_for(timeout=60_000)
    person.press("Control+Enter")
    page.wait_for_url("**/summary")
    told = page.locator("main").inner_text()
    assert "North Macedonia: named, but no node of it is enrolled here" in told
    assert "Kosovo*" in told
    person.press("Enter")
    page.wait_for_url(re.compile("/app/records/[0-9a-f]{64}"))
    assert page.locator("h1").inner_text() == "RS-2026-0901"
    print(f"{person.actions} actions by keyboard")
    assert person.actions <= MOST_ACTIONS, person.actions


def test_two_scans_are_signed_by_pointer_in_few_actions(
    page: Any, rs: RunningNode, two_scans: list[Path], shared_before: None
) -> None:
    enter(page, rs, Role.EXAMINER)
    person = Counted(page)
    person.click(page.locator("a[href='/app/register']:visible").first)
    person.click(page.get_by_label("Case reference"))
    person.type("RS-2026-0902")
    person.click(page.get_by_role("button", name="Begin"))
    page.locator("[data-register][data-state=ready]").wait_for()
    person.choose(two_scans, lambda: person.click(page.locator("[data-pick]")))
    person.actions += 2  # opens the list, and takes one of it
    page.get_by_label("Kind", exact=True).select_option("crime_scene")
    person.click(page.get_by_label("Calibre", exact=True))
    person.type("9x19")
    person.click(page.get_by_role("button", name="Share as usual"))
    assert page.get_by_label("North Macedonia").is_checked()
    assert page.get_by_label("Level").input_value() == "full"
    page.locator("[data-file][data-state=read]").nth(1).wait_for(timeout=60_000)
    person.click(page.get_by_role("button", name="Check and sign"))
    page.wait_for_url("**/summary")
    assert "Kosovo*" in page.locator("main").inner_text()
    person.click(page.get_by_role("button", name="Sign and submit"))
    page.wait_for_url(re.compile("/app/records/[0-9a-f]{64}"))
    assert person.actions <= MOST_ACTIONS, person.actions


def test_what_says_something_is_not_folded(page: Any, rs: RunningNode) -> None:
    begin(page, rs)
    assert page.locator("details.more[open]").count() == 0
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        field(page, "Headstamp").fill("PPU")
    page.reload()
    assert page.locator("details.more[open] > summary").all_inner_texts() == ["Cartridge and suspected firearm"]


def test_json_is_only_taken_from_the_page_itself(page: Any, rs: RunningNode) -> None:
    begin(page, rs)
    address = f"{page.url}/files"
    told = json.dumps({"name": "a.x3p", "size": 9, "modified": 0})
    status = page.evaluate(
        "async ([url, body]) => (await fetch(url, {method: 'POST', body, headers: {'X-CSRF': '0'.repeat(64)}})).status",
        [address, told],
    )
    assert status == 403
