"""A module and its folder become one script that does the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exchange.web.http.joined_scripts import EXPORT, IMPORT, joined_script
from exchange.web.http.lean_text import lean_script
from exchange.web.pages.static_files import JOINED, STATIC

MODULES = [path for entry in JOINED for path in (entry, *sorted(entry.with_suffix("").glob("*.js")))]


def test_each_module_stands_before_what_imports_it(tmp_path: Path) -> None:
    folder = tmp_path / "bench"
    folder.mkdir()
    (tmp_path / "state.js").write_text("export class Kept {}\n")
    (folder / "one.js").write_text('import { Kept } from "../state.js";\nexport const ONE = new Kept();\n')
    (folder / "two-words.js").write_text(
        'import { ONE } from "./one.js";\nexport async function two() { return ONE; }\nexport class Two {}\n'
    )
    (tmp_path / "bench.js").write_text(
        '// What it is.\nimport { ONE } from "./bench/one.js";\nimport { two, Two } from "./bench/two-words.js";\n'
        "two(ONE, Two);\n"
    )
    assert joined_script(tmp_path / "bench.js") == (
        'import { Kept } from "./state.js";\nconst $_one = (() => {\nexport_'.replace(
            "export_", "const ONE = new Kept();\nreturn { ONE };\n})();\n"
        )
        + "const $_two_words = (() => {\nconst { ONE } = $_one;\nasync function two() { return ONE; }\nclass Two {}\n"
        "return { two, Two };\n})();\n"
        "const { ONE } = $_one;\nconst { two, Two } = $_two_words;\ntwo(ONE, Two);\n"
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_modules_keep_to_what_is_understood(path: Path) -> None:
    text = lean_script(path.read_text(encoding="utf-8"))
    assert len(re.findall(r"^import\b", text, re.MULTILINE)) == len(IMPORT.findall(text))
    assert len(re.findall(r"^export\b", text, re.MULTILINE)) == len(EXPORT.findall(text))
    assert "import(" not in text
    assert "import.meta" not in text


@pytest.mark.parametrize("entry", JOINED, ids=lambda path: path.name)
def test_nothing_is_left_out_and_nothing_stands_twice(entry: Path) -> None:
    joined = joined_script(entry)
    for path in entry.with_suffix("").glob("*.js"):
        if path.name in {"patience.js", "swap.js"}:  # of other scripts of the page too
            continue
        assert joined.count(f"const $_{path.stem.replace('-', '_')} = (() => {{") == 1, path.name
    assert re.findall(r'^import .* from "(.*)";$', joined, re.MULTILINE) == ["./kept-work.js"]
    assert (STATIC / "kept-work.js").is_file()
