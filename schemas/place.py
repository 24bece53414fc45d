"""Names of places as they are compared: in Latin or Cyrillic script, with or without diacritics, they are one."""

from __future__ import annotations

import re
import unicodedata

_LATIN = dict(
    zip("абвгдежзиклмнопрстуфхцчшщыэ", "abvgdezziklmnoprstufhccssie", strict=True),
) | {
    "ђ": "d",
    "ѓ": "g",
    "ќ": "k",
    "љ": "lj",
    "њ": "nj",
    "ћ": "c",
    "џ": "dz",
    "ѕ": "dz",
    "ј": "j",
    "й": "j",
    "і": "i",
    "ї": "i",
    "є": "e",
    "ґ": "g",
    "ю": "ju",
    "я": "ja",
    "ь": "",
    "ъ": "",
    "đ": "d",
    "ł": "l",
    "ı": "i",
}


def fold_place(name: str) -> str:
    """``Чачак``, ``Čačak`` and ``cacak`` are one. Coarse on purpose: it finds, and is never shown."""
    letters = unicodedata.normalize("NFKC", name).casefold()
    latin = "".join(_LATIN.get(letter, letter) for letter in letters)
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", latin) if not unicodedata.combining(letter))
    return re.sub(r"[\W_]+", " ", plain).strip()
