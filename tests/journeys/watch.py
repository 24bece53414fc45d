"""What is looked at on every page: its language, its width, its title, what the browser says of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from tests.journeys.speech import CYRILLIC, Speech, english_of, latin_in

_TOLD = """document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
  console.error(`the policy forbids ${violatedDirective}: ${blockedURI}`));"""
_SAID = """([attributes, leftOut]) => {
  const page = document.documentElement.lang;
  const isForeign = (node) => {
    const told = node.closest("[lang]");
    return told !== null && told.tagName !== "FFP-COMPARISON" && told.lang !== page;
  };
  const said = [];
  for (const node of document.body.querySelectorAll("*")) {
    if (node.closest(leftOut) || isForeign(node)) continue;
    for (const { name, value } of node.attributes) {
      if (attributes.includes(name) || name.startsWith("data-text-")) said.push(value);
    }
    for (const child of node.childNodes) if (child.nodeType === Node.TEXT_NODE) said.push(child.data);
  }
  return said.map((text) => text.trim()).filter(Boolean);
}"""
_ATTRIBUTES: Final = ["title", "aria-label", "aria-valuetext", "placeholder", "alt"]
_LEFT_OUT: Final = "pre, code, time, script, style, noscript, template, kbd, bdi, .data"
_SCROLLED = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Watch:
    """``data``: what people and other nodes wrote, which is in no language of the pages."""

    def __init__(self, page: Any, speech: Speech, data: Collection[str]) -> None:
        self._page, self._speech, self._data = page, speech, {*data}
        self._found: list[str] = []
        self._said: list[str] = []
        self._visited: set[str] = set()
        self._looked_at: set[str] = set()
        page.add_init_script(_TOLD)
        page.on("console", lambda message: self._said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self._said.append(str(error)))
        page.on("framenavigated", self._moved)

    def add_data(self, *values: str) -> None:
        self._data |= {*values}

    def look(self) -> None:
        """At what is shown now: as soon as a page is there, and again when something opened on it. What is wrong is
        said at the end, all of it."""
        found = self.faults()
        self._found += [f"{_without_fragment(self._page.url)}: {fault}" for fault in found]

    def faults(self) -> list[str]:
        """What is wrong with what is shown now."""
        page, code = self._page, self._speech.code
        self._looked_at.add(_without_fragment(page.url))
        found = []
        shown = page.evaluate("() => document.documentElement.lang")
        if shown != code:
            found.append(f"the page is in {shown}, not in {code}")
        name, _, site = page.title().rpartition(" · ")
        if site != self._speech.text("Ballistic exchange") or not name:
            found.append(f"the title is {page.title()!r}")
        said = [name, *page.evaluate(_SAID, [_ATTRIBUTES, _LEFT_OUT])]
        found += [f"English: {text}" for text in english_of(code).found_in(said)]
        if code in CYRILLIC:
            found += [f"Latin letters: {text}" for text in latin_in(code, said, self._data)]
        beyond = page.evaluate(_SCROLLED)
        if beyond > 0:
            found.append(f"{beyond} pixels wider than the window")
        return found

    def end(self) -> None:
        """Nothing was wrong or said on the console, and no page was passed without a look."""
        passed = [f"no look at {address}" for address in self._visited - self._looked_at]
        wrong = [*dict.fromkeys(self._found), *(f"the console: {line}" for line in self._said), *passed]
        assert not wrong, "\n".join(wrong)

    def _moved(self, frame: Any) -> None:
        if frame.parent_frame is None and frame.url.startswith("http"):
            self._visited.add(_without_fragment(frame.url))


def _without_fragment(address: str) -> str:
    return address.partition("#")[0]
