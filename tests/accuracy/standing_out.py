"""How well the rule of what stands out does on scans of known firearm that are dealt to three nodes.

Each scan is an exhibit. Scan i is of node i mod 3, and a node's own exhibits are compared with those of the other two:
a record's list is that of its exhibit pairs across a border. Scores are the matcher's, of every pair in full; a node
keeps the best fifty of a scan, and these sets are smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from exchange.flows.candidates.standing_out import beyond_chance, standing_out
from matcher.evaluate.conditions import Conditions
from matcher.evaluate.evaluated_pairs import PairScore
from matcher.evaluate.run_evaluation import evaluate, read_truth

NODES = 3


@dataclass(frozen=True)
class Shown:
    """Over all records' lists, in which each exhibit pair stands twice: ``true`` pairs of one firearm, ``found`` those
    of them that are shown; ``shown``: all that are; ``lists``: how many lists there are, ``misled`` those that show a
    pair of two firearms; ``all_pairs``: how many there were to look through."""

    true: int
    found: int
    shown: int
    lists: int
    misled: int
    all_pairs: int

    @property
    def share_found(self) -> float:
        return self.found / self.true

    @property
    def share_true(self) -> float:
        return self.found / self.shown if self.shown else 1.0


AS_THEY_ARE = Conditions()


def scored(folder: Path, conditions: Conditions = AS_THEY_ARE) -> tuple[dict[str, str], Sequence[PairScore]]:
    """The firearm of each scan, and every pair."""
    truth = folder / "truth.csv"
    return read_truth(truth), evaluate(folder, truth, conditions, with_controls=False).pairs


def dealt(firearms: dict[str, str], pairs: Sequence[PairScore], *, references: int = 0, ordered: bool = False) -> Shown:
    """``references``: so many of each list alone, the first of the set. ``ordered``: the first scan of a pair is in
    another condition than the second, and has a list of its own."""
    node_of = {scan: place % NODES for place, scan in enumerate(firearms)}
    lists: dict[str, dict[str, float]] = {scan: {} for scan in firearms}
    for pair in pairs:
        if node_of[pair.a] != node_of[pair.b]:
            lists[pair.a][pair.b] = pair.score
            if not ordered:
                lists[pair.b][pair.a] = pair.score
    true = found = shown = misled = every = 0
    for scan, scores in lists.items():
        kept = dict(list(scores.items())[: references or None])
        ranked = sorted(kept, key=lambda other: -kept[other])
        best = ranked[: standing_out(list(kept.values()))]
        of_one = [other for other in best if firearms[other] == firearms[scan]]
        true += sum(firearms[other] == firearms[scan] for other in ranked)
        found, shown, every = found + len(of_one), shown + len(best), every + len(ranked)
        misled += len(of_one) < len(best)
    return Shown(true, found, shown, len(lists), misled, every)


def without_true_pairs(firearms: dict[str, str], pairs: Sequence[PairScore]) -> float:
    """The share of lists in which chance alone brings a pair beyond the limit: as most lists of a node are."""
    lists: dict[str, list[float]] = {scan: [] for scan in firearms}
    for pair in pairs:
        if firearms[pair.a] != firearms[pair.b]:
            for scan in (pair.a, pair.b):
                lists[scan].append(pair.score)
    return sum(beyond_chance(scores) > 0 for scores in lists.values()) / len(lists)
