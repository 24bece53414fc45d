"""What each language says for each English text: gettext catalogues, read from their source."""

from __future__ import annotations

import functools
import io
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Final, get_args

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from exchange.config import PageLanguage
from exchange.extensions import extension_folders

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


def catalogue_files(code: str) -> list[Path]:
    """Return the catalogue of the node, then that of each extension."""
    folders = (FOLDER, *(folder / FOLDER.name for folder in extension_folders()))
    return [folder / code / "LC_MESSAGES" / "pages.po" for folder in folders]


def read_catalogue(code: str) -> Catalog:
    """Return what a language says: the texts of all catalogues in one."""
    whole, *further = (
        read_po(io.BytesIO(path.read_bytes() if path.is_file() else b""), ignore_obsolete=True)
        for path in catalogue_files(code)
    )
    for message in (message for catalogue in further for message in catalogue if message.id):
        whole.add(message.id, message.string, message.locations, message.flags)
    return whole


def marked(text: str) -> str:
    """The text itself. It marks what is translated later, where it is shown."""
    return text


@functools.cache
def translations(code: str) -> NullTranslations:
    """What a language says; English says what stands in the code."""
    if code == SOURCE:
        return NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, read_catalogue(code))
    compiled.seek(0)
    return GNUTranslations(compiled)
