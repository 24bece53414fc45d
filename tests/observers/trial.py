"""One trial: two worlds from one seed that differ in a secret alone, an observer in each, and what it was told."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from tests.observers.coverage import Coverage
from tests.observers.seen.transcript import Difference, Line, differences, transcript
from tests.observers.seen.wire import Exchange
from tests.observers.world import Base, World


@dataclass
class Secret:
    """What only one of two worlds has, in two values. All else comes from the seed, and is the same in both."""

    seed: int
    name: ClassVar[str]

    @property
    def given(self) -> list[str]:
        """Digests that the observer is told before anything is asked, in both worlds the same."""
        return []

    @property
    def sizes(self) -> Mapping[str, int]:
        """How long the scans are whose digests are given."""
        return {}

    def build(self, world: World, value: int) -> list[str]:
        """Put the secret into a world. Returns ids that the observer is told too, beside those of the other world."""
        raise NotImplementedError

    def meanwhile(self, world: World, ids: list[str]) -> None:
        """What happens in the world while the observer is at it: the same, whatever the value."""


@dataclass(frozen=True)
class Told:
    """What an observer knows from outside: digests and ids, and how long the scans are."""

    values: tuple[str, ...]
    sizes: Mapping[str, int]


Meanwhile = Callable[[], None]


class Observer(Protocol):
    """Asks all that it can, and returns what it saw of what went over the wire."""

    __name__: str

    def __call__(self, world: World, told: Told, meanwhile: Meanwhile, coverage: Coverage, /) -> Sequence[Exchange]: ...


@dataclass(frozen=True)
class Outcome:
    """The transcripts of both worlds, and the differences between them."""

    observer: str
    lines: tuple[list[Line], list[Line]]
    coverage: Coverage

    @property
    def differences(self) -> list[Difference]:
        return differences(*self.lines)

    @property
    def report(self) -> str:
        found = self.differences
        return f"{len(found)} kinds of differences in {len(self.lines[0])} steps\n" + "\n\n".join(map(str, found))


def run(base: Base, folder: Path, secret: Secret, observer: Observer, values: tuple[int, int] = (0, 1)) -> Outcome:
    """1. Make both worlds.
    2. Put one value of the secret into each; what the observer is told of both, it is told in both.
    3. Let the observer ask in one, then in the other, in the same way.
    """
    seed = f"{secret.name}/{secret.seed}"
    with ExitStack() as opened:
        # 1.
        worlds = [opened.enter_context(base.opened(folder / name, seed)) for name in ("one", "other")]

        # 2.
        ids: list[list[str]] = []
        for world, value in zip(worlds, values, strict=True):
            with world.running():
                ids.append(secret.build(world, value))
                world.wire.told.clear()
        told = (*secret.given, *itertools.chain(*zip(*ids, strict=True)))
        given = Told(tuple(dict.fromkeys(told)), secret.sizes)

        # 3.
        lines: list[list[Line]] = []
        coverage = Coverage()
        for world, own in zip(worlds, ids, strict=True):

            def meanwhile(world: World = world, own: list[str] = own) -> None:
                secret.meanwhile(world, own)

            with world.running():
                lines.append(transcript(observer(world, given, meanwhile, coverage), told))
    return Outcome(observer.__name__.rpartition("_")[2], (lines[0], lines[1]), coverage)
