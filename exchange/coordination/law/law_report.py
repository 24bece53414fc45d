"""All that the compendium's report says, put together at one moment. Nothing of it is counted for the report alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from exchange.clock import stamp
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.law.compendium import Compendium, compendia
from exchange.coordination.law.concordance import Concordance, concordance
from exchange.coordination.law.law_changes import LawChanges, changes_in_half
from exchange.coordination.law.law_overview import LawMatrix, law_matrix
from exchange.coordination.law.pair_of_law import PairOfLaw, pair_of_law
from exchange.errors import InvalidInput, NotFound
from exchange.flows.node.node import Node
from schemas.vocabulary import Jurisdiction


@dataclass(frozen=True)
class LawReport:
    """``at``: the moment of which the report is. ``half``: whose changes it tells, the one that lasts then."""

    at: str
    here: Jurisdiction
    node_id: str
    laws: tuple[Compendium, ...]
    matrix: LawMatrix
    concordance: Concordance
    half: Half
    changes: tuple[LawChanges, ...]

    @property
    def day(self) -> date:
        return date.fromisoformat(self.at[:10])

    def law_of(self, jurisdiction: Jurisdiction) -> Compendium:
        """Raises NotFound for a jurisdiction of no enrolled partner."""
        for law in self.laws:
            if law.jurisdiction == jurisdiction:
                return law
        raise NotFound(f"{jurisdiction} is no partner of this node.")

    def pair(self, one: Jurisdiction, other: Jurisdiction) -> PairOfLaw:
        """Raises NotFound; InvalidInput for one side alone."""
        if one == other:
            raise InvalidInput("A pair is of two sides.", code="invalid-field")
        return pair_of_law(self.law_of(one), self.law_of(other), self.day)


def law_report(node: Node, half: Half | None = None) -> LawReport:
    """``half``: whose changes are told; the one that lasts, if none is named. Raises NotFound for a half-year to
    come."""
    at = stamp()
    laws = compendia(node)
    day = date.fromisoformat(at[:10])
    wanted = half or Half.of(datetime.fromisoformat(at))
    return LawReport(
        at=at,
        here=Jurisdiction(node.settings.jurisdiction),
        node_id=node.node_id,
        laws=laws,
        matrix=law_matrix(laws, day),
        concordance=concordance(laws, day),
        half=wanted,
        changes=changes_in_half(node, wanted),
    )
