"""Searches that people keep under a name, and are told of when a new record fits. Each is its maker's alone.

What fits is counted when it is asked for: of a record that was withdrawn meanwhile nobody is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter, ValidationError

from exchange.clock import stamp, stamp_in
from exchange.errors import Conflict, InvalidInput, NotFound
from exchange.flows.node.node import Node
from exchange.record_filter import RecordFilter
from exchange.store.review import kept_search_rows as store
from exchange.store.tables.review_tables import KeptSearchRow
from schemas.exhibit import ShortText
from schemas.vocabulary import Role

MAY_KEEP: Final = frozenset({Role.EXAMINER, Role.INVESTIGATOR})
MOST_SEARCHES: Final = 30
"""Of one person: each is held against each record that comes."""
MOST_TOLD: Final = 100
"""So many new records are counted: whoever is so far behind needs no exact number."""
STOPPED_DAYS: Final = 30
"""So long a search that was stopped can be taken up again."""

_TITLE: TypeAdapter[str] = TypeAdapter(ShortText)


@dataclass(frozen=True)
class KeptSearch:
    """``wanted``: None where this release does not understand what was kept. ``fresh``: how many records have come
    since its maker looked that fit."""

    search_id: int
    title: str
    wanted: RecordFilter | None
    fresh: int
    stopped: bool


def keep_search(node: Node, pseudonym: str, title: str, wanted: RecordFilter) -> int:
    """Raises InvalidInput for a title that is no line, or a search for everything; Conflict when too many are kept."""
    try:
        title = _TITLE.validate_python(title.strip())
    except ValidationError as error:
        raise InvalidInput("Name the search in one line of at most 120 characters.", code="invalid-field") from error
    if not wanted.asked():
        raise InvalidInput("A search without any condition is not kept.", code="invalid-field")
    with node.store.write() as session:
        store.forget_stopped(session, stamp_in(-STOPPED_DAYS * 86_400))
        kept = [row for row in store.searches_of(session, pseudonym) if row.stopped_at is None]
        if len(kept) >= MOST_SEARCHES:
            raise Conflict(f"{MOST_SEARCHES} searches are kept already: stop one.", code="too-many-searches")
        row = KeptSearchRow(
            pseudonym=pseudonym,
            title=title,
            conditions=wanted.model_dump_json(exclude_defaults=True),
            looked_to=store.newest_sequence(session),
            kept_at=stamp(),
        )
        return store.add_search(session, row)


def kept_searches(node: Node, pseudonym: str) -> list[KeptSearch]:
    """In the order in which they were kept; those that were stopped lately too."""
    since = stamp_in(-STOPPED_DAYS * 86_400)
    with node.store.read() as session:
        rows = [row for row in store.searches_of(session, pseudonym) if (row.stopped_at or stamp()) >= since]
        return [
            KeptSearch(
                search_id=row.search_id,
                title=row.title,
                wanted=store.filter_of(row),
                fresh=0
                if row.stopped_at is not None
                else store.count_kept(session, row, after=row.looked_to, most=MOST_TOLD) or 0,
                stopped=row.stopped_at is not None,
            )
            for row in rows
        ]


def look_at_search(node: Node, pseudonym: str, search_id: int) -> RecordFilter:
    """What is searched; from now on only what comes later is new. Raises NotFound."""
    with node.store.write() as session:
        row = _own(store.find_search(session, pseudonym, search_id))
        row.looked_to = store.newest_sequence(session)
        wanted = store.filter_of(row)
    if wanted is None:
        raise NotFound("This search was kept by another release, and is not understood by this one.")
    return wanted


def stop_search(node: Node, pseudonym: str, search_id: int) -> None:
    """Nobody is told of it any more, until it is taken up again. Raises NotFound."""
    with node.store.write() as session:
        row = _own(store.find_search(session, pseudonym, search_id))
        row.stopped_at = row.stopped_at or stamp()


def resume_search(node: Node, pseudonym: str, search_id: int) -> None:
    """As if it had not been stopped. Raises NotFound."""
    with node.store.write() as session:
        _own(store.find_search(session, pseudonym, search_id)).stopped_at = None


def _own(row: KeptSearchRow | None) -> KeptSearchRow:
    if row is None:
        raise NotFound("There is no such search, or it is not yours.")
    return row
