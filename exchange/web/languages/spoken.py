"""The language that is spoken while one request is answered: the visitor's choice, the browser's, the node's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from functools import cached_property, lru_cache
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from babel.numbers import format_decimal
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from exchange.flows.node.node import Node
from exchange.jurisdictions.directory import Directory, shipped_directory
from exchange.web.languages.catalogue import CODES, LOCALES, SOURCE, TAGS, translations
from exchange.web.languages.cyrillic import to_cyrillic
from exchange.web.languages.terms_glossary import Glossary, glossary_of, own_glossary
from schemas.jurisdiction import Jurisdiction

COOKIE = "ffp-language"
JURISDICTION = "jurisdiction"
"""The vocabulary that is no list of words, but the node's directory."""
ONCE = (
    "/app/events",
    "/app/events/alerts",
    "/app/language",
    "/app/theme",
    "/app/sign-in/callback",
    "/app/sign-out",
    "/app/session",
)
"""Addresses to which nobody is led back: what they are good for was done, or they are for a page's scripts."""
_MAX_HEADER = 500  # more languages than anybody reads
_ALSO = {"sr": "sr-Cyrl", "sh": "sr-Latn", "mo": "ro"}
"""Tags without a script, or of an earlier standard. Serbian's official script is Cyrillic."""


@dataclass(frozen=True)
class Spoken:
    """A language, with the glossary of the node that speaks, the page that a change of language comes back to, where
    the node's directory of jurisdictions is asked for, and of which jurisdiction the node is: by its clock times are
    said."""

    code: str = SOURCE
    glossary: Glossary = field(default_factory=own_glossary)
    back: str = "/app/"
    directory: Callable[[], Directory] = shipped_directory
    here: str = ""

    @cached_property
    def jurisdictions(self) -> Directory:
        """Asked for once: to see whether a file of it changed costs more than a name."""
        return self.directory()

    @property
    def zone(self) -> tzinfo:
        """The clock of the node's jurisdiction; UTC where this machine does not know it."""
        return self.jurisdictions.zone(self.here) or UTC

    @property
    def locale(self) -> str:
        """The tag by which a browser writes numbers."""
        return TAGS[self.code]

    def gettext(self, text: str) -> str:
        return translations(self.code).gettext(text)

    def ngettext(self, one: str, many: str, count: int) -> str:
        return translations(self.code).ngettext(one, many, count)

    def term(self, value: str, of: str | None = None) -> str:
        """A jurisdiction by its name in the directory, anything else by the glossary."""
        if of == JURISDICTION or (of is None and isinstance(value, Jurisdiction)):
            return _said(self.jurisdictions.names(value), self.code) or str(value)
        return self.glossary.term(value, self.code, of)

    def footnotes(self, codes: Iterable[str] | None = None) -> list[str]:
        """What must stand below the names of these jurisdictions, each once; None: below those of any."""
        known = self.jurisdictions
        notes = [_said(known.footnotes_of(code), self.code) for code in sorted(set(known if codes is None else codes))]
        return [note for note in notes if note]

    def number(self, value: float, digits: int = 0) -> str:
        """With this many digits after the decimal sign of the language, and a true minus."""
        return _number(value, digits, self.code)


@lru_cache(maxsize=8192)
def _number(value: float, digits: int, language: str) -> str:
    """Kept: a list says the same small numbers on each line, and babel reads the form anew for each."""
    form = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(value, format=form, locale=LOCALES[language]).replace("-", "−")


def _said(texts: Mapping[str, str], language: str) -> str:
    """In the language, else in English, else empty; Serbian in Cyrillic follows from Latin script."""
    if language not in texts and language == "sr-Cyrl" and "sr-Latn" in texts:
        return to_cyrillic(texts["sr-Latn"])
    return texts.get(language) or texts.get(SOURCE, "")


_spoken: ContextVar[Spoken | None] = ContextVar("spoken", default=None)


def spoken() -> Spoken:
    """What is spoken now; English outside of a request."""
    return _spoken.get() or Spoken()


@contextmanager
def speaking(what: Spoken) -> Iterator[None]:
    """For what is written outside of a request."""
    token = _spoken.set(what)
    try:
        yield
    finally:
        _spoken.reset(token)


def gettext(text: str, **named: Any) -> str:
    """A whole sentence in the language that is spoken, with named values put in."""
    said = spoken().gettext(text)
    return said % named if named else said


def ngettext(one: str, many: str, count: int, **named: Any) -> str:
    """As ``gettext``, by the number ``num``."""
    return spoken().ngettext(one, many, count) % {"num": count, **named}


def term(value: str, of: str | None = None) -> str:
    """A value of a vocabulary in words; ``of`` names the vocabulary, where one word stands in several."""
    return spoken().term(value, of)


def chosen(cookie: str | None, accepts: str, default: str) -> str:
    """The language that was chosen on a page, else the first known one that the browser asks for, else the node's."""
    if cookie in CODES:
        return cookie
    asked = []
    for place, part in enumerate(accepts[:_MAX_HEADER].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            asked.append((-float(weight or 1), place, tag.strip()))
        except ValueError:
            continue
    for order, _, tag in sorted(asked):
        if order < 0 and (code := _known(tag)) is not None:
            return code
    return default


def _known(tag: str) -> str | None:
    """The language of a tag such as ``sr-Latn-RS``, by its longest beginning that is known."""
    steps = tag.split("-")
    codes = {code.lower(): code for code in CODES} | _ALSO
    for length in range(len(steps), 0, -1):
        if (code := codes.get("-".join(steps[:length]).lower())) is not None:
            return code
    return None


class Naming:
    """Sets for each request what jurisdictions are called here: what programs are told is English."""

    def __init__(self, app: ASGIApp, node: Node) -> None:
        self._app, self._node = app, node

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            _spoken.set(Spoken(directory=directory_of(self._node)))
        await self._app(scope, receive, send)


def directory_of(node: Node) -> Callable[[], Directory]:
    """What a node's directory is, whenever it is asked for."""
    return lambda: node.jurisdictions


class Speaking:
    """Sets what is spoken for one request. It stays set for the handler of errors that nobody foresaw, which stands
    outside; the next request has a context of its own."""

    def __init__(self, app: ASGIApp, node: Node) -> None:
        self._app = app
        self._directory = directory_of(node)
        self._default = node.settings.language
        self._glossary = glossary_of(node.settings.home)
        self._here = node.settings.jurisdiction

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            kept = kept_by_browser(headers.get("cookie", ""), COOKIE)
            code = chosen(kept, headers.get("accept-language", ""), self._default)
            back = _back(scope, headers)
            _spoken.set(Spoken(code, self._glossary, back, self._directory, self._here))
        await self._app(scope, receive, send)


def kept_by_browser(header: str, name: str) -> str | None:
    """The value of one cookie; None where there is none, or the header is no list of cookies."""
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return None
    return found.value if found else None


def _back(scope: Scope, headers: Mapping[str, str]) -> str:
    """The page itself, or, for what a form brought, the page of the form."""
    if scope["method"] in ("GET", "HEAD"):
        query = scope["query_string"].decode("latin-1")
        return local_page(scope["path"] + (f"?{query}" if query else ""))
    return page_before(headers)


def page_before(headers: Mapping[str, str]) -> str:
    """The page of this node on which somebody pressed what they are answered; the first page where none is told."""
    referer = urlsplit(headers.get("referer", "")[:2000])
    return local_page(referer.path + (f"?{referer.query}" if referer.query else ""))


def local_page(path: str) -> str:
    """An address below ``/app/`` of this node as it is; the first page in place of any other."""
    sound = path.startswith("/app/") and len(path) <= 2000 and path.isprintable() and "\\" not in path
    return path if sound and not any(once in path for once in ONCE) else "/app/"
