"""Calibres by their C.I.P. designation, with the synonyms that laboratories write folded together.

What there is stands as data in ``schemas.calibre_list`` and ``schemas.calibres``.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.calibre_list import AMBIGUOUS, CALIBRES
from schemas.calibres.pairs import PAIRS
from schemas.errors import ContractError, shown

MAX_WRITTEN: Final = 80
"""Characters of a spelling: the longest one of the list has half of it. Near ones are sought for nothing longer."""


class Calibre(StrEnum):
    """Each designation of the list, and three words. The most usual calibres have a name of their own, the others bear
    their designation as name: ``Calibre["7.62x54R"]``. ``OTHER``: looked at, and not in the list;
    ``Exhibit.calibre_words`` says what it is."""

    LUGER_9MM = "9 mm Luger"
    BROWNING_7_65 = "7.65 mm Browning"
    MAKAROV_9MM = "9 mm Makarov"
    M43_7_62X39 = "7.62x39"
    TOKAREV_7_62 = "7.62 mm Tokarev"
    BROWNING_COURT_9MM = "9 mm Browning Court"
    ACP_45 = ".45 ACP"
    SPECIAL_38 = ".38 Special"
    MAGNUM_357 = ".357 Magnum"
    SW_40 = ".40 S&W"
    M74_5_45X39 = "5.45x39"
    REM_223 = "5.56x45"
    LR_22 = ".22 LR"
    BROWNING_6_35 = "6.35 mm Browning"
    GAUGE_12 = "12 gauge"
    PA_9MM = "9 mm P.A."

    _ignore_ = "members entry"
    members = vars()  # as in the Python manual's Enum HOWTO, "TimePeriod"
    for entry in CALIBRES:
        if entry.designation not in members.values():
            members[entry.designation] = entry.designation

    OTHER = "other"
    UNKNOWN = "unknown"
    NOT_EXAMINED = "not_examined"


_WORDS: Final[dict[str, tuple[str, ...]]] = {
    Calibre.OTHER: (
        *("drugo", "druga", "drugi", "ostalo", "друго", "друга", "други", "остало", "останато"),
        *("tjetër", "tjeter", "altul", "alta", "altele", "інше", "інший"),
    ),
    Calibre.UNKNOWN: (
        *(
            "not known",
            "nepoznato",
            "nepoznat",
            "nije poznato",
            "непознато",
            "непознат",
            "није познато",
            "не е познато",
        ),
        *("e panjohur", "i panjohur", "nuk dihet", "necunoscut", "necunoscută", "невідомо", "невідомий"),
    ),
    Calibre.NOT_EXAMINED: (
        *("nije ispitano", "neispitano", "није испитано", "неиспитано", "не е испитано"),
        *("e pashqyrtuar", "i pashqyrtuar", "neexaminat", "не досліджено"),
    ),
}
"""The three words as laboratories of the region write them, and as the pages show them in each language."""

_ANY: Final = frozenset({Calibre.UNKNOWN, Calibre.NOT_EXAMINED})

_LETTERS: Final = {
    ord("×"): "x",
    ord("*"): "x",
    ord("\N{CYRILLIC SMALL LETTER HA}"): "x",
    ord(","): ".",
}
_CALIBRE_WORD: Final = re.compile(r"\b(?:cal|caliber|calibre|kal|kalibar|kaliber|кал|калибар|калибр|калібр)\b\.?")
_SHORT: Final = (
    ("winchester", "win"),
    ("remington", "rem"),
    ("weatherby", "wby"),
    ("weath", "wby"),
    ("springfield", "spring"),
    ("magnum", "mag"),
    ("special", "spl"),
    ("parabellum", "para"),
    ("automatic", "auto"),
    ("smith&wesson", "sw"),
    ("smithandwesson", "sw"),
    ("smithwesson", "sw"),
    ("s&w", "sw"),
    ("s+w", "sw"),
    ("gauge", "ga"),
    ("bore", "ga"),
)
"""Words and the short forms that stand for them in catalogues and on headstamps."""


def _folded(text: str) -> str:
    """What is the same however it is spelt: case, spaces, hyphens, points that are none between digits, the unit, x
    and × and *, the decimal comma, words and their short forms.

    Letters of any script stay, so that no word is lost silently. The Cyrillic letters that look like x and R are those
    where they stand for them. The unit stays where nothing but a number is beside it: 12 mm is not 12 gauge.
    """
    text = unicodedata.normalize("NFKC", text).casefold().translate(_LETTERS).replace("мм", "mm")
    text = re.sub(r"[^\w.&/+]|_", "", _CALIBRE_WORD.sub(" ", text))
    text = re.sub(r"(?<!\d)\.|\.(?!\d)", "", text)
    text = re.sub(r"(?<=\d)р$", "r", text)
    if not re.fullmatch(r"[\d.]+mm", text):
        text = re.sub(r"(?<=\d)mm", "", text)
    for word, short in _SHORT:
        text = text.replace(word, short)
    return text


def _by_spelling() -> dict[str, Calibre]:
    """Each spelling, folded; and those of two measures without their points as well (762x39), where that is free."""
    entries = {entry.designation: entry.synonyms for entry in CALIBRES} | _WORDS
    found = {
        _folded(name): Calibre(designation)
        for designation, synonyms in entries.items()
        for name in (designation, *synonyms)
    }
    measures = {spelling: calibre for spelling, calibre in found.items() if re.match(r"\d+\.\d+x\d", spelling)}
    return {spelling.replace(".", ""): calibre for spelling, calibre in measures.items()} | found


_BY_SYNONYM: Final = _by_spelling()
_LISTED: Final = [spelling for spelling, calibre in _BY_SYNONYM.items() if calibre not in _WORDS]
_USUAL: Final = frozenset(entry.designation for entry in CALIBRES if entry.usual)
_AMBIGUOUS: Final = {
    spelling: choices
    for name, choices in AMBIGUOUS.items()
    for spelling in (_folded(name), _folded(name).removesuffix("mm"))
}


@dataclass(frozen=True, slots=True)
class CalibreReading:
    """What a spelling is understood as: ``calibre``, where it is known. Else ``may_be``, the calibres that an ambiguous
    word names, or ``near``, the nearest ones of a word that is not known; both the most usual first, and empty where
    there are none."""

    calibre: Calibre | None = None
    may_be: tuple[Calibre, ...] = ()
    near: tuple[Calibre, ...] = ()


def read_calibre(text: str) -> CalibreReading:
    """What a laboratory may mean by what it writes; ``fold_calibre`` refuses what is not one calibre.

    >>> read_calibre("9x19").calibre
    <Calibre.LUGER_9MM: '9 mm Luger'>
    >>> len(read_calibre("9 mm").may_be)
    4
    """
    if len(text) > MAX_WRITTEN or not unicodedata.normalize("NFKC", text).isprintable():
        return CalibreReading()
    folded = _folded(text)
    if (found := _BY_SYNONYM.get(folded)) is not None:
        return CalibreReading(found)
    if (choices := _AMBIGUOUS.get(folded)) is not None:
        return CalibreReading(may_be=tuple(map(Calibre, choices)))
    near = dict.fromkeys(_BY_SYNONYM[name] for name in difflib.get_close_matches(folded, _LISTED, n=4, cutoff=0.5))
    return CalibreReading(near=tuple(sorted(near, key=lambda designation: designation not in _USUAL)))


def fold_calibre(text: str) -> Calibre:
    """The designation of whatever a laboratory writes: ``9x19``, ``9 mm Para`` and ``9 mm Luger`` are one.

    Raises ContractError("unknown-calibre"): it names the calibres that an ambiguous word may mean (``9 mm``), and the
    nearest ones of a word that is not known, the most usual first. What does not print is refused, whatever is beside
    it: a spelling that one reads as another hides something.
    """
    if len(text) > MAX_WRITTEN:
        raise _refused(f"The calibre '{shown(text, 40)}...' is not known: it is longer than any. ")
    if not unicodedata.normalize("NFKC", text).isprintable():
        raise _refused(f"The calibre '{shown(text, 40)}' is not known: it has characters that do not print. ")
    read = read_calibre(text)
    if read.calibre is not None:
        return read.calibre
    if read.may_be:
        raise _refused(f"The calibre '{shown(text, 40)}' is ambiguous: it may be {', '.join(read.may_be)}. ")
    hint = ", ".join(read.near)
    raise _refused(f"The calibre '{shown(text, 40)}' is not known. " + (f"Nearest: {hint}. " if hint else ""))


def _refused(told: str) -> ContractError:
    return ContractError(
        "unknown-calibre",
        f"{told}Use a designation of /v1/vocabularies, 'other' with its name in calibre_words, or 'unknown'.",
    )


def _neighbours() -> dict[Calibre, frozenset[Calibre]]:
    beside: dict[Calibre, set[Calibre]] = {calibre: {calibre} for calibre in Calibre}
    for pair in PAIRS:
        one, other = Calibre(pair.one), Calibre(pair.other)
        beside[one].add(other)
        beside[other].add(one)
    return {calibre: frozenset(others) for calibre, others in beside.items()}


_NEIGHBOURS: Final = _neighbours()


def compatible_calibres(calibre: Calibre, extra: Iterable[frozenset[str]] = ()) -> frozenset[Calibre]:
    """The calibres whose cartridge cases may come from the same firearm as one of ``calibre``.

    One that is unknown or was not examined may be any: it is compatible with all, and all with it. ``other`` is
    compatible with ``other``, whatever it is called. ``extra``: what a laboratory knows beside ``PAIRS``, each by any
    names of the calibres; raises ContractError("unknown-calibre") for one that is none.
    """
    known = [frozenset(map(fold_calibre, group)) for group in extra]
    if calibre in _ANY:
        return frozenset(Calibre)
    return (_ANY | _NEIGHBOURS[calibre]).union(*(group for group in known if calibre in group))
