"""Which chapter of the user guide belongs to which page, and the keys that the guide lists."""

from __future__ import annotations

from typing import Final

from exchange.web.pages.extended import pages_parts
from exchange.web.wording import viewer_words

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
    "separation": "separation",
} | {template: chapter for part in pages_parts() for template, chapter in part.chapters.items()}
"""By the name of a page's template; of all others, the first chapter."""
FIRST_CHAPTER: Final = "sign-in"


def chapter_of(template: str) -> str:
    return CHAPTERS.get(template, FIRST_CHAPTER)


def guide_keys() -> tuple[tuple[str, str], ...]:
    """The keys of the workbench, in the order in which its own dialog lists them, with their English words."""
    said = viewer_words.viewer_texts()
    return tuple((key.shown, said[key.command]) for key in viewer_words.viewer_keys())
