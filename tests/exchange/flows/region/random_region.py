"""Random regions for the attack on what is held back: true counts that obey the definitions, and all that is published
of them by the rules of the software: half-years and years of each node, and the region's."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations

from exchange.flows.monitoring.counts import Counted, Counts
from exchange.flows.monitoring.definitions import COUNTS, GAPS, STAGES
from exchange.flows.monitoring.document import Document, Earlier
from exchange.flows.monitoring.half_years import Half, Year
from exchange.flows.monitoring.public_edition import PublicFigures, ToldBefore, public_figures
from exchange.flows.monitoring.years import row_sum
from exchange.flows.region.public_region import of_one_bound, public_rows, public_stages
from exchange.flows.region.regional import RegionalRow, RegionalStage

CODES = ("AL", "BA", "ME", "MK", "RS", "XK")
Rule = Callable[[Counted, Mapping[str, Counts], int, Sequence[ToldBefore]], PublicFigures]
Key = tuple[str, str, int]
"""What, of whom, in which half-year: ``("leads", "MK-RS", 0)``."""


@dataclass
class Drawn:
    """``true``: every count. ``documents``: by half-year and node; ``years`` and ``region`` likewise. ``silent``: the
    half-years of which a node has no data of what it shared; ``bounds``: of nodes with another one."""

    smallest: int
    halves: tuple[Half, ...]
    true: dict[Key, int]
    silent: frozenset[tuple[int, str]] = frozenset()
    bounds: Mapping[str, int] = field(default_factory=dict)
    documents: dict[tuple[int, str], Document] = field(default_factory=dict)
    years: dict[tuple[int, str], Document] = field(default_factory=dict)
    region: dict[str, tuple[RegionalRow, ...]] = field(default_factory=dict)
    region_stages: dict[str, tuple[RegionalStage, ...]] = field(default_factory=dict)


def pair(one: str, other: str) -> str:
    return "-".join(sorted((one, other)))


def drawn_region(
    seed: int,
    smallest: int = 5,
    halves: int = 3,
    rule: Rule = public_figures,
    *,
    silent: frozenset[tuple[int, str]] = frozenset(),
    bounds: Mapping[str, int] | None = None,
) -> Drawn:
    """``rule``: by which a node tells what it tells."""
    draws = random.Random(seed)
    first = draws.choice((1, 2))
    names = [Half(2026, first)]
    while len(names) < halves:
        names.append(names[-1].after())
    found = Drawn(smallest, tuple(names), _true(draws, halves, smallest), silent, bounds or {})
    for number in range(halves):
        for code in CODES:
            found.documents[number, code] = _document(found, number, code, rule)
        documents = of_one_bound([found.documents[number, code] for code in CODES])
        found.region[str(found.halves[number])], _ = public_rows(documents)
        found.region_stages[str(found.halves[number])] = public_stages(
            documents,
            found.region[str(found.halves[number])],
            {name: [1.0] * 10_000 for name in STAGES},
            smallest,
        )
    for year in sorted({half.year for half in names}):
        parts = [number for number, half in enumerate(names) if half.year == year]
        for code in CODES:
            found.years[year, code] = _year(year, [found.documents[number, code] for number in parts])
        found.region[str(year)], _ = public_rows(of_one_bound([found.years[year, code] for code in CODES]))
    return found


def _true(draws: random.Random, halves: int, smallest: int) -> dict[Key, int]:
    true: dict[Key, int] = {}
    few = (0, 0, 1, 2, 3, smallest - 1, smallest, smallest + 1, 2 * smallest, 40)
    rare = (0, 0, 0, 1, 2, smallest - 1, smallest, smallest + 3)
    for number in range(halves):
        for code in CODES:
            true["exhibits_entered", code, number] = draws.choice(few)
            true["leads", code, number] = draws.choice(rare)
            true["hits_retracted", code, number] = draws.choice(rare)
            _part(draws, true, "exhibits_searched", code, "exhibits_entered", code, number)
            _part(draws, true, "first_review", code, "exhibits_searched", code, number)
        for one, other in combinations(CODES, 2):
            true["leads", pair(one, other), number] = draws.choice(few)
            true["hits_retracted", pair(one, other), number] = draws.choice(rare)
            _part(draws, true, "feedback_due", pair(one, other), "leads", pair(one, other), number)
        for name in [*CODES, *(pair(*both) for both in combinations(CODES, 2))]:
            _part(draws, true, "confirmed_hits", name, "leads", name, number)
        for one, other in permutations(CODES, 2):
            key = f"{one}>{other}"
            _part(draws, true, "exhibits_shared", key, "exhibits_entered", one, number)
            true["queries_asked", key, number] = draws.choice(rare)
            for name in ("releases_approved", "releases_refused"):
                true[name, key, number] = draws.choice(rare)
            due = true["feedback_due", pair(one, other), number]
            true["feedback_given", key, number] = draws.choice((0, due, draws.randint(0, due)))
            left = true["exhibits_entered", one, number]
            for name in GAPS:
                true[name, key, number] = taken = min(left, draws.choice((0, 0, 1, 3, smallest, left)))
                left -= taken
        for code in CODES:
            _part_of_sum(draws, true, "answer_received", code, "queries_asked", number)
    return true


def _part(draws: random.Random, true: dict[Key, int], name: str, who: str, whole: str, of: str, number: int) -> None:
    """At most what is left of the whole since the first half-year."""
    left = sum(true[whole, of, at] for at in range(number + 1)) - sum(true[name, who, at] for at in range(number))
    true[name, who, number] = draws.choice((0, left, draws.randint(0, left), min(left, draws.randint(0, 8))))


def _part_of_sum(draws: random.Random, true: dict[Key, int], name: str, code: str, whole: str, number: int) -> None:
    keys = [f"{code}>{other}" for other in CODES if other != code]
    left = sum(true[whole, key, at] for at in range(number + 1) for key in keys)
    left -= sum(true[name, code, at] for at in range(number))
    true[name, code, number] = draws.choice((0, left, draws.randint(0, left)))


def _counted(found: Drawn, number: int, code: str) -> tuple[Counted, Mapping[str, Counts]]:
    true, others = found.true, [other for other in CODES if other != code]
    counts: dict[str, dict[str, int | None]] = {
        name: {code: true[name, code, number]} for name in ("exhibits_entered", "exhibits_searched")
    }
    for name in ("leads", "confirmed_hits", "hits_retracted"):
        counts[name] = {code: true[name, code, number]} | {
            other: true[name, pair(code, other), number] for other in others
        }
    for name in ("exhibits_shared", "queries_asked", "releases_approved", "releases_refused", "feedback_given"):
        counts[name] = {other: true[name, f"{code}>{other}", number] for other in others}
    if (number, code) in found.silent:
        counts["exhibits_shared"] = dict.fromkeys(others)
    counts["queries_received"] = {other: true["queries_asked", f"{other}>{code}", number] for other in others}
    counts["exhibits_received"] = {other: true["exhibits_shared", f"{other}>{code}", number] for other in others}
    counts["feedback_missing"] = {
        other: true["feedback_due", pair(code, other), number] - true["feedback_given", f"{code}>{other}", number]
        for other in others
    }
    for name in COUNTS:
        counts.setdefault(name, {code: 3})
    spans = Counter(
        search=true["exhibits_searched", code, number],
        first_review=true["first_review", code, number],
        answer_received=true["answer_received", code, number],
        confirmation=sum(count or 0 for count in counts["confirmed_hits"].values()),
        decision=sum(
            count or 0 for name in ("releases_approved", "releases_refused") for count in counts[name].values()
        ),
    )
    hours = {name: [1.0] * spans[name] for name in STAGES}
    due = {other: sum(true["feedback_due", pair(code, other), at] for at in range(number + 1)) for other in others}
    gaps: dict[str, Counts] = {
        name: {other: true[name, f"{code}>{other}", number] for other in others} for name in GAPS
    }
    return Counted(counts, hours, due), gaps


def _document(found: Drawn, number: int, code: str, rule: Rule) -> Document:
    counted, gaps = _counted(found, number, code)
    before = [found.documents[at, code].told_before for at in range(number)]
    smallest = found.bounds.get(code, found.smallest)
    told = rule(counted, gaps, smallest, before)
    others = tuple(other for other in CODES if other != code)
    half = found.halves[number]
    return Document(
        half,
        half.end,
        None,
        f"ffp-{code.lower()}",
        code,
        others,
        smallest,
        {},
        told.counts,
        told.rate,
        told.stages,
        told.gaps,
        told.held,
        (),
        (),
        (),
    )


def _year(year: int, halves: list[Document]) -> Document:
    last = halves[-1]
    trend: tuple[Earlier, ...] = ()
    return Document(
        Year(year),
        last.counted_to,
        None,
        last.node_id,
        last.jurisdiction,
        last.partners,
        last.smallest,
        {},
        {name: row_sum([half.counts[name] for half in halves]) for name in last.counts},
        last.rate,
        last.stages,
        {name: row_sum([half.gaps[name] for half in halves]) for name in last.gaps},
        last.held,
        (),
        (),
        trend,
    )
