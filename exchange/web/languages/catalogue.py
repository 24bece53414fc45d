"""What each language says for each English text: gettext catalogues, read from their source."""

from __future__ import annotations

import functools
import io
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Final, get_args

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from exchange.config import PageLanguage

FOLDER: Final = Path(__file__).parent
SOURCE: Final = "en"
CODES: Final[tuple[str, ...]] = get_args(PageLanguage)
NAMES: Final = {
    "en": "English",
    "sq": "Shqip",
    "bs": "Bosanski",
    "hr": "Hrvatski",
    "sr-Latn": "Srpski",
    "sr-Cyrl": "Српски",
    "cnr": "Crnogorski",
    "mk": "Македонски",
    "ro": "Română",
    "uk": "Українська",
}
"""Each by its own name, written by hand: libraries know some of them oddly."""

LOCALES: Final = {code: code.replace("-", "_") for code in CODES} | {"cnr": "sr_Latn_ME"}
"""Whose numbers a language has, by the name that Babel gives it."""

TAGS: Final = {code: code for code in CODES} | {"cnr": "sr-Latn-ME"}
"""The same for browsers."""


def catalogue_file(code: str) -> Path:
    return FOLDER / code / "LC_MESSAGES" / "pages.po"


def marked(text: str) -> str:
    """The text itself. It marks what is translated later, where it is shown."""
    return text


@functools.cache
def translations(code: str) -> NullTranslations:
    """What a language says; English says what stands in the code."""
    if code == SOURCE:
        return NullTranslations()
    with catalogue_file(code).open("rb") as file:
        catalogue = read_po(file)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)
