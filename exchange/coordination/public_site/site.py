"""The public site as files: pages in each language, the style, and the signed files beside them. The same publication
gives the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from exchange.coordination.public_site.publication import Publication
from exchange.coordination.public_site.site_blocks import named_period
from exchange.coordination.public_site.site_pages import (
    FILES,
    SitePage,
    pages_of,
    signed_paths,
)
from exchange.web.languages import CODES, NAMES, Spoken, spoken, term
from exchange.web.languages import gettext as _
from exchange.web.languages.spoken import speaking

SITE_POLICY: Final = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
"""Nothing but the site's own style and icon is loaded, and nothing runs."""
_ENDS_OF_STATIC: Final = ("css", "svg")

_templates = Environment(
    loader=PackageLoader(__package__),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=["jinja2.ext.i18n"],
)
_I18N: Any = _templates  # the extension gives the environment this method
_I18N.install_gettext_callables(
    lambda text: spoken().gettext(text), lambda one, many, count: spoken().ngettext(one, many, count), newstyle=True
)
_templates.filters |= {
    "term": lambda code: term(code, "jurisdiction"),
    "number": lambda value: spoken().number(value),
}


def site_files(publication: Publication) -> dict[str, bytes]:
    """By their paths within the site; all links are relative, so that it works in any folder of any server."""
    static = _static_files()
    style = next(name for name in static if name.endswith(".css"))
    shared = {"policy": SITE_POLICY, "languages": NAMES, "style": style, "icon": "icon.svg"}
    files = {**static, "index.html": _start_page(publication, shared)}
    for code in CODES:
        with speaking(Spoken(code, directory=lambda: publication.directory)):
            files |= {f"{code}/{name}": page for name, page in _pages(publication, shared).items()}
    signed = signed_paths(publication)
    sums = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {path.removeprefix(f'{FILES}/')}\n"
        for path, content in sorted(signed.items())
    )
    return {**files, **signed, f"{FILES}/SHA256SUMS": sums.encode()}


def _pages(publication: Publication, shared: Mapping[str, Any]) -> dict[str, bytes]:
    menu = pages_of(publication)
    newest = publication.newest
    values = {
        **shared,
        "code": spoken().code,
        "menu": [(page.name, _(page.title)) for page in menu],
        "period": named_period(str(newest.period)),
        "footnotes": spoken().footnotes(publication.parts),
    }
    return {f"{page.name}.html": _page(page, publication, values) for page in menu}


def _page(page: SitePage, publication: Publication, values: Mapping[str, Any]) -> bytes:
    drawn = _templates.get_template(f"{page.template}.html").render(
        here=page.name, title=_(page.title), **values, **page.shows(publication)
    )
    return f"{drawn}\n".encode()


def _start_page(publication: Publication, shared: Mapping[str, Any]) -> bytes:
    """The languages, each by its own name and with what the site is in it; nobody's is guessed."""
    named = []
    for code, name in NAMES.items():
        with speaking(Spoken(code, directory=lambda: publication.directory)):
            named.append((code, name, _("Ballistic information exchange")))
    drawn = _templates.get_template("languages.html").render(named=named, **shared)
    return f"{drawn}\n".encode()


def _static_files() -> dict[str, bytes]:
    """The style bears its digest in its name, so that no browser shows a new site with an old style."""
    found = {}
    for item in sorted(resources.files(__package__).joinpath("static").iterdir(), key=lambda at: at.name):
        stem, _dot, end = item.name.rpartition(".")
        if end in _ENDS_OF_STATIC:
            content = item.read_bytes()
            mark = f"-{hashlib.sha256(content).hexdigest()[:10]}" if end == "css" else ""
            found[f"{stem}{mark}.{end}"] = content
    return found
