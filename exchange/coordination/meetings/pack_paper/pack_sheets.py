"""The tables of a meeting pack for a spreadsheet: one file a table, headings in plain words, no cell a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from exchange.coordination.meetings.pack.pack import Pack
from exchange.coordination.meetings.pack_paper.pack_paper import pack_sections, pack_title
from exchange.coordination.meetings.pack_paper.pack_words import missing_words
from exchange.spreadsheet_cells import guarded
from exchange.web.languages import gettext as _
from exchange.web.languages import spoken


def pack_sheets(pack: Pack) -> Iterator[tuple[str, bytes]]:
    """Name without its end, and content. A section without a table, since nothing is told, has none."""
    title = pack_title(pack)
    for section in pack_sections(pack):
        for table in section.tables:
            yield table.name, written_sheet(title, table.head, table.rows)
    missing = [[missing_words(item, pack)] for item in pack.missing]
    yield "missing", written_sheet(title, [_("What this pack has not")], missing)


def written_sheet(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """In the first column of each row stands of which pack it is; below it the footnotes."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow([guarded(cell) for cell in (_("Pack"), *head)])
    for row in rows:
        table.writerow([guarded(cell) for cell in (title, *row)])
    for footnote in spoken().footnotes():
        table.writerow([guarded(footnote)])
    return b"\xef\xbb\xbf" + written.getvalue().encode()
