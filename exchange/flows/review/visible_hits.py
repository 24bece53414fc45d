"""Hits as one person may read them, and a note that this person was told of their pairs.

Told is also whoever learns that a list goes on, or how many more there are: once a colleague concludes on the pair of
such a hit, the list ends earlier, or the number is less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from exchange.flows.blind.hits_told import note_hits
from exchange.flows.blind.visibility import hidden_pairs, note_shown, note_told, view_of
from exchange.flows.hits.history import HitPlace, Link, LinkPage, OpenLinks, find_link, find_links, open_links
from exchange.flows.node.node import Node
from exchange.flows.review.reviews import Review, reviews_of
from exchange.flows.review.signed_scores import not_validated_by_statement
from exchange.store.hits.joined_pairs import PairFilter as PairFilter
from exchange.store.review.candidate_rows import candidate_of
from exchange.store.review.review_rows import scans_of
from schemas.vocabulary import Basis, Role


@dataclass(frozen=True)
class VisibleHits:
    """``left_out``: how many more are open; ``following``: where the next page of closed ones begins."""

    links: list[Link]
    left_out: int
    following: HitPlace | None


@dataclass(frozen=True)
class FoundHits:
    """A page of hits; ``following``: where the next one begins, if there is one."""

    links: list[Link]
    following: HitPlace | None


@dataclass(frozen=True)
class VisibleHit:
    """``reviews``: the conclusions of this node on the exhibits that stand; ``candidate_id``: of the compared pair,
    where this person may look at it. ``not_validated``: by statement, why the score that it states is not
    validated."""

    link: Link
    reviews: list[Review]
    candidate_id: int | None
    not_validated: Mapping[str, str]


def visible_hits(
    node: Node, role: Role, pseudonym: str, *, closed: bool, after: HitPlace | None, limit: int
) -> VisibleHits:
    """The hits where somebody has a turn, what is due first at the top: of each node in turn, as many as a page holds.
    Or a page of those where nobody has, the newest first."""
    left_out, following = 0, None
    with node.store.read() as session:
        hidden = hidden_pairs(session, role, pseudonym)
        found: LinkPage | OpenLinks
        if closed:
            found = find_links(session, node, hidden, PairFilter(closed=True), after=after, limit=limit)
            following = found.following
        else:
            found = open_links(session, node, hidden)
            left_out = found.left_out
    note_hits(node, role, pseudonym, found.told)
    return VisibleHits(found.links, left_out, following)


def search_hits(
    node: Node, role: Role, pseudonym: str, wanted: PairFilter, *, after: HitPlace | None, limit: int
) -> FoundHits:
    """A page of the hits that fulfil the conditions. What is hidden from this person is left out before anything is
    counted."""
    with node.store.read() as session:
        hidden = hidden_pairs(session, role, pseudonym)
        found = find_links(session, node, hidden, wanted, after=after, limit=limit)
    note_hits(node, role, pseudonym, found.told)
    return FoundHits(found.links, found.following)


def visible_hit(node: Node, role: Role, pseudonym: str, link_id: str) -> VisibleHit:
    """One hit with what was concluded on its exhibits. Raises NotFound."""
    with node.store.read() as session:
        link = find_link(session, node, link_id, hidden_pairs(session, role, pseudonym))
        reviews = _on_exhibits(reviews_of(session, node, link.pair, pseudonym))
        scans = scans_of(link.pair.a.scan, link.pair.b.scan)
        candidate = candidate_of(session, scans, view_of(role, pseudonym))
        doubts = not_validated_by_statement(session, ((one.statement_id, one.statement) for one in link.history))
    note_told(node, role, pseudonym, [link.pair])
    if candidate is not None:  # the history tells the score
        note_shown(node, role, pseudonym, [candidate], opened=True)
    return VisibleHit(link, reviews, candidate.row.candidate_id if candidate else None, doubts)


def find_visible_link(node: Node, role: Role, pseudonym: str, link_id: str) -> Link:
    """The hit that somebody is about to say something of. Raises NotFound."""
    with node.store.read() as session:
        return find_link(session, node, link_id, hidden_pairs(session, role, pseudonym))


def reviews_on_exhibits(node: Node, link: Link, pseudonym: str) -> list[Review]:
    """The conclusions of this node on the exhibits of a hit that stand."""
    with node.store.read() as session:
        return _on_exhibits(reviews_of(session, node, link.pair, pseudonym))


def _on_exhibits(reviews: list[Review]) -> list[Review]:
    return [review for review in reviews if review.said.result.basis is Basis.EXHIBITS and not review.retracted]
