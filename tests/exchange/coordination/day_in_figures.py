"""The figures of the half-year after a day of casework."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime

from exchange.coordination.half_year.figure_definitions import COUNTS
from exchange.coordination.half_year.figure_words import words
from exchange.coordination.half_year.half_year_report import draft
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.public_edition import ENTERED
from exchange.coordination.half_year.small_counts import Told
from tests.journeys import agreement


def check_day(reader: agreement.Reader) -> None:
    """The exact counts of the half-year, on the head's page as in the document that would be approved."""
    own, partner = reader.side.day.jurisdiction, reader.other.jurisdiction
    found = draft(reader.side.node.node, Half.of(datetime.now(UTC)))
    entered, received = len(reader.side.day.entered), len(reader.other.entered)
    facts = {
        "exhibits_entered": {own: entered},
        "exhibits_searched": {own: entered},
        "exhibits_shared": {partner: entered},
        "exhibits_received": {partner: received},
        "conclusions": {own: 0, partner: agreement.CONCLUDED[reader.side.day]},
        "leads": {own: 0, partner: 1},
        "confirmed_hits": {own: 0, partner: 1},
        "hits_retracted": {own: 0, partner: 0},
        "overdue_answers": {partner: 0},
    }
    page = html.unescape(reader.head.read("/app/monitoring"))
    for name, counts in facts.items():
        assert {column: count for column, count in found.counted.counts[name].items() if count} == {
            column: count for column, count in counts.items() if count
        }, name
        row = re.findall(rf"<tr><th[^>]*>(?:<a[^>]*>)?{COUNTS[name].title}<.*?</tr>", page, re.DOTALL)[0]
        labelled = re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
        cells = [agreement.plain(re.sub(r'<span class="narrow-label">.*?</span>', "", cell)) for cell in labelled]
        if name == ENTERED:
            figure = found.document.entered
            held = "" if figure.told is Told.EXACT else f" ({counts[own]})"
            assert cells[0] == words(figure, "count") + held, (cells, held)
        else:
            shown = {column: cell for column, cell in zip((own, partner), cells, strict=False) if cell}
            assert shown == {column: str(count) for column, count in counts.items()}, name
