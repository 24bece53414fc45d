"""What the pages say in one language, looked up from the English that the code has; and what they must not say."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from babel.messages.catalog import Catalog

from exchange.jurisdictions.directory import shipped_directory
from exchange.web.languages import Spoken
from exchange.web.languages.spoken import speaking
from exchange.web.languages.terms_glossary import own_glossary
from exchange.web.wording.messages import read_catalogue

_R = TypeVar("_R")

CYRILLIC: Final = frozenset({"mk", "sr-Cyrl", "uk"})
_FILLED: Final = re.compile(r"%\(\w+\)[a-z]|\{\w+\}|%%|`[^`]*`")
_LATIN: Final = re.compile(r"[A-Za-z]{3,}")
_DIGEST: Final = re.compile(r"\b[0-9a-f]{8,}\b")
_UNITS: Final = frozenset({"GiB", "MiB"})
_TELLING_CHARS: Final = 12
"""From so long a piece of a sentence it is known, wherever it stands; anything shorter may be a word of two
languages."""


class Speech:
    """One language of the pages. A text that its catalogue does not translate fails whoever asks for it."""

    def __init__(self, code: str) -> None:
        self.code = code
        self._spoken = Spoken(code)

    def text(self, english: str, **named: Any) -> str:
        found = read_once(self.code).get(english)
        said = found.string if found is not None else ""
        assert said, f"the catalogue of {self.code} does not translate {english!r}"
        assert isinstance(said, str), f"{english!r} has several forms"
        return said % named if named else said

    def pattern(self, english: str, **named: str) -> re.Pattern[str]:
        """Of the whole text, with a pattern in the place of each value."""
        said = re.escape(self.text(english))
        for name, values in named.items():
            said = said.replace(re.escape(f"%({name})s"), values)
        return re.compile(f"^{said}$")

    def term(self, value: str, of: str) -> str:
        """A term of the glossary, or with ``jurisdiction`` the name of one."""
        return self._spoken.term(value, of)

    def words(self, write: Callable[[], _R]) -> _R:
        """What code of the pages writes in this language."""
        with speaking(self._spoken):
            return write()


@functools.cache
def read_once(code: str) -> Catalog:
    return read_catalogue(code)


@dataclass(frozen=True)
class English:
    """What stays English where a text was not translated. ``whole``: texts of their own; ``pieces``: of longer ones the
    longest part without values, with the text that it is of."""

    whole: frozenset[str]
    pieces: Mapping[str, str]

    def found_in(self, texts: Collection[str]) -> list[str]:
        said = {" ".join(text.split()) for text in texts}
        together = "\n".join(said)
        return sorted({*(said & self.whole), *(text for piece, text in self.pieces.items() if piece in together)})


@functools.cache
def english_of(code: str) -> English:
    """The English of a language's catalogue, of the glossary and of the names of jurisdictions. What this language says
    in the same words is none of it."""
    said = [
        *((message.id, message.string) for message in read_once(code) if message.id),
        *((terms["en"], terms[code]) for terms in own_glossary().terms.values()),
        *((names["en"], Spoken(code).term(one, "jurisdiction")) for one, names in _names_of_jurisdictions()),
    ]
    own = {form for _, other in said for form in _forms(other)}
    whole, pieces = set(), {}
    for text in (form for english, _ in said for form in _forms(english) if form not in own):
        parts = [" ".join(part.split()) for part in _FILLED.split(text)]
        longest = max(parts, key=len)
        if len(parts) == 1:
            whole.add(longest)
        if " " in longest and len(longest) >= _TELLING_CHARS:
            pieces[longest] = text
    return English(frozenset(whole), pieces)


def latin_in(code: str, texts: Collection[str], data: Collection[str]) -> list[str]:
    """Texts of a language in Cyrillic with a word in Latin letters that neither its catalogue nor its glossary has,
    and that is not among the ``data``. Capitals alone are an abbreviation."""
    known, found = _latin_words(code), []
    for text in texts:
        rest = text
        for value in sorted(data, key=len, reverse=True):
            rest = rest.replace(value, " ")
        words = {word for word in _LATIN.findall(_DIGEST.sub(" ", rest)) if not word.isupper()} - _UNITS
        if words - known:
            found.append(text)
    return found


def _names_of_jurisdictions() -> Iterator[tuple[str, Mapping[str, str]]]:
    known = shipped_directory()
    yield from ((code, known.names(code)) for code in known)


@functools.cache
def _latin_words(code: str) -> frozenset[str]:
    said = [form for message in read_once(code) for form in _forms(message.string)]
    said += [terms.get(code, "") for terms in own_glossary().terms.values()]
    return frozenset(word for text in said for word in _LATIN.findall(text))


def _forms(said: Any) -> Iterator[str]:
    """The singular and the plurals of what a catalogue has, those that are there."""
    yield from (form for form in (said if isinstance(said, (tuple, list)) else (said,)) if form)
