"""The public site: valid HTML without scripts, every link inside it, every figure beside its table, its definition and
the signed files, in each language."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from urllib.parse import urldefrag

import pytest
from lxml import html

from exchange.coordination.half_year.public_edition import HOUR_CLASSES
from exchange.coordination.half_year.small_counts import HELD_BACK, Figure, Told, exact
from exchange.coordination.public_site.publication import Publication
from exchange.coordination.public_site.site import site_files
from exchange.coordination.public_site.site_blocks import FigureTile, figure_tiles, time_words
from exchange.coordination.region.indicators import Indicator
from exchange.coordination.region_files.report_file import Believed, verify_report_file
from exchange.web.languages import CODES, NAMES, Spoken
from exchange.web.languages.spoken import speaking
from schemas.vocabulary import KOSOVO_FOOTNOTE
from tests.exchange.coordination.public_site.made_site import MadeSite, publication
from tests.exchange.coordination.public_site.outline import outline
from tests.exchange.coordination.region.releases import Released

pytestmark = pytest.mark.slow

MOST_BYTES = 100_000
PAGES = ("index", "participants", "exhibits", "hits", "time", "trend", "verify")


def trees(site: MadeSite) -> Iterator[tuple[str, html.HtmlElement]]:
    for name, text in site.pages.items():
        yield name, html.fromstring(text)


def test_there_is_each_page_in_each_language(made_site: MadeSite) -> None:
    assert set(made_site.pages) == {"index.html", *(f"{code}/{page}.html" for code in CODES for page in PAGES)}
    for name, tree in trees(made_site):
        assert tree.get("lang") == (name.split("/")[0] if "/" in name else "en"), name


def test_each_element_is_closed_where_it_was_opened(made_site: MadeSite) -> None:
    """That a browser mends nothing of it is tried in a browser (browser/test_public_site.py)."""
    for name, text in made_site.pages.items():
        assert text.startswith("<!doctype html>\n"), name
        assert len(outline(text)) > 30, name
    with pytest.raises(ValueError, match="p closes b"):
        outline("<!doctype html><p><b></p>")


def test_ids_are_there_once_and_what_names_one_finds_it(made_site: MadeSite) -> None:
    for name, tree in trees(made_site):
        ids = [str(found) for found in tree.xpath("//@id")]
        assert len(set(ids)) == len(ids), name
        named = " ".join(tree.xpath("//@aria-labelledby")).split()
        named += re.findall(r"url\(#([^)]+)\)", made_site.pages[name])
        assert set(named) <= set(ids), name
        assert len(tree.xpath("//h1")) == 1, name
        levels = [int(found.tag[1]) for found in tree.xpath("//h1|//h2|//h3")]
        assert all(after - before <= 1 for before, after in pairwise(levels)), name


def test_every_link_leads_to_a_file_of_the_site(made_site: MadeSite) -> None:
    places = {name: set(map(str, tree.xpath("//@id"))) for name, tree in trees(made_site)}
    followed = 0
    for name, tree in trees(made_site):
        for link in map(str, tree.xpath("//@href|//@src")):
            assert not re.match(r"[a-z]+:|//", link), (name, link)
            path, place = urldefrag(link)
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
            assert target in made_site.files, (name, link)
            assert not place or place in places[target], (name, link)
            followed += 1
    assert followed > 1000


def test_nothing_runs_and_nothing_is_asked_of_elsewhere(made_site: MadeSite) -> None:
    for name, tree in trees(made_site):
        assert not tree.xpath("//script|//iframe|//object|//embed|//form|//@style|//style"), name
        assert not [found for found in tree.xpath("//@*") if found.attrname.startswith("on")], name
        (policy,) = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
        assert "default-src 'none'" in policy, name
        assert "script-src" not in policy
    (style,) = [content.decode() for name, content in made_site.files.items() if name.endswith(".css")]
    assert not re.search(r"url\(|@import|@font-face|https?:", style)


def test_the_footnote_stands_on_each_page_with_the_name(made_site: MadeSite) -> None:
    directory, named = made_site.publication.directory, 0
    for page, text in made_site.pages.items():
        code = page.split("/")[0] if "/" in page else "en"
        with speaking(Spoken(code)):
            (footnote,) = Spoken(code).footnotes(["XK"])
            name = Spoken(code).term("XK", "jurisdiction")
        assert name.endswith("*")
        if name in text:
            named += 1
            assert footnote in text, page
        for bare in {directory.name("XK", other).rstrip("*") for other in CODES}:
            without = text.replace(footnote, "")
            assert not re.search(rf"{bare}(?!\*)\b", without), page
    assert named >= 4 * len(CODES)
    assert KOSOVO_FOOTNOTE in made_site.pages["en/hits.html"]


def test_no_page_is_heavy(made_site: MadeSite) -> None:
    shared = sum(len(content) for name, content in made_site.files.items() if name.endswith((".css", ".svg")))
    heaviest = max(len(text.encode()) for text in made_site.pages.values())
    assert heaviest + shared < MOST_BYTES


def test_each_drawing_has_a_title_and_its_table(made_site: MadeSite) -> None:
    drawn = 0
    for name, tree in trees(made_site):
        for chart in tree.xpath("//svg[@role='img']"):
            assert chart.get("aria-label") or chart.get("aria-labelledby"), name
            (table,) = chart.xpath("following::table")[:1]
            rows = {" ".join(row.text_content().split()) for row in table.xpath(".//tbody/tr")}
            for said in chart.xpath(".//*[@class='said']/text()"):
                assert any(str(said) in row for row in rows) or "time" in name, (name, said)
            drawn += 1
    assert drawn > 5 * len(CODES)


def test_each_figure_says_what_it_is_where_it_comes_from_and_that_nobody_verified_its_number(
    made_site: MadeSite,
) -> None:
    for page in ("exhibits", "hits", "trend", "participants"):
        tree = html.fromstring(made_site.pages[f"en/{page}.html"])
        figures = tree.xpath("//section[starts-with(@id, 'h-')]")
        assert figures, page
        for figure in figures:
            text = figure.text_content()
            assert figure.xpath(".//p[@class='hint']"), page
            assert "Goal " in text
            assert "KPI number not entered; unverified" in text
            assert figure.xpath(".//p[@class='hint source']/a[starts-with(@href, 'verify.html#')]"), page


def test_the_figures_are_those_of_the_report(made_site: MadeSite) -> None:
    report = made_site.publication.newest.report
    tree = html.fromstring(made_site.pages["en/hits.html"])
    for name in ("leads", "confirmed_hits", "hits_retracted"):
        (figure,) = tree.xpath(f"//section[@id='h-{name}']")
        across = report.row(name).across
        assert across is not None
        assert figure.xpath(".//strong/text()") == [said(across)]
        assert not figure.xpath(".//table"), "no pair and no side"
    (figure,) = html.fromstring(made_site.pages["en/exhibits.html"]).xpath("//section[@class='card']")
    shown = dict([cell.text_content() for cell in row] for row in figure.xpath(".//tbody/tr"))
    assert shown["North Macedonia"] == said(report.row("exhibits_entered").cells["MK"])


def said(figure: Figure) -> str:
    match figure.told:
        case Told.EXACT:
            return f"{figure.low:.0f}"
        case Told.BETWEEN:
            return f"{figure.low:.0f}–{figure.high:.0f}"
        case _:
            return str(figure.told).replace("_", " ")


def test_a_time_is_a_class() -> None:
    assert [time_words(figure) for figure in (*HOUR_CLASSES[1:4:2], HOUR_CLASSES[-1], HELD_BACK)] == [
        "24–48 h",
        "240–720 h",
        "720 or more h",
        "held back",
    ]


def test_the_signed_files_are_there_as_they_were_signed(made_site: MadeSite, released_region: Released) -> None:
    who = Believed(fingerprints=released_region.world.fingerprints())
    sums = dict(line.split("  ")[::-1] for line in made_site.files["files/SHA256SUMS"].decode().splitlines())
    signed = {name: content for name, content in made_site.files.items() if name.startswith("files/")}
    assert {f"files/{name}" for name in sums} == set(signed) - {"files/SHA256SUMS"}
    shown = made_site.pages["mk/verify.html"]
    for name, digest in sums.items():
        assert hashlib.sha256(signed[f"files/{name}"]).hexdigest() == digest
        assert digest in shown
        assert f"../files/{name}" in shown
    reports = [name for name in signed if name.endswith("-report.json")]
    assert len(reports) == 3 * 6
    for name in reports:
        verified = verify_report_file(signed[name], who)
        begin = name.removesuffix("-report.json")
        public, manifest = signed[f"{begin}-public.json"], signed[f"{begin}-manifest.json"]
        assert public == verified.public
        assert json.loads(manifest)["public"] == hashlib.sha256(public).hexdigest()
        assert hashlib.sha256(manifest).hexdigest() == verified.sha256
    assert not [name for name, content in signed.items() if b'"sealed"' in content]


def test_the_same_files_give_the_same_bytes(made_site: MadeSite, released_region: Released) -> None:
    assert site_files(publication(released_region)) == made_site.files


def test_each_language_is_written_in_its_own_letters(made_site: MadeSite) -> None:
    for code in ("mk", "sr-Cyrl", "uk"):
        tree = html.fromstring(made_site.pages[f"{code}/participants.html"])
        names = tree.xpath("//tbody/tr/th/text()")
        assert all(re.search("[А-Яа-яЇїІіЄє]", name) for name in names), code
    start = html.fromstring(made_site.pages["index.html"])
    assert start.xpath("//li/@lang") == list(CODES)
    assert start.xpath("//li//b/text()") == list(NAMES.values())


def test_what_a_coordinator_or_a_trust_root_wrote_is_text(made_site: MadeSite) -> None:
    hostile = '<script>alert(1)</script>"&'
    newest = made_site.publication.newest
    numbers = dict.fromkeys(newest.report.indicators, Indicator(3, hostile, hostile, hostile, hostile, verified=True))
    changed = replace(newest, report=replace(newest.report, indicators=numbers))
    site = site_files(replace_newest(made_site.publication, changed))
    text = site["en/hits.html"].decode()
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert outline(text) == outline(made_site.pages["en/hits.html"])


def test_a_sum_of_some_sides_says_so_wherever_it_stands(made_site: MadeSite) -> None:
    newest = made_site.publication.newest
    rows = tuple(
        replace(row, without=("RS",)) if row.id in ("exhibits_entered", "leads") else row for row in newest.report.rows
    )
    found = replace_newest(made_site.publication, replace(newest, report=replace(newest.report, rows=rows)))
    pages = MadeSite(found, site_files(found)).pages
    tiles = html.fromstring(pages["en/index.html"]).xpath("//ul[@class='tiles']//b/text()")
    assert [str(tile).endswith("(sides: 5 of 6)") for tile in tiles] == [True, True, False, False]
    shown = pages["en/exhibits.html"]
    assert shown.count("(sides: 5 of 6)") == 1
    assert "Exhibits entered: no data from Serbia, and so not in the sum." in shown
    trend = html.fromstring(pages["en/trend.html"])
    rows_of = {
        name: [" ".join(cell.text_content() for cell in row) for row in trend.xpath(f"//*[@id='h-{name}']//tr")]
        for name in ("trend-exhibits_entered", "trend-confirmed_hits_across")
    }
    assert "(sides: 5)" in rows_of["trend-exhibits_entered"][-1]
    assert rows_of["trend-exhibits_entered"][-1].endswith("–")
    assert "(sides" not in rows_of["trend-confirmed_hits_across"][-1]
    assert pages["en/trend.html"].count("are not compared") == 2


def replace_newest(found: Publication, changed: object) -> Publication:
    return replace(found, periods=(*found.periods[:-1], changed))


def test_a_range_on_the_front_page_says_why_it_is_one(made_site: MadeSite) -> None:
    report = made_site.publication.newest.report

    def tile(figure: Figure) -> FigureTile:
        rows = tuple(replace(row, across=figure) if row.id == "confirmed_hits" else row for row in report.rows)
        return figure_tiles(replace(report, rows=rows))["confirmed_hits"]

    hidden = tile(Figure(Told.BETWEEN, 0, 94))
    assert hidden.said == "0–94"
    assert "a small count would tell which cases these are" in hidden.note
    assert tile(exact(12)) == FigureTile("12", "")
    for name, text in made_site.pages.items():
        if name.endswith("index.html"):
            tree = html.fromstring(text)
            ranges = [found for found in tree.xpath("//ul[@class='tiles']//a") if "–" in found.xpath("string(b)")]
            assert all(found.xpath("string(small)") for found in ranges), name
