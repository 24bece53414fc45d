"""Two hands for one story: a keyboard alone, and a pointer. Each reaches what it is given as a person does, and fails
where a person would: too many keys, no ring around what has the focus, something that lies over it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import date
from pathlib import Path
from typing import Any, Final

MOST_TABS: Final = 60
"""From one control of a story to the next."""
MOST_OPTIONS: Final = 60
POINTER_STEPS: Final = 5

_HAS_FOCUS = "(control) => control === document.activeElement"
_ONE_OF_ITS_GROUP = """(control) => {
  const now = document.activeElement;
  return now?.type === "radio" && now.name === control.name && now.form === control.form;
}"""
_WAY_TO = """(control) => {
  const now = document.activeElement;
  const nowhere = now === null || now === document.body;
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const from = nowhere ? named : now;
  const opened = control.closest(":popover-open");  // follows on what opened it, wherever it stands
  const isAhead = !from || Boolean(opened && !opened.contains(from))
    || Boolean(from.compareDocumentPosition(control) & Node.DOCUMENT_POSITION_FOLLOWING);
  return { begins: nowhere && !named, isInMain: control.closest("main") !== null, isAhead };
}"""
_RING = """(control) => {
  const { outlineStyle, outlineWidth, outlineColor, boxShadow } = getComputedStyle(control);
  const isDrawn = !/, 0\\)$|transparent/.test(outlineColor);
  const outlined = outlineStyle !== "none" && parseFloat(outlineWidth) >= 1 && isDrawn;
  const { left, top, width, height } = control.getBoundingClientRect();
  const seen = [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5], [0.5, 0.1], [0.5, 0.9]].some(([x, y]) => {
    const found = document.elementFromPoint(left + x * width, top + y * height);
    return found && (control.contains(found) || found.closest("label")?.control === control);
  });
  return { ringed: outlined || boxShadow !== "none", seen };
}"""
_OPTIONS = "({ options, selectedIndex }) => [[...options].map(({ label }) => label.trim()), selectedIndex]"
_PLACE = """async (control) => {
  control.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  const area = ({ width, height }) => width * height;
  const [box] = [...control.getClientRects()].sort((one, other) => area(other) - area(one));
  if (!box || !area(box)) return { over: "nothing of it is drawn" };
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  const found = document.elementFromPoint(x, y);
  const hit = found && (control.contains(found) || found.closest("label")?.control === control);
  return { x, y, over: hit ? "" : `over it lies ${found?.outerHTML.slice(0, 160) ?? "the window's edge"}` };
}"""


class Hand(ABC):
    """The verbs of a story. ``control`` is what a person sees or hears: one element on the page."""

    def __init__(self, page: Any) -> None:
        self.page = page

    @abstractmethod
    def reach(self, control: Any) -> None:
        """Bring the focus, or the pointer, to it; into a text with a click."""

    @abstractmethod
    def approach(self, control: Any) -> None:
        """The focus, or the pointer, is there; nothing is pressed yet."""

    @abstractmethod
    def press(self, control: Any) -> None:
        """A button, a link, a box to tick."""

    @abstractmethod
    def take(self, control: Any) -> None:
        """One of several that exclude each other."""

    @abstractmethod
    def choose(self, control: Any, option: str) -> None:
        """One line of a list that opens."""

    def write(self, control: Any, text: str) -> None:
        """In place of what stands there."""
        self.reach(control)
        if control.input_value():
            self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def write_day(self, control: Any, day: date) -> None:
        """Month, day and year, as the browser of these tests has them."""
        self.reach(control)
        for _ in range(2):
            self.page.keyboard.press("ArrowLeft")
        self.page.keyboard.type(day.strftime("%m%d%Y"))
        assert control.input_value() == day.isoformat()

    def give(self, control: Any, paths: list[Path]) -> None:
        """Files, in the window of the system that the control opens."""
        with self.page.expect_file_chooser() as chooser:
            self.press(control)
        chooser.value.set_files([str(path) for path in paths])


class Keyboard(Hand):
    """Tab, Shift+Tab, arrows, Enter and Space. ``farthest`` is how many keys the longest way took."""

    def __init__(self, page: Any) -> None:
        super().__init__(page)
        self.farthest = 0

    def reach(self, control: Any) -> None:
        self._go(control, _HAS_FOCUS)

    def approach(self, control: Any) -> None:
        self.reach(control)

    def press(self, control: Any) -> None:
        self.reach(control)
        self.page.keyboard.press("Space" if control.evaluate("({ tagName }) => tagName === 'INPUT'") else "Enter")

    def take(self, control: Any) -> None:
        self._go(control, _ONE_OF_ITS_GROUP)
        for _ in range(MOST_OPTIONS):
            if control.evaluate(_HAS_FOCUS):
                break
            self.page.keyboard.press("ArrowDown")
        else:
            raise AssertionError(f"arrows do not lead to {control}")
        if not control.is_checked():
            self.page.keyboard.press("Space")
        assert control.is_checked()

    def choose(self, control: Any, option: str) -> None:
        self.reach(control)
        said, here = control.evaluate(_OPTIONS)
        assert option in said, f"{option!r} is none of {said}"
        there = said.index(option)
        for _ in range(abs(there - here)):
            self.page.keyboard.press("ArrowDown" if there > here else "ArrowUp")
        assert control.evaluate("({ selectedIndex }) => selectedIndex") == there

    def _go(self, control: Any, arrived: str) -> None:
        """By the link over the head of the page where nothing has the focus yet."""
        control.wait_for(state="visible")
        pressed = 0
        if not control.evaluate(arrived):
            way = control.evaluate(_WAY_TO)
            if way["begins"] and way["isInMain"]:
                self._over_the_head()
                pressed = 2
            while not control.evaluate(arrived):
                assert pressed < MOST_TABS, f"{pressed} keys do not lead to {control}; they led to {self._here()}"
                self.page.keyboard.press("Tab" if way["isAhead"] else "Shift+Tab")
                pressed += 1
        self.farthest = max(self.farthest, pressed)
        if control.evaluate(_HAS_FOCUS):
            ring = control.evaluate(_RING)
            assert ring["ringed"], f"no ring shows that {control} has the focus"
            assert ring["seen"], f"{control} has the focus, and something lies over it"

    def _over_the_head(self) -> None:
        self.page.keyboard.press("Tab")
        first = self.page.evaluate("() => document.activeElement.getAttribute('href')")
        assert first == "#content", f"the first way of {self.page.url} leads to {first}, not to the content"
        self.page.keyboard.press("Enter")

    def _here(self) -> str:
        return str(self.page.evaluate("() => document.activeElement?.outerHTML.slice(0, 160)"))


class Pointer(Hand):
    """Moves to the middle of what is seen, and clicks there."""

    def reach(self, control: Any) -> None:
        self.press(control)

    def press(self, control: Any) -> None:
        self.approach(control)
        self.page.mouse.down()
        self.page.mouse.up()

    def take(self, control: Any) -> None:
        self.press(control)
        assert control.is_checked()

    def choose(self, control: Any, option: str) -> None:
        """The list that opens is the system's own, and is no part of the page."""
        self.approach(control)
        control.select_option(label=option)

    def approach(self, control: Any) -> None:
        control.wait_for(state="visible")
        place = control.evaluate(_PLACE)
        assert not place["over"], f"{control} cannot be clicked: {place['over']}"
        self.page.mouse.move(place["x"], place["y"], steps=POINTER_STEPS)


HANDS: Final[dict[str, type[Hand]]] = {"keyboard": Keyboard, "pointer": Pointer}
