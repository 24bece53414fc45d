"""What somebody can work out who has all that is published of one half-year's incidents: an integer programme over it
(`scipy.optimize.milp`)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from exchange.coordination.half_year.small_counts import Figure
from exchange.coordination.incidents.incident_vocabulary import HarmOutcome, IncidentCounts
from exchange.coordination.incidents.told_incidents import (
    USE_BY_OFFENCE,
    USE_BY_OUTCOME,
    CellPlace,
    told_tables,
    told_totals,
)

Row = tuple[dict[int, float], float, float]


class Attack:
    """An integer programme over all that is published of one half-year: a variable for each cell and each total."""

    def __init__(self, counts: IncidentCounts, smallest: int) -> None:
        self.tables, self.totals = told_tables(counts, smallest), told_totals(counts, smallest)
        self.variables: dict[tuple[str, CellPlace], int] = {}
        self.low: list[float] = []
        self.high: list[float] = []
        for name, figure in self.totals.items():
            self._variable((name, ()), figure)
        for name, table in self.tables.items():
            for place, figure in table.cells.items():
                self._variable((name, place), figure)
        self.rows = list(self._rows())

    def _variable(self, name: tuple[str, CellPlace], figure: Figure) -> None:
        self.variables[name] = len(self.low)
        self.low.append(figure.low or 0)
        self.high.append(np.inf if figure.high is None else figure.high)

    def _rows(self) -> Iterator[Row]:
        """Each table divides its total. What words mean: who is killed or injured is a person who is counted; a threat
        hurts nobody. Both hold in the data that are attacked, or are not used."""
        for name, table in self.tables.items():
            cells = {self.variables[name, place]: 1.0 for place in table.cells}
            yield cells | {self.variables[table.kind.of, ()]: -1.0}, 0, 0
        hurt = {at: 1.0 for (name, place), at in self.variables.items() if name == USE_BY_OUTCOME and is_hurt(place)}
        victims = {self.variables[name, ()]: -1.0 for name in ("victims", "persons_of_unknown_role")}
        yield hurt | victims, -np.inf, 0
        threats = {self.variables[USE_BY_OFFENCE, ("threat",)]: 1.0}
        yield hurt | threats | {self.variables["use", ()]: -1.0}, -np.inf, 0

    def interval(self, name: str, place: CellPlace) -> tuple[int, int]:
        """The least and the greatest value that the cell may have."""
        matrix = np.zeros((len(self.rows), len(self.low)))
        for number, (terms, _, _) in enumerate(self.rows):
            for at, factor in terms.items():
                matrix[number, at] = factor
        limits = LinearConstraint(matrix, [row[1] for row in self.rows], [row[2] for row in self.rows])
        found = []
        for sign in (1.0, -1.0):
            cost = np.zeros(len(self.low))
            cost[self.variables[name, place]] = sign
            solved = milp(cost, constraints=limits, bounds=Bounds(self.low, self.high), integrality=np.ones_like(cost))
            if solved.status == 3:
                found.append(10**6)
                continue
            assert solved.status == 0, solved.message
            found.append(round(sign * solved.fun))
        return found[0], found[1]


def is_hurt(place: CellPlace) -> bool:
    return place[0] in {HarmOutcome.KILLED, HarmOutcome.INJURED}
