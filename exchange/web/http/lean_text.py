"""Style and scripts as they travel: without the lines that are comments alone, empty lines and indentation.

They say the same to a browser, in a fifth fewer bytes; what they are made of stays readable. Nothing is parsed: only
whole lines go, and within a template literal of more lines than one nothing does. So a line of code never begins with a
comment in these files, and no backtick stands in a comment, a string or a regular expression; a test sees to that.
"""

from __future__ import annotations

from collections.abc import Iterator


def lean_style(text: str) -> str:
    return "".join(f"{line}\n" for line in _without_blocks(text.splitlines()))


def lean_script(text: str) -> str:
    kept, literal = [], False
    for line in _without_blocks(text.splitlines(), beside_literals=True):
        if not literal and line.startswith("//"):
            continue
        literal ^= is_odd(line)
        kept.append(f"{line}\n")
    return "".join(kept)


def is_odd(line: str) -> bool:
    """Whether a template literal begins or ends on a line, and goes on beyond it."""
    return (line.count("`") - line.count("\\`")) % 2 == 1


def _without_blocks(lines: list[str], *, beside_literals: bool = False) -> Iterator[str]:
    """Each line without its indentation; none that is empty, or within a comment that begins with its line."""
    within = literal = False
    for whole in lines:
        line = whole.strip()
        if literal:
            literal ^= is_odd(whole)
            yield whole
            continue
        if within or line.startswith("/*"):
            _, ends, line = line.partition("*/")
            within, line = not ends, line.strip()
            if within:
                continue
        if line:
            literal = beside_literals and not line.startswith("//") and is_odd(line)
            yield line
