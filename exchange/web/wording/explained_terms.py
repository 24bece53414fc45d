"""Words with their meanings on a drawn page: each where the page has it first and a person can reach it.

A template prints a word with a sign of its meaning around it (``sign_of``), wherever that is; what may stand there is
known only when the page is drawn. ``explain`` reads it once and makes of the first sign of each meaning an element that
shows it when it is pointed at, touched, or reached by the keyboard; of every other sign it leaves the word. No element
stands in an attribute, in a picture, or in what is itself to be pressed or chosen.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from markupsafe import Markup, escape

from exchange.web.wording.meanings import MEANINGS, meaning_of

_BEGIN, _THEN, _END = "\ue000", "\ue001", "\ue002"
"""For private use in Unicode: they stand in no language."""
_NOT_IN: Final = ("a", "button", "label", "option", "script", "select", "style", "svg", "template", "textarea", "title")
"""Elements that can be pressed, or hold text alone."""
_READ: Final = re.compile(
    rf"<(/?)({'|'.join((*_NOT_IN, 'summary'))})(?=[\s>])|{_BEGIN}([\w.]{{1,80}}){_THEN}([^\"{_BEGIN}]{{0,400}}?){_END}"
)
"""A word holds no quotation mark: so one that somebody began in what they typed never reaches into an attribute."""


def sign_of(word: str, named: str) -> str:
    """A word with the sign of its meaning; Markup stays Markup."""
    begin, end = f"{_BEGIN}{named}{_THEN}", _END
    return Markup("{}{}{}").format(begin, word, end) if isinstance(word, Markup) else f"{begin}{word}{end}"


def explain(page: str) -> str:
    """A drawn page with its meanings. A sign that names none, which somebody typed, is taken away as well."""
    if _BEGIN not in page:
        return page
    parts, read, inside, told = list[str](), 0, Counter[str](), set[str]()
    for found in _READ.finditer(page):
        closes, tag, named, word = found.groups()
        if tag is not None:
            inside[tag] = max(0, inside[tag] + (-1 if closes else 1))
            continue
        parts.append(page[read : found.start()])
        read = found.end()
        if named in told or named not in MEANINGS or _is_barred(inside) or _is_in_tag(page, found.start()):
            parts.append(word)
            continue
        told.add(named)
        parts.append(_explained(word, named, in_summary=inside["summary"] > 0))
    explained = "".join((*parts, page[read:]))
    for sign in (_BEGIN, _THEN, _END):
        explained = explained.replace(sign, "")
    return explained


def _explained(word: str, named: str, *, in_summary: bool) -> str:
    """``word`` is escaped, as the page has it. In what folds, which the keyboard reaches, it is no stop of its own."""
    name = f"meaning-{re.sub(r'[^a-z0-9]+', '-', named.lower())}"
    focus, meaning = "" if in_summary else ' tabindex="0"', escape(meaning_of(named))
    return f'<dfn{focus} aria-describedby="{name}">{word}<span role="tooltip" id="{name}">{meaning}</span></dfn>'


def _is_in_tag(page: str, at: int) -> bool:
    return page.rfind("<", 0, at) > page.rfind(">", 0, at)


def _is_barred(inside: Counter[str]) -> bool:
    return any(inside[tag] for tag in _NOT_IN)
