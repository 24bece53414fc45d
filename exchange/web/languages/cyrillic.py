"""Serbian from Latin script into Cyrillic, letter by letter.

What is Latin in both stays: placeholders, commands, addresses, abbreviations, units, and words with letters that
Serbian does not have.
"""

from __future__ import annotations

import re
from typing import Final

_PAIRS: Final = dict(
    zip("abcčćdđefghijklmnoprsštuvzž", "абцчћдђефгхијклмнопрсштувзж", strict=True),
)
_DIGRAPHS: Final = {"lj": "љ", "nj": "њ", "dž": "џ"}
_APART: Final = re.compile(r"(?:i|ko)n(?=je[kl]|jug|junk)|nad(?=ž)|od(?=žal)", re.IGNORECASE)
"""Where two letters are two sounds: inekcija is written injekcija, but spoken in-jekcija."""

_SAME: Final = frozenset({"km", "mm", "um", "µm", "nm", "kB", "MB", "GB", "log", "WebGL"})
_KEYS: Final = frozenset({"Ctrl", "Shift", "Enter", "Escape", "Esc", "Delete"})
"""As they stand on the keyboard."""
_KEPT: Final = re.compile(
    r"%\(\w+\)[a-z]|\{\w+\}|\b(?:Ctrl|Shift)\+\w+"
    r"|`[^`]*`|https?://\S+|[\w.-]+/[\w./-]+|[\w.-]+@[\w.-]+\w|\bffp-[a-z]+"  # addresses, nodes
    r"|\bffp [a-z]+(?: [a-z]+)?"  # what programs read
    r"|\b\w*[qwxyQWXY]\w*\b|\b(?!(?:EU|INTERPOL)\b)[A-ZČĆĐŠŽ]{2,}(?:-?\d[\w-]*)?\b"  # abbreviations
    r"|\([A-Z]\)|\b\w*\d\w*\b|\b[HIJVX]\b(?![a-zčćđšž])"
)
_WORD: Final = re.compile(r"[A-Za-zČčĆćĐđŠšŽžµ]+")


def to_cyrillic(text: str) -> str:
    """The same sentence in Cyrillic script."""
    said, end = [], 0
    for kept in _KEPT.finditer(text):
        said += [_WORD.sub(_word, text[end : kept.start()]), kept.group()]
        end = kept.end()
    return "".join([*said, _WORD.sub(_word, text[end:])])


def _word(found: re.Match[str]) -> str:
    word = found.group()
    if word in _SAME or word in _KEYS:
        return word
    apart = {parted.end() for parted in _APART.finditer(word)}
    said, at = "", 0
    while at < len(word):
        pair = word[at : at + 2]
        if pair.lower() in _DIGRAPHS and at + 1 not in apart:
            letter = _DIGRAPHS[pair.lower()]
            at += 2
        else:
            pair = word[at]
            letter = _PAIRS.get(pair.lower(), pair)
            at += 1
        said += letter.upper() if pair[0].isupper() else letter
    return said
