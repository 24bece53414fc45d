"""A table of a document as CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from exchange.spreadsheet_cells import guarded
from exchange.web.languages import spoken


def written_sheet(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    notes: Sequence[str] = (),
    named: Iterable[str] | None = None,
) -> bytes:
    """No cell is a formula. Below the table stand the notes and the footnotes of the jurisdictions that are ``named``,
    or of any, a row each."""
    written = io.StringIO()
    lines = (head, *rows, *([note] for note in (*notes, *spoken().footnotes(named))))
    csv.writer(written).writerows([guarded(cell) for cell in line] for line in lines)
    return b"\xef\xbb\xbf" + written.getvalue().encode()


def number_cell(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
