"""One line of the list of calibres, and the sources that the list was checked against.

A designation follows C.I.P.'s spelling where its source could be read, with the decimal point and the leading point of
inches, and without spaces around the x: ``7.62x54R`` for *7,62 x 54 R*, ``.357 Magnum`` for *357 Magnum*.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class CalibreKind(StrEnum):
    PISTOL = "pistol"
    REVOLVER = "revolver"
    RIFLE = "rifle"
    RIMFIRE = "rimfire"
    SHOTGUN = "shotgun"
    BLANK_AND_ALARM = "blank-and-alarm"


@dataclass(frozen=True, slots=True)
class CalibreEntry:
    """One calibre. ``synonyms``: other names and spellings that are no mere change of case, spaces, points or unit
    (``schemas.calibre`` folds these by itself). ``source``: the C.I.P. decision or the law whose text
    was read and names this cartridge by the designation or by a synonym; else where that is still to be checked, and
    what names it meanwhile. ``usual``: one of the region's most usual calibres, proposed before others."""

    designation: str
    kind: CalibreKind
    synonyms: tuple[str, ...]
    source: str
    usual: bool = False

    @property
    def verified(self) -> bool:
        return not self.source.startswith(_TO_BE_CHECKED)


_TO_BE_CHECKED: Final = "to be checked: "


# Sources that were read.
CIP_XXIV: Final = (
    "C.I.P. decisions of the XXIVth session, 1996, as published by France: décret 2003-470 "
    "(https://github.com/etalab/lois-non-codifiees-et-reglements-francais, "
    "decret/2003/decret-n2003-470-du-26-mai-2003-maej0330031d)"
)
CIP_2020: Final = (
    "C.I.P. decisions XXXV-10 to 17 of 21 April 2020, in the Czech depositary's circular "
    "(https://lawinsider.com/cs/contracts/ahrpSxkOIJi)"
)
FR_MUNITIONS: Final = (
    "France: arrêté du 2 septembre 2013 portant classement de munitions "
    "(https://www.legifrance.gouv.fr/loda/id/LEGITEXT000030466252)"
)
FR_COLLECTION: Final = (
    "France: table of collectors' firearms by calibre (https://legal.tricoteuses.fr/articles/LEGIARTI000027931609)"
)
FR_R311_2: Final = (
    "France: code de la sécurité intérieure, R311-2, as quoted by "
    "https://armes-ufa.com/spip.php?id_article=2893&page=imprimer"
)


# Sources that are no authority: what they name is still to be checked.
_NAMED: Final = f"{_TO_BE_CHECKED}C.I.P. TDCC; named by "
WIKI_NAGANT: Final = f"{_NAMED}https://en.wikipedia.org/wiki/7.62%C3%9738mmR"
WIKI_8X50R: Final = f"{_NAMED}https://en.wikipedia.org/wiki/8%C3%9750mmR_Mannlicher"
WIKI_GAS_PISTOL: Final = f"{_NAMED}https://en.wikipedia.org/wiki/Gas_pistol"
WIKI_RIMFIRE: Final = f"{_NAMED}https://en.wikipedia.org/wiki/Rimfire_ammunition"
WOUNDS: Final = f"{_NAMED}a textbook's chapter, https://www.guwsmedical.info/contact-wounds/acp-765-x-17sr.html"
SSUSA: Final = (
    f"{_NAMED}Shooting Sports USA, "
    "https://www.ssusa.org/articles/2019/11/4/everything-you-should-know-about-pistol-cartridge-nomenclature"
)
GAUGES: Final = f"{_NAMED}a hunters' course, https://beasafehunter.org/shotgun-gauge"

# Where what was not read is to be checked.
NOT_CIP: Final = f"{_TO_BE_CHECKED}not known to stand in C.I.P.'s tables; manuals and makers' data sheets"


def tab(number: str) -> str:
    """C.I.P.'s tables of dimensions, to be checked: I rimless rifle, II rimmed, III magnum, IV pistol and revolver,
    V rimfire, VII shotgun, VIII alarm weapons."""
    return f"{_TO_BE_CHECKED}C.I.P. TDCC, TAB {number} (bobp.cip-bobp.org)"


def calibre(kind: CalibreKind, source: str, designation: str, *synonyms: str, usual: bool = False) -> CalibreEntry:
    return CalibreEntry(designation, kind, synonyms, source, usual=usual)
