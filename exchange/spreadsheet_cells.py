"""Cells of a table for a spreadsheet, which takes none of them for a formula."""

from __future__ import annotations

import re
from typing import Final

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", *"＝＋－＠")
"""In either width: some spreadsheets take both."""
_AFTER_SEMICOLON: Final = re.compile(rf"(;)(?=[\s\"']*[{re.escape(''.join(FORMULA))}])")


def guarded(cell: str) -> str:
    """A spreadsheet computes what begins so; an apostrophe before it makes it text. Also behind each semicolon: in the
    languages of this region spreadsheets begin a new cell there."""
    cell = _AFTER_SEMICOLON.sub(r"\1'", cell)
    return f"'{cell}" if cell.startswith(FORMULA) else cell
