"""Pairs of calibres that one firearm may fire, as a laboratory knows them beside those of the contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from schemas.calibre import Calibre, compatible_calibres
from schemas.calibre_list import ENTRY_OF
from schemas.exhibit import FoldedCalibre, ShortText

MOST_OWN_PAIRS: Final = 100
"""Each pair costs comparisons: with many more, everything would be compared with everything."""


class OwnCalibrePair(BaseModel):
    """Two designations of the list, each by any of its spellings, and why one firearm may fire both."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    one: FoldedCalibre
    other: FoldedCalibre
    reason: ShortText

    @model_validator(mode="after")
    def _two_of_the_list(self) -> Self:
        if self.one is self.other:
            raise ValueError(f"both are {self.one}: a pair is two calibres")
        for calibre in (self.one, self.other):
            if calibre not in ENTRY_OF:
                raise ValueError(f"'{calibre}' is no designation of the list of calibres")
        return self

    @property
    def calibres(self) -> frozenset[Calibre]:
        return frozenset({self.one, self.other})


def _each_once(pairs: tuple[OwnCalibrePair, ...]) -> tuple[OwnCalibrePair, ...]:
    twice = [pair for pair, count in Counter(pair.calibres for pair in pairs).items() if count > 1]
    if twice:
        raise ValueError(f"the pair {' and '.join(sorted(twice[0]))} is named twice")
    return pairs


OwnCalibrePairs = Annotated[tuple[OwnCalibrePair, ...], Field(max_length=MOST_OWN_PAIRS), AfterValidator(_each_once)]


def calibres_beside(calibre: str, own: Iterable[OwnCalibrePair]) -> frozenset[str]:
    """The designations that one of this designation may be compared with, by the contract's pairs and by own ones."""
    extra = [frozenset[str](pair.calibres) for pair in own]
    return frozenset(item.value for item in compatible_calibres(Calibre(calibre), extra))
