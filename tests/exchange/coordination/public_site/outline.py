"""The elements of a page as its source has them, each closed by its own end tag."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br"}
"""Without an end tag."""


class _Outline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if len({name for name, _ in attrs}) != len(attrs):
            raise ValueError(f"{tag} has an attribute twice")
        self.found.append((len(self._open), tag))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((len(self._open), tag))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            raise ValueError(f"{tag} closes {self.found[-1][1]}")

    def end(self) -> None:
        self.close()
        if self._open:
            raise ValueError(f"{self._open} stay open")


def outline(text: str) -> list[tuple[int, str]]:
    """Depth and name of each element, in their order. Raises ValueError where one is not closed by its own end tag, or
    has an attribute twice."""
    found = _Outline()
    found.feed(text)
    found.end()
    return found.found
