"""Within a topic, what people see and type reads and writes through the flows: it opens no session of the database."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import exchange.coordination

FOLDER = Path(exchange.coordination.__path__[0])
OUTER = re.compile(r"_(page|routes|commands?|paper|words|lines|charts|csv)$")


def imported(path: Path) -> set[str]:
    found = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.module for node in found if isinstance(node, ast.ImportFrom) and node.module is not None}


def test_pages_commands_and_papers_know_no_tables() -> None:
    outer = [path for path in FOLDER.rglob("*.py") if OUTER.search(path.stem)]
    assert len(outer) > 40
    wrong = {
        f"{path.relative_to(FOLDER)}: {module}"
        for path in outer
        for module in imported(path)
        if module.startswith("exchange.store") or module.endswith("_tables")
    }
    assert wrong == set()
