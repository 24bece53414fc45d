"""The comparison viewer in a real browser, under the policy of the node's pages: what an examiner does with it."""

from __future__ import annotations

import base64
import io
import json
import re

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.browser.conftest import STEP_UM
from tests.browser.viewer_page import Viewer, changed

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.data]

READY_MS = 1500


@pytest.mark.alone
@pytest.mark.parametrize("form", ["raw", "filtered"])
def test_a_pair_is_ready_soon(viewer: Viewer, form: str) -> None:
    for name in ("1-1", "1-2"):
        viewer.site.heights(name, form)  # what the server needs is measured elsewhere
    viewer.open("1-1", "1-2", form=form)
    took = int(viewer.element.get_attribute("data-ready-ms"))
    shape = viewer.site.scan("1-1").heights_um.shape
    print(f"ready {took} ms after both {form} heights of {shape} points were asked for")
    assert took < READY_MS
    assert viewer.status.startswith("Split. On the registration.")
    assert viewer.element.get_attribute("aria-busy") == "false"


def test_the_dividing_line_is_dragged_and_moved_by_keys(viewer: Viewer) -> None:
    viewer.open("1-1", "2-1")
    before = viewer.pixels()
    width, height = viewer.box["width"], viewer.box["height"]
    viewer.drag((width / 2, height / 3), (width * 0.35, height / 3))
    assert viewer.view["divider"] == pytest.approx(0.35, abs=0.01)
    after = viewer.pixels()
    between = slice(int(width * 0.37), int(width * 0.48))
    assert changed(before[:, between], after[:, between]) > 0.02
    beyond = slice(int(width * 0.54), int(width * 0.9))
    assert changed(before[:, beyond], after[:, beyond]) == 0.0
    divider = viewer.page.locator("[role=separator]")
    divider.focus()
    viewer.page.keyboard.press("Shift+ArrowRight")
    viewer.settle()
    assert viewer.view["divider"] == pytest.approx(0.45, abs=0.01)
    assert divider.get_attribute("aria-valuenow") == "45"


def test_another_light_is_another_picture(viewer: Viewer) -> None:
    viewer.open("1-1", "1-2")
    before = viewer.pixels()
    viewer.slide("azimuth", 135)
    assert changed(before, viewer.pixels()) > 0.05
    assert "Light from 135°" in viewer.status
    viewer.slide("azimuth", 315)
    assert changed(before, viewer.pixels()) == 0.0


def test_the_light_stays_when_the_specimen_is_turned(viewer: Viewer) -> None:
    """A plateau lit from the left is bright on its left edge; turned by half, on the edge that is the left one then."""
    viewer.open("step", "step", form="raw", view=json.dumps({"light": {"azimuth_deg": 270}, "divider": 1}))
    left, right = edges(viewer)
    viewer.element.evaluate("element => { element.view = { camera: { angle_deg: 180 } }; }")
    viewer.settle()
    assert edges(viewer) == pytest.approx((left, right), abs=4)


def edges(viewer: Viewer) -> tuple[float, float]:
    """The middles of the bright and of the dark line across the stage, in CSS pixels: they are a few pixels wide."""
    row = viewer.pixels()[60:160].mean(axis=(0, 2))[150:-200]
    level = float(np.median(row))

    def middle(away: NDArray[np.float64]) -> float:
        return 150.0 + float(np.flatnonzero(away > 0.85 * away.max()).mean())

    return middle(row - level), middle(level - row)


def test_a_measured_distance_is_the_true_one(viewer: Viewer) -> None:
    """From edge to edge as they are on the screen, not as the viewer's own numbers say."""
    viewer.open("step", "step", form="raw", view=json.dumps({"light": {"azimuth_deg": 270}, "divider": 1}))
    viewer.keys("+", "+", "m")
    bright, dark = edges(viewer)
    viewer.drag((bright, 110), (dark, 110))
    said = re.search(r"Distance ([\d.,]+) µm", viewer.status)
    assert said is not None, viewer.status
    measured = float(said[1].replace(",", ""))
    print(f"{measured:g} um measured over {STEP_UM:g} um, {dark - bright:g} pixels")
    assert measured == pytest.approx(STEP_UM, rel=0.01)
    viewer.keys("Escape")
    assert viewer.view["measure"] is None


def test_a_step_has_its_height_where_one_specimen_shows_both_ends(viewer: Viewer) -> None:
    viewer.open("step", "step", form="raw")
    viewer.keys("m")
    middle = viewer.box["width"] / 2
    viewer.drag((middle - 150, 200), (middle - 50, 200))
    assert "Height difference 10 µm." in viewer.status
    viewer.drag((middle - 150, 200), (middle + 150, 200))
    assert "Distance" in viewer.status
    assert "Height difference" not in viewer.status


def test_a_distance_is_measured_by_keys(viewer: Viewer) -> None:
    viewer.open("step", "step", form="raw")
    viewer.keys("m", *["Shift+ArrowRight"] * 5)
    scale = viewer.box["width"] / viewer.view["camera"]["field_um"]
    said = re.search(r"Distance ([\d.]+) µm", viewer.status)
    assert said is not None, viewer.status
    assert float(said[1]) == pytest.approx(120 / scale, rel=0.01)


def test_a_specimen_is_nudged_alone_and_snaps_back(viewer: Viewer) -> None:
    viewer.open("1-1", "1-2")
    registered, before = viewer.view["reference"], viewer.pixels()
    viewer.keys("l", "Shift+ArrowRight", "Shift+ArrowDown", "]", "]")
    assert viewer.view["linked"] is False
    assert viewer.view["reference"]["angle_deg"] == pytest.approx(registered["angle_deg"] + 1.0)
    assert re.search(r"\d+ µm and 1° off the registration", viewer.status), viewer.status
    half = int(viewer.box["width"] / 2)
    moved = viewer.pixels()
    assert changed(before[:, half + 20 :], moved[:, half + 20 :]) > 0.02
    assert changed(before[:, : half - 20], moved[:, : half - 20]) == 0.0
    viewer.keys("r")
    assert viewer.view["reference"] == pytest.approx(registered)
    assert changed(before, viewer.pixels()) == 0.0
    assert "On the registration." in viewer.status


@pytest.mark.parametrize("query_is", ["a", "b"])
def test_the_registration_is_the_matchers_own(viewer: Viewer, query_is: str) -> None:
    """A firearm's two marks differ less where the matcher laid them on each other than anywhere beside."""
    viewer.open("1-1", "1-2", view=json.dumps({"mode": "difference"}), **{"query-is": query_is})

    def colourful() -> float:
        shown = viewer.pixels()
        bright = shown[shown.min(axis=2) > 60]
        return float((bright.max(axis=1) - bright.min(axis=1)).mean())

    registered = colourful()
    viewer.keys("l", *["Shift+ArrowRight"] * 2)
    assert colourful() > 1.5 * registered
    viewer.keys("r", "]", "]", "]", "]", "]", "]")
    assert colourful() > 1.1 * registered


@pytest.mark.parametrize("query_is", ["a", "b"])
def test_a_congruent_cell_lies_on_the_same_place_of_both(viewer: Viewer, query_is: str) -> None:
    """Side by side, a label stands at one place of both panes: within the few pixels that its content was displaced."""
    viewer.open("1-1", "1-2", view=json.dumps({"mode": "side-by-side", "cells": True}), **{"query-is": query_is})
    green = np.abs(viewer.pixels() - np.array([94, 220, 172])).max(axis=2) < 10
    half = green.shape[1] // 2
    green[:, half - 4 : half + 4] = False
    left, right = (np.argwhere(side).mean(axis=0) for side in (green[:, :half], green[:, half:]))
    assert np.abs(left - right).max() < 4


@pytest.mark.parametrize(
    ("mode", "said", "colours"),
    [
        (
            "overlay",
            ["Green: brighter on Query 1-1.", "Magenta: brighter on Reference 1-2."],
            [(64, 217, 64), (217, 64, 217)],
        ),
        (
            "difference",
            ["Red: Query 1-1 is higher.", "Blue: Reference 1-2 is higher."],
            [(219, 61, 51), (51, 115, 230)],
        ),
    ],
)
def test_colours_are_told_in_words_with_the_specimens_names(
    viewer: Viewer, mode: str, said: list[str], colours: list[tuple[int, int, int]]
) -> None:
    viewer.open("1-1", "1-2", view=json.dumps({"mode": mode}))
    for sentence in said:
        assert sentence in viewer.status
    legend = viewer.pixels()[-110:-10, :700]
    for colour in colours:
        assert (np.abs(legend - np.array(colour)).max(axis=2) < 6).sum() > 100, colour


def test_an_overlay_of_one_specimen_alone_says_which(viewer: Viewer) -> None:
    viewer.open("1-1", "1-2", view=json.dumps({"mode": "overlay", "mix": 1}))
    assert "Reference 1-2 alone." in viewer.status
    assert "Green" not in viewer.status


def test_cells_are_shown_with_their_labels(viewer: Viewer) -> None:
    viewer.open("1-1", "1-2")
    comparison = json.loads(viewer.site.comparison("1-1", "1-2") or "")
    before = viewer.pixels()
    viewer.keys("c")
    assert f"{comparison['n_congruent']} of {comparison['n_cells']} cells congruent." in viewer.status
    green = np.abs(viewer.pixels() - np.array([94, 220, 172])).max(axis=2) < 10
    assert green.sum() > 50 * comparison["n_congruent"]
    assert changed(before, viewer.pixels()) > 0.03
    viewer.keys("c")
    assert changed(before, viewer.pixels()) == 0.0


def test_a_view_is_saved_and_shown_again(viewer: Viewer) -> None:
    viewer.open("1-1", "1-2")
    viewer.element.evaluate(
        "element => element.addEventListener('ffp-view', "
        "event => { element.dataset.seen = JSON.stringify(event.detail); })"
    )
    viewer.keys("2", "h", "c", "+", "[", "ArrowLeft")
    viewer.slide("contrast", 1.6)
    saved, before = viewer.view, viewer.pixels()
    assert json.loads(viewer.element.get_attribute("data-seen")) == saved
    viewer.keys("0", "1", "h")
    assert changed(before, viewer.pixels()) > 0.05
    viewer.open("1-1", "1-2", view=json.dumps(saved))
    assert viewer.view == saved
    assert changed(before, viewer.pixels()) == 0.0


def test_a_picture_for_the_report_holds_all_that_is_shown(viewer: Viewer) -> None:
    viewer.open("1-1", "1-2", view=json.dumps({"cells": True}))
    coded = viewer.element.evaluate(
        "async element => { const bytes = new Uint8Array(await (await element.picture()).arrayBuffer());"
        " return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join('')); }"
    )
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(coded))).convert("RGB"), np.float64)
    assert picture.shape[1] == pytest.approx(2 * viewer.box["width"], abs=2)
    lit = np.abs(picture - np.array([94, 220, 172])).max(axis=2) < 10
    assert lit.sum() > 1000
    assert (np.ptp(picture, axis=2) < 20).mean() > 0.5
    assert picture.std() > 10


def test_nonsense_for_a_view_does_no_harm(viewer: Viewer) -> None:
    viewer.open("1-1", "1-2", view='{"mode": "cinema", "camera": {"field_um": "wide"}, "mix": 7, "measure": [1]}')
    shown = viewer.view
    assert (shown["mode"], shown["mix"], shown["measure"]) == ("split", 1, None)
    assert 1000 < shown["camera"]["field_um"] < 20_000


def test_wheel_and_drag_keep_what_is_under_the_pointer(viewer: Viewer) -> None:
    viewer.open("1-1", "1-2")
    field = viewer.view["camera"]["field_um"]
    viewer.page.mouse.move(viewer.box["x"] + 500, viewer.box["y"] + 200)
    viewer.page.mouse.wheel(0, -400)
    viewer.settle()
    zoomed = viewer.view["camera"]
    assert zoomed["field_um"] < 0.7 * field
    viewer.drag((500, 200), (600, 260))
    scale = viewer.box["width"] / zoomed["field_um"]
    assert viewer.view["camera"]["x_um"] == pytest.approx(zoomed["x_um"] - 100 / scale, abs=1)
    viewer.keys("0")
    assert viewer.view["camera"]["field_um"] == pytest.approx(field)


def test_the_filtered_form_is_fetched_when_it_is_asked_for(viewer: Viewer) -> None:
    viewer.open("1-1", "1-2", form="raw")
    assert "as measured" in viewer.status
    viewer.keys("t")
    viewer.page.locator("ffp-comparison[data-state=ready]").wait_for()
    viewer.settle()
    assert "Heights filtered." in viewer.status


def test_a_photograph_goes_through_the_same_stage(viewer: Viewer) -> None:
    viewer.open("1-1", "photograph")
    assert "Not registered." in viewer.status
    right = viewer.pixels()[:, int(viewer.box["width"] / 2) + 30 :]
    assert right.std() > 15
    assert viewer.page.locator("[data-command=snap]").is_disabled()


def test_all_of_it_is_reached_by_keys_and_the_focus_is_seen(viewer: Viewer) -> None:
    viewer.open("1-1", "1-2")
    reached = []
    viewer.page.keyboard.press("i")
    for _ in range(32):
        viewer.page.keyboard.press("Tab")
        focused = viewer.page.locator(":focus")
        if focused.count() == 0:
            break
        name = focused.get_attribute("data-command") or focused.get_attribute("name") or focused.get_attribute("role")
        reached.append(name)
        assert focused.evaluate("node => getComputedStyle(node).outlineStyle") == "solid", name
    wanted = "split difference cells light azimuth form link snap application separator"
    assert set(wanted.split()) <= set(reached)


def test_what_cannot_be_shown_is_said(viewer: Viewer) -> None:
    viewer.open("missing", "1-1", state="failed")
    assert viewer.status == "The comparison cannot be shown: There is no such thing here, or it is not for you."
