"""How far a focal point has come, by what its node can see: rows, signed statements, settings; nobody fills in a form.

For the node's own head, operator and auditor; it is sent nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exchange.clock import stamp
from exchange.coordination.maturity.practice_definitions import MATURITY_LEVELS, Evidence, Practice, State
from exchange.coordination.maturity.practices_of_care import accountable, dependable
from exchange.coordination.maturity.practices_of_exchange import connected, exchanging
from exchange.flows.alerts.deadlines import all_duties
from exchange.flows.node.node import Node


@dataclass(frozen=True)
class Seen:
    """One practice, and what the node saw of it."""

    name: str
    practice: Practice
    proof: Evidence

    @property
    def holds(self) -> bool:
        return self.proof.state is State.HOLDS

    @property
    def then(self) -> str | None:
        """The next step, where there is one to take."""
        lacks = self.proof.state is State.NO_DATA and self.practice.brings_data
        return self.practice.then if lacks or self.proof.state is State.DOES_NOT_HOLD else None


@dataclass(frozen=True)
class Rung:
    """One level. ``held`` of its practices hold."""

    number: int
    title: str
    seen: tuple[Seen, ...]

    @property
    def held(self) -> int:
        return sum(item.holds for item in self.seen)

    @property
    def whole(self) -> bool:
        return self.held == len(self.seen)


@dataclass(frozen=True)
class Maturity:
    node_id: str
    jurisdiction: str
    at: str
    rungs: tuple[Rung, ...]

    @property
    def reached(self) -> int:
        """The highest level of which every practice holds, as those of all levels below; 0 for none."""
        return reached(self.rungs)


def maturity_of(node: Node) -> Maturity:
    """Look at each practice once, in one moment of the database. Changes nothing, and asks no peer."""
    with node.store.read() as session:
        due = all_duties(session, node)
        proofs = {
            **connected(session, node),
            **exchanging(session, node, due),
            **dependable(session, node),
            **accountable(session, node, due),
        }
    return Maturity(node.node_id, node.settings.jurisdiction, stamp(), rungs_of(proofs))


def rungs_of(proofs: Mapping[str, Evidence]) -> tuple[Rung, ...]:
    return tuple(
        Rung(
            number,
            level.title,
            tuple(Seen(name, practice, proofs[name]) for name, practice in level.practices.items()),
        )
        for number, level in MATURITY_LEVELS.items()
    )


def reached(rungs: Sequence[Rung]) -> int:
    """Without data a practice does not hold; a level above a gap is not reached however whole it is."""
    number = 0
    for rung in rungs:
        if not rung.whole:
            break
        number = rung.number
    return number
