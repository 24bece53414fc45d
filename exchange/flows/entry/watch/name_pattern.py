"""What a file's name states, by a template: ``{case_reference}_{item?}_{roi}_{number}``.

A place stands for a column of the import, in our words or in the mapping's; what is no column is left out, as in a
table. ``?`` marks one that may be missing, with the sign that follows it. There is no language of patterns behind it:
between two places stands a sign that the text of neither holds, except for words of a vocabulary, which may
(``breech_face``). So a name can be read in one way, in none, or is refused as ambiguous.

>>> from exchange.flows.entry.import_table import ColumnMap
>>> pattern = NamePattern.of("{case_reference}_{item?}_{roi}_{number}", ColumnMap(columns={"item": "exhibit"}))
>>> pattern.read("RS-1_E2_breech-face_003") == {"case_reference": "RS-1", "exhibit": "E2", "roi": "breech_face"}
True
>>> pattern.read("RS-1_breech_face_003") == {"case_reference": "RS-1", "roi": "breech_face"}
True
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product
from typing import Final, NoReturn, Self, TypeAlias

from exchange.errors import InvalidInput
from exchange.flows.entry.import_table import FILE_COLUMN, ColumnMap, has_words, known_word, our_cells, our_columns

MAX_TEMPLATE = 200
"""Characters. A file's name has 255 bytes."""
MAX_PATTERN_PLACES = 12
MAX_OPTIONAL = 4
"""Each doubles the ways in which a name may be read."""
_TWO: Final = 2
"""Whoever found two readings need look for no third."""


@dataclass(frozen=True)
class Place:
    """``column``: ours, None where it is left out."""

    name: str
    column: str | None
    optional: bool


PatternPart: TypeAlias = str | Place
NameReading: TypeAlias = tuple[tuple[Place, str], ...]


@dataclass(frozen=True)
class NamePattern:
    """A template that was read. ``variants``: with each optional place, and without it."""

    template: str
    places: tuple[Place, ...]
    variants: tuple[tuple[PatternPart, ...], ...]
    mapping: ColumnMap

    @classmethod
    def of(cls, template: str, mapping: ColumnMap) -> Self:
        """Raises InvalidInput that says what is wrong with it."""
        parts = tuple(_parts(template, mapping))
        places = tuple(part for part in parts if isinstance(part, Place))
        _check(template, parts, places)
        optional = [index for index, part in enumerate(parts) if isinstance(part, Place) and part.optional]
        variants = tuple(
            _without(parts, {index for index, left_out in zip(optional, choice, strict=True) if left_out})
            for choice in product((False, True), repeat=len(optional))
        )
        return cls(template, places, variants, mapping)

    def read(self, stem: str) -> dict[str, str]:
        """What a name states, in our columns and words. Raises InvalidInput when it fits not at all, or in two ways."""
        found = self._readings(stem, strict=True) or self._readings(stem, strict=False)
        if not found:
            raise InvalidInput(f"The name does not fit the pattern {self.template}.", code="name-differs")
        if len(found) > 1:
            ways = " or ".join(", ".join(f"{name} = {text}" for name, text in way.items()) for way in found[:_TWO])
            raise InvalidInput(f"The name can be read in two ways by {self.template}: {ways}.", code="name-ambiguous")
        return found[0]

    def _readings(self, stem: str, *, strict: bool) -> list[dict[str, str]]:
        """``strict``: a word of a vocabulary must be known; else the contract is to say that it is not."""
        found: list[dict[str, str]] = []
        for variant in self.variants:
            for way in _ways(variant, stem, self.mapping, strict=strict):
                row = [(place.name, text) for place, text in way if place.column is not None]
                ours = our_columns([name for name, _ in row], self.mapping, names_file=False)
                cells = our_cells(ours, [text for _, text in row], self.mapping)
                if cells not in found:
                    found.append(cells)
        return found


def _parts(template: str, mapping: ColumnMap) -> Iterator[PatternPart]:
    if not template or len(template) > MAX_TEMPLATE or not template.isprintable():
        _wrong(template, f"it has 1 to {MAX_TEMPLATE} characters, all of them printable")
    rest = template
    while rest:
        text, brace, rest = rest.partition("{")
        if "}" in text:
            _wrong(template, "a brace is closed that was not opened")
        if text:
            yield text
        if not brace:
            return
        name, closed, rest = rest.partition("}")
        bare = name.removesuffix("?").strip()
        if not closed or "{" in name or not bare:
            _wrong(template, "a place is a name between braces, as {roi}")
        [column] = our_columns([bare], mapping, names_file=False)
        if column == FILE_COLUMN:
            _wrong(template, "the name of the file is not stated by a part of it")
        yield Place(bare, column, name.endswith("?"))


def _check(template: str, parts: Sequence[PatternPart], places: Sequence[Place]) -> None:
    optional = sum(place.optional for place in places)
    if not 1 <= len(places) <= MAX_PATTERN_PLACES or optional > MAX_OPTIONAL:
        _wrong(template, f"it has 1 to {MAX_PATTERN_PLACES} places, of which {MAX_OPTIONAL} may be optional")
    columns = [place.column for place in places if place.column is not None]
    if len(set(columns)) != len(columns):
        _wrong(template, "two places mean the same column")
    if any(isinstance(part, Place) and isinstance(after, Place) for part, after in pairwise(parts)):
        _wrong(template, "between two places stands a sign, as in {roi}_{number}")


def _without(parts: Sequence[PatternPart], left_out: set[int]) -> tuple[PatternPart, ...]:
    """Each place that is left out goes with the sign after it; the last one with the sign before it."""
    gone = set(left_out)
    for index in sorted(left_out):
        gone.add(index + 1 if index + 1 < len(parts) else index - 1)
    return tuple(part for index, part in enumerate(parts) if index not in gone)


def _ways(parts: tuple[PatternPart, ...], stem: str, mapping: ColumnMap, *, strict: bool) -> tuple[NameReading, ...]:
    """At most two. Each place of the parts and of the name is looked at once, so no name costs more than a product."""

    @cache
    def from_here(index: int, at: int) -> tuple[NameReading, ...]:
        if index == len(parts):
            return ((),) if at == len(stem) else ()
        part = parts[index]
        if isinstance(part, str):
            return from_here(index + 1, at + len(part)) if stem.startswith(part, at) else ()
        before, after = _sign(parts, index - 1), _sign(parts, index + 1)
        found: list[NameReading] = []
        for end in _ends(stem, at, after):
            text = stem[at:end]
            if _may_be(part, text, (before, after), mapping, strict=strict):
                found += (((part, text), *rest) for rest in from_here(index + 1, end))
            if len(found) >= _TWO:
                break
        return tuple(found[:_TWO])

    return from_here(0, 0)


def _sign(parts: Sequence[PatternPart], index: int) -> str:
    part = parts[index] if 0 <= index < len(parts) else ""
    return part if isinstance(part, str) else ""


def _ends(stem: str, at: int, after: str) -> Iterator[int]:
    """Where the text of a place may end: before each sign that follows it, or at the end of the name."""
    if not after:
        yield len(stem)
        return
    end = stem.find(after, at)
    while end >= 0:
        yield end
        end = stem.find(after, end + 1)


def _may_be(place: Place, text: str, signs: tuple[str, str], mapping: ColumnMap, *, strict: bool) -> bool:
    if not text.strip():
        return place.optional and not text
    if place.column is not None and has_words(place.column) and strict:
        return known_word(place.column, text, mapping) is not None
    return not any(sign and sign in text for sign in signs)


def _wrong(template: str, why: str) -> NoReturn:
    raise InvalidInput(f"The pattern {template[:MAX_TEMPLATE]!r} cannot be used: {why}.", code="pattern-invalid")
