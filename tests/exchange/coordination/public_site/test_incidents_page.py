"""The page of incidents: totals by jurisdiction and tables of the region, from annexes that are bound into reports."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from lxml import html

from exchange.coordination.half_year.small_counts import Told
from exchange.coordination.incidents.incident_document import AnnexHead, ExactAnnex, ToldAnnex, told_edition, write_told
from exchange.coordination.public_site.publication import Publication, SignedBytes, SignedReport
from exchange.coordination.public_site.site import site_files
from exchange.jurisdictions.directory import shipped_directory
from tests.exchange.coordination.incidents.made_up_incidents import made_up_table
from tests.exchange.coordination.public_site.made_site import MadeSite
from tests.exchange.coordination.public_site.outline import outline
from tests.exchange.coordination.region.region_world import H2

pytestmark = pytest.mark.slow


def annex_of(item: SignedReport, seed: int) -> ToldAnnex:
    head = AnnexHead(H2, item.verified.node_id, item.verified.jurisdiction, 5)
    return told_edition(ExactAnnex(head, "salt", made_up_table(seed, 400, 0).counts))


def with_annexes(found: Publication) -> tuple[Publication, list[ToldAnnex]]:
    """As if each report of the newest period had one bound into it."""
    annexes = [annex_of(item, seed) for seed, item in enumerate(found.newest.signed)]
    signed = tuple(
        replace(item, files=replace(item.files, annexes={"2026H2": SignedBytes(told, b"{}\n", b"{}\n")}))
        for item, told in zip(
            found.newest.signed, (write_told(annex, shipped_directory()) for annex in annexes), strict=True
        )
    )
    newest = replace(found.newest, signed=signed)
    return replace(found, periods=(*found.periods[:-1], newest)), annexes


def test_totals_and_tables_are_what_the_annexes_tell(made_site: MadeSite) -> None:
    found, annexes = with_annexes(made_site.publication)
    files = site_files(found)
    text = files["en/incidents.html"].decode()
    assert outline(text)
    assert "incidents.html" in files["sq/index.html"].decode(), "it stands in the menu"
    tree = html.fromstring(text)
    (figure,) = tree.xpath("//section[@aria-label='Victims']")
    shown = dict([cell.text_content() for cell in row] for row in figure.xpath(".//tbody/tr"))
    victims = [annex.totals["victims"] for annex in annexes]
    assert all(told.told is Told.EXACT for told in victims)
    assert shown["Serbia"] == f"{victims[4].low:.0f}"
    assert figure.xpath(".//strong/text()") == [f"{sum(told.low or 0 for told in victims):,.0f}"]
    assert tree.xpath("//section[@aria-label='Victims by offence']//table"), "tables of the region"
    name = "files/2026H2/RS-ffp-rs-2026H2-incidents-2026H2-public.json"
    assert hashlib.sha256(files[name]).hexdigest() in files["en/verify.html"].decode()
    assert len(text.encode()) < 80_000


def test_without_annexes_there_is_no_page_of_incidents(made_site: MadeSite) -> None:
    assert not [name for name in made_site.files if "incidents" in name]
