"""The scripts of the pages: each import leads to a file that is there, and no imports go round in a circle."""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "exchange" / "web" / "static"
# import "./x.js"; import ... from "./x.js"; export ... from "./x.js"; import("./x.js")
IMPORT = re.compile(
    r"""^\s*(?:import|export)\b(?:[^;"'()]*?\bfrom)?\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']""", re.MULTILINE
)


def imports_of(path: Path) -> set[Path]:
    found = IMPORT.findall(path.read_text(encoding="utf-8"))
    return {(path.parent / (named or called)).resolve() for named, called in found}


def imports_below(folder: Path) -> dict[Path, set[Path]]:
    return {path.resolve(): imports_of(path) for path in sorted(folder.rglob("*.js"))}


def circle_in(imports: dict[Path, set[Path]]) -> list[str]:
    """The names of the modules on one circle, the first one once more at its end; empty where there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return [path.name for path in error.args[1]]
    return []


def test_each_import_leads_to_a_file() -> None:
    imports = imports_below(STATIC)
    assert len(imports) > 30
    assert len(imports[STATIC / "viewer.js"]) > 10
    assert {(path.name, aim.name) for path, aims in imports.items() for aim in aims if aim not in imports} == set()


def test_no_imports_go_round_in_a_circle() -> None:
    assert circle_in(imports_below(STATIC)) == [], "move what both need into a module of its own"


@pytest.mark.parametrize(
    "line",
    [
        'import { a } from "./b.js";',
        'import {\n  a,\n  c,\n} from "./b.js";',
        'import "./b.js";',
        'export { a } from "./b.js";',
        'const { a } = await import("./b.js");',
    ],
)
def test_a_circle_is_found_in_each_form_of_import(line: str, tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(line, encoding="utf-8")
    (tmp_path / "b.js").write_text("import { a } from './a.js';", encoding="utf-8")
    assert sorted(circle_in(imports_below(tmp_path))[1:]) == ["a.js", "b.js"]
