"""What an examiner lays on the stage: angles, profiles across both specimens, marks, and the map of correlation."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from tests.browser.conftest import STEP_UM
from tests.browser.viewer_page import Viewer, changed

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.data]

STEP_HEIGHT_UM = 10.0
HOSTILE = '<img src=x onerror=alert(1)> & "ridge"'


def readout(viewer: Viewer) -> str:
    return str(viewer.page.locator(".ffp-readout").inner_text())


def heights(said: str) -> list[float]:
    return [float(number.replace("−", "-")) for number in re.findall(r"([+−-]?\d+\.\d\d) µm", said)]


def test_an_angle_is_drawn_and_said(viewer: Viewer) -> None:
    viewer.open("step", "step", form="raw")
    viewer.keys("a")
    viewer.drag((500, 300), (700, 300))
    viewer.drag((900, 80), (500 + 173, 200))
    assert "Angle 30°." in viewer.status
    viewer.drag((673, 200), (500, 100))
    assert "Angle 90°." in viewer.status, "an end is taken by the hand again"
    viewer.keys("Escape")
    assert viewer.view["angle"] is None


def test_an_angle_by_keys(viewer: Viewer) -> None:
    viewer.open("step", "step", form="raw")
    viewer.keys("a", *["Shift+ArrowRight"] * 4, "Enter", *["Shift+ArrowUp"] * 4)
    assert "Angle 90°." in viewer.status


def test_a_profile_measures_a_step_of_both_within_one_percent(viewer: Viewer) -> None:
    """Its height by the readout from a pinned place; its width by where the profile rises and falls on the screen."""
    viewer.open("step", "step", form="raw")
    viewer.keys("p")
    plot = viewer.page.locator(".ffp-plot")
    box = plot.bounding_box()
    viewer.page.mouse.click(box["x"] + 64 + 0.2 * (box["width"] - 128), box["y"] + 60)
    viewer.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    viewer.settle()
    said = readout(viewer)
    assert "from the pin" in said, said
    first, second = heights(said.split("from the pin")[1])
    print(f"{first:g} and {second:g} um read of a step of {STEP_HEIGHT_UM:g} um")
    assert first == pytest.approx(STEP_HEIGHT_UM, rel=0.01)
    assert second == pytest.approx(STEP_HEIGHT_UM, rel=0.01)

    line = viewer.view["profile"]
    length = float(np.hypot(line[2] - line[0], line[3] - line[1]))
    path = viewer.page.locator(".ffp-plot path:not(.ffp-gap)").first.get_attribute("d")
    points = np.array([[float(n) for n in pair.split()] for pair in re.split("[ML]", path)[1:]])
    risen = np.flatnonzero(points[:, 1] < points[:, 1].mean())
    width = (points[risen[-1], 0] - points[risen[0], 0]) / (box["width"] - 128) * length
    print(f"{width:.1f} um wide by the chart, {STEP_UM:g} um in truth")
    assert width == pytest.approx(STEP_UM, rel=0.01)


def test_a_chart_is_read_by_keys_and_closed(viewer: Viewer) -> None:
    viewer.open("1-1", "1-2")
    viewer.keys("p")
    assert "Profile along" in viewer.status
    plot = viewer.page.get_by_role("slider", name="Height profile of both specimens")
    plot.focus()
    for key in ("ArrowRight", "Enter", *["Shift+ArrowRight"] * 6):
        viewer.page.keyboard.press(key)
    assert "from the pin" in plot.get_attribute("aria-valuetext")
    assert int(plot.get_attribute("aria-valuenow")) == pytest.approx(80, abs=1)
    viewer.page.get_by_role("button", name="Close the profile").click()
    viewer.settle()
    assert viewer.view["profile"] is None
    assert plot.is_hidden()


def test_a_profile_over_a_gap_says_so(viewer: Viewer) -> None:
    """From beyond the query's left edge to beyond the right one of the reference, which lies 600 um to the right."""
    laid = {"reference": {"dx_um": 600, "dy_um": 0, "angle_deg": 0}, "profile": [-300, 600, 2100, 600]}
    viewer.open("step", "step", form="raw", view=json.dumps(laid))
    plot = viewer.page.locator(".ffp-plot")
    assert plot.locator("text", has_text="not measured").count() == 4, "left and right of both, and beside each"
    named = plot.locator("text", has_text=": not measured").all_text_contents()
    assert sorted(named) == ["Query step: not measured", "Reference step: not measured"]
    said = readout(viewer)
    assert "Not measured along the line: 50 % of Query step." in said
    assert "Not measured along the line: 50 % of Reference step." in said
    for line in plot.locator("path:not(.ffp-gap)").all():
        points = [float(pair.split()[0]) for pair in re.split("[ML]", line.get_attribute("d"))[1:]]
        assert max(points) - min(points) < 0.52 * (plot.bounding_box()["width"] - 128)
    viewer.element.evaluate("element => { element.view = { profile: [700, 600, 1100, 600] }; }")
    viewer.settle()
    assert plot.locator(".ffp-gap").count() == 0


def test_both_profiles_follow_the_registration(viewer: Viewer) -> None:
    """Two marks of one firearm rise and fall together on the registration, and not beside it."""
    viewer.open("1-1", "1-2", view=json.dumps({"tool": "profile", "profile": [3080, 900, 3080, 2500]}))

    def alike() -> float:
        return float(
            viewer.element.evaluate(
                """async element => {
                  const { profilesOf } = await import('/static/viewer/section.js');
                  const { fetchSurfaces } = await import('/static/viewer/surface.js');
                  const addresses = ['query-heights', 'reference-heights'].map(name => element.getAttribute(name));
                  const { surfaces } = await fetchSurfaces(addresses, 'filtered');
                  const [a, b] = profilesOf(element.view, { surfaces, names: [], unit: 'um' }).sides.map(s => s.values);
                  const both = Array.from(a.keys()).filter(i => Number.isFinite(a[i] + b[i]));
                  const sum = (f) => both.reduce((total, i) => total + f(i), 0);
                  return sum(i => a[i] * b[i]) / Math.sqrt(sum(i => a[i] * a[i]) * sum(i => b[i] * b[i]));
                }"""
            )
        )

    registered = alike()
    viewer.element.evaluate("element => { const v = element.view; v.reference.dy_um += 150; element.view = v; }")
    viewer.settle()
    print(f"profiles correlate {registered:.2f} on the registration, {alike():.2f} beside it")
    assert registered > 0.5
    assert alike() < registered - 0.3


def test_marks_are_drawn_listed_undone_and_exported(viewer: Viewer) -> None:
    viewer.open("1-1", "1-2")
    before = viewer.pixels()
    viewer.keys("n")
    viewer.drag((900, 300), (950, 300))
    viewer.page.get_by_role("button", name="Disagreement").click()
    viewer.page.mouse.click(viewer.box["x"] + 300, viewer.box["y"] + 250)
    viewer.settle()
    marks = viewer.view["marks"]
    assert [mark["kind"] for mark in marks] == ["agreement", "disagreement"]
    assert marks[0]["radius_um"] > 0
    assert marks[1]["radius_um"] == 0
    viewer.page.get_by_label("Words of mark 1").fill(HOSTILE)
    viewer.page.keyboard.press("Enter")
    viewer.settle()
    assert viewer.view["marks"][0]["text"] == HOSTILE
    assert viewer.page.locator("img").count() == 0, "words are text wherever they stand"
    assert changed(before[:, :200], viewer.pixels()[:, :200]) < 0.5

    viewer.page.get_by_role("button", name="Delete mark 1").click()
    viewer.settle()
    assert len(viewer.view["marks"]) == 1
    viewer.page.get_by_role("button", name="Undo").click()
    viewer.settle()
    assert viewer.view["marks"][0]["text"] == HOSTILE
    saved = json.dumps(viewer.view)
    viewer.open("1-1", "1-2", view=saved)
    assert viewer.view == json.loads(saved)
    assert viewer.page.get_by_label("Words of mark 1").input_value() == HOSTILE


def test_marks_by_keys_alone(viewer: Viewer) -> None:
    viewer.open("1-1", "1-2")
    viewer.keys("n", "Enter")
    viewer.page.keyboard.type("parallel ridges")
    viewer.page.keyboard.press("Enter")
    here = viewer.view["marks"][0]
    viewer.keys("ArrowRight")
    moved = viewer.view["marks"][0]
    assert (moved["text"], moved["y_um"]) == ("parallel ridges", here["y_um"])
    assert moved["x_um"] > here["x_um"]
    viewer.keys("Delete")
    assert viewer.view["marks"] == []
    viewer.keys("z")
    assert viewer.view["marks"] == [moved]
    viewer.keys("Shift+Z")
    assert viewer.view["marks"] == []


def test_the_map_of_correlation_has_the_cells_own_colours(viewer: Viewer) -> None:
    viewer.open("1-1", "2-1")
    cells = json.loads(viewer.site.comparison("1-1", "2-1") or "")["cells"]
    before = viewer.pixels()
    viewer.keys("x")
    assert f"of {len(cells)} cells congruent" in viewer.status
    shown = viewer.pixels()
    assert changed(before, shown) > 0.03
    bar = shown[-230:-20, 10:130]
    yellow = np.abs(bar - np.array([253, 231, 37])).max(axis=2) < 24
    assert yellow.any(), "the legend goes up to the brightest colour"
    viewer.keys("x")
    assert changed(before, viewer.pixels()) == 0.0


def test_a_lost_graphics_card_comes_back(viewer: Viewer) -> None:
    viewer.open("1-1", "1-2")
    before = viewer.pixels()
    viewer.page.evaluate(
        "() => { window.card = document.querySelector('.ffp-picture').getContext('webgl2')"
        ".getExtension('WEBGL_lose_context'); window.card.loseContext(); }"
    )
    viewer.page.locator("ffp-comparison[data-state=lost]").wait_for()
    assert "graphics card was lost" in viewer.status
    viewer.page.evaluate("() => window.card.restoreContext()")
    viewer.page.locator("ffp-comparison[data-state=ready]").wait_for()
    viewer.settle()
    assert changed(before, viewer.pixels()) == 0.0


def test_without_webgl2_the_nodes_picture_stands_there_and_it_is_said(viewer: Viewer) -> None:
    viewer.page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null;")
    viewer.open("1-1", "1-2", state="fallback", fallback="/picture.png")
    assert "draws no WebGL 2" in viewer.status
    assert "The picture that the node drew stands in place of the stage." in viewer.status
    assert viewer.page.get_by_role("img", name="drawn by the node").evaluate("image => image.naturalWidth") > 0
    assert viewer.page.locator("[data-command=cells]").is_disabled()
