"""Hits that a node tells as of an earlier half-year, held against what it told then.

A hit counts in the half-year of the side that tells it first. So a node that tells a hit of now as of a half-year whose
report is long made hides it: it counts in neither. Where the coordinator has the node's own report of then, that says
whether it was told. A link that is not there may have been told without an id, or under another one (a record that is
gone since stands for a case of its own): where such a link is there, the claim stands, and is said to be unproven.
Otherwise it is not believed, and the hit counts in the half-year in which it is told first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from exchange.flows.monitoring.restricted_edition import ReportedLink, RestrictedHalf

ENDS: Final = {"leads": "lead", "confirmed_hits": "confirmed"}
"""Of a link, the half-year from which it counts as such."""


class Claim(StrEnum):
    DISBELIEVED = "disbelieved"
    UNPROVEN = "unproven"


@dataclass(frozen=True)
class EarlierClaim:
    """So many links with one partner that a node tells as of an earlier half-year, and its report of then does not."""

    figure: str
    jurisdiction: str
    partner: str
    claim: Claim
    count: int


def held_against(half: RestrictedHalf, earlier: Sequence[RestrictedHalf]) -> tuple[RestrictedHalf, list[EarlierClaim]]:
    """The half-year with what is believed of its links, and what is not borne out. ``earlier``: reports of the same
    node; only those of before this half-year are looked at."""
    before = sorted((item for item in earlier if item.period < half.period), key=lambda item: item.period)
    counted: Counter[tuple[str, str, Claim]] = Counter()
    links = []
    for link in half.links:
        believed = link
        for figure, end in ENDS.items():
            found = _unborne(half, link, end, before)
            if found is not None:
                claim, since = found
                counted[figure, link.partner, claim] += 1
                believed = believed.model_copy(update={end: since})
        links.append(believed)
    claims = [
        EarlierClaim(figure, half.jurisdiction, partner, claim, count)
        for (figure, partner, claim), count in counted.items()
    ]
    return half.model_copy(update={"links": tuple(links)}), claims


def _unborne(
    half: RestrictedHalf, link: ReportedLink, end: str, before: Sequence[RestrictedHalf]
) -> tuple[Claim, str] | None:
    """What becomes of a claim, and the half-year that is believed. None where nothing is claimed, no report of then is
    at hand, or that report has it so."""
    at: str | None = getattr(link, end)
    then = next((item for item in reversed(before) if at is not None and at <= item.period), None)
    if at is None or at == half.period or link.link is None or then is None:
        return None
    told = [item for item in then.links if item.partner == link.partner]
    same = next((item for item in told if item.link == link.link), None)
    if same is not None:
        was: str | None = getattr(same, end)
        return None if was is not None and was <= at else (Claim.DISBELIEVED, was or half.period)
    now = {item.link for item in half.links}
    explained = any(item.link is None or item.link not in now for item in told)
    return (Claim.UNPROVEN, at) if explained else (Claim.DISBELIEVED, half.period)
