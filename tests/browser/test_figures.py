"""How soon the comparison page is ready after the click, and how smoothly it drags: on a real node, drawn in software.

The machine's load stands beside each figure: on a busy one they say little.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

import matcher
from matcher.synthetic import breech_face
from schemas.vocabulary import Jurisdiction, Role
from tests.browser.pages import enter, settle, wait_ready
from tests.exchange.running_nodes import RunningNode, node_starter

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.alone]

READY_S = {545: 1.5, 2500: 4.0}
FRAMES_A_SECOND = 30
WINDOWS = ((1440, 900), (1280, 720))
BUSY = 1.5
"""Other work a core: beyond it a figure is printed, and nothing is demanded of it."""


def scan_of(points: int, shot: int, firearm: int = 1) -> matcher.Topography:
    """A synthetic mark with so many points on each side."""
    drawn = breech_face.draw(firearm, shot)
    factor = points / drawn.heights_um.shape[0]
    measured = np.isfinite(drawn.heights_um)
    heights = _zoomed(np.where(measured, drawn.heights_um, 0.0), factor)
    heights += np.random.default_rng(shot).normal(0, 0.02, heights.shape).astype(np.float32)  # an instrument's noise
    heights[_zoomed(measured.astype(np.float32), factor) < 0.5] = np.nan
    spacing = tuple(step / factor for step in drawn.spacing_um)
    return matcher.Topography(np.ascontiguousarray(heights), (spacing[0], spacing[1]))


def _zoomed(plane: NDArray[Any], factor: float) -> NDArray[np.float32]:
    return np.asarray(ndimage.zoom(plane, factor, order=1), np.float32)


@pytest.fixture(scope="module", params=READY_S)
def measured(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, RunningNode]]:
    """A node with a pair of this size, correlated and at rest."""
    points: int = request.param
    folder = tmp_path_factory.mktemp(f"figures-{points}")
    with pytest.MonkeyPatch.context() as monkeypatch, node_starter(folder, monkeypatch) as start:
        node = start(Jurisdiction.RS, workers=2)
        for shot in (1, 2):
            path = folder / f"{shot}.x3p"
            matcher.write_topography(scan_of(points, shot), path, instrument="synthetic")
            assert node.submit(path, case_reference=f"CASE-{shot}").status_code == 201
        node.wait_correlated(2)
        yield points, node


@pytest.fixture
def page(browser: Any, measured: tuple[int, RunningNode]) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    made = context.new_page()
    enter(made, measured[1], Role.EXAMINER)
    yield made
    context.close()


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def busy() -> bool:
    return os.getloadavg()[0] / (os.cpu_count() or 1) > BUSY


def test_the_page_is_ready_soon_and_drags_smoothly(page: Any, measured: tuple[int, RunningNode]) -> None:
    points, node = measured
    (record, _) = node.get("/v1/records").json()["items"]
    page.goto(f"{node.url}/app/records/{record['statement_id']}/candidates")
    loaded, was_busy = load(), busy()
    took = []
    for _ in range(3):
        page.goto(f"{node.url}/app/records/{record['statement_id']}/candidates")
        begun = time.perf_counter()
        page.get_by_role("link", name="Compare").first.click()
        wait_ready(page)
        took.append(time.perf_counter() - begun)
        print(f"two {points} x {points}: ready {took[-1]:.2f} s after the click, {loaded}")
        page.wait_for_timeout(500)

    if not was_busy:
        assert min(took) <= READY_S[points]
    for width, height in WINDOWS:
        page.set_viewport_size({"width": width, "height": height})
        settle(page)
        whole = drawn(page)
        frames = drag_for(page, 2.0)
        coarse = drawn(page, "[data-dragging]")
        page.mouse.up()
        settle(page)
        said = f"{frames:.0f} frames/s of {coarse} pixels while dragging, {whole} at rest"
        print(f"two {points} x {points} at {width} x {height}: {said}, {load()}")
        assert drawn(page) == whole, "at rest it is drawn in full again"
        if not was_busy:
            assert frames >= FRAMES_A_SECOND
    assert page.locator(".ffp-status").inner_text().startswith("Split.")


def drawn(page: Any, state: str = "") -> str:
    """The pixels of the picture that the stage shows, as the viewer says them."""
    return str(page.locator(f"ffp-comparison{state}").get_attribute("data-drawn"))


def drag_for(page: Any, seconds: float) -> float:
    """Pictures a second that reach the screen while the stage follows the pointer. Each is waited for: reading a pixel
    of the canvas ends only when the picture is drawn. The hand stays down."""
    box = page.locator(".ffp-stage").bounding_box()
    page.evaluate(
        "() => document.querySelector('.ffp-stage').addEventListener('pointerdown',"
        " event => { window.held = event.pointerId; }, { capture: true, once: true })"
    )
    page.mouse.move(box["x"] + 300, box["y"] + 100)
    page.mouse.down()
    page.evaluate(
        """() => {
          const gl = document.querySelector('.ffp-picture').getContext('webgl2');
          const pixel = new Uint8Array(4);
          const stage = document.querySelector('.ffp-stage');
          const box = stage.getBoundingClientRect();
          window.frames_drawn = 0;
          window.dragging = true;
          const step = () => {
            if (!window.dragging) return;
            const angle = window.frames_drawn / 10;
            stage.dispatchEvent(new PointerEvent('pointermove', { pointerId: window.held, bubbles: true,
              clientX: box.left + 300 + 80 * Math.sin(angle), clientY: box.top + 100 + 40 * Math.cos(angle) }));
            requestAnimationFrame(() => {
              gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
              window.frames_drawn += 1;
              setTimeout(step);
            });
          };
          step();
        }"""
    )
    begun = time.perf_counter()
    page.wait_for_timeout(1000 * seconds)
    pictures = int(page.evaluate("() => { window.dragging = false; return window.frames_drawn; }"))
    return pictures / (time.perf_counter() - begun)
