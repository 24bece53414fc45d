"""What in a free text looks like a person: names, identity numbers, telephone numbers, addresses. It warns, and never
refuses: the examiner knows whether "Crvena Zastava" is a factory.

The languages of the region write names in Latin and in Cyrillic letters, and number people with 10 or 13 digits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum

from pydantic import BaseModel

from exchange.jurisdictions.directory import Directory, shipped_directory
from schemas.vocabulary import Jurisdiction


class Doubt(StrEnum):
    """What a text may hold, most certain first."""

    E_MAIL = "e_mail"
    IDENTITY_NUMBER = "identity_number"
    TELEPHONE = "telephone"
    ADDRESS = "address"
    NAME = "name"


_E_MAIL = re.compile(r"\S@\w[\w.-]*\.\w{2,}")
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_NUMBER = re.compile(r"\+?\d(?:[ ./()-]{0,3}\d)*")
"""Groups of digits with what people write between them."""
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
"""What is a date or a reference has a year as one of its groups; a number of a person is seldom cut there."""
_PHONE = re.compile(r"(?:\+|00)[1-9]\d{7,13}")
"""With the country's code."""
_PHONE_WITHIN = re.compile(r"0[1-9]\d{6,8}")
"""As dialled within a country."""
_IDENTITY = re.compile(r"(?<!\w)[A-Z]\d{8}[A-Z](?!\w)", re.IGNORECASE)
"""Albania's are A12345678B. JMBG, EMBG and IDNP have 13 digits; the numbers of Kosovo* and Ukraine 10."""
_STREET = re.compile(
    r"\b(?:ul|ulica|bulevar|trg|rruga|rr|bulevardi|strada|str|bd|вул|вулиця|ул|улица|булевар|бул|street)\b\.?\s+\S",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_TITLES = {"dr", "mr", "mrs", "gosp", "gđa", "g", "z", "znj", "dl", "dna", "др", "г", "пан", "пані", "господин"}
_SURNAME = re.compile(
    r".{2,}(?:ić|[oe]vic|escu|enko|chuk|ић|енко|чук|ський|ська|овски|ovski|oska|оска)$", re.IGNORECASE
)
"""Endings of surnames of which one capitalised word is enough: South Slavic, Romanian, Ukrainian, Macedonian."""
_TRADE = frozenset(
    """
    Crvena Zastava Arms Oružje Prvi Partizan Užice Smith Wesson Sellier Bellot Heckler Koch Igman Konjic Česká
    zbrojovka Brno Fiocchi Beretta Walther Glock Browning Luger Makarov Tokarev Kalashnikov Remington Winchester
    Federal Norma Geco Lapua Ruger Springfield Armory Sig Sauer Colt Taurus Ekol Zoraki Blow Atak Steyr Mannlicher
    Fabrique Nationale Herstal Magtech Tula Cartridge Works Barnaul Sloga Metallwerk Elisenhütte Hornady Special
    Court Auto Parabellum Long Rifle Breda Benelli Izhevsk Ruag Dynamit Nobel Црвена Застава Први Партизан Ужице
    Макаров Токарев Hirtenberger Mauser Stevens Savage Star Astra Llama Norinco Umarex Retay
    """.casefold().split()
)
"""Makers of firearms and cartridges, and words of their designations: capitalised, and no person."""
PLACE_FIELDS = frozenset({"municipality", "place"})
"""Fields that hold a capitalised name; there only numbers, addresses and addresses of e-mail are warned of."""
REFERENCES = frozenset({"case_reference", "incident", "item", "seal", "firearm_id"})
"""Fields that hold what an exhibit, a case or a firearm is called by. Their words stand between points, hyphens and
slashes, and capitals are usual there: of a word in capitals the ending alone is looked at."""
FREE = frozenset(
    {
        *(
            "case_reference",
            "calibre_words",
            "headstamp",
            "cartridge_maker",
            "cartridge_lot",
            "make",
            "model",
            "basis",
            "municipality",
        ),
        *("maker", "serial", "software", "restriction", "because", "reason", "remark", "text", "number", "reference"),
        "explanation",
        *("circumstances", "place", "serial_number"),
        *("incident", "item", "seal", "firearm_id"),
    }
)
"""Fields of statements in which people may write what tells of a person. Not those that name a law or a court, which
have capitalised names too."""


def doubts(
    text: str, *, place: bool = False, reference: bool = False, known: Directory | None = None
) -> tuple[Doubt, ...]:
    """What a text of one line may tell of a person; ``place``: it is to hold the name of a municipality; ``reference``:
    it is one of ``REFERENCES``. ``known``: of which jurisdictions a name is no person's; those of the release, if none
    are given.

    >>> doubts("Petar Petrović, 0101990710008")
    (<Doubt.IDENTITY_NUMBER: 'identity_number'>, <Doubt.NAME: 'name'>)
    >>> doubts("KU-2026/Petrovic.Petar", reference=True)
    (<Doubt.NAME: 'name'>,)
    """
    found = []
    text = _DASHES.sub("-", unicodedata.normalize("NFKC", text))  # blanks that do not break, digits of full width
    kinds = {_kind_of(number) for number in _numbers(text)}
    if _E_MAIL.search(text):
        found.append(Doubt.E_MAIL)
    if _IDENTITY.search(text) or Doubt.IDENTITY_NUMBER in kinds:
        found.append(Doubt.IDENTITY_NUMBER)
    if Doubt.TELEPHONE in kinds:
        found.append(Doubt.TELEPHONE)
    if _STREET.search(text):
        found.append(Doubt.ADDRESS)
    if not place and _looks_like_a_name(_as_words(text) if reference else text, known or shipped_directory()):
        found.append(Doubt.NAME)
    return tuple(found)


def doubts_of_field(field: str, text: str, known: Directory | None = None) -> tuple[Doubt, ...]:
    """As ``doubts``, of a field by its place in a form or a statement."""
    name = field.rpartition(".")[2]
    return doubts(text, place=name in PLACE_FIELDS, reference=name in REFERENCES, known=known)


def doubts_in(statement: BaseModel, known: Directory | None = None) -> dict[str, tuple[Doubt, ...]]:
    """The free texts of a statement that may tell of a person, by their place: what every receipt says of it."""
    found = {path: doubts_of_field(path, text, known) for path, text in _texts(statement)}
    return {path: doubt for path, doubt in found.items() if doubt}


def _texts(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    match value:
        case BaseModel():
            for name in type(value).model_fields:
                yield from _texts(getattr(value, name), (*path, name))
        case tuple():
            for number, item in enumerate(value):
                yield from _texts(item, (*path, str(number)))
        case str() if path[-1] in FREE and not isinstance(value, StrEnum | Jurisdiction):
            yield ".".join(path), value


def _numbers(text: str) -> Iterator[str]:
    """Each run of groups, and its parts between blanks: two numbers may stand side by side."""
    for run in _NUMBER.findall(text):
        yield run
        if " " in run:
            yield from run.split()


def _kind_of(number: str) -> Doubt | None:
    digits = re.sub(r"[^\d+]", "", number)
    cut_at_a_year = digits != number and _YEAR.search(number) is not None
    if _PHONE.fullmatch(digits) or (_PHONE_WITHIN.fullmatch(digits) and not cut_at_a_year):
        return Doubt.TELEPHONE
    of_a_person = len(digits) == 13 and "/" not in number
    return Doubt.IDENTITY_NUMBER if of_a_person or _is_ten(number, cut_at_a_year=cut_at_a_year) else None


def _is_ten(number: str, *, cut_at_a_year: bool) -> bool:
    """Ten digits, written as one or with blanks."""
    return re.fullmatch(r"\d(?: ?\d){9}", number) is not None and not cut_at_a_year


def _as_words(reference: str) -> str:
    """Its words with blanks between them. Those in capitals are codes for the most part: they are written small, unless
    they end like a surname of the region."""
    words = re.sub(r"[._/-]+|(?<=\D)(?=\d)|(?<=\d)(?=\D)", " ", reference).split()
    return " ".join(word.lower() if word.isupper() and not _SURNAME.fullmatch(word) else word for word in words)


def _looks_like_a_name(text: str, known: Directory) -> bool:
    words = [word for word in _WORD.findall(text) if word.casefold() not in _TITLES]
    jurisdictions = {word.casefold() for code in known for word in _WORD.findall(known.name(code))}
    no_person = _TRADE | jurisdictions
    own = [_capitalised(word) and word.casefold() not in no_person for word in words]
    pairs = zip(own, own[1:], words, words[1:], strict=False)
    beside = any(one and other and _adjacent(text, first, second) for one, other, first, second in pairs)
    return beside or any(is_own and _SURNAME.match(word) for is_own, word in zip(own, words, strict=True))


def _adjacent(text: str, first: str, second: str) -> bool:
    """Only blanks, a comma or an initial's point between them."""
    return re.search(rf"{re.escape(first)}[ ,.]+{re.escape(second)}", text) is not None


def _capitalised(word: str) -> bool:
    """As names are written, or in capitals; an abbreviation of two or three letters is no name."""
    return word[:1].isupper() and (word[1:].islower() or (word.isupper() and len(word) > 3) or "-" in word)
