"""How wide words are in a drawing, about: for names that go on in a second line before they run into what they name.

No font is asked, because a page draws with whatever the reader has and a paper with another: the widths are those of a
broad one, so that words are rather narrower than is said here.
"""

from __future__ import annotations

from typing import Final

LINE_OF_EM: Final = 1.15
"""From one line to the next, by the size of the letters."""
_NARROW: Final = frozenset(" .,:;!|'’()[]/-·fijlrtIіїјІЇЈ")
_BROAD: Final = frozenset("mwMW@%–—жмфшщыюЖМФШЩЫЮџЏњљЊЉ")
_EM: Final = {"narrow": 0.38, "broad": 0.92, "capital": 0.72, "other": 0.6}


def words_wide(said: str, size: float) -> float:
    """In the unit of ``size``."""
    return sum(_EM[_class_of(letter)] for letter in said) * size


def in_lines_of(said: str, room: float, size: float) -> list[str]:
    """Broken between words where a line would be wider than ``room``; a word alone is never broken."""
    lines = [""]
    for word in said.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and words_wide(longer, size) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _class_of(letter: str) -> str:
    if letter in _NARROW:
        return "narrow"
    if letter in _BROAD:
        return "broad"
    return "capital" if letter.isupper() else "other"
