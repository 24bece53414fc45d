"""A side of which no report came: the desk's pages, the PDF and the public site name it, and a pair with it is told of
as by one side. A file that is there twice says so in the list."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pypdf
import pytest

from exchange.coordination.desk.desk_app import desk_app
from exchange.coordination.desk.pack_desk import PackDesk
from exchange.coordination.half_year.half_years import parse_period
from exchange.coordination.half_year.small_counts import exact
from exchange.coordination.region.indicators import shipped_indicators
from exchange.coordination.region.region_paper import render_region
from exchange.coordination.region.regional import RegionalRow
from exchange.coordination.region.regional_lines import regional_lines, regional_notes, shared_number_words
from exchange.coordination.region_files.report_file import Believed, DeskKeys
from exchange.web.languages import Spoken
from exchange.web.languages.spoken import speaking
from schemas.vocabulary import KOSOVO_FOOTNOTE
from tests.exchange.coordination.browser.desks import made_up_region
from tests.exchange.coordination.region.region_world import H1
from tests.exchange.coordination.region.test_sides import report

PORT = 8467
SILENT = "Without a report of 2026H1, and so told of by their partners alone: Kosovo*."
PAIR = "6 (sides: 1 of 2)"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackDesk]:
    """Five of six, and one of them twice."""
    folder = tmp_path_factory.mktemp("silent")
    with pytest.MonkeyPatch.context() as patched:
        world = made_up_region(folder / "nodes", patched)
        inbox = folder / "inbox"
        inbox.mkdir()
        for name, data in world.files(H1):
            if not name.startswith("xk"):
                (inbox / name).write_bytes(data)
            if name.startswith("al"):
                (inbox / f"again-{name}").write_bytes(data)
        believed = Believed(fingerprints=world.fingerprints())
        yield PackDesk(inbox, DeskKeys(believed, world.recipient), shipped_indicators())
        world.close()


def pages_of(desk: PackDesk, *paths: str) -> list[str]:
    async def asked() -> list[str]:
        app = desk_app(desk, PORT)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{PORT}") as person:
            return [(await person.get(f"{app.state.base}{path}")).text for path in paths]

    return asyncio.run(asked())


def test_either_edition_names_who_sent_none(desk: PackDesk) -> None:
    for page in pages_of(desk, f"/report/{H1}", f"/report/{H1}?edition=public"):
        assert SILENT in page
        assert KOSOVO_FOOTNOTE in page
        assert page.index(SILENT) < page.index("The region&#39;s figures")
        assert page.count("KPI number not entered; unverified") == 1, "once above the lines"
    whole = desk.combined(parse_period(str(H1)))
    for edition in (whole.public, whole.restricted):
        assert edition is not None
        paper = pypdf.PdfReader(io.BytesIO(render_region(edition)))
        text = " ".join(" ".join(page.extract_text() for page in paper.pages).split())
        assert SILENT in text
        assert text.count("KPI number not entered; unverified") == 1


def test_a_file_that_is_there_twice_says_so_in_the_list(desk: PackDesk) -> None:
    (page,) = pages_of(desk, "/")
    assert page.count("<code>doubled</code>") == 1, "the other one counts"
    assert page.count("Leave one of the two out.") == 1


def test_a_pair_with_a_silent_side_is_of_one_of_two() -> None:
    cells = {"MK": exact(2), "MK-RS": exact(5), "RS-XK": exact(6), "MK-XK": exact(0)}
    named = frozenset({"MK", "RS", "XK"})
    of_some = replace(report([RegionalRow("leads", cells, exact(13), exact(11))], codes="MK RS"), partners=named)
    whole = replace(report([RegionalRow("leads", cells, exact(13), exact(11))], codes="MK RS XK"), partners=named)
    with speaking(Spoken("en")):
        (leads,) = (line for line in regional_lines(of_some) if line.id == "leads")
        assert [said for _whose, said in leads.cells] == ["2", "5", PAIR, "0 (sides: 1 of 2)"]
        assert regional_notes(of_some)[0] == SILENT.replace("H1", "H2")
        (leads,) = (line for line in regional_lines(whole) if line.id == "leads")
        assert [said for _whose, said in leads.cells] == ["2", "5", "6", "0"]
        assert not any("Without a report" in said for said in regional_notes(whole))


def test_where_one_line_has_its_number_each_line_says_its_own() -> None:
    found = report([RegionalRow("leads", {}, exact(3))])
    with speaking(Spoken("en")):
        lines = regional_lines(found)
        assert shared_number_words(lines).endswith("KPI number not entered; unverified.")
        assert shared_number_words([]) == ""
        numbered = {**found.indicators, "leads": replace(found.indicators["leads"], kpi_2030="3.1")}
        assert shared_number_words(regional_lines(replace(found, indicators=numbered))) == ""
