"""The words of the comparison viewer: they stand in English in its own module, and the page gives it the others."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Final

from exchange.web.languages import gettext, spoken
from exchange.web.languages.catalogue import SOURCE

VIEWER_TEXTS: Final = Path(__file__).parents[1] / "static" / "viewer" / "controls.js"
_ENTRY: Final = re.compile(r'"([a-z0-9-]+)":\s*"([^"\\]*)"')


@functools.cache
def viewer_texts() -> dict[str, str]:
    """The English words by their key, as ``export const TEXTS`` has them."""
    source = VIEWER_TEXTS.read_text(encoding="utf-8")
    _, _, rest = source.partition("export const TEXTS = {")
    return dict(_ENTRY.findall(rest.partition("\n};")[0]))


def viewer_words() -> dict[str, str]:
    """In the language that is spoken: each goes into the viewer's attribute ``data-text-<key>``. English it has."""
    if spoken().code == SOURCE:
        return {}
    return {key: gettext(text) for key, text in viewer_texts().items()}
