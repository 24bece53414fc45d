"""Four secrets of Serbia's: what a record says and shows that North Macedonia may not have, each with two values."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from tests.exchange.flows.network import MK, RS, XK
from tests.observers.trial import Secret
from tests.observers.world import HEAD, World, drawn

ALIKE, OTHERS = 1, (4, 5, 6)
"""The observer's own exhibit was fired by the first; a record that shows it too would stand out in a search."""
_KINDS = ("crime_scene", "test_fire", "seized")
_PLACES = ("Niš", "Sremska Mitrovica", "Vranje")
_WORDS = ("seen", "from the left", "under a low light", "after cleaning", "with acetone", "twice", "in part", "stamped")


@dataclass(frozen=True)
class Content:
    """What a record says and shows."""

    scans: tuple[bytes, ...]
    says: Mapping[str, Any]

    @property
    def digests(self) -> tuple[str, ...]:
        return tuple(hashlib.sha256(scan).hexdigest() for scan in self.scans)


def content(chance: random.Random, firearm: int, scans: int) -> Content:
    """Drawn at random; of any length."""
    exhibit = {
        "kind": chance.choice(_KINDS),
        "calibre": chance.choice(("9x19", "9 mm Luger")),
        "municipality": chance.choice(_PLACES),
        "headstamp": " ".join(chance.sample(_WORDS, chance.randint(1, 8))),
    }
    case = f"RS-{chance.choice(('2025', '2026'))}-{'x' * chance.randint(0, 20)}{chance.randint(1, 10**6)}"
    shots = chance.sample(range(5, 60), scans)
    return Content(tuple(drawn(firearm, shot) for shot in shots), {"case_reference": case, "exhibit": exhibit})


@dataclass
class OfRecord(Secret):
    """A record of either content, and how it is kept from the observer."""

    name: ClassVar[str]

    def __post_init__(self) -> None:
        chance = random.Random(f"{self.name}/{self.seed}")
        self.contents = self.drawn(chance)
        self.terms = self.kept(chance)

    def drawn(self, chance: random.Random) -> tuple[Content, Content]:
        """By default one shows what the observer looks for, and the other does not."""
        return content(chance, ALIKE, 1), content(chance, chance.choice(OTHERS), chance.randint(1, 2))

    def kept(self, chance: random.Random) -> Mapping[str, Any]:
        raise NotImplementedError

    @property
    def given(self) -> list[str]:
        """The observer is told the digests of both, and knows not which is there."""
        return [digest for item in self.contents for digest in item.digests]

    @property
    def sizes(self) -> Mapping[str, int]:
        return {
            digest: len(scan) for item in self.contents for digest, scan in zip(item.digests, item.scans, strict=True)
        }

    def build(self, world: World, value: int) -> list[str]:
        chosen = self.contents[value]
        record = world.submit(*chosen.scans, **{**chosen.says, **self.terms})
        world.work(((XK, RS), (MK, RS)))
        return [record]


class Withheld(OfRecord):
    """Not for this peer: level, audience or handling forbid it."""

    name = "withheld"

    def kept(self, chance: random.Random) -> Mapping[str, Any]:
        return chance.choice(
            (
                {"level": "none", "audience": []},
                {"level": "full", "audience": ["XK"]},
                {"level": "none", "audience": ["MK", "XK"]},
            )
        )


class Withdrawn(OfRecord):
    """Taken back: another holder had it, or nobody yet. Only what is left after erasure is asked for, so the observer
    names the digests before."""

    name = "withdrawn"

    def kept(self, chance: random.Random) -> Mapping[str, Any]:
        return chance.choice(({"level": "full", "audience": ["XK"]}, {"level": "none", "audience": []}))

    def meanwhile(self, world: World, ids: list[str]) -> None:
        body = {"reason": "entered_in_error"}
        world.rest("POST", f"/v1/records/{ids[0]}/withdrawal", HEAD, json=body)
        world.work()


class Searched(OfRecord):
    """Search level: it answers queries with a band, and says nothing beside. Both contents give the same band."""

    name = "searched"

    def drawn(self, chance: random.Random) -> tuple[Content, Content]:
        firearm = chance.choice((ALIKE, *OTHERS))
        return content(chance, firearm, 1), content(chance, firearm, 1)

    def kept(self, chance: random.Random) -> Mapping[str, Any]:
        return {"level": "search", "audience": ["MK"]}


class Unapproved(OfRecord):
    """A person must decide first, and has not."""

    name = "not yet approved"

    def kept(self, chance: random.Random) -> Mapping[str, Any]:
        self.by_law = chance.random() < 0.5
        handling = {"code": "H0"} if self.by_law else {"code": "H3", "restriction": "Only after a telephone call."}
        return {"level": "full", "audience": ["MK"], "handling": handling}

    def build(self, world: World, value: int) -> list[str]:
        if self.by_law:
            self._block(world)
        return super().build(world, value)

    def _block(self, world: World) -> None:
        if world.rest("GET", "/v1/policy", HEAD).json()["bases"] != _BASES:
            shown = world.rest("POST", "/v1/policy/preview", HEAD, json={"bases": _BASES}).json()
            confirmed = shown["confirmation"]
            world.rest("POST", "/v1/policy", HEAD, json={"bases": _BASES, "confirmed": confirmed})


_BASES = [
    {
        "jurisdiction": jurisdiction,
        "kinds": list(_KINDS),
        "rule": rule,
        "article": "Test agreement, article 2",
        "review_by": "2030-12-31",
    }
    for jurisdiction, rule in (("MK", "needs_approval"), ("XK", "allowed"))
]
