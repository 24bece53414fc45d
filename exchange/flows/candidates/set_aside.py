"""An examiner sets aside pairs of a list that are not to be compared, or the rest of it, and brings them back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from exchange.errors import Conflict, InvalidInput, NotFound
from exchange.flows.blind.open_lists import check_open
from exchange.flows.blind.visibility import note_lists
from exchange.flows.candidates.exhibit_pairs import rankings_in
from exchange.flows.candidates.exhibit_ranking import RankedExhibits
from exchange.flows.candidates.exhibit_reviews import concluded_pairs
from exchange.flows.candidates.own_view import OwnView, own_view, seen_scores
from exchange.flows.node.node import Node
from exchange.store.entry.record_rows import find_record
from exchange.store.review import set_aside_rows as store
from schemas.vocabulary import Role

THE_REST: Final = None
"""All open pairs of the list on which no conclusion stands that this examiner may see."""


def set_pairs_aside(node: Node, pseudonym: str, statement_id: str, tag: str, others: Collection[str] | None) -> int:
    """Folds the pairs of a record with these ``others``, or ``THE_REST``, in this examiner's own lists. Returns how
    many.

    1. The list is the one that was shown, by its ``tag``: what came since was looked at by nobody. Else Conflict.
    2. Only open pairs are set aside: none that a hit joins, none on which a conclusion stands.
    3. Whoever does that was told of these pairs, as by the list.

    Raises NotFound, also where one of ``others`` is not in this person's list; Conflict; InvalidInput.
    """
    exhibit, view, rest = _list_of(node, pseudonym, statement_id)
    # 1.
    if tag != view.tag:
        raise Conflict("Something came to this list since it was shown: look at it again.", code="list-changed")
    # 2.
    chosen = rest if others is None else [pair for pair in rest if pair.other in others]
    if others is not None and set(others) - {pair.other for pair in chosen}:
        raise NotFound("There is no such pair in this list, or a conclusion stands on it.")
    if not chosen:
        raise InvalidInput("Choose at least one pair of the list.", code="invalid-field")
    # 3.
    note_lists(node, pseudonym, {exhibit: {pair.exhibits for pair in chosen}})
    with node.store.write() as session:
        store.put_aside(session, pseudonym, {pair.exhibits: seen_scores(pair) for pair in chosen})
    return len(chosen)


def bring_pairs_back(node: Node, pseudonym: str, statement_id: str, others: Collection[str] | None) -> int:
    """The pairs of a record with these ``others``, or all that were set aside, stand in the list as before. Returns how
    many. Raises NotFound."""
    _, view, _ = _list_of(node, pseudonym, statement_id)
    chosen = [pair for pair in view.aside if others is None or pair.other in others]
    with node.store.write() as session:
        store.bring_back(session, pseudonym, {pair.exhibits for pair in chosen})
    return len(chosen)


def _list_of(node: Node, pseudonym: str, statement_id: str) -> tuple[str, OwnView, list[RankedExhibits]]:
    """The exhibit whose list it is, this examiner's view of it, and of that the open pairs without a conclusion."""
    with node.store.read() as session:
        found = find_record(session, statement_id)
        if found is None:
            raise NotFound("There is no such record on this node.")
        exhibit = found[0].exhibit
        check_open(session, Role.EXAMINER, pseudonym, exhibit)
        ranking = rankings_in(session, Role.EXAMINER, pseudonym, [(statement_id, exhibit)])[statement_id]
        view = own_view(ranking, store.pairs_aside_of(session, pseudonym, {exhibit}))
        every = [*view.standing, *view.weaker, *view.unvalidated]
        both = {frozenset({statement_id, pair.other}) for pair in every}
        concluded = concluded_pairs(session, node, Role.EXAMINER, pseudonym, both)
    return exhibit, view, [pair for pair in every if frozenset({statement_id, pair.other}) not in concluded]
