"""The page on conformance names the checks as they are."""

from __future__ import annotations

import re
from pathlib import Path

from exchange.conformance.check import Part
from exchange.conformance.suite import ALL_CHECKS


def test_every_check_stands_on_the_page_as_it_is(root: Path) -> None:
    text = (root / "docs/conformance.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \| (.+) \|$", text.replace(r"\|", "|"), re.MULTILINE)
    assert rows == [
        (check.name, check.asks, check.source) for part in Part for check in ALL_CHECKS if check.part is part
    ]


def test_names_tell_checks_apart() -> None:
    assert len({check.name for check in ALL_CHECKS}) == len(ALL_CHECKS)
