"""An assessment as a table for a spreadsheet: areas, answers beside those of last time, and recommendations."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from exchange.coordination.assessment.assessment import Assessment
from exchange.coordination.assessment.assessment_words import (
    answer_evidence,
    answer_words,
    place_words,
    priority_words,
    recommendation_words,
    who_and_when,
)
from exchange.spreadsheet_cells import guarded
from exchange.web.languages import gettext as _
from exchange.web.languages import spoken

ASSESSMENT_COLUMNS = (
    *("half", "jurisdiction", "part", "area", "id", "text", "now", "last_time"),
    *("percent", "percent_last_time", "evidence", "good", "priority", "who"),
)


def assessment_sheet(found: Assessment) -> bytes:
    """``part`` is "area", "answer" or "recommendation"; what is not told is empty."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(ASSESSMENT_COLUMNS)
    for cells in _lines(found):
        table.writerow([guarded(cell) for cell in (str(found.half), place_words(found), *cells)])
    for footnote in spoken().footnotes([found.jurisdiction]):
        table.writerow([guarded(footnote)])
    return b"\xef\xbb\xbf" + written.getvalue().encode()


def _lines(found: Assessment) -> Iterator[Sequence[str]]:
    for item in found.areas:
        area, before = item.now.area, item.before
        shares = (_percent(item.now.rated.share), _percent(before.rated.share if before is not None else None))
        yield "area", area.id, area.id, _(area.title), "", "", *shares, "", "", "", ""
    for item in found.areas:
        for answer in item.now.answers:
            then = item.answer_before(answer)
            yield (
                *("answer", item.now.area.id, answer.question.id, _(answer.question.text)),
                *(answer_words(answer), answer_words(then) if then is not None else ""),
                *(_percent(answer.points), _percent(then.points if then is not None else None)),
                *(answer_evidence(answer), _(answer.question.good), "", ""),
            )
    for item_made in found.recommended.made:
        text = recommendation_words(item_made)
        place = ("recommendation", "", item_made.question or "", text, "", "", "", "", item_made.because, "")
        yield *place, priority_words(item_made.priority), who_and_when(item_made)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share * 100:.0f}"
