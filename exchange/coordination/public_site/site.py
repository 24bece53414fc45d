"""The public site as files: pages in each language, the style, and the signed files beside them. The same publication
gives the same bytes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from exchange.coordination.public_site.publication import Publication, PublishedPeriod, SignedReport, TakingPart
from exchange.coordination.public_site.site_blocks import (
    SiteFigures,
    anchor_of,
    annex_notes,
    annexes_of,
    figure_tiles,
    named_period,
)
from exchange.coordination.region.public_region import CROSSING
from exchange.coordination.region.regional_incidents import lacking_words
from exchange.coordination.region.regional_lines import HIT_TOTALS, silent_notes
from exchange.coordination.region_files.file_kinds import CREDIT
from exchange.web.languages import CODES, NAMES, Spoken, spoken, term
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages.spoken import speaking
from exchange.web.report.blocks import bullets, heading, paragraph
from exchange.web.report.charts import in_lines
from exchange.web.report.pages import laid

MOST_CIRCLES: Final = 20
"""Beyond it the names would lie on each other: the table has all."""
_WIDE, _HIGH = 360, 330
_ACROSS, _DOWN = 132, 118
_RADIUS: Final = 21
_LINE: Final = Markup('<line class="lane" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>')
_PLACE: Final = Markup('<text class="place" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>')


@dataclass(frozen=True)
class DrawnJurisdiction:
    code: str
    name: str
    part: TakingPart


def circles_drawing(
    title: str, description: str, circles: Sequence[DrawnJurisdiction], exchanging: Sequence[tuple[str, str]]
) -> Markup | None:
    """The first stands at the top, the others follow as the clock goes; None where there are too many to draw."""
    if not 0 < len(circles) <= MOST_CIRCLES:
        return None
    at = _places(circles)
    parts = [_line(at[one], at[other]) for one, other in exchanging if one in at and other in at]
    for circle in circles:
        parts.extend(_circle(circle, *at[circle.code]))
    drawn = Markup(
        '<svg class="ring" role="img" aria-labelledby="ring-title ring-desc" viewBox="0 0 {wide} {high}">'
        '<title id="ring-title">{title}</title><desc id="ring-desc">{description}</desc>\n{body}\n</svg>'
    )
    return drawn.format(wide=_WIDE, high=_HIGH, title=title, description=description, body=Markup("\n").join(parts))


def _places(circles: Sequence[DrawnJurisdiction]) -> Mapping[str, tuple[float, float]]:
    turns = [2 * math.pi * number / len(circles) - math.pi / 2 for number in range(len(circles))]
    return {
        circle.code: (_WIDE / 2 + _ACROSS * math.cos(turn), _HIGH / 2 - 14 + _DOWN * math.sin(turn))
        for circle, turn in zip(circles, turns, strict=True)
    }


def _line(one: tuple[float, float], other: tuple[float, float]) -> Markup:
    return _LINE.format(*one, *other)


def _circle(circle: DrawnJurisdiction, x: float, y: float) -> list[Markup]:
    found = [
        Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{}"/>').format(circle.part, x, y, _RADIUS),
        Markup('<text class="code {}" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>').format(
            circle.part, x, y + 5, circle.code
        ),
    ]
    for number, line in enumerate(in_lines(circle.name, 12)):
        found.append(_PLACE.format(x, y + _RADIUS + 14 + 13 * number, line))
    return found


FILES: Final = "files"
"""The folder of a site in which the signed files lie."""
PART_STATES: Final = {
    TakingPart.REPORTED: _m("takes part, with a signed report"),
    TakingPart.CONNECTED: _m("takes part, without a report here"),
    TakingPart.PREPARING: _m("preparing"),
}


@dataclass(frozen=True)
class SitePage:
    """``name``: of the file, without its end. ``title``: as the menu says it. ``template``: of its own, else that of
    the pages that are blocks alone."""

    name: str
    title: str
    shows: Callable[[Publication], Mapping[str, Any]]
    template: str = "site_report"


@dataclass(frozen=True)
class SignedFile:
    """``path``: from the root of the site. ``what``: for people."""

    path: str
    what: str
    size: int
    sha256: str


def pages_of(publication: Publication) -> tuple[SitePage, ...]:
    """In the order of the menu. The incidents are there where an annex of the newest period is."""
    found = [
        SitePage("index", _m("What it is"), _about, "index"),
        SitePage("participants", _m("Who takes part"), _participants, "participants"),
        SitePage("exhibits", _m("Exhibits"), _exhibits),
        SitePage("hits", _m("Hits across borders"), _hits),
        SitePage("time", _m("Time to a hit"), _time),
        SitePage("trend", _m("Trend"), _trend),
    ]
    if annexes_of(publication.newest):
        found.append(SitePage("incidents", _m("Incidents"), _incidents))
    return (*found, SitePage("verify", _m("Verify it yourself"), _verify, "verify"))


def signed_paths(publication: Publication) -> dict[str, bytes]:
    """All signed files, and the public regional reports, by their paths within the site."""
    found: dict[str, bytes] = {}
    for published in publication.periods:
        for item in published.signed:
            for name, content in item.files.named(item.verified).items():
                found[f"{FILES}/{published.period}/{name}"] = content
        if published.regional is not None:
            found[regional_path(published)] = published.regional.data
    return found


def regional_path(published: PublishedPeriod) -> str:
    return f"{FILES}/{published.period}/region-{published.period}-public.json"


def _about(publication: Publication) -> Mapping[str, Any]:
    report = publication.newest.report
    return {
        "tiles": figure_tiles(report),
        "reported": len(report.reports),
        "silent": silent_notes(report),
        "smallest": report.smallest,
        "few": report.smallest - 1,
    }


def _participants(publication: Publication) -> Mapping[str, Any]:
    parts = publication.parts
    circles = [DrawnJurisdiction(code, term(code, "jurisdiction"), part) for code, part in parts.items()]
    description = _(
        "A circle for each jurisdiction and a line for each two that exchange. The table below says the same in words."
    )
    return {
        "drawing": circles_drawing(_("Who takes part"), description, circles, publication.exchanging),
        "states": [(part, _(PART_STATES[part])) for part in TakingPart if part in parts.values()],
        "rows": [(circle.code, circle.name, _(PART_STATES[circle.part])) for circle in circles],
        "pairs": len(publication.exchanging),
        "report": laid(SiteFigures(publication).availability()),
    }


def _exhibits(publication: Publication) -> Mapping[str, Any]:
    lead = _(
        "An exhibit is a cartridge case: from a scene, or a test fire of a firearm that was seized. This page has how "
        "many each side entered."
    )
    return {"lead": lead, "report": laid(SiteFigures(publication).entered())}


def _hits(publication: Publication) -> Mapping[str, Any]:
    figures = SiteFigures(publication)
    lead = _(
        "A hit joins two cases that nobody knew to be connected. A lead was seen on the screen by two examiners; only "
        "a confirmed hit was seen on the exhibits themselves."
    )
    notes = map(paragraph, (*silent_notes(figures.report), _(CREDIT), _(HIT_TOTALS)))
    found = [block for name in CROSSING for block in figures.hits(name)]
    return {"lead": lead, "report": laid([*notes, *found, *figures.rate()])}


def _time(publication: Publication) -> Mapping[str, Any]:
    figures = SiteFigures(publication)
    lead = _(
        "A lead is of use while the investigation runs. The median is the time within which half of all had ended; "
        "the 90th percentile, that within which nine of ten had."
    )
    return {"lead": lead, "report": laid([*figures.times(), *figures.stages()])}


def _trend(publication: Publication) -> Mapping[str, Any]:
    figures = SiteFigures(publication)
    halves, by_year = figures.trends(), figures.trends(years=True)
    against = _(
        "Each period against the first one, which is the baseline. Where a figure is a range, no change is told."
    )
    lead = ""
    if halves:
        baseline = _("Baseline: %(period)s", period=named_period(publication.trend()[0].period))
        lead = f"{against} {baseline}."
    elif not by_year:
        lead = _("There is one period so far. It is the baseline, against which later ones will stand.")
    return {"lead": lead, "report": laid([*halves, *([heading(_("By year"), 1), *by_year] if by_year else [])])}


def _incidents(publication: Publication) -> Mapping[str, Any]:
    annexes, found = annexes_of(publication.newest), publication.newest.report.incidents
    lead = _(
        "Incidents with firearms, and the persons in them, in totals alone. They are counted apart from the exhibits: "
        "no incident is joined to an exhibit here."
    )
    notes = bullets(*annex_notes(annexes), *(lacking_words(found) if found is not None else ()))
    return {"lead": lead, "report": laid([notes, *SiteFigures(publication).incidents(annexes)])}


def _verify(publication: Publication) -> Mapping[str, Any]:
    return {
        "published": [
            {
                "name": named_period(str(published.period)),
                "period": str(published.period),
                "reports": [_signed_report(published, item) for item in published.signed],
                "regional": _regional_file(published),
                "option": "half" if "H" in str(published.period) else "year",
            }
            for published in reversed(publication.periods)
        ],
        "files": FILES,
        "had_sealed": any(not item.files.as_it_came for found in publication.periods for item in found.signed),
    }


def _signed_report(published: PublishedPeriod, item: SignedReport) -> Mapping[str, Any]:
    verified = item.verified
    named = item.files.named(verified)
    return {
        "anchor": anchor_of(item),
        "jurisdiction": verified.jurisdiction,
        "node": verified.node_id,
        "fingerprint": verified.fingerprint,
        "approval": verified.approval,
        "files": [_signed_file(published, name, content) for name, content in named.items()],
    }


_ENDS: Final[Sequence[tuple[str, str]]] = (
    ("-report.json", _m("The signed file, as the program reads it")),
    ("-public.json", _m("The public edition alone")),
    ("-manifest.json", _m("The manifest: the digests that the head approved")),
    ("-approval.json", _m("The signed approval, with the proof that it stands in the log")),
)


def _signed_file(published: PublishedPeriod, name: str, content: bytes) -> SignedFile:
    what = next(_(said) for end, said in _ENDS if name.endswith(end))
    if "-incidents-" in name:
        what = _("%(what)s, of the incident annex", what=what)
    digest = hashlib.sha256(content).hexdigest()
    return SignedFile(f"{FILES}/{published.period}/{name}", what, len(content), digest)


def _regional_file(published: PublishedPeriod) -> SignedFile | None:
    if published.regional is None:
        return None
    data = published.regional.data
    what = _("The public regional report, as the coordinator made it; nobody signs it")
    return SignedFile(regional_path(published), what, len(data), published.regional.sha256)


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
