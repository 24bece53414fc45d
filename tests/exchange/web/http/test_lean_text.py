"""Style and scripts lose comments and indentation on their way, and nothing that a browser reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exchange.web.http.lean_text import is_odd, lean_script, lean_style
from exchange.web.pages.static_files import EXTENDED, STATIC

SCRIPTS = sorted(path for folder in (STATIC, *EXTENDED) for path in folder.rglob("*.js"))
STYLES = sorted(path for folder in (STATIC, *EXTENDED) for path in folder.rglob("*.css"))


def test_what_goes_and_what_stays() -> None:
    text = """// of a module

/**
 * Of a function, with a ` in it.
 */
export function f() { // stays
    /* one line */
    const shader = `
        // of the shader, stays
          indented
    `;
    return "http://x" + shader;
}
"""
    literal = "const shader = `\n        // of the shader, stays\n          indented\n    `;\n"
    kept = f'export function f() {{ // stays\n{literal}return "http://x" + shader;\n}}\n'
    assert lean_script(text) == kept
    assert lean_style("/* a\n b */\n\n  a { }\n/* c */ d { }\n") == "a { }\nd { }\n"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_keep_to_the_rule(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lean = lean_script(text)
    assert sum(map(is_odd, lean.splitlines())) % 2 == 0, "each literal that begins ends"
    assert lean_script(lean) == lean
    code = [line for line in text.splitlines() if not re.match(r"\s*(//|/?\*|$)", line)]
    assert not [line for line in code if "`" in line.partition(" // ")[2]], "no backtick in a comment"
    assert not [line for line in code if re.search(r"""(["'])[^"'`]*`[^"'`]*\1""", line) and is_odd(line)]
    assert not [line for line in code if re.match(r"\s*/\*.*\*/\s*\S", line)], "no line of code begins with a comment"
    kept = {line.strip() for line in lean.splitlines()}
    assert not [line for line in code if line.strip() not in kept], "all code is there"


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_styles_keep_their_rules(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lean = lean_style(text)
    assert lean_style(lean) == lean
    bare = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    assert re.sub(r"/\*.*?\*/|\s", "", lean, flags=re.DOTALL) == re.sub(r"\s", "", bare)
