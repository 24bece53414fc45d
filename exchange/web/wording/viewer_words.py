"""The words of the comparison viewer: they stand in English in its own module, and the page gives it the others."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exchange.web.languages import gettext, spoken
from exchange.web.languages.catalogue import SOURCE

_MODULES: Final = Path(__file__).parents[1] / "static" / "viewer"
VIEWER_TEXTS: Final = _MODULES / "controls.js"
VIEWER_KEYS: Final = _MODULES / "keys.js"
_ENTRY: Final = re.compile(r'"([a-z0-9-]+)":\s*"([^"\\]*)"')
_KEY: Final = re.compile(
    r'\{ command: "([a-z-]+)", keys: "([^"]+)", shown: "([^"]+)", where: ([A-Z]+), group: "([a-z-]+)" \}'
)


@dataclass(frozen=True)
class ViewerKey:
    """What a key of the workbench means. ``keys``: all that mean it, as the script names them; ``where``: PAGE or
    STAGE."""

    command: str
    keys: tuple[str, ...]
    shown: str
    where: str
    group: str


@functools.cache
def viewer_texts() -> dict[str, str]:
    """The English words by their key, as ``export const TEXTS`` has them."""
    source = VIEWER_TEXTS.read_text(encoding="utf-8")
    _, _, rest = source.partition("export const TEXTS = {")
    return dict(_ENTRY.findall(rest.partition("\n};")[0]))


@functools.cache
def viewer_keys() -> tuple[ViewerKey, ...]:
    """All keys of the workbench, as ``export const KEYS`` has them."""
    found = _KEY.findall(VIEWER_KEYS.read_text(encoding="utf-8"))
    return tuple(ViewerKey(command, tuple(keys.split(" ")), *rest) for command, keys, *rest in found)


def viewer_words() -> dict[str, str]:
    """In the language that is spoken: each goes into the viewer's attribute ``data-text-<key>``. English it has."""
    if spoken().code == SOURCE:
        return {}
    return {key: gettext(text) for key, text in viewer_texts().items()}
