"""What the API answers of a search that a node started by itself."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from exchange.flows.query.start_search import StartedSearch
from exchange.search_triggers import SearchTrigger
from exchange.web.wording.started_search import because_in_english


class StartedSearchAnswer(BaseModel):
    """That this node asked its peers by itself about an own record: the rules that it fits, in words too, and how many
    queries were signed. ``not_allowed``: peers to which policy lets no scan go. ``left_out``: peers that were not asked
    about every scan, since the most of a day was reached; a person may ask these."""

    rules: list[SearchTrigger]
    words: str
    at: datetime
    asked: int
    not_allowed: list[str]
    left_out: list[str]


def started_answer(found: StartedSearch) -> StartedSearchAnswer:
    return StartedSearchAnswer(
        rules=list(found.triggers),
        words=because_in_english(found.triggers),
        at=datetime.fromisoformat(found.started_at),
        asked=found.asked,
        not_allowed=list(found.not_allowed),
        left_out=list(found.left_out),
    )
