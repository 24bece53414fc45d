"""The scores of the own test fires as a table, which `ffp calibrate --scores` reads too."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from exchange.flows.truth.separation import KnownPair
from exchange.web.report.sheet import written_sheet

SCORE_COLUMNS = (
    *("region", "weapon1", "weapon2", "hypothesis", "score"),
    *("calibre1", "calibre2", "instrument1", "instrument2", "not_validated"),
)


def scores_sheet(pairs: Sequence[KnownPair]) -> bytes:
    """Firearms are numbered within the table, in an order that tells nothing, and no record is named: whoever reads it
    knows no score of a certain pair, which they may be asked to judge blind. ``hypothesis``: 1 of one firearm, 0 of
    two."""
    numbers = _numbered({known.firearm for pair in pairs for known in (pair.one, pair.other)})
    rows = [
        (
            pair.one.scan.roi,
            numbers[pair.one.firearm],
            numbers[pair.other.firearm],
            int(pair.same),
            f"{pair.score:.6f}",
            pair.one.scan.calibre,
            pair.other.scan.calibre,
            pair.one.instrument or "",
            pair.other.instrument or "",
            pair.not_validated or "",
        )
        for pair in pairs
    ]
    ordered = sorted(rows, key=lambda row: (row[0], -row[3], row[4]))
    return written_sheet(SCORE_COLUMNS, (list(map(str, row)) for row in ordered), named=())


def _numbered(firearms: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    by_digest = sorted(firearms, key=lambda firearm: hashlib.sha256("/".join(firearm).encode()).digest())
    return {firearm: f"firearm {number}" for number, firearm in enumerate(by_digest, start=1)}
