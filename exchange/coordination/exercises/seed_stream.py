"""Numbers from a seed: the same seed and recipe give the same numbers, and none of them leads back to the seed."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Sequence
from typing import Final, TypeVar

from exchange.errors import InvalidInput

RECIPE: Final = "ffp-exercises-1"
"""It changes with whatever makes another set of the same seed."""
LONGEST_SEED: Final = 200
UNGUESSABLE: Final = 16
"""Characters. Shorter seeds, and numbers, can be tried one after the other by whoever has this program."""

_T = TypeVar("_T")


class SeedStream:
    """Each number has a name, and depends on seed, recipe and name alone: what is asked for first changes nothing."""

    def __init__(self, seed: str) -> None:
        """Raises InvalidInput."""
        if not 1 <= len(seed) <= LONGEST_SEED or not seed.isprintable() or not seed[0].isalnum():
            raise InvalidInput(
                f"A seed is one line of 1 to {LONGEST_SEED} characters that begins with a letter or a digit."
            )
        self.seed = seed
        self._key = hashlib.sha256(f"{RECIPE}\0{seed}".encode()).digest()

    @property
    def is_guessable(self) -> bool:
        return len(self.seed) < UNGUESSABLE or self.seed.isdecimal() or len(set(self.seed)) < UNGUESSABLE // 2

    def secret(self, *name: object) -> bytes:
        """32 bytes."""
        return hmac.new(self._key, "\0".join(map(str, name)).encode(), "sha256").digest()

    def number(self, *name: object) -> int:
        """From 0 to 2**63 - 1."""
        return int.from_bytes(self.secret(*name)[:8], "big") >> 1

    def below(self, count: int, *name: object) -> int:
        """From 0 to ``count`` - 1."""
        return self.number(*name) % count

    def between(self, low: float, high: float, *name: object) -> float:
        return low + (high - low) * math.ldexp(self.number(*name), -63)

    def chosen(self, items: Sequence[_T], *name: object) -> _T:
        return items[self.below(len(items), *name)]

    def shuffled(self, items: Sequence[_T], *name: object) -> list[_T]:
        return [items[place] for place in sorted(range(len(items)), key=lambda place: self.secret(*name, place))]
