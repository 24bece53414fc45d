"""The page of a pair as a workbench: the room that the stage has, the panel, the keys, what is undone and kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange.web.languages.catalogue import translations
from exchange.web.wording.viewer_words import viewer_keys, viewer_texts
from schemas.vocabulary import Role
from tests.browser.laboratory import (
    WINDOW,
    Laboratory,
    examiner_at,
    laboratory_with,
    mark_here,
    open_first,
    topographies,
)
from tests.browser.pages import person, settle, sign_in, wait_ready

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.data]

SPECIMEN_SHARE = 0.5
CYRILLIC = "sr-Cyrl"
LATIN = re.compile(r"[A-Za-z]{2,}")
KEYS = {"enter", "delete", "esc", "shift"}
DATA = {"mm", "px", "RS", "CASE"} | {write(key) for key in KEYS for write in (str.title, str.upper)}
"""What is no word of any language: units, names of keys, jurisdictions and cases."""


@pytest.fixture(scope="module")
def laboratory(ffp_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    sent = topographies(ffp_data, "1-1", "1-2", "2-1")
    with laboratory_with(tmp_path_factory.mktemp("workbench"), sent) as made:
        yield made


@pytest.fixture
def page(browser: Any, laboratory: Laboratory) -> Iterator[Any]:
    with examiner_at(browser, laboratory) as made:
        yield made


def view_of(page: Any) -> dict[str, Any]:
    found: dict[str, Any] = page.locator("ffp-comparison").evaluate("element => element.view")
    return found


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
    settle(page)


def stage_box(page: Any) -> dict[str, float]:
    found: dict[str, float] = page.locator(".ffp-stage").bounding_box()
    return found


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1440, 900), (400, 800)])
def test_the_specimen_has_half_of_the_window(page: Any, laboratory: Laboratory, width: int, height: int) -> None:
    """With the rail, the panel and the profile open: the stage alone, without the chart below it."""
    page.set_viewport_size({"width": width, "height": height})
    open_first(page, laboratory)
    assert page.locator(".rail").is_visible()
    page.locator(".ffp-stage").focus()
    press(page, "p")
    page.locator(".ffp-plot path").first.wait_for()
    stage, chart = stage_box(page), page.locator(".ffp-chart").bounding_box()
    share = stage["width"] * stage["height"] / (width * height)
    print(f"{width} x {height}: the stage has {share:.0%} of the window, the profile {chart['height']:.0f} pixels")
    assert share >= SPECIMEN_SHARE
    assert chart["height"] <= stage["height"] / 3
    across, down = page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert across <= width
    if width > 400:
        assert down <= height, "nothing of it is below the window's edge"
        for part in (".ffp-status", ".ffp-acts", ".bench-notes"):
            box = page.locator(part).bounding_box()
            assert box["y"] + box["height"] <= height, part
    else:
        whole, panel = (page.locator(part).bounding_box() for part in ("ffp-comparison", ".bench-panel"))
        assert whole["height"] >= 0.75 * height
        assert panel["y"] >= whole["y"] + whole["height"], "the panel comes after the stage"
    assert "1244" in page.locator(".bench-notes").inner_text(), "the designation of Kosovo* has its footnote"


def test_the_panel_folds_and_the_stage_is_fitted_again(page: Any, laboratory: Laboratory) -> None:
    open_first(page, laboratory)
    before, narrow = view_of(page)["camera"], stage_box(page)
    button = page.get_by_role("button", name="Side panel")
    assert button.get_attribute("aria-expanded") == "true"
    button.click()
    settle(page)
    assert page.locator(".bench-panel").is_hidden()
    assert button.get_attribute("aria-expanded") == "false"
    wide = stage_box(page)
    assert wide["width"] > narrow["width"] + 200
    assert view_of(page)["camera"] != before, "all that was measured is seen again"
    page.reload()
    wait_ready(page)
    assert page.locator(".bench-panel").is_hidden(), "this browser remembers it"
    press(page, "s")
    assert page.locator(".bench-panel").is_visible()
    assert view_of(page)["camera"] == pytest.approx(before)

    press(page, "+", "+")
    moved = view_of(page)["camera"]
    press(page, "s")
    assert view_of(page)["camera"] == moved, "what was in the middle is in the middle"
    press(page, "s")


def test_the_screen_is_its_own_and_is_given_back(page: Any, laboratory: Laboratory) -> None:
    open_first(page, laboratory)
    before = stage_box(page)
    press(page, "f")
    page.locator("[data-command=full][aria-pressed=true]").wait_for()
    settle(page)
    assert stage_box(page)["height"] > before["height"]
    press(page, "f")
    page.locator("[data-command=full][aria-pressed=false]").wait_for()
    settle(page)
    assert stage_box(page) == before


def test_where_the_browser_forbids_it_the_stage_fills_the_window(page: Any, laboratory: Laboratory) -> None:
    page.add_init_script("Element.prototype.requestFullscreen = () => Promise.reject(new TypeError('no'));")
    open_first(page, laboratory)
    before = stage_box(page)
    press(page, "f")
    page.locator("[data-command=full][aria-pressed=true]").wait_for()
    settle(page)
    stage = stage_box(page)
    assert stage["width"] == WINDOW["width"]
    assert stage["height"] > 0.9 * WINDOW["height"]
    press(page, "f")
    page.locator("[data-command=full][aria-pressed=false]").wait_for()
    assert stage_box(page) == before


def test_a_dialog_lists_every_key(page: Any, laboratory: Laboratory) -> None:
    open_first(page, laboratory)
    press(page, "?")
    dialog = page.get_by_role("dialog")
    listed = dialog.locator("[data-key]").evaluate_all("rows => rows.map(row => row.dataset.key)")
    nowhere = {"previous-pair"}  # this is the best one
    assert listed == [key.command for key in viewer_keys() if key.command not in nowhere]
    shown = dialog.locator("kbd").all_inner_texts()
    assert shown == [key.shown for key in viewer_keys() if key.command not in nowhere]
    for _ in range(8):
        page.keyboard.press("Tab")
        outside = page.evaluate(
            "() => document.activeElement !== document.body && !document.activeElement.closest('dialog')"
        )
        assert not outside, "the focus stays in the dialog"
    press(page, "p")
    assert view_of(page)["profile"] is None, "behind it no key acts"
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")


def test_keys_act_on_the_stage_alone_for_who_wants_that(page: Any, laboratory: Laboratory) -> None:
    open_first(page, laboratory)
    press(page, "?")
    page.get_by_label("All keys act only while the stage has the focus").check()
    page.get_by_role("button", name="Close", exact=True).click()
    page.evaluate("() => document.activeElement.blur()")
    press(page, "2")
    assert view_of(page)["mode"] == "split"
    page.locator(".ffp-stage").focus()
    press(page, "2")
    assert view_of(page)["mode"] == "side-by-side"


def test_no_key_acts_while_somebody_writes_nor_with_the_browsers_own(page: Any, laboratory: Laboratory) -> None:
    open_first(page, laboratory)
    address, before = page.url, view_of(page)
    field = page.get_by_label("What you saw")
    field.focus()
    page.keyboard.type("jkfsz?[]0")
    assert field.input_value() == "jkfsz?[]0"
    page.evaluate("() => document.activeElement.blur()")
    for key in ("Alt+2", "Control+3", "Control+l"):
        page.keyboard.press(key)
    settle(page)
    assert (page.url, view_of(page)) == (address, before)
    assert page.locator("dialog").count() == 0


def test_brackets_turn_wherever_the_focus_is(page: Any, laboratory: Laboratory) -> None:
    open_first(page, laboratory)
    page.evaluate("() => document.activeElement.blur()")
    turned, address = view_of(page)["camera"]["angle_deg"], page.url
    press(page, "]")
    assert view_of(page)["camera"]["angle_deg"] == pytest.approx(turned + 0.5)
    press(page, "[", "{")
    assert view_of(page)["camera"]["angle_deg"] == pytest.approx(turned - 0.5)
    assert page.url == address


def test_a_key_of_another_script_is_known_by_its_place(page: Any, laboratory: Laboratory) -> None:
    open_first(page, laboratory)
    page.evaluate(
        "() => document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'л', code: 'KeyL', bubbles: true }))"
    )
    settle(page)
    assert view_of(page)["linked"] is False


def test_each_step_is_undone_and_done_again(page: Any, laboratory: Laboratory) -> None:
    open_first(page, laboratory)
    undo, redo = (page.get_by_role("button", name=name, exact=True) for name in ("Undo", "Redo"))
    assert undo.is_disabled()
    assert redo.is_disabled()
    first = view_of(page)
    press(page, "]")
    second = view_of(page)
    press(page, "+")
    third = view_of(page)
    press(page, "z")
    assert view_of(page) == second
    undo.click()
    settle(page)
    assert view_of(page) == first
    assert undo.is_disabled()
    press(page, "Control+y", "Control+Shift+z")
    assert view_of(page) == third
    box = stage_box(page)
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 340, box["y"] + 230, steps=4)
    page.wait_for_timeout(300)  # a hand that rests on its way makes no step of its own
    page.mouse.move(box["x"] + 380, box["y"] + 260, steps=4)
    page.mouse.up()
    settle(page)
    assert view_of(page) != third
    press(page, "Control+z")
    assert view_of(page) == third


def test_what_is_not_saved_outlives_the_next_pair_and_a_reload(page: Any, laboratory: Laboratory) -> None:
    open_first(page, laboratory)
    mark_here(page, "ridges")
    kept = view_of(page)
    page.keyboard.press("j")
    page.locator(".rail [aria-current][aria-label^='Candidate 2']").wait_for()
    wait_ready(page)
    assert view_of(page)["marks"] == [], "that is another pair"
    page.keyboard.press("k")
    page.locator(".rail [aria-current][aria-label^='Candidate 1']").wait_for()
    wait_ready(page)
    settle(page)
    assert view_of(page)["marks"] == kept["marks"]
    assert re.search(r"Kept from \d\d:\d\d.*, not saved\.", page.locator(".ffp-kept").inner_text())
    page.reload()
    wait_ready(page)
    assert view_of(page)["marks"] == kept["marks"]
    page.get_by_role("button", name="Start afresh").click()
    settle(page)
    assert view_of(page)["marks"] == []
    assert page.locator(".ffp-kept").count() == 0
    page.reload()
    wait_ready(page)
    assert view_of(page)["marks"] == []


def kept_names(page: Any) -> list[str]:
    found: list[str] = page.evaluate("() => Object.keys(sessionStorage).filter(name => name.startsWith('ffp-kept'))")
    return found


def test_what_is_saved_is_kept_no_more_and_nobody_elses_is_ever(page: Any, laboratory: Laboratory) -> None:
    open_first(page, laboratory)
    mark_here(page, "ridges")
    assert len(kept_names(page)) == 1
    page.get_by_label("What it shows").fill("Ridges")
    page.get_by_role("button", name="Save this view").click()
    page.locator(".thumbnails li").first.wait_for(timeout=30_000)
    assert kept_names(page) == []
    page.evaluate("() => sessionStorage.setItem('ffp-kept somebody-else pair 1', '{}')")
    page.reload()
    wait_ready(page)
    assert kept_names(page) == []
    page.get_by_role("button", name="Delete the view Ridges").click()
    page.locator(".saved-views [role=status]", has_text="deleted").wait_for()


def test_who_signs_out_leaves_nothing(page: Any, laboratory: Laboratory) -> None:
    open_first(page, laboratory)
    mark_here(page, "ridges")
    address = page.url
    assert len(kept_names(page)) == 1
    page.locator("form[action='/app/sign-out']").evaluate("form => form.requestSubmit()")
    page.wait_for_url("**/app/sign-in*")
    assert kept_names(page) == []
    sign_in(page, laboratory.node, person(laboratory.node, Role.INVESTIGATOR))
    page.goto(address)
    wait_ready(page)
    assert view_of(page)["marks"] == []


def test_who_signs_goes_on_with_the_next_pair(page: Any, laboratory: Laboratory) -> None:
    open_first(page, laboratory)
    first = page.url
    mark_here(page, "ridges")
    page.get_by_label("inconclusive").check()
    page.get_by_role("button", name="Sign and next").click()
    page.locator(".rail [aria-current][aria-label^='Candidate 2']").wait_for()
    wait_ready(page)
    assert page.get_by_role("button", name="Sign and next").count() == 0, "this is the last one"
    page.get_by_label("inconclusive").check()
    page.get_by_role("button", name="Sign my conclusion").click()
    page.wait_for_url("**#review")
    assert page.locator(".rail [aria-current]").get_attribute("aria-label").startswith("Candidate 2"), "the rail stays"
    page.goto(first)
    wait_ready(page)
    assert "inconclusive" in page.locator("#review").inner_text()
    assert [mark["text"] for mark in view_of(page)["marks"]] == ["ridges"], "signing is not saving"


def test_the_focus_goes_from_the_rail_over_the_tools_to_the_panel(page: Any, laboratory: Laboratory) -> None:
    open_first(page, laboratory)
    page.locator(".rail a").first.focus()
    seen = ["rail"]
    for _ in range(60):
        page.keyboard.press("Tab")
        part = page.evaluate(
            "() => document.activeElement.closest('.rail, .ffp-tools, .ffp-acts, .ffp-stage, .bench-panel')?.className"
        )
        if part is None:
            break
        if part != seen[-1]:
            seen.append(part)
    assert seen == ["rail", "ffp-tools", "ffp-acts", "ffp-stage", "bench-panel"]


def test_without_scripts_the_page_shows_the_picture_and_the_forms(
    browser: Any, page: Any, laboratory: Laboratory
) -> None:
    open_first(page, laboratory)
    context = browser.new_context(
        viewport=WINDOW, java_script_enabled=False, storage_state=page.context.storage_state()
    )
    plain = context.new_page()
    plain.goto(page.url)
    picture = plain.locator(".bench-stage img")
    picture.wait_for()
    assert picture.bounding_box()["height"] > WINDOW["height"] / 3
    assert plain.locator(".bench-panel").is_visible()
    assert plain.get_by_role("heading", name="What the score rests on").is_visible()
    assert plain.locator("#review").is_visible()
    context.close()


def said_by_the_viewer(page: Any) -> list[str]:
    """All that the viewer writes, and all that it has spoken: data and the names of keys aside."""
    found: list[str] = page.evaluate(
        """() => {
          const said = [];
          const names = ['title', 'aria-label', 'placeholder', 'aria-valuetext', 'alt'];
          for (const root of document.querySelectorAll('ffp-comparison, .ffp-marks')) {
            for (const node of root.querySelectorAll('*')) {
              if (node.closest('kbd')) continue;
              for (const name of names) if (node.hasAttribute(name)) said.push(node.getAttribute(name));
              for (const child of node.childNodes) if (child.nodeType === Node.TEXT_NODE) said.push(child.data);
            }
          }
          return said.map(text => text.trim()).filter(Boolean);
        }"""
    )
    return found


def test_every_word_of_the_viewer_is_of_the_language(page: Any, laboratory: Laboratory) -> None:
    """In Serbian, Cyrillic: no word in Latin letters, but those of a text that nobody has translated yet."""
    page.context.add_cookies([{"name": "ffp-language", "value": CYRILLIC, "url": laboratory.node.url}])
    open_first(page, laboratory)
    known = translations(CYRILLIC)
    given = page.locator("ffp-comparison").evaluate(
        "(viewer, keys) => Object.fromEntries(keys.map(key => [key, viewer.getAttribute(`data-text-${key}`)]))",
        list(viewer_texts()),
    )
    assert given == {key: known.gettext(text) for key, text in viewer_texts().items()}
    page.locator(".ffp-stage").focus()
    press(page, "n", "Enter")
    page.locator(".ffp-stage").focus()
    for keys in (("p", "c", "i"), ("m", "Shift+ArrowRight"), ("a",), ("3",), ("l", "]", "t"), ("?",)):
        press(page, *keys)
        wait_ready(page)
        settle(page)
        translated = {text for key, text in viewer_texts().items() if given[key] != text}
        english = {word for text in set(viewer_texts().values()) - translated for word in LATIN.findall(text)}
        latin = {word for text in said_by_the_viewer(page) for word in LATIN.findall(text)}
        assert latin - english - DATA == set()
    assert "WebGL" not in "".join(said_by_the_viewer(page))
