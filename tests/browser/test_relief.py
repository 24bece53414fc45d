"""Both specimens in 3-D: the flat picture, tilted; turned by hand and by keys, to scale, and smooth in software."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.browser.conftest import Site
from tests.browser.test_figures import busy, drag_for, load
from tests.browser.viewer_page import Viewer, changed

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.data]

FRAMES_A_SECOND = 30
LAPTOP = {"width": 1440, "height": 900}
STEP_HEIGHT_UM = 10.0


def tilted(**tilt: float) -> str:
    return json.dumps({"mode": "tilted", "tilt": {"tilt_deg": 50, "turn_deg": 0, "heights": 10, **tilt}})


def test_it_is_the_flat_picture_while_nothing_is_tilted(viewer: Viewer) -> None:
    viewer.open("1-1", "1-2", view=json.dumps({"mode": "side-by-side"}))
    flat = viewer.pixels()
    viewer.element.evaluate("(element, view) => { element.view = JSON.parse(view); }", tilted(tilt_deg=0))
    viewer.settle()
    inside = slice(100, -70)  # between the names and the scale bar
    before, after = flat[inside, 20:-80], viewer.pixels()[inside, 20:-80]
    print(f"{100 * changed(before, after):.2f} % of the pixels differ")
    assert changed(before, after) < 0.02
    viewer.element.evaluate("(element, view) => { element.view = JSON.parse(view); }", tilted())
    viewer.settle()
    assert changed(before, viewer.pixels()[inside, 20:-80]) > 0.2


def test_what_is_high_stands_as_high_as_it_is_said(viewer: Viewer) -> None:
    """A plateau's far edge lies above that of the ground around it by its height, foreshortened."""
    heights, tilt = 20.0, 60.0
    view = {"colours": "height", **json.loads(tilted(tilt_deg=tilt, heights=heights))}
    viewer.open("step", "step", form="raw", view=json.dumps(view))
    assert "Tilted by 60°, turned by 0°, heights × 20" in viewer.status
    scale = viewer.box["width"] / viewer.view["camera"]["field_um"]
    left = viewer.pixels()[:, : int(viewer.box["width"] / 2)]
    middle, there = left.shape[1] / 2, np.abs(left - np.array([30, 34, 40])).max(axis=2) > 24

    def far_edge(from_um: float) -> float:
        columns = slice(int(middle + scale * from_um), int(middle + scale * (from_um + 60)))
        return float(np.median([np.flatnonzero(column[40:])[0] for column in there[:, columns].T]))

    risen = far_edge(260) - far_edge(-50)  # right of the plateau, and on it
    wanted = STEP_HEIGHT_UM * heights * np.sin(np.radians(tilt)) * scale
    print(f"{risen:.1f} pixels high, {wanted:.1f} wanted")
    assert risen == pytest.approx(wanted, abs=2)


def test_it_is_turned_tilted_moved_and_zoomed_by_hand(viewer: Viewer) -> None:
    viewer.open("1-1", "1-2", view=tilted())
    camera, before = viewer.view["camera"], viewer.pixels()
    viewer.drag((300, 300), (400, 260))
    tilt = viewer.view["tilt"]
    assert (tilt["turn_deg"], tilt["tilt_deg"]) == (pytest.approx(-35), pytest.approx(64))
    assert viewer.view["camera"] == camera
    assert changed(before, viewer.pixels()) > 0.1
    viewer.drag((300, 300), (300, 900))
    assert viewer.view["tilt"]["tilt_deg"] == 0, "no further than from above"

    viewer.page.keyboard.down("Shift")
    viewer.drag((300, 300), (360, 300))
    viewer.page.keyboard.up("Shift")
    moved = viewer.view["camera"]
    assert np.hypot(moved["x_um"] - camera["x_um"], moved["y_um"] - camera["y_um"]) == pytest.approx(
        60 * camera["field_um"] / viewer.box["width"], rel=0.02
    )
    viewer.page.mouse.wheel(0, -400)
    viewer.settle()
    assert viewer.view["camera"]["field_um"] < 0.7 * camera["field_um"]
    viewer.keys("0")
    assert viewer.view["tilt"]["tilt_deg"] == 50
    assert viewer.view["mode"] == "tilted"


def test_by_keys_alone(viewer: Viewer) -> None:
    viewer.open("1-1", "1-2")
    viewer.keys("p", "5")
    assert viewer.status.startswith("3-D. On the registration.")
    assert "lengths across the screen are true" in viewer.status
    assert viewer.page.locator(".ffp-chart").is_hidden(), "lines lie on the flat stage"
    assert viewer.page.locator("[data-command=profile]").is_disabled()
    start = viewer.view["tilt"]
    viewer.keys("ArrowLeft", "Shift+ArrowUp", "[", "m")
    tilt = viewer.view["tilt"]
    assert tilt["turn_deg"] == pytest.approx(start["turn_deg"] + 1.5)
    assert tilt["tilt_deg"] == pytest.approx(start["tilt_deg"] + 24)
    assert viewer.view["tool"] is None
    viewer.slide("heights", 40)
    assert "heights × 40" in viewer.status
    viewer.keys("2")
    assert viewer.page.locator("[data-slider=heights]").is_hidden()
    assert viewer.page.locator(".ffp-chart").is_visible(), "what was laid there is there again"


def test_on_a_stage_that_is_higher_than_wide_they_lie_below_one_another(viewer: Viewer) -> None:
    viewer.page.set_viewport_size({"width": 820, "height": 1600})
    viewer.open("step", "step", form="raw", view=json.dumps({"mode": "side-by-side", "colours": "height"}))
    viewer.element.evaluate("element => element.style.setProperty('--ffp-stage-height', '1500px')")
    viewer.settle()
    beside = viewer.view["camera"]["field_um"]
    viewer.keys("5")
    assert viewer.view["camera"]["field_um"] < 0.7 * beside, "each has the whole width"
    there = np.abs(viewer.pixels() - np.array([30, 34, 40])).max(axis=2) > 24
    half = there.shape[0] // 2
    for name, part in (("query", there[:half]), ("reference", there[half:])):
        middle = part[part.shape[0] // 2 - 20 : part.shape[0] // 2 + 20]
        assert middle.any(axis=0).mean() > 0.6, name
    before = viewer.pixels()
    viewer.drag((200, half + 100), (260, half + 100))
    assert viewer.view["tilt"]["turn_deg"] != -20
    assert changed(before, viewer.pixels()) > 0.05


def test_a_tilted_view_is_saved_and_shown_again(viewer: Viewer) -> None:
    viewer.open("1-1", "1-2")
    viewer.keys("5", "Shift+ArrowLeft", "h")
    saved, before = viewer.view, viewer.pixels()
    viewer.open("1-1", "1-2", view=json.dumps(saved))
    assert viewer.view == saved
    assert changed(before, viewer.pixels()) == 0.0
    older = {name: value for name, value in saved.items() if name != "tilt"} | {"mode": "split"}
    viewer.open("1-1", "1-2", view=json.dumps(older))
    assert viewer.view["tilt"]["tilt_deg"] == 50


def test_a_lost_graphics_card_comes_back_tilted(viewer: Viewer) -> None:
    viewer.open("1-1", "1-2", view=tilted())
    before = viewer.pixels()
    viewer.page.evaluate(
        "() => { window.card = document.querySelector('.ffp-picture').getContext('webgl2')"
        ".getExtension('WEBGL_lose_context'); window.card.loseContext(); }"
    )
    viewer.page.locator("ffp-comparison[data-state=lost]").wait_for()
    viewer.page.evaluate("() => window.card.restoreContext()")
    viewer.page.locator("ffp-comparison[data-state=ready]").wait_for()
    viewer.settle()
    assert changed(before, viewer.pixels()) == 0.0


def test_a_photograph_lies_flat_beside_a_relief(viewer: Viewer) -> None:
    viewer.open("1-1", "photograph", view=tilted())
    right = viewer.pixels()[:, int(viewer.box["width"] / 2) + 30 :]
    assert right.std() > 15


@pytest.fixture
def laptop(browser: Any, site: Site) -> Iterator[Viewer]:
    page = browser.new_page(viewport=LAPTOP)
    yield Viewer(page, site)
    page.close()


@pytest.mark.alone
@pytest.mark.parametrize("form", ["raw", "filtered"])
def test_it_turns_smoothly_in_software(laptop: Viewer, form: str) -> None:
    laptop.open("1-1", "1-2", form=form, view=tilted())
    laptop.element.evaluate("element => element.style.setProperty('--ffp-stage-height', '700px')")
    laptop.settle()
    was_busy = busy()
    frames = drag_for(laptop.page, 3.0)
    size = laptop.page.locator(".ffp-picture").evaluate("canvas => [canvas.width, canvas.height]")
    print(f"{form}: {frames:.0f} frames/s while turning, {size} pixels drawn, {load()}")
    if not was_busy:
        assert frames >= FRAMES_A_SECOND
