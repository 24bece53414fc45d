"""Nothing that was typed or chosen into a draft is lost: not beside uploads, not in two tabs, not with the session."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from exchange.store.access.user_rows import add_user
from exchange.store.tables.draft_tables import DraftFileRow, DraftRow
from schemas.vocabulary import Jurisdiction, Role
from tests.browser.pages import end_sessions, field, in_another_tab, person, sign_in, sign_in_again
from tests.browser.test_register import begin, dropped, saved
from tests.exchange.running_nodes import RunningNode, node_starter

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.data]

SLOW = {"offline": False, "latency": 40, "downloadThroughput": 2_000_000, "uploadThroughput": 250_000}
"""Milliseconds, and bytes a second: a scan takes some seconds."""
MINUTE = 60_000


@pytest.fixture(scope="module")
def rs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        node_starter(tmp_path_factory.mktemp("drafts"), monkeypatch) as start,
    ):
        yield start(Jurisdiction.RS)


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    made = browser.new_context(viewport={"width": 1280, "height": 900})
    yield made
    made.close()


def slow(page: Any) -> None:
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.emulateNetworkConditions", SLOW)


def kept(node: RunningNode, address: str) -> tuple[dict[str, str], list[DraftFileRow]]:
    """What the node has of a draft: its fields, its files."""
    draft_id = address.rpartition("/")[2]
    with node.node.store.read() as session:
        files = session.scalars(select(DraftFileRow).where(DraftFileRow.draft_id == draft_id)).all()
        return json.loads(session.get_one(DraftRow, draft_id).fields), list(files)


def asks(*tabs: Any) -> Any:
    """The tab that asks which of two texts is to stand: that which saved last."""
    for _ in range(200):
        if found := [tab for tab in tabs if tab.locator(".ask").count()]:
            return found[0]
        tabs[0].wait_for_timeout(100)
    raise AssertionError("no tab asks")


def test_three_scans_on_a_slow_line_two_tabs_and_a_session_that_ends(
    context: Any, rs: RunningNode, ffp_data: Path
) -> None:
    one, who = context.new_page(), person(rs, Role.EXAMINER)
    authenticator = begin(one, rs)
    address = one.url
    two = context.new_page()
    two.goto(address)
    two.locator("[data-register][data-state=ready]").wait_for()
    slow(one)
    dropped(one, *(ffp_data / "fadul" / f"Fadul {name}.x3p" for name in ("1-1", "1-2", "2-1")))

    # beside the uploads, in both tabs
    one.locator("[data-said]", has_text="% sent").first.wait_for()
    field(one, "Calibre").fill("9x19")
    field(two, "Headstamp").fill("PPU")
    field(two, "Municipality or coarse grid").fill("Niš")
    saved(two)
    one.locator("[data-file][data-state=read]").first.wait_for(timeout=2 * MINUTE)
    assert one.locator(".arriving").count(), "others are still on their way"
    chosen = one.locator("[data-file][data-state=read]").first
    chosen.get_by_label("Region", exact=True).select_option("chamber_mark")
    region = chosen.get_by_label("Region", exact=True).get_attribute("name")
    chosen.get_by_text("Instrument and capture").click()
    chosen.get_by_label("Serial number").fill("SN 7")  # while the scan is read anew, and its card is drawn anew

    # the session ends under them
    end_sessions(rs)
    field(one, "Cartridge maker").fill("Prvi partizan")
    field(two, "Municipality or coarse grid").fill("Niš and around")
    for tab in (one, two):
        tab.get_by_text("Your session has ended").wait_for()
        tab.locator("[data-saved]", has_text="Sign in first").wait_for()
    field(one, "Suspected make").fill("Zastava")
    field(one, "Municipality or coarse grid").fill("Leskovac")
    assert "cannot be reached" not in one.locator("main").inner_text()
    again = in_another_tab(one)
    sign_in_again(again, who, authenticator)
    again.wait_for_url(address)
    again.close()

    # all of it goes on, and what both tabs changed is asked about
    one.locator(".arriving").first.wait_for(state="detached", timeout=2 * MINUTE)
    one.locator("[data-file][data-state=read]").nth(2).wait_for(timeout=2 * MINUTE)
    asking = asks(one, two)
    asking.bring_to_front()
    asking.locator(".ask", has_text="Municipality or coarse grid").wait_for()
    question = asking.locator(".ask").inner_text()
    assert "Leskovac" in question
    assert "Niš and around" in question
    mine = asking.locator(".ask [data-keep]").inner_text().rpartition(": ")[2]
    asking.locator(".ask [data-keep]").click()
    saved(asking)
    fields, files = kept(rs, address)
    assert {name: fields.get(name) for name in NAMES} == {**NAMES, "exhibit.municipality": mine}
    assert fields[region] == "chamber_mark"
    assert fields[region.replace(".roi", ".instrument.serial")] == "SN 7"
    regions = sorted(fields[f"file.{file.file_id}.roi"] for file in files)
    assert regions == ["breech_face", "breech_face", "chamber_mark"]
    verdicts = [json.loads(file.reading or "{}")["verdict"] for file in files]
    assert verdicts.count("good") >= 2, "read as what they are stated to be"
    for tab in (one, two):
        tab.bring_to_front()
        tab.locator("[data-file][data-state=read]").nth(2).wait_for()
        tab.wait_for_function("() => document.getElementById('f-exhibit.headstamp').value === 'PPU'")
        tab.wait_for_function("() => document.getElementById('f-exhibit.cartridge_maker').value === 'Prvi partizan'")


NAMES = {
    "exhibit.calibre": "9x19",
    "exhibit.headstamp": "PPU",
    "exhibit.cartridge_maker": "Prvi partizan",
    "exhibit.suspected_firearm.make": "Zastava",
    "exhibit.municipality": "",
}


def test_what_both_tabs_changed_is_asked_and_what_one_changed_is_shown(context: Any, rs: RunningNode) -> None:
    one = context.new_page()
    begin(one, rs)
    two = context.new_page()
    two.goto(one.url)
    two.locator("[data-register][data-state=ready]").wait_for()
    two.route("**/app/register/*", lambda route: route.abort("connectionreset"))
    field(two, "Headstamp").fill("S$&B")
    two.locator("[data-saved]", has_text="Not saved").wait_for()
    field(one, "Headstamp").fill("PPU")
    field(one, "Cartridge lot").fill("7")
    saved(one)
    two.unroute_all(behavior="ignoreErrors")
    two.locator(".ask", has_text="Headstamp").wait_for(timeout=20_000)
    assert "Keep what is here: S$&B" in two.locator(".ask").inner_text()
    two.wait_for_function("() => document.getElementById('f-exhibit.cartridge_lot').value === '7'")
    assert kept(rs, one.url)[0]["exhibit.headstamp"] == "PPU", "nothing is overwritten unasked"
    two.get_by_role("button", name="Check and sign").click()
    two.wait_for_function("() => document.activeElement.hasAttribute('data-keep')")
    assert two.url == one.url
    two.get_by_role("button", name="Take what is there: PPU").click()
    assert field(two, "Headstamp").input_value() == "PPU"
    saved(two)
    assert not two.locator(".ask").count()


def test_what_the_note_of_a_calibre_proposes_is_entered_by_one_press(context: Any, rs: RunningNode) -> None:
    page = context.new_page()
    begin(page, rs)
    field(page, "Calibre").fill("9 mm")
    note = page.locator("[data-note='exhibit.calibre']")
    note.get_by_role("button", name="9 mm Makarov", exact=True).press("Enter")
    note.filter(has_text="Entered as 9 mm Makarov").wait_for()
    assert field(page, "Calibre").input_value() == "9 mm Makarov"
    assert page.evaluate("() => document.activeElement.id") == "f-exhibit.calibre", "the focus is not lost"
    assert not note.get_by_role("button").count()
    saved(page)
    assert kept(rs, page.url)[0]["exhibit.calibre"] == "9 mm Makarov"
    field(page, "Calibre").fill("other")
    note.filter(has_text="Say beside it what it is").wait_for()
    field(page, "Which calibre, if other").fill("11 mm Werndl")
    note.filter(has_not_text="Say beside it").wait_for()
    assert page.locator("[data-note='exhibit.calibre_words']:empty").count() == 1


def test_a_file_that_one_tab_sends_or_removes_is_shown_so_in_the_other(
    context: Any, rs: RunningNode, ffp_data: Path
) -> None:
    one = context.new_page()
    begin(one, rs)
    two = context.new_page()
    two.goto(one.url)
    two.locator("[data-register][data-state=ready]").wait_for()
    dropped(one, ffp_data / "fadul" / "Fadul 3-1.x3p")
    one.locator("[data-file][data-state=read]").wait_for(timeout=MINUTE)
    field(one, "Headstamp").fill("PPU")
    two.locator("[data-file][data-state=read]").wait_for(timeout=MINUTE)
    two.get_by_label("Region", exact=True).select_option("chamber_mark")
    one.wait_for_function("() => document.querySelector('[data-file] select').value === 'chamber_mark'")
    two.get_by_role("button", name="Remove this file").click()
    two.locator("[data-file]").wait_for(state="detached")
    one.locator("[data-file]").wait_for(state="detached")


def test_an_answer_that_comes_after_a_file_was_removed_brings_no_card_back(
    context: Any, rs: RunningNode, ffp_data: Path
) -> None:
    page = with_a_scan(context, rs, ffp_data)
    come = late_readings(page)
    page.get_by_label("Region", exact=True).select_option("chamber_mark")
    answer = come()
    page.get_by_role("button", name="Remove this file").click()
    page.locator("[data-file]").wait_for(state="detached")
    answer()
    page.wait_for_timeout(300)
    assert not page.locator("[data-file]").count()
    assert kept(rs, page.url)[1] == []


def test_a_card_that_is_on_its_way_to_the_other_tab_does_not_come_after_its_file_was_removed(
    context: Any, rs: RunningNode, ffp_data: Path
) -> None:
    one = with_a_scan(context, rs, ffp_data)
    two = context.new_page()
    held: list[Any] = []
    two.route(re.compile(r"/files/[0-9a-f]+$"), lambda route: held.append((route, route.fetch())))
    two.goto(one.url)
    two.locator("[data-register][data-state=ready]").wait_for()
    two.evaluate("document.querySelector('[data-file]').remove()")  # as if it had been loaded before the file came
    field(one, "Headstamp").fill("PPU")
    while not held:
        two.wait_for_timeout(100)
    one.get_by_role("button", name="Remove this file").click()
    one.locator("[data-file]").wait_for(state="detached")
    two.wait_for_timeout(1500)
    for route, answer in held:
        route.fulfill(response=answer)
    two.wait_for_timeout(500)
    assert not two.locator("[data-file]").count()


def test_a_card_that_is_drawn_anew_under_a_press_is_clicked(context: Any, rs: RunningNode, ffp_data: Path) -> None:
    page = with_a_scan(context, rs, ffp_data)
    come = late_readings(page)
    page.get_by_label("Region", exact=True).select_option("chamber_mark")
    answer = come()
    button = page.get_by_role("button", name="Remove this file")
    button.hover()
    page.mouse.down()
    answer()
    page.wait_for_timeout(100)
    page.mouse.up()
    page.locator("[data-file]").wait_for(state="detached")


def test_a_removal_that_the_node_refuses_is_told(context: Any, rs: RunningNode, ffp_data: Path) -> None:
    page = with_a_scan(context, rs, ffp_data)
    page.route("**/remove", lambda route: route.fulfill(status=503))
    page.get_by_role("button", name="Remove this file").click()
    page.locator("[data-saved]", has_text="Refused by the node").wait_for()
    page.route("**/remove", lambda route: route.abort("connectionreset"))
    page.get_by_role("button", name="Remove this file").click()
    page.locator("[data-saved]", has_text="The node was not reached").wait_for()
    assert len(kept(rs, page.url)[1]) == page.locator("[data-file]").count() == 1


def test_a_file_that_was_removed_already_is_not_told_as_refused(context: Any, rs: RunningNode, ffp_data: Path) -> None:
    page = with_a_scan(context, rs, ffp_data)
    asked: list[Any] = []
    page.route("**/remove", lambda route: asked.append(route))
    button = page.get_by_role("button", name="Remove this file")
    button.click()
    button.click()
    while len(asked) < 2:
        page.wait_for_timeout(100)
    for route in asked:
        with page.expect_response("**/remove"):
            route.continue_()
    page.locator("[data-file]").wait_for(state="detached")
    page.wait_for_timeout(1000)
    saved(page)
    assert not page.locator("[data-saved]", has_text="Refused by the node").count()


def with_a_scan(context: Any, node: RunningNode, ffp_data: Path) -> Any:
    page = context.new_page()
    begin(page, node)
    dropped(page, ffp_data / "fadul" / "Fadul 3-1.x3p")
    page.locator("[data-file][data-state=read]").wait_for(timeout=MINUTE)
    return page


def late_readings(page: Any) -> Callable[[], Callable[[], None]]:
    """From now on what the node read is held back. Returns what waits until it did so, and returns what lets it go."""
    held: list[Callable[[], None]] = []

    def hold(route: Any) -> None:
        answer = route.fetch()
        held.append(lambda: route.fulfill(response=answer))

    page.route("**/read", hold)

    def come() -> Callable[[], None]:
        for _ in range(600):
            if held:
                return held.pop()
            page.wait_for_timeout(100)
        raise AssertionError("the scan was not read")

    return come


def test_enter_in_a_field_removes_no_file(context: Any, rs: RunningNode, tmp_path: Path) -> None:
    page = context.new_page()
    begin(page, rs)
    (tmp_path / "none.x3p").write_bytes(b"PK\x03\x04 no archive")
    page.locator("[data-pick]").set_input_files(str(tmp_path / "none.x3p"))
    page.locator("[data-file][data-state=refused]").wait_for(timeout=MINUTE)
    field(page, "Headstamp").fill("PPU")
    with page.expect_response(re.compile("/register/[0-9a-f]{32}$")):
        field(page, "Headstamp").press("Enter")
    saved(page)
    assert page.locator("[data-file]").count() == 1
    fields, files = kept(rs, page.url)
    assert (fields["exhibit.headstamp"], len(files)) == ("PPU", 1)


def test_another_person_gets_nothing_of_what_was_typed(context: Any, rs: RunningNode) -> None:
    one, who = context.new_page(), person(rs, Role.EXAMINER)
    authenticator = begin(one, rs)
    address = one.url
    end_sessions(rs)
    field(one, "Headstamp").fill("PPU 7")
    one.get_by_text("Your session has ended").wait_for()
    other = f"examiner-{time.time_ns()}"
    with rs.node.store.write() as session:
        add_user(session, other, Role.EXAMINER)
    two = context.new_page()
    sign_in(two, rs, other)
    one.get_by_text("Somebody else is signed in now").wait_for()
    assert one.locator("main").is_hidden()
    assert "exhibit.headstamp" not in kept(rs, address)[0]
    stored = two.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "PPU 7" not in stored
    two.goto(address)
    assert "no such draft" in two.locator("main").inner_text()

    # and the first one goes on
    end_sessions(rs)
    two.goto(f"{rs.url}/app/sign-in")
    sign_in_again(two, who, authenticator)
    two.wait_for_url("**/app/")
    saved(one)
    assert one.locator("main").is_visible()
    assert kept(rs, address)[0]["exhibit.headstamp"] == "PPU 7"


def test_a_region_that_both_tabs_marked_is_asked_about(context: Any, rs: RunningNode, ffp_data: Path) -> None:
    one = context.new_page()
    begin(one, rs)
    dropped(one, ffp_data / "fadul" / "Fadul 1-1.x3p")
    one.locator("[data-file][data-state=read]").wait_for(timeout=MINUTE)
    two = context.new_page()
    two.goto(one.url)
    two.locator("[data-register][data-state=ready]").wait_for()
    stroke(one, mend(one), (0.3, 0.3), (0.7, 0.3), size="41")
    marked = region_of(rs, one.url)

    stroke(two, mend(two), (0.3, 0.6), (0.7, 0.6), size="41")
    two.locator(".brush .ask", has_text="changed in another window").wait_for()
    assert region_of(rs, one.url) == marked, "nothing is overwritten unasked"
    two.get_by_role("button", name="Take what is there").click()
    assert two.locator("[data-told]").inner_text() == one.locator("[data-told]").inner_text()
    assert region_of(rs, one.url) == marked

    stroke(two, two.locator(".brush canvas"), (0.3, 0.6), (0.7, 0.6), size="41")  # now it knows what it paints on
    assert not two.locator(".brush .ask").is_visible()
    both = region_of(rs, one.url)
    assert both != marked
    stroke(one, one.locator(".brush canvas"), (0.3, 0.5), (0.7, 0.5), size="41")
    one.get_by_role("button", name="Done").click()
    assert one.locator(".brush").count(), "it is still asked"
    with one.expect_response("**/region"):
        one.get_by_role("button", name="Keep what is here").click()
    assert region_of(rs, one.url) not in (marked, both)


def mend(page: Any) -> Any:
    page.bring_to_front()
    page.get_by_role("button", name="Correct the region").click()
    page.locator(".brush[data-state=ready]").wait_for()
    page.get_by_role("button", name="Take from the region").click()
    return page.locator(".brush canvas")


def stroke(page: Any, canvas: Any, begins: tuple[float, float], ends: tuple[float, float], *, size: str) -> None:
    """Between two places given as shares of the canvas; ends once the node has answered."""
    page.bring_to_front()
    page.get_by_label("Size of the brush, in cells").fill(size)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    from_, to = ((box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (begins, ends))
    page.mouse.move(*from_)
    page.mouse.down()
    page.mouse.move(*to, steps=8)
    with page.expect_response("**/region"):
        page.mouse.up()


def region_of(node: RunningNode, address: str) -> str | None:
    ((file,),) = (kept(node, address)[1],)
    return file.region_mask


def test_files_on_their_way_are_not_left_behind(context: Any, rs: RunningNode, ffp_data: Path) -> None:
    page = context.new_page()
    begin(page, rs)
    slow(page)
    dropped(page, *(ffp_data / "fadul" / f"Fadul {name}.x3p" for name in ("1-1", "1-2", "2-1", "2-2")))
    page.locator("[data-said]", has_text="% sent").first.wait_for()
    field(page, "Headstamp").fill("PPU")
    page.get_by_role("button", name="Check and sign").click()
    page.locator("[data-saved]", has_text="still on their way").wait_for()
    assert page.evaluate("() => document.activeElement.hasAttribute('data-cancel')")
    assert page.locator(".arriving").count() == 4
    assert kept(rs, page.url)[0]["exhibit.headstamp"] == "PPU"

    # nor by another way out of the page, unasked
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.get_by_role("link", name="Search").first.click()
    page.wait_for_function("() => document.querySelectorAll('.arriving').length <= 4")
    assert asked == ["beforeunload"]
    page.locator("[data-file][data-state=read]").nth(3).wait_for(timeout=3 * MINUTE)
    page.get_by_role("button", name="Check and sign").click()
    page.wait_for_url("**/summary")
