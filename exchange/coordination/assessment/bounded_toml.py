"""Read TOML that somebody else wrote, within bounds: Python's reader takes a time that grows with the square of what a
key, or the list of tables, is long, so what is hostile is refused before it is read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

from exchange.errors import InvalidInput
from exchange.home import read_bounded

MAX_TOML_BYTES: Final = 1024 * 1024
MAX_NESTED: Final = 8
MAX_SIGNS: Final = 10_000
"""Brackets, commas and equals signs outside of words: a filled-in file has some hundreds."""
MAX_KEY_PARTS: Final = 6
_MAX_SAID: Final = 300
_WORDS: Final = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:""")?|'
    r"'''(?:[^']|'(?!''))*+(?:''')?|"
    r'"(?:[^"\\\n]|\\.)*+"?|'
    r"'[^'\n]*+'?|"
    r"#[^\n]*+",
    re.DOTALL,
)
"""What is written between quotation marks, and comments. What is not closed ends with the file or the line, so that
nothing is looked at twice; Python's reader refuses it there."""
_BRACKETS: Final = re.compile(r"[\[\]{},=]")
_LONG_KEY: Final = re.compile(rf"(?:\.[ \t]*+[^\s.,=\[\]{{}}]*+[ \t]*+){{{MAX_KEY_PARTS}}}")
_CURLED: Final = re.compile(r"=[ \t]*[\u201c-\u201f\u00ab\u2018-\u201b]")
"""What word processors make of a quotation mark, where a value begins."""


def read_toml(path: Path) -> dict[str, Any]:
    """Raises InvalidInput, which names the file and, where that can be told, the line."""
    try:
        text = read_whole(path, MAX_TOML_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path.name} is not UTF-8; save it as UTF-8.") from error
    check_bounds(text, path.name)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits
        hint = ' Write straight quotation marks: ".' if _CURLED.search(text) else ""
        raise InvalidInput(f"{path.name} is no TOML: {str(error)[:_MAX_SAID]}.{hint}") from error


def read_whole(path: Path, most: int) -> bytes:
    """Raises InvalidInput for a file that cannot be read or has more bytes than ``most``."""
    try:
        data = read_bounded(path, most)
    except OSError as error:
        raise InvalidInput(f"{path.name} cannot be read: {error.strerror}.") from error
    if len(data) > most:
        raise InvalidInput(f"{path.name} has more than {most} bytes.")
    return data


def check_bounds(text: str, name: str) -> None:
    """In a time that grows with the text alone. Raises InvalidInput."""
    bare = _WORDS.sub('""', text)
    signs, depth = _BRACKETS.findall(bare), 0
    if len(signs) > MAX_SIGNS:
        raise InvalidInput(f"{name} holds more than {MAX_SIGNS} tables and values.")
    for sign in signs:
        depth += (sign in "[{") - (sign in "]}")
        if depth > MAX_NESTED:
            raise InvalidInput(f"{name} is nested too deep.")
    if _LONG_KEY.search(bare) is not None:
        raise InvalidInput(f"{name}: a key has more than {MAX_KEY_PARTS} parts.")
