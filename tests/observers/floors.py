"""How much of what an observer may use it must have reached: an empty crawl finds no difference either."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from tests.observers.coverage import Coverage

PEER_ROUTES: Final = 1.0
"""Share of the GET routes on which a peer is answered."""
EXAMINER_ROUTES: Final = 0.9
"""Share of the GET routes that an examiner's token opens. Three need a time-stamping authority, a withdrawn record, and
a hit, which are hidden here."""
EXAMINER_PAGES: Final = 0.7
"""Share of the pages that are for examiners; others are of drafts, of files that are being uploaded, and of hits, which
are hidden here."""
PARAMETERS: Final = 0.8
"""Share of the query parameters of the routes that were reached."""


def check(coverage: Coverage, routes: Collection[str], least: float, what: str) -> None:
    """Fails, naming what was not reached."""
    assert routes, f"there are no {what}"
    reached = coverage.reached(routes)
    share = len(reached) / len(routes)
    assert share >= least, f"{share:.0%} of the {what} gave an answer; not {', '.join(coverage.missed(routes))}"
