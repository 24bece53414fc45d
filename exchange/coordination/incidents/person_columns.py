"""Whether the head of a column looks like it tells who somebody is: a table with such a column is refused whole.

Heads are read in Latin and Cyrillic script, in the languages of the region. What a head says is never repeated: of a
table without heads the first line is a person.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Final


class PersonalKind(StrEnum):
    """What a column seems to hold, in words that stand in a message."""

    NAME = "the name of a person"
    NUMBER = "a person's identity number"
    BIRTH = "a date of birth"
    ADDRESS = "an address"
    CONTACT = "a telephone number or a mail address"


_HARMLESS: Final = frozenset(
    [
        "weapon",
        "firearm",
        "municipality",
        "city",
        "town",
        "place",
        "region",
        "country",
        "offence",
        "incident",
        "type",
        "kind",
        "file",
        "sheet",
        "brand",
    ]
)
"""A *name* of one of these is none of a person."""
_OF_A_PERSON: Final = frozenset(
    ["person", "personal", "victim", "perpetrator", "suspect", "national", "citizen", "card"]
)
_WORDS: Final = {
    PersonalKind.NUMBER: frozenset(
        [
            "jmbg",
            "embg",
            "umcn",
            "umcg",
            "oib",
            "cnp",
            "idnp",
            "idno",
            "ssn",
            "nin",
            "passport",
            "pasos",
            "pasaport",
            "pasaporte",
            "jmb",
            "mbr",
            "maticni",
            "licna",
            "licnakarta",
            "leternjoftim",
            "idnumber",
            "personalnumber",
            "personalid",
            "nationalid",
            "јмбг",
            "ембг",
            "матичен",
            "матични",
            "пасош",
            "паспорт",
            "іпн",
            "рнокпп",
            "edrpou",
        ]
    ),
    PersonalKind.BIRTH: frozenset(
        [
            "birth",
            "birthday",
            "birthdate",
            "birthplace",
            "dob",
            "dateofbirth",
            "born",
            "rodjenja",
            "rodenja",
            "rodjen",
            "roden",
            "rodjena",
            "rodena",
            "datelindja",
            "datelindje",
            "lindja",
            "lindjes",
            "nasterii",
            "nastere",
            "nascut",
            "рођења",
            "рођен",
            "рођена",
            "раѓање",
            "роден",
            "родена",
            "народження",
            "рождения",
        ]
    ),
    PersonalKind.ADDRESS: frozenset(
        [
            "address",
            "adresa",
            "adrese",
            "adres",
            "street",
            "ulica",
            "ulice",
            "rruga",
            "strada",
            "residence",
            "residencija",
            "prebivaliste",
            "boraviste",
            "domicile",
            "domiciliu",
            "banimi",
            "адреса",
            "адрес",
            "улица",
            "пребивалиште",
            "вулиця",
            "живеалиште",
        ]
    ),
    PersonalKind.CONTACT: frozenset(
        [
            "phone",
            "telephone",
            "telefon",
            "telefoni",
            "telefonit",
            "mobile",
            "mobitel",
            "mobilni",
            "email",
            "mail",
            "eposta",
            "телефон",
            "мобилни",
            "имејл",
        ]
    ),
    PersonalKind.NAME: frozenset(
        [
            "surname",
            "firstname",
            "lastname",
            "fullname",
            "forename",
            "givenname",
            "familyname",
            "nickname",
            "alias",
            "ime",
            "imena",
            "imeprezime",
            "imeiprezime",
            "prezime",
            "prezimena",
            "nadimak",
            "emri",
            "emer",
            "mbiemri",
            "mbiemer",
            "nume",
            "numele",
            "prenume",
            "prenumele",
            "initials",
            "inicijali",
            "име",
            "презиме",
            "надимак",
            "имя",
            "прізвище",
            "ім'я",
            "імя",
            "по",
            "батькові",
            "фамилия",
        ]
    ),
}
_PARTS: Final = {
    PersonalKind.NUMBER: ("passport", "jmbg", "embg"),
    PersonalKind.BIRTH: ("birth", "rodjenj", "рођењ"),
    PersonalKind.ADDRESS: ("address",),
    PersonalKind.NAME: ("surname", "firstname", "lastname", "fullname", "prezime", "mbiemr", "презиме"),
}
"""What tells it also within a longer word."""


def personal_kind(head: str) -> PersonalKind | None:
    """What the column seems to tell of a person; None where it seems to tell nothing."""
    words = _words(head)
    joined = "".join(words)
    known = {*words, joined}
    if "name" in words or "names" in words:
        if not known & _HARMLESS:
            return PersonalKind.NAME
    elif {"id", "no", "number"} & known and known & _OF_A_PERSON:
        return PersonalKind.NUMBER
    for kind, telling in _WORDS.items():
        if known & telling or any(part in joined for part in _PARTS.get(kind, ())):
            return kind
    return None


def folded(text: str) -> str:
    """Without case, accents, blanks and punctuation, so that spellings of one word are one."""
    return "".join(_words(text))


def _words(text: str) -> list[str]:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text.replace("đ", "dj").replace("Đ", "Dj"))
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", apart) if not unicodedata.combining(letter))
    return [word for word in re.split(r"[\W_]+", plain.casefold()) if word]
