"""Records as a table for a spreadsheet, which takes no cell of it for a formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exchange.flows.keys.suspicion import Suspicion
from exchange.flows.review.records import StoredRecord
from exchange.record_filter import FIELDS_OF_RECORDS
from exchange.web.languages import gettext, term
from exchange.web.report.sheet import written_sheet
from exchange.web.wording.calibres import named_calibre
from exchange.web.wording.sentences import suspicion

_COLUMNS = (
    *("jurisdiction", "node", "case", "incident", "item", "kind", "calibre", "earliest", "latest", "handling"),
    *("received", "record", "suspicion"),
)
_FURTHER = tuple(
    name for name in FIELDS_OF_RECORDS if name not in (*_COLUMNS, "jurisdiction", "issuer", "case_reference")
)
"""Whatever else a record states, each under the name of its condition in the search, as it was signed."""


def sheet(
    rows: Sequence[StoredRecord],
    doubted: Mapping[str, Suspicion],
    stated: Mapping[str, Mapping[str, str]],
    *,
    more: bool,
) -> bytes:
    """With the handling code of each record, what is to be said of its key, and the footnotes of its
    jurisdictions; ``stated``: what else each states; ``more``: not all fitted."""
    cells = (
        (
            term(row.jurisdiction, "jurisdiction"),
            row.issuer,
            row.case_reference,
            row.incident or "",
            row.item or "",
            term(row.kind, "exhibit_kind"),
            named_calibre(row.calibre, row.calibre_words),
            row.earliest or "",
            row.latest or "",
            row.handling,
            row.received_at,
            row.statement_id,
            suspicion(doubted[row.statement_id]) if row.statement_id in doubted else "",
            *(stated.get(row.statement_id, {}).get(name, "") for name in _FURTHER),
        )
        for row in rows
    )
    cut = gettext("More records fit than this table holds: the newest %(count)s.", count=len(rows))
    named = {row.jurisdiction for row in rows}
    return written_sheet((*_COLUMNS, *_FURTHER), cells, [cut] if more else [], named)
