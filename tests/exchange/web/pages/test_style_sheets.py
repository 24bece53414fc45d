"""The style sheets of the pages: that of all pages, and those of a few beside it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exchange.web.pages.static_files import EXTENDED, STATIC

OF_ALL = STATIC / "node.css"
SHEETS = sorted({sheet for folder in (STATIC, *EXTENDED) for sheet in folder.glob("*.css")} - {OF_ALL})
BOX = re.compile(r"(?:^|;)\s*(?:display|width|height)\s*:")


def boxed(sheet: Path) -> set[str]:
    """Each class whose box a sheet states wherever the class stands."""
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.DOTALL))
    found = [one.strip() for selectors, said in rules if BOX.search(said) for one in selectors.split(",")]
    return {one for one in found if re.fullmatch(r"\.[\w-]+", one)}


@pytest.mark.parametrize(
    "sheet",
    SHEETS,
    ids=lambda sheet: sheet.name,
)
def test_no_class_has_two_boxes(sheet: Path) -> None:
    """A small picture and a card of one class were each as small as the other on a page that had both sheets."""
    assert not boxed(sheet) & boxed(OF_ALL)
