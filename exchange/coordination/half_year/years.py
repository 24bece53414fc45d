"""A year's report: made of the same parts as its half-years. Nothing is counted anew."""

from __future__ import annotations

from collections.abc import Sequence

from exchange.coordination.half_year.half_year_document import Document, Earlier, NodeShare
from exchange.coordination.half_year.half_years import Year
from exchange.coordination.half_year.public_edition import public_figures
from exchange.coordination.half_year.restricted_edition import RestrictedHalf
from exchange.coordination.half_year.small_counts import NO_DATA, exact


def year_document(
    year: Year, halves: Sequence[Document], exact_halves: Sequence[RestrictedHalf], trend: Sequence[Earlier]
) -> Document:
    """The public edition. ``halves``: those of the year that are approved, the first first, with their exact counts."""
    last, public = halves[-1], public_figures(exact_halves)
    return Document(
        period=year,
        counted_to=last.counted_to,
        begun=halves[0].begun,
        node_id=last.node_id,
        jurisdiction=last.jurisdiction,
        partners=last.partners,
        smallest=min(half.smallest for half in halves),
        terms_h=last.terms_h,
        entered=public.entered,
        stages=public.stages,
        bases=last.bases,
        nodes=_nodes(exact_halves),
        earlier=tuple(trend),
    )


def _nodes(halves: Sequence[RestrictedHalf]) -> tuple[NodeShare, ...]:
    found: dict[str, tuple[str, int, int]] = {}
    for half in halves:
        for item in half.availability:
            _, asked, answered = found.get(item.node, ("", 0, 0))
            found[item.node] = item.jurisdiction, asked + item.asked, answered + item.answered
    own = halves[-1].node
    ordered = sorted(found.items(), key=lambda item: (item[0] != own, item[1][0], item[0]))
    return tuple(
        NodeShare(jurisdiction, name, exact(round(min(answered / asked, 1), 4)) if asked else NO_DATA)
        for name, (jurisdiction, asked, answered) in ordered
    )
