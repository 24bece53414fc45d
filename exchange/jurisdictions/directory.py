"""The directory of jurisdictions: the first release's eight, and what a registry or a node's own file adds.

directory.name(Jurisdiction("HR"), "sr-Latn")   # "Hrvatska"
directory.name(Jurisdiction("ZZ"))              # "ZZ": a peer's newer registry may know more
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, get_args
from zoneinfo import ZoneInfo

from exchange.config import PageLanguage
from exchange.errors import InvalidInput
from exchange.jurisdictions.jurisdiction_entry import ENGLISH, Entries, JurisdictionEntry, read_entries
from schemas.jurisdiction import MAX_JURISDICTIONS, Jurisdiction

_SHIPPED: Final = Path(__file__).with_name("first_release.json")
PAGE_LANGUAGES: Final[tuple[str, ...]] = get_args(PageLanguage)


@dataclass(frozen=True)
class Directory:
    """Which jurisdictions are known, in the order of their codes. ``source`` says where those come from that are not of
    the release."""

    entries: Entries
    source: str = "this release"

    def __iter__(self) -> Iterator[Jurisdiction]:
        return iter(self.entries)

    def __contains__(self, code: object) -> bool:
        return code in self.entries

    def names(self, code: str) -> Mapping[str, str]:
        """By language; nothing of a code that is not known."""
        entry = self._entry(code)
        return {} if entry is None else entry.names

    def name(self, code: str, language: str = ENGLISH) -> str:
        """The name to print; in English where the language has none, and the code of one that is not known. With its
        asterisk where it has one: then its footnote must stand below (``footnotes``)."""
        names = self.names(code)
        return names.get(language) or names.get(ENGLISH) or str(code)

    def footnotes_of(self, code: str) -> Mapping[str, str]:
        """By language; nothing where the name carries no asterisk."""
        entry = self._entry(code)
        return {} if entry is None else entry.footnotes

    def footnote(self, code: str, language: str = ENGLISH) -> str | None:
        """What must stand below the name; None of most."""
        found = self.footnotes_of(code)
        return found.get(language) or found.get(ENGLISH)

    def footnotes(self, codes: Iterable[str], language: str = ENGLISH) -> list[str]:
        """Of all that are named, each once."""
        found = (self.footnote(code, language) for code in sorted(set(codes)))
        return [footnote for footnote in found if footnote is not None]

    def footnotes_in(self, texts: Iterable[str]) -> list[str]:
        """Of all whose English names stand in the texts."""
        lines = list(texts)
        marked = (code for code in self if self.footnotes_of(code))
        return self.footnotes(code for code in marked if any(self.name(code) in line for line in lines))

    def asked(self, word: str) -> Jurisdiction:
        """The code that somebody typed, in whatever case. Raises InvalidInput naming those that are known."""
        code = word.strip().upper()
        if code not in self.entries:
            raise InvalidInput(f"{word} is none of {', '.join(self)}.", code="unknown-jurisdiction")
        return Jurisdiction(code)

    def most_ahead(self, moment: datetime) -> timedelta:
        """How far the easternmost clock is ahead of UTC at a moment; one that this machine does not know counts for
        nothing."""
        clocks = {entry.clock for entry in self.entries.values()}
        ahead = [moment.astimezone(ZoneInfo(clock)).utcoffset() for clock in clocks if is_clock(clock)]
        return max((found for found in ahead if found is not None), default=timedelta())

    def extended(self, entries: Entries, source: str) -> Directory:
        """With these, which stand before those of the same code."""
        return Directory(dict(sorted({**self.entries, **entries}.items())), source)

    def zone(self, code: str) -> ZoneInfo | None:
        """By which clock people live there; None where the code, or on this machine its clock, is not known."""
        entry = self._entry(code)
        return ZoneInfo(entry.clock) if entry is not None and is_clock(entry.clock) else None

    def _entry(self, code: str) -> JurisdictionEntry | None:
        return self.entries.get(code)  # type: ignore[call-overload, no-any-return]  # a code is the text that it is


@functools.cache
def shipped_directory() -> Directory:
    """The eight that come with the release."""
    return Directory(dict(sorted(read_entries(_SHIPPED.read_bytes(), _SHIPPED.name).items())))


def check_entries(entries: Entries, where: str) -> None:
    """What somebody must heed who writes or proposes entries, beside their form.

    1. The pages speak the languages of names and footnotes; this machine knows the clocks.
    2. With the eight of the release they are not too many.
    3. No two jurisdictions have one name in any language, also where it stands in English, or one mark; and no name has
       letters of two scripts: those that look alike make one name of two.
    Raises InvalidInput that says what is wrong ``where``.
    """
    for code, entry in entries.items():
        if unknown := [tag for tag in (*entry.names, *entry.footnotes) if tag not in PAGE_LANGUAGES]:
            raise InvalidInput(
                f"{where}: {code} has a name or footnote in {unknown[0]}; the languages are "
                f"{', '.join(PAGE_LANGUAGES)}."
            )
        for name in entry.names.values():
            if len(scripts := _scripts_of(name)) > 1:
                raise InvalidInput(
                    f"{where}: the name {name} of {code} has letters that are {' and '.join(scripts)}; those that look "
                    "alike make one name of two."
                )
        if not is_clock(entry.clock):
            raise InvalidInput(f"{where}: the clock of {code}, {entry.clock}, is no time zone such as Europe/Zagreb.")
    whole = shipped_directory().extended(entries, where)
    if len(whole.entries) > MAX_JURISDICTIONS:
        raise InvalidInput(f"{where}: that makes {len(whole.entries)} jurisdictions; at most {MAX_JURISDICTIONS} go.")
    _check_apart(whole, where)


def _check_apart(whole: Directory, where: str) -> None:
    for language in PAGE_LANGUAGES:
        held: dict[str, Jurisdiction] = {}
        for code in whole.entries:
            name = whole.name(code, language).rstrip("*").casefold()
            if held.setdefault(name, code) != code:
                raise InvalidInput(f"{where}: {held[name]} and {code} have one name in {language}.")
    marks: dict[str, Jurisdiction] = {}
    for code, entry in whole.entries.items():
        if entry.mark and marks.setdefault(entry.mark, code) != code:
            raise InvalidInput(
                f"{where}: the names of {marks[entry.mark]} and {code} both end with {entry.mark}, so nobody can tell "
                "whose footnote is whose; give one of them another asterisk."
            )


def _scripts_of(name: str) -> list[str]:
    """The alphabets of its letters, of those that have letters in common by sight."""
    return sorted(_ALIKE & {unicodedata.name(letter, "none").split()[0] for letter in name})


_ALIKE: Final = frozenset({"CYRILLIC", "GREEK", "LATIN"})


def is_clock(name: str) -> bool:
    """Whether this machine knows a time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError; "Europe" is a folder
        return False
    return True
