"""Which chapter of the user guide belongs to which page, and the keys that the guide lists."""

from __future__ import annotations

import functools
import re
from typing import Final

from exchange.web.wording.viewer_words import VIEWER_TEXTS, viewer_texts

CHAPTERS: Final = {
    "audit": "audit",
    "calibres": "register",
    "candidates": "candidates",
    "compare": "compare",
    "compare_choose": "compare",
    "disclose": "report",
    "draft": "register",
    "draft_summary": "register",
    "instrument": "register",
    "instrument_upload": "register",
    "instruments": "register",
    "hit": "hits",
    "hits": "hits",
    "pair": "compare",
    "peers": "peers",
    "record": "report",
    "record_candidates": "candidates",
    "register": "register",
    "verification": "verify",
    "verifications": "verify",
    "records": "search",
    "search": "search",
    "queries": "queries",
    "query": "queries",
    "ask": "queries",
    "approvals": "approvals",
    "held": "approvals",
    "alerts": "alerts",
    "case": "case-links",
    "maturity": "monitoring",
    "monitoring": "monitoring",
    "separation": "separation",
}
"""By the name of a page's template; of all others, the first chapter."""
FIRST_CHAPTER: Final = "sign-in"

_KEYS: Final = re.compile(r'"([a-z-]+)": "([^"]+)"')


def chapter_of(template: str) -> str:
    return CHAPTERS.get(template, FIRST_CHAPTER)


@functools.cache
def viewer_keys() -> tuple[tuple[str, str], ...]:
    """The keys of the comparison viewer, as its ``const KEYS`` has them, with the English words of the buttons."""
    _, _, rest = VIEWER_TEXTS.read_text(encoding="utf-8").partition("const KEYS = {")
    said = viewer_texts()
    return tuple((key, said[command]) for command, key in _KEYS.findall(rest.partition("};")[0]))
