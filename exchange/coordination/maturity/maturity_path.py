"""The path of a focal point over half-years: which level it reached when, since when each practice holds, and what fell
back. Made of snapshots alone, signed ones or those of a node's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.maturity.maturity_snapshot import Snapshot
from exchange.coordination.maturity.practice_definitions import State


@dataclass(frozen=True)
class PracticePath:
    """``states``: by half-year; one in which the practice was not asked for, or that has no snapshot, is not in it.
    ``since``: from which half-year on it holds without a break in the snapshots, None where it does not hold now.
    ``fell_back``: it held in the snapshot before, and does not hold in the last one."""

    name: str
    title: str
    level: int
    states: Mapping[Half, State]
    since: Half | None
    fell_back: bool


@dataclass(frozen=True)
class MaturityPath:
    """``levels``: the level that was reached, by half-year, None for one without a snapshot between the first and the
    last. A path without a snapshot has neither."""

    levels: Mapping[Half, int | None]
    practices: tuple[PracticePath, ...]

    @property
    def halves(self) -> tuple[Half, ...]:
        return tuple(self.levels)

    @property
    def fell_back(self) -> tuple[PracticePath, ...]:
        return tuple(practice for practice in self.practices if practice.fell_back)


def path_of(snapshots: Sequence[Snapshot]) -> MaturityPath:
    """``snapshots``: of one node, one for each half-year, in any order."""
    ordered = sorted(snapshots, key=lambda item: item.half)
    if not ordered:
        return MaturityPath({}, ())
    known = {snapshot.half: snapshot for snapshot in ordered}
    halves, half = [ordered[0].half], ordered[0].half
    while half < ordered[-1].half:
        half = half.after()
        halves.append(half)
    levels = {half: known[half].reached if half in known else None for half in halves}
    return MaturityPath(levels, tuple(_practices(ordered)))


def _practices(ordered: Sequence[Snapshot]) -> list[PracticePath]:
    """Those of the last snapshot, as they are called there."""
    found = []
    for level in ordered[-1].levels:
        for practice in level.practices:
            states = {
                snapshot.half: snapshot.practices[practice.id].state
                for snapshot in ordered
                if practice.id in snapshot.practices
            }
            told = list(states.items())
            since = None
            for half, state in reversed(told):
                if state is not State.HOLDS:
                    break
                since = half
            held_before = len(told) > 1 and told[-2][1] is State.HOLDS
            fell_back = held_before and told[-1][1] is not State.HOLDS
            found.append(PracticePath(practice.id, practice.title, level.level, states, since, fell_back))
    return found
