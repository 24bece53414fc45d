"""The terms of the field in each language: ``glossary.toml``, and what a laboratory says otherwise.

A section is a vocabulary, an entry one of its values, and below it stands the term for each language:

    [region_of_interest.breech_face]
    en = "breech face"
    "sr-Latn" = "čelo zatvarača"

A file of this form in the home of a node replaces single terms. Serbian in Cyrillic follows from Serbian in Latin
script, unless a term is given.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exchange.errors import ConfigurationError
from exchange.web.languages.catalogue import CODES, FOLDER, SOURCE
from exchange.web.languages.cyrillic import to_cyrillic

GLOSSARY_FILE: Final = "glossary.toml"
MAX_BYTES: Final = 1024 * 1024
MAX_TERM: Final = 300
Terms = Mapping[tuple[str, str], Mapping[str, str]]
"""By vocabulary and value: the term in each language."""


@dataclass(frozen=True)
class Glossary:
    terms: Terms
    first: Mapping[str, str]
    """The first vocabulary that has a value."""

    def term(self, value: str, language: str, of: str | None = None) -> str:
        """The term for a value; for one that nobody entered, the value itself, in words."""
        entry = self.entry_of(value, of)
        said = {} if entry is None else self.terms[entry]
        return said.get(language) or said.get(SOURCE) or str(value).replace("_", " ")

    def entry_of(self, value: str, of: str | None = None) -> tuple[str, str] | None:
        """The vocabulary and the value under which its term stands: the vocabulary is the one named, else that of the
        value's own type, else the first that has the value. None: nobody entered it."""
        name = key_of(value)
        section = of or _vocabulary_of(value)
        if section is None or (section, name) not in self.terms:
            section = self.first.get(name, "")
        return (section, name) if (section, name) in self.terms else None


@dataclass(frozen=True)
class Override:
    """One term that a laboratory gives: instead of which, or None where the node has no such entry."""

    section: str
    value: str
    language: str
    term: str
    instead_of: str | None


def key_of(value: str) -> str:
    """States are written with hyphens, vocabularies with underscores."""
    return str(value).replace("-", "_").replace(" ", "_")


@functools.cache
def own_glossary() -> Glossary:
    """The terms that come with the program."""
    return _glossary(_with_cyrillic(read_terms(FOLDER / GLOSSARY_FILE)))


def glossary_of(home: Path) -> Glossary:
    """With what the node's own file replaces. Raises ConfigurationError when that file cannot be read."""
    path = home / GLOSSARY_FILE
    if not path.is_file():
        return own_glossary()
    terms = {entry: dict(said) for entry, said in own_glossary().terms.items()}
    for entry, said in _with_cyrillic(read_terms(path)).items():
        if entry in terms:
            terms[entry] |= said
    return _glossary(terms)


def overrides(home: Path) -> list[Override]:
    """Each term of the node's own file. Raises ConfigurationError."""
    path, own = home / GLOSSARY_FILE, own_glossary().terms
    given = read_terms(path) if path.is_file() else {}
    return [
        Override(section, value, language, term, own.get((section, value), {}).get(language))
        for (section, value), said in given.items()
        for language, term in said.items()
    ]


def read_terms(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    """Raises ConfigurationError that names the place."""
    raw = path.read_bytes()
    if len(raw) > MAX_BYTES:
        raise ConfigurationError(f"{path} is larger than {MAX_BYTES} bytes.")
    try:
        sections = tomllib.loads(raw.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}.") from error
    return {
        (section, value): dict(_said(path, f"{section}.{value}", said))
        for section, values in sections.items()
        for value, said in _table(path, section, values).items()
    }


def _said(path: Path, place: str, said: object) -> Iterator[tuple[str, str]]:
    for language, term in _table(path, place, said).items():
        if language not in CODES:
            raise ConfigurationError(f"{path}: [{place}] has {language!r}; the languages are {', '.join(CODES)}.")
        if not isinstance(term, str) or not term.strip() or len(term) > MAX_TERM or not term.isprintable():
            raise ConfigurationError(
                f"{path}: [{place}] {language} is to be one line of text, of at most {MAX_TERM} characters."
            )
        yield language, term


def _table(path: Path, place: str, found: object) -> dict[str, object]:
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path}: [{place}] is to be a table, with a term for each language.")
    return found


def _with_cyrillic(terms: dict[tuple[str, str], dict[str, str]]) -> dict[tuple[str, str], dict[str, str]]:
    for said in terms.values():
        if "sr-Latn" in said:
            said.setdefault("sr-Cyrl", to_cyrillic(said["sr-Latn"]))
    return terms


def _glossary(terms: Terms) -> Glossary:
    first: dict[str, str] = {}
    for section, value in terms:
        first.setdefault(value, section)
    return Glossary(terms, first)


def _vocabulary_of(value: str) -> str | None:
    """``RegionOfInterest.BREECH_FACE`` belongs to ``region_of_interest``; a plain text to none."""
    return None if type(value) is str else re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(value).__name__).lower()
