"""A page with the comparison viewer, and what an examiner sees and does there."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.browser.pages import settle

if TYPE_CHECKING:
    from tests.browser.conftest import Site


@dataclass
class Viewer:
    """One viewer on a page of the tests' own site."""

    page: Any
    site: Site

    def open(self, a: str, b: str, *, state: str = "ready", **query: str) -> None:
        more = "&".join(f"{name}={quote(value)}" for name, value in query.items())
        self.page.goto(f"{self.site.url}/pair/{a}/{b}?{more}")
        self.page.locator(f"ffp-comparison[data-state={state}]").wait_for(timeout=20_000)
        self.settle()

    @property
    def element(self) -> Any:
        return self.page.locator("ffp-comparison")

    @property
    def stage(self) -> Any:
        return self.page.locator(".ffp-stage")

    @property
    def status(self) -> str:
        return str(self.page.locator(".ffp-status").inner_text())

    @property
    def view(self) -> dict[str, Any]:
        found: dict[str, Any] = self.element.evaluate("element => element.view")
        return found

    @property
    def box(self) -> dict[str, float]:
        found: dict[str, float] = self.stage.bounding_box()
        return found

    def settle(self) -> None:
        settle(self.page)

    def keys(self, *names: str) -> None:
        self.stage.focus()
        for name in names:
            self.page.keyboard.press(name)
        self.settle()

    def slide(self, name: str, value: float) -> None:
        """The sliders of the light are behind a button; they are open no longer than they are used."""
        slider = self.page.locator(f"input[name={name}]")
        hidden = slider.is_hidden()
        if hidden:
            self.page.keyboard.press("i")
        slider.fill(str(value))
        if hidden:
            self.page.keyboard.press("i")
        self.settle()

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """From one place to another, in CSS pixels from the stage's top left."""
        left, top = self.box["x"], self.box["y"]
        self.page.mouse.move(left + start[0], top + start[1])
        self.page.mouse.down()
        self.page.mouse.move(left + (start[0] + end[0]) / 2, top + (start[1] + end[1]) / 2)
        self.page.mouse.move(left + end[0], top + end[1])
        self.page.mouse.up()
        self.settle()

    def pixels(self) -> NDArray[np.float64]:
        """The stage as it is on the screen: (rows, columns, 3), 0 to 255."""
        shot = Image.open(io.BytesIO(self.stage.screenshot())).convert("RGB")
        return np.asarray(shot, np.float64)


def changed(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """The share of pixels that differ by more than a twentieth of the range."""
    return float((np.abs(before - after).max(axis=2) > 12).mean())
