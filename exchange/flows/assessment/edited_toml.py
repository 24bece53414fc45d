"""Change values of a file of TOML in its text, so that comments, order and what a person wrote beside them stay.

    with_values(text, ("answers", "succession"), {"answer": "yes"})

What is changed is read again by Python's own reader, and must be exactly what was meant: of a file that is written in
a way that this module does not follow (a table within braces, a dotted key) the caller writes a plain one anew. The
text was checked by ``bounded_toml``, so that nothing here takes longer than the text is long.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

from exchange.flows.assessment.bounded_toml import WORDS

TomlValue: TypeAlias = str | int | float | bool | date
_HEADER: Final = re.compile(r"[ \t]*(\[\[?)[ \t]*([^\]\n]*+)\]")
_KEY: Final = re.compile(r"[ \t]*(?:\"([^\"\n]*)\"|'([^'\n]*)'|([A-Za-z0-9_-]+))[ \t]*=[ \t]*")
_PIECE: Final = re.compile(rf"(?P<words>{WORDS.pattern})|(?P<open>[\[{{])|(?P<close>[\]}}])|(?P<end>\n)", re.DOTALL)


class NotFollowed(Exception):
    """The text is written in a way that cannot be changed in place."""


@dataclass(frozen=True)
class _Piece:
    """A header, a key with its value, or what is neither, from ``start`` to ``end``; ``value`` is where a key's value
    stands."""

    start: int
    end: int
    table: tuple[str, ...] = ()
    is_list: bool = False
    key: str | None = None
    value: tuple[int, int] = (0, 0)

    @property
    def is_header(self) -> bool:
        return bool(self.table) and self.key is None


def with_values(text: str, table: Sequence[str], values: Mapping[str, TomlValue]) -> str:
    """The text with these values in one table, or, with no table, before the first one. Raises NotFollowed."""
    found = text
    for key, value in values.items():
        found = _with_value(found, tuple(table), key, value)
    expected = _read(text)
    place = expected
    for name in table:
        place = place.setdefault(name, {})
        if not isinstance(place, dict):
            raise NotFollowed
    place.update(values)
    return _checked(found, expected)


def with_list(text: str, name: str, items: Sequence[Mapping[str, TomlValue]]) -> str:
    """The text with these tables as the list ``name``, at its end, in the place of those that it had; comments stay.
    Raises NotFollowed."""
    kept, end = [], 0
    within = False
    for piece in _pieces(text):
        if piece.is_header:
            within = piece.table[:1] == (name,)
        if within and piece.table:
            kept.append(text[end : piece.start])
            end = piece.end
    kept.append(text[end:])
    begun = re.sub(r"\n{3,}\Z", "\n\n", "".join(kept))
    written = begun if begun.endswith("\n") or not begun else begun + "\n"
    for item in items:
        written += f"\n[[{name}]]\n" + "".join(f"{key} = {toml_value(value)}\n" for key, value in item.items())
    expected = _read(text) | ({name: [dict(item) for item in items]} if items else {})
    if not items:
        expected.pop(name, None)
    return _checked(written, expected)


def plain_toml(fields: Mapping[str, Any]) -> str:
    """A file anew, without comments: values, then tables of tables, then lists of tables."""
    lines = [f"{key} = {toml_value(value)}" for key, value in fields.items() if not isinstance(value, dict | list)]
    for name, tables in fields.items():
        if isinstance(tables, dict):
            for key, table in tables.items():
                lines += ["", f"[{name}.{key}]", *(f"{field} = {toml_value(value)}" for field, value in table.items())]
        elif isinstance(tables, list):
            for table in tables:
                lines += ["", f"[[{name}]]", *(f"{field} = {toml_value(value)}" for field, value in table.items())]
    return "\n".join(lines) + "\n"


def toml_value(value: TomlValue) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return toml_text(value)
        case date():
            return value.isoformat()
        case _:
            return f"{value:g}"


def toml_text(text: str) -> str:
    """A string of TOML: what JSON escapes in one, TOML reads the same; of several lines it stands in several."""
    if "\n" not in text:
        return json.dumps(text, ensure_ascii=False)
    lines = (json.dumps(line, ensure_ascii=False)[1:-1] for line in text.split("\n"))
    return '"""\n' + "\n".join(lines) + '"""'


def _with_value(text: str, table: tuple[str, ...], key: str, value: TomlValue) -> str:
    written = toml_value(value)
    here, after = not table, 0
    is_there = here
    for piece in _pieces(text):
        if piece.is_header:
            here = piece.table == table and not piece.is_list
            if here:
                is_there, after = True, piece.end
        elif here and piece.key is not None:
            after = piece.end
            if piece.key == key:
                start, end = piece.value
                return text[:start] + written + text[end:]
    if is_there:
        begun = text[:after] if text[:after].endswith("\n") or not after else text[:after] + "\n"
        return f"{begun}{key} = {written}\n{text[after:]}"
    begun = text if text.endswith("\n") or not text else text + "\n"
    return f"{begun}\n[{'.'.join(table)}]\n{key} = {written}\n"


def _pieces(text: str) -> Iterator[_Piece]:
    """In the order of the text, which they cover."""
    place, is_list = 0, False
    table: tuple[str, ...] = ()
    while place < len(text):
        header = _HEADER.match(text, place)
        key = None if header else _KEY.match(text, place)
        if header is not None:
            table, is_list = tuple(part.strip(" \t\"'") for part in header[2].split(".")), header[1] == "[["
            end = _line_end(text, header.end())
            yield _Piece(place, end, table, is_list)
        elif key is not None:
            value_end, end = _value_end(text, key.end())
            name = next(part for part in key.groups() if part is not None)
            yield _Piece(place, end, table, is_list, name, (key.end(), value_end))
        else:
            end = _line_end(text, place)
            yield _Piece(place, end)
        place = end


def _value_end(text: str, start: int) -> tuple[int, int]:
    """Where a value ends, and where its line does."""
    depth, last = 0, start
    for piece in _PIECE.finditer(text, start):
        if piece["end"] is not None and depth == 0:
            return _stripped(text, start, piece.start()), piece.end()
        words = piece["words"]
        if words is not None and words.startswith("#"):
            if depth == 0:
                return _stripped(text, start, piece.start()), _line_end(text, piece.end())
            continue
        depth += (piece["open"] is not None) - (piece["close"] is not None)
        last = piece.end()
    return _stripped(text, start, max(last, len(text))), len(text)


def _stripped(text: str, start: int, end: int) -> int:
    return start + len(text[start:end].rstrip(" \t\r\n"))


def _line_end(text: str, place: int) -> int:
    found = text.find("\n", place)
    return len(text) if found < 0 else found + 1


def _checked(text: str, expected: Mapping[str, Any]) -> str:
    if _read(text) != expected:
        raise NotFollowed
    return text


def _read(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise NotFollowed from error
