"""The pieces of which a report is made. ``render`` lays them out as PDF, ``pages`` as HTML."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final

from exchange.web.report.charts import Chart

Block = dict[str, Any]

COVERED: Final = (
    (0x20, 0x7E),
    (0xA1, 0xAC),
    (0xAE, 0x17F),
    (0x218, 0x21B),
    (0x391, 0x3A1),
    (0x3A3, 0x3A9),
    (0x3B1, 0x3C9),
    (0x400, 0x45F),
    (0x490, 0x491),
    (0x2010, 0x2014),
    (0x2018, 0x201E),
    (0x2020, 0x2022),
    (0x2026, 0x2026),
    (0x20AC, 0x20AC),
    (0x2116, 0x2116),
    (0x2122, 0x2122),
    (0x2190, 0x2193),
    (0x2212, 0x2212),
    (0x2248, 0x2248),
    (0x2264, 0x2265),
)
"""What the embedded font can draw: Latin, Greek and Cyrillic. PDF/A lets no character through that has no shape."""


def heading(text: str, level: int, anchor: str = "") -> Block:
    """``anchor``: of the section on a page."""
    return {"kind": "heading", "text": text, "level": level, "anchor": anchor}


def headline(figure: str, of: str) -> Block:
    """The figure that stands largest, and what it is of."""
    return {"kind": "headline", "text": figure, "of": of}


def linked(text: str, links: Sequence[tuple[str, str]]) -> Block:
    """A text, and names with their addresses behind it."""
    return {"kind": "linked", "text": text, "links": list(links)}


def paragraph(text: str) -> Block:
    return {"kind": "paragraph", "text": text}


def quiet(text: str) -> Block:
    return {"kind": "quiet", "text": text}


def stage(text: str) -> Block:
    return {"kind": "stage", "text": text}


def bullets(*texts: str) -> Block:
    return {"kind": "bullets", "items": list(texts)}


def pairs(*rows: tuple[str, str]) -> Block:
    """A name and a value in each row."""
    return {"kind": "pairs", "rows": list(rows)}


def columns(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> Block:
    """A table; ``numbers`` are the columns that are set to the right."""
    return {"kind": "columns", "head": list(head), "rows": list(rows), "numbers": list(numbers)}


def figures(
    head: Sequence[str],
    rows: Sequence[tuple[str, str, Sequence[str]]],
    addresses: Mapping[str, str] | None = None,
) -> Block:
    """A wide table: in each row what is counted, its definition, and the figures, set to the right. ``addresses``: of
    pages, by what is counted, to which a page links."""
    found = [{"title": title, "text": text, "cells": list(cells)} for title, text, cells in rows]
    return {"kind": "figures", "head": list(head), "rows": found, "addresses": addresses or {}}


def picture(caption: str, file: str = "picture.png") -> Block:
    """``file``: one of those that the template is set with."""
    return {"kind": "picture", "caption": caption, "file": file}


def shared_columns(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    shares: Sequence[float],
    numbers: Sequence[int] = (),
    name: str = "",
) -> Block:
    """A table whose columns have these shares of the width; ``numbers`` are set to the right. ``name``: of the file in
    which the table is handed out, too."""
    table = columns(head, rows, numbers)
    return {**table, "kind": "shared", "shares": list(shares), "name": name}


def drawn(caption: str, svg: str, under: str | None = None, *, wide: int = 86) -> Block:
    """A drawing on one page. ``under``: what stands below it; without, its caption does on paper alone. ``wide``: in
    per cent of the page."""
    return {"kind": "drawn", "caption": caption, "under": under, "svg": svg, "wide": wide}


def chart(drawing: Chart, caption: str | None = None) -> Block:
    return drawn(drawing.title, drawing.__html__(), caption, wide=100)


def section(title: str, notes: Sequence[str], *blocks: Block) -> list[Block]:
    """``notes``: what a reader must know before the first block."""
    return [heading(title, 1), *map(lead_in, notes), *blocks]


def lead_in(text: str) -> Block:
    """What stands on the page of the next piece: a note below a heading."""
    return {"kind": "lead", "text": text}


def large(blocks: Sequence[Block]) -> Block:
    """Pieces in larger letters."""
    return {"kind": "large", "blocks": list(blocks)}


def cover(
    above: str, title: str, half: str, below: str, names: Sequence[str], warning: str, readers: Sequence[str]
) -> Block:
    """The first page of a paper. ``readers``: who may read it."""
    said = {"above": above, "title": title, "half": half, "below": below, "warning": warning}
    return {"kind": "cover", **said, "names": list(names), "readers": list(readers)}


def new_page() -> Block:
    return {"kind": "page"}


def beside(left: Sequence[Block], right: Sequence[Block]) -> Block:
    """Two columns of pieces, each as wide as the other."""
    return {"kind": "beside", "left": list(left), "right": list(right)}


def together(blocks: Sequence[Block], *, long: bool) -> Block:
    """Pieces that one page holds; ``long``: they may not fit one."""
    return {"kind": "together", "blocks": list(blocks), "long": long}


def details(title: str, blocks: Sequence[Block]) -> Block:
    """A heading of the second level with what stands below it; a page shows that once a reader asks for it."""
    return {"kind": "details", "title": title, "blocks": list(blocks)}


def judged(rows: Sequence[tuple[str, str, str]]) -> Block:
    """What is said of something, by a state that has a colour, the mark that says it without the colour, and words;
    several of them are a legend."""
    return {"kind": "judged", "rows": list(rows)}


def judged_table(
    title: str, text: str, head: Sequence[str], rows: Sequence[tuple[str, Sequence[tuple[str, str]]]]
) -> Block:
    """A picture of states and their marks, one a cell, for a block of the kind ``tables``."""
    found = [{"name": name, "cells": list(cells)} for name, cells in rows]
    return {"title": title, "text": text, "head": list(head), "rows": found}


def tables(found: Sequence[Block]) -> Block:
    """Pictures beside each other, as far as they are narrow enough."""
    return {"kind": "tables", "tables": list(found)}


def printable(text: str) -> str:
    """The text with the code point in place of each character that the font has no shape for: nothing is left out."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(
        letter if letter == "\n" or _covered(ord(letter)) else f"[U+{ord(letter):04X}]" for letter in composed
    )


def _covered(point: int) -> bool:
    return any(low <= point <= high for low, high in COVERED)
