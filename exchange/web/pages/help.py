"""Which chapter of the user guide belongs to which page, and the keys that the guide lists."""

from __future__ import annotations

from typing import Final

from exchange.web.wording import viewer_words

CHAPTERS: Final = {
    "actions": "coordination",
    "meeting": "coordination",
    "meeting_pack": "coordination",
    "meetings": "coordination",
    "onboarding": "coordination",
    "region": "coordination",
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
    "law": "monitoring",
    "law_article": "monitoring",
    "law_changes": "monitoring",
    "law_concordance": "monitoring",
    "law_draft": "monitoring",
    "law_of": "monitoring",
    "law_pair": "monitoring",
    "incidents": "monitoring",
    "incident_sheet": "monitoring",
    "maturity": "monitoring",
    "monitoring": "monitoring",
    "monitoring_year": "monitoring",
    "separation": "separation",
}
"""By the name of a page's template; of all others, the first chapter."""
FIRST_CHAPTER: Final = "sign-in"


def chapter_of(template: str) -> str:
    return CHAPTERS.get(template, FIRST_CHAPTER)


def guide_keys() -> tuple[tuple[str, str], ...]:
    """The keys of the workbench, in the order in which its own dialog lists them, with their English words."""
    said = viewer_words.viewer_texts()
    return tuple((key.shown, said[key.command]) for key in viewer_words.viewer_keys())
