"""Hits that a node tells as of an earlier half-year, held against what it told then.

A hit counts in the half-year of the side that tells it first. So a node that tells a hit of now as of a half-year whose
report is long made hides it: it counts in neither. Where the coordinator has the node's own report of then, that says
whether it was told. A link that is not there may have been told without an id, or under another one (a record that is
gone since stands for a case of its own): where something of then is told no more, the claim stands, is said to be
unproven, and what was dropped is named. What was dropped explains one claim, none of before it was told itself, and
none at all where the other side still tells it: then it is not gone. What nothing explains is not believed, and the hit
counts in the half-year in which it is told first.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from exchange.coordination.half_year.restricted_edition import ReportedLink, RestrictedHalf

ENDS: Final = {"leads": "lead", "confirmed_hits": "confirmed"}
"""Of a link, the half-year from which it counts as such."""


class Claim(StrEnum):
    DISBELIEVED = "disbelieved"
    UNPROVEN = "unproven"


@dataclass(frozen=True)
class DroppedLinks:
    """What a node told of its hits with a partner in its report of ``period``, and tells no more: ``links`` by their
    ids, and so many more that had none."""

    partner: str
    period: str
    links: tuple[str, ...]
    without_id: int


@dataclass(frozen=True)
class EarlierClaim:
    """So many links with one partner that a node tells as of an earlier half-year, and its report of then does not."""

    figure: str
    jurisdiction: str
    partner: str
    claim: Claim
    count: int
    dropped: DroppedLinks | None = None
    """Of an unproven claim."""


def held_against(
    half: RestrictedHalf, earlier: Sequence[RestrictedHalf], still_told: Container[str | None] = ()
) -> tuple[RestrictedHalf, list[EarlierClaim]]:
    """The half-year with what is believed of its links, and what is not borne out. ``earlier``: reports of the same
    node; only the last one of before this half-year is looked at. ``still_told``: the link ids that the other sides
    tell for this half-year."""
    then = max((item for item in earlier if item.period < half.period), key=lambda item: item.period, default=None)
    if then is None:
        return half, []
    links: list[ReportedLink] = []
    claims: list[EarlierClaim] = []
    before, now = by_partner(then.links), by_partner(half.links)
    for partner, found in now.items():
        for figure, end in ENDS.items():
            dropped = _dropped(before[partner], found, end, then.period, still_told)
            found, counted = _believed(half.period, then.period, before[partner], found, end, dropped)
            names = tuple(sorted(link for _at, link in dropped if link is not None))
            gone = DroppedLinks(partner, then.period, names, len(dropped) - len(names))
            claims += [
                EarlierClaim(
                    figure, half.jurisdiction, partner, claim, count, gone if claim is Claim.UNPROVEN else None
                )
                for claim, count in counted.items()
            ]
        links += found
    return half.model_copy(update={"links": tuple(links)}), claims


def by_partner(links: Sequence[ReportedLink]) -> defaultdict[str, list[ReportedLink]]:
    found: defaultdict[str, list[ReportedLink]] = defaultdict(list)
    for link in links:
        found[link.partner].append(link)
    return found


def _dropped(
    before: Sequence[ReportedLink],
    now: Sequence[ReportedLink],
    end: str,
    then: str,
    still_told: Container[str | None],
) -> list[tuple[str, str | None]]:
    """What was told with one partner and is told by nobody now: as of which half-year, and the id if it had one; the
    earliest first."""
    own = {link.link for link in now}
    gone: list[tuple[str, str | None]] = [
        (getattr(link, end), link.link)
        for link in before
        if link.link is not None and getattr(link, end) and link.link not in own and link.link not in still_told
    ]
    had, have = (
        sorted(at for link in links if link.link is None and (at := getattr(link, end)) and at <= then)
        for links in (before, now)
    )
    return sorted([*gone, *((at, None) for at in had[: max(0, len(had) - len(have))])], key=lambda item: item[0])


def _believed(
    period: str,
    then: str,
    before: Sequence[ReportedLink],
    now: Sequence[ReportedLink],
    end: str,
    dropped: Sequence[tuple[str, str | None]],
) -> tuple[list[ReportedLink], Mapping[Claim, int]]:
    """The links with one partner as they are believed, and how many claims are not borne out. The earliest claim takes
    the earliest of what was dropped: so as many are explained as can be."""
    told = {link.link: link for link in before if link.link is not None}
    left = deque(at for at, _link in dropped)
    counted: dict[Claim, int] = defaultdict(int)
    links = []
    for link in sorted(now, key=lambda link: getattr(link, end) or ""):
        at: str | None = getattr(link, end)
        was: str | None = getattr(told[link.link], end) if link.link in told else None
        if link.link is None or at is None or at > then or (was is not None and was <= at):
            links.append(link)
        elif link.link not in told and left and left[0] <= at:
            left.popleft()
            counted[Claim.UNPROVEN] += 1
            links.append(link)
        else:
            counted[Claim.DISBELIEVED] += 1
            links.append(link.model_copy(update={end: was or period}))
    return links, counted
