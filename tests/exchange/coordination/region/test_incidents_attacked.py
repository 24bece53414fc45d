"""Annexes of several jurisdictions and half-years, and the region's sums beside them, are attacked together: every
small count of each may still be anything from 1 to below the smallest count that is told."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from exchange.coordination.half_year.half_years import Half, Period, Year
from exchange.coordination.half_year.small_counts import Figure
from exchange.coordination.incidents.incident_document import AnnexHead, ExactAnnex, told_edition
from exchange.coordination.incidents.incident_vocabulary import IncidentCounts
from exchange.coordination.incidents.told_incidents import TABLES, CellPlace, exact_table, told_tables, told_totals
from exchange.coordination.region.region_incidents import public_incidents
from exchange.coordination.region_files.bound_annex import VerifiedAnnex
from tests.exchange.coordination.incidents.incident_attack import Attack, Row
from tests.exchange.coordination.incidents.made_up_incidents import random_counts
from tests.exchange.coordination.incidents.test_told_incidents import meant
from tests.exchange.coordination.region.annexed_region import summed

pytestmark = pytest.mark.slow

H1, H2, YEAR = Half(2026, 1), Half(2026, 2), Year(2026)
CODES = ("MK", "RS", "XK")
Key = tuple[str, Half]
Figures = Mapping[tuple[str, CellPlace], Figure]
"""Of one regional report: totals, with an empty place, and cells."""
Rule = Callable[[Mapping[Key, IncidentCounts], Period, int], Figures]


def by_the_rule(drawn: Mapping[Key, IncidentCounts], period: Period, smallest: int) -> Figures:
    """As the region tells it."""
    annexes = {
        code: [_annex(code, half, counts, smallest) for (own, half), counts in drawn.items() if own == code]
        for code in CODES
    }
    found = public_incidents(
        {code: [annex for annex in own if annex.half in period.halves] for code, own in annexes.items()}, period
    )
    assert found is not None
    cells = {(name, place): figure for name, table in found.tables.items() for place, figure in table.cells.items()}
    return {**{(name, ()): figure for name, figure in found.totals.items()}, **cells}


def by_the_annexes_rule_anew(drawn: Mapping[Key, IncidentCounts], period: Period, smallest: int) -> Figures:
    """What suggests itself: the rule of an annex, applied to the region's exact sums."""
    counts = summed([counts for (_, half), counts in drawn.items() if half in period.halves])
    tables = told_tables(counts, smallest)
    cells = {(name, place): figure for name, table in tables.items() for place, figure in table.cells.items()}
    return {**{(name, ()): figure for name, figure in told_totals(counts, smallest).items()}, **cells}


def _annex(code: str, half: Half, counts: IncidentCounts, smallest: int) -> VerifiedAnnex:
    exact = ExactAnnex(AnnexHead(half, f"ffp-{code.lower()}", code, smallest), "", counts)
    return VerifiedAnnex(told_edition(exact), None, "", "")


class RegionAttack:
    """One integer programme over all of them: the variables of each annex, and a row for each regional figure."""

    def __init__(self, drawn: Mapping[Key, IncidentCounts], smallest: int, rule: Rule) -> None:
        self.parts = {key: Attack(counts, smallest) for key, counts in drawn.items()}
        self.first: dict[Key, int] = {}
        self.low: list[float] = []
        self.high: list[float] = []
        rows: list[Row] = []
        for key, part in self.parts.items():
            start = self.first[key] = len(self.low)
            self.low += part.low
            self.high += part.high
            rows += [
                ({start + at: factor for at, factor in terms.items()}, low, high) for terms, low, high in part.rows
            ]
        for period in (H1, H2, YEAR):
            rows += list(self._regional(period, rule(drawn, period, smallest)))
        data = [(number, at, factor) for number, (terms, _, _) in enumerate(rows) for at, factor in terms.items()]
        places = ([number for number, _, _ in data], [at for _, at, _ in data])
        matrix = csr_array(([factor for _, _, factor in data], places), shape=(len(rows), len(self.low)))
        self.limits = LinearConstraint(matrix, [low for _, low, _ in rows], [high for _, _, high in rows])

    def _regional(self, period: Period, figures: Figures) -> Iterator[Row]:
        for name, figure in figures.items():
            keys = [key for key in self.parts if key[1] in period.halves]
            terms = {self.first[key] + self.parts[key].variables[name]: 1.0 for key in keys}
            yield terms, figure.low or 0, np.inf if figure.high is None else figure.high

    def interval(self, key: Key, name: str, place: CellPlace) -> tuple[int, int]:
        found = []
        for sign in (1.0, -1.0):
            cost = np.zeros(len(self.low))
            cost[self.first[key] + self.parts[key].variables[name, place]] = sign
            bounds = Bounds(self.low, self.high)
            solved = milp(cost, constraints=self.limits, bounds=bounds, integrality=np.ones_like(cost))
            if solved.status == 3:
                found.append(10**6)
                continue
            assert solved.status == 0, solved.message
            found.append(round(sign * solved.fun))
        return found[0], found[1]


def drawn_region(draws: random.Random) -> dict[Key, IncidentCounts]:
    """From a quiet jurisdiction to one with hundreds of incidents."""
    found: dict[Key, IncidentCounts] = {}
    for code in CODES:
        for half in (H1, H2):
            counts = random_counts(draws, round(10 ** draws.uniform(0.7, 2.7)))
            while not meant(counts):
                counts = random_counts(draws, round(10 ** draws.uniform(0.7, 2.7)))
            found[code, half] = counts
    return found


def small_counts(drawn: Mapping[Key, IncidentCounts], smallest: int) -> list[tuple[Key, str, CellPlace]]:
    return [
        (key, name, place)
        for key, counts in drawn.items()
        for name, kind in TABLES.items()
        for place, count in exact_table(counts, kind).items()
        if 0 < count < smallest
    ]


def narrow(attack: RegionAttack, cells: Sequence[tuple[Key, str, CellPlace]], smallest: int) -> list[object]:
    found: list[object] = []
    for key, name, place in cells:
        low, high = attack.interval(key, name, place)
        if low > 1 or high < smallest - 1:
            found.append((key, name, place, low, high))
    return found


def test_the_region_beside_its_annexes_tells_no_small_count() -> None:
    draws, attacked = random.Random(41), 0
    for smallest in (5, 5, 3, 10) * 3:
        drawn = drawn_region(draws)
        attack = RegionAttack(drawn, smallest, by_the_rule)
        cells = small_counts(drawn, smallest)
        chosen = draws.sample(cells, min(len(cells), 30))
        assert not narrow(attack, chosen, smallest)
        attacked += len(chosen)
    print(f"{attacked} small counts attacked in 12 regions of 3 jurisdictions over a year")
    assert attacked > 250


def test_each_regional_figure_says_no_more_than_its_parts() -> None:
    """Whatever the counts: the least and the greatest sum that the annexes leave are those of the region."""
    draws, implied = random.Random(42), 0
    for _ in range(30):
        drawn = drawn_region(draws)
        parts = {key: Attack(counts, 5) for key, counts in drawn.items()}
        for period in (H1, H2, YEAR):
            own = [part for key, part in parts.items() if key[1] in period.halves]
            for (name, place), figure in by_the_rule(drawn, period, 5).items():
                if figure.low is None or figure.high is None:
                    continue
                at = [part.variables[name, place] for part in own]
                of = [part.variables[name if not place else TABLES[name].of, ()] for part in own]
                most = sum(
                    min(part.high[cell], part.high[total]) for part, cell, total in zip(own, at, of, strict=True)
                )
                assert figure.low <= sum(part.low[cell] for part, cell in zip(own, at, strict=True))
                assert figure.high >= most
                implied += 1
    assert implied > 10_000


def test_the_rule_applied_anew_to_the_sums_is_broken_by_this_attack() -> None:
    draws = random.Random(43)
    drawn = drawn_region(draws)
    attack = RegionAttack(drawn, 5, by_the_annexes_rule_anew)
    assert narrow(attack, draws.sample(small_counts(drawn, 5), 40), 5)
