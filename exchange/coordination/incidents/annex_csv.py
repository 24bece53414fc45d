"""The public edition of an incident annex as a table for a spreadsheet: one figure a line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from exchange.coordination.half_year.small_counts import Figure
from exchange.coordination.incidents.incident_document import ToldAnnex
from exchange.coordination.incidents.incident_words import unverified_words, value_words
from exchange.coordination.incidents.platform_words import TABLE_TITLES, TOTAL_TITLES, all_verified
from exchange.spreadsheet_cells import guarded
from exchange.web.languages import gettext as _
from exchange.web.languages import spoken

ANNEX_COLUMNS = ("half", "node", "state", "id", "figure", "first", "second", "told", "low", "high")


def annex_sheet(annex: ToldAnnex, *, draft: bool) -> bytes:
    """``low`` and ``high`` are the same where a figure is exact, and empty where nothing is told."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(ANNEX_COLUMNS)
    for name, title, first, second, figure in _lines(annex):
        told = (str(figure.told), _number(figure.low), _number(figure.high))
        state = "draft" if draft else "approved"
        cells = (str(annex.head.half), annex.head.node_id, state, name, title, first, second, *told)
        table.writerow([guarded(cell) for cell in cells])
    for text in (*([] if all_verified() else [unverified_words()]), *spoken().footnotes()):
        table.writerow([guarded(text)])
    return b"\xef\xbb\xbf" + written.getvalue().encode()


def _lines(annex: ToldAnnex) -> Iterator[tuple[str, str, str, str, Figure]]:
    for name, figure in annex.totals.items():
        yield name, _(TOTAL_TITLES[name]), "", "", figure
    for name, table in annex.tables.items():
        for place, figure in table.cells.items():
            said = [value_words(kind, value) for kind, value in zip(table.kind.properties, place, strict=True)]
            yield name, _(TABLE_TITLES[name]), said[0], "".join(said[1:]), figure


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
