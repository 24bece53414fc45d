"""How each figure of a node becomes one of the region: who tells it, and whether two sides tell the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from exchange.coordination.half_year.figure_definitions import COUNTS, GAPS, HELD, Definition

OF_ONE: Final = (
    "exhibits_entered",
    "exhibits_searched",
    "overdue_first_reviews",
    "overdue_verifications",
    "records_withdrawn",
)
"""Of one jurisdiction by itself."""
LINKED: Final = ("leads", "confirmed_hits")
"""Of a pair of cases: both sides tell it, and it counts once, by its link id."""
SHARED: Final = ("hits_retracted",)
"""Both sides tell the same number, and it counts once."""
BY_ALL: Final = (*LINKED, *SHARED, "conclusions")
"""Of the jurisdiction itself, and with each of its partners; what is neither this nor of one is of partners alone."""
MIRRORED: Final = {"exhibits_shared": "exhibits_received", "queries_asked": "queries_received"}
"""Of one side towards the other, with what the other side tells of the same."""
FIRST_SIGNED: Final = "leads_first_signed"
DEFINITIONS: Final[Mapping[str, Definition]] = {
    **COUNTS,
    FIRST_SIGNED: Definition(
        3,
        "Leads, by who signed the first hit",
        "Of the leads across a border: of how many the node of this jurisdiction signed the first hit. Each lead "
        "stands here once.",
    ),
    **GAPS,
    **HELD,
}
CREDIT: Final = (
    "A hit across a border is reported by both sides and is one hit of the region. It counts in the half-year of the "
    "side that reports it first, and never again. Where only one side reports it, it counts too."
)
REGIONAL_FIGURES: Final = tuple(DEFINITIONS)
"""In the order in which they are read."""


def sides_key(one: str, other: str) -> str:
    """Both together, in either order."""
    return "-".join(sorted((one, other)))


def towards(one: str, other: str) -> str:
    return f"{one}>{other}"


def columns_of(name: str, own: str, partners: Iterable[str]) -> tuple[str, ...]:
    """The cells that a report has of a figure, whoever made it."""
    if name in OF_ONE:
        return (own,)
    return (own, *partners) if name in BY_ALL else tuple(partners)
