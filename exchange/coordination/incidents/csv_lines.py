"""The rows of a CSV that may hold personal data: read in memory, bounded, never written anywhere.

No message repeats what stands in the file, and no error that is raised shows an error of the reader behind it, since
that error names what it stumbled upon.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from enum import StrEnum
from itertools import chain, count
from typing import Final, Protocol

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
    lines = _lines(_decoded(source, encoding))
    first = next(lines, "")
    if not first.strip():
        raise _refused("The table is empty, or its first line is.")
    rows = csv.reader(chain([first], lines), delimiter=max(_DELIMITERS, key=first.count), strict=True)
    for number in count(1):
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            said = f"The table is no CSV at row {number}: a quotation mark is not closed, or stands within a cell."
            raise _refused(said) from None
        if number > MAX_ROWS + 1:
            raise _refused(f"A table has at most {MAX_ROWS} rows; divide it.")
        if len(row) > MAX_CSV_COLUMNS:
            raise _refused(f"Row {number} has more than {MAX_CSV_COLUMNS} columns.")
        yield row


def _decoded(source: ByteSource, encoding: TableEncoding) -> str:
    data = source.read(MAX_CSV_BYTES + 1)
    if len(data) > MAX_CSV_BYTES:
        raise TooLarge(f"A table has at most {MAX_CSV_BYTES} bytes; divide it.")
    named = str(encoding)
    if encoding is TableEncoding.AUTO:
        named = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(named)
    except UnicodeError:
        hint = "UTF-8" if encoding is TableEncoding.AUTO else str(encoding)
        said = f"The table is not in the encoding {hint}: name the one that it is in, or save it as UTF-8."
        raise _refused(said) from None


def _lines(text: str) -> Iterator[str]:
    """Each with its end."""
    for line in io.StringIO(text, newline=""):
        if len(line) > _MAX_LINE:
            raise _refused(f"A line of the table has more than {_MAX_LINE} characters.")
        if "\0" in line:
            raise _refused("The table holds the character NUL: it is no text, or in the encoding UTF-16.")
        yield line


def _refused(message: str) -> InvalidInput:
    return InvalidInput(message, code="table-invalid")
