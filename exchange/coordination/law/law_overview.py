"""The law of all sides at a glance: what each says of giving to, asking and receiving from each other one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from exchange.coordination.law.compendium import Compendium
from exchange.coordination.law.rulings import LawState, law_state
from schemas.law import LawDirection
from schemas.vocabulary import Jurisdiction


@dataclass(frozen=True)
class LawMatrix:
    """By direction, side whose law it is, and other side."""

    sides: tuple[Jurisdiction, ...]
    states: Mapping[LawDirection, Mapping[Jurisdiction, Mapping[Jurisdiction, LawState]]]

    def counted(self, direction: LawDirection, state: LawState) -> int:
        return sum(said is state for row in self.states[direction].values() for said in row.values())


def law_matrix(laws: Sequence[Compendium], day: date) -> LawMatrix:
    sides = tuple(sorted(law.jurisdiction for law in laws))
    by_side = {law.jurisdiction: law for law in laws}
    return LawMatrix(
        sides,
        {
            direction: {
                side: {
                    other: law_state(by_side[side].articles, direction, other, day) for other in sides if other != side
                }
                for side in sides
            }
            for direction in LawDirection
        },
    )
