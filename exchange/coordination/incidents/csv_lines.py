"""The rows of a CSV that may hold personal data: read from a stream, bounded, never written anywhere.

No message repeats what stands in the file, and no error that is raised has an error of the reader behind it, since that
one names what it stumbled upon.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from enum import StrEnum
from itertools import chain
from typing import Any, Final, Protocol

from exchange.errors import InvalidInput, TooLarge

MAX_CSV_BYTES: Final = 16 * 1024 * 1024
MAX_ROWS: Final = 100_000
"""Bounded: a file of the size above could hold sixteen million empty rows."""
MAX_CSV_COLUMNS: Final = 64
MAX_CELL: Final = 120
"""Characters of a cell that is read; the longest word of a vocabulary has 30."""
_MAX_LINE: Final = 64 * 1024
_DELIMITERS: Final = ",;\t|"
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_LONGEST_MARK: Final = 4


class TableEncoding(StrEnum):
    """``auto``: as the file's first bytes say, else UTF-8."""

    AUTO = "auto"
    UTF_8 = "utf-8"
    UTF_16 = "utf-16"
    WINDOWS_1250 = "windows-1250"
    WINDOWS_1251 = "windows-1251"
    WINDOWS_1252 = "windows-1252"
    ISO_8859_2 = "iso-8859-2"
    ISO_8859_5 = "iso-8859-5"


class ByteSource(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


def csv_lines(source: ByteSource, encoding: TableEncoding = TableEncoding.AUTO) -> Iterator[list[str]]:
    """The head of the table and each row after it, also empty ones, so that rows count as a spreadsheet counts them.

    Raises InvalidInput, code "table-invalid"; TooLarge. Neither tells anything of the content.
    """
    text = _decoded(source, encoding)
    first = next(text, "")
    if not first.strip():
        raise _refused("The table is empty, or its first line is.")
    delimiter = max(_DELIMITERS, key=first.count)
    number = 0
    rows = csv.reader(chain([first], text), delimiter=delimiter, strict=True)
    while True:
        number += 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            row = None
        if row is None:
            raise _refused(
                f"The table is no CSV at row {number}: a quotation mark is not closed, or stands within a cell."
            )
        if number > MAX_ROWS + 1:
            raise _refused(f"A table has at most {MAX_ROWS} rows; divide it.")
        if len(row) > MAX_CSV_COLUMNS:
            raise _refused(f"Row {number} has more than {MAX_CSV_COLUMNS} columns.")
        yield row


def _decoded(source: ByteSource, encoding: TableEncoding) -> Iterator[str]:
    """Line by line, each with its end."""
    bounded = _Bounded(source)
    start = bounded.read(_LONGEST_MARK)
    named = str(encoding)
    if encoding is TableEncoding.AUTO:
        named = next((name for mark, name in _MARKS if start.startswith(mark)), "utf-8")
    text = io.TextIOWrapper(io.BufferedReader(_Rest(start, bounded)), named, errors="strict", newline="")
    while True:
        try:
            line = text.readline(_MAX_LINE)
        except UnicodeError:
            line = None
        if line is None:
            hint = "UTF-8" if encoding is TableEncoding.AUTO else str(encoding)
            raise _refused(f"The table is not in the encoding {hint}: name the one that it is in, or save it as UTF-8.")
        if len(line) == _MAX_LINE and not line.endswith(("\n", "\r")):
            raise _refused(f"A line of the table has more than {_MAX_LINE} characters.")
        if "\0" in line:
            raise _refused("The table holds the character NUL: it is no text, or in the encoding UTF-16.")
        if not line:
            return
        yield line


def _refused(message: str) -> InvalidInput:
    return InvalidInput(message, code="table-invalid")


class _Bounded:
    """Raises TooLarge once more was read than a table may have."""

    def __init__(self, source: ByteSource) -> None:
        self._source, self._left = source, MAX_CSV_BYTES

    def read(self, size: int) -> bytes:
        piece = self._source.read(size)
        self._left -= len(piece)
        if self._left < 0:
            raise TooLarge(f"A table has at most {MAX_CSV_BYTES} bytes; divide it.")
        return piece


class _Rest(io.RawIOBase):
    """What was read ahead, then what comes."""

    def __init__(self, start: bytes, source: _Bounded) -> None:
        super().__init__()
        self._start, self._source = start, source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        piece = self._start or self._source.read(len(buffer))
        self._start = b""
        taken = piece[: len(buffer)]
        buffer[: len(taken)] = taken
        self._start = piece[len(taken) :]
        return len(taken)
