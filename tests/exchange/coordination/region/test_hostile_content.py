"""A side that lies puts markup, formulas and commands into every text that its signed file has room for, and sends
files that no reader should believe: nothing of it reaches a page, a table, a drawing or a PDF of the region."""

from __future__ import annotations

import io
import json
from typing import Any, Final

import pytest
from pypdf import PdfReader

from exchange.coordination.half_year.half_year_document import read_document
from exchange.coordination.public_site.publication import publication_of
from exchange.coordination.public_site.site import site_files
from exchange.coordination.region.combine import combine_reports
from exchange.coordination.region.indicators import shipped_indicators
from exchange.coordination.region.region_document import write_region
from exchange.coordination.region.region_paper import written_files
from exchange.coordination.region_files.read_reports import read_reports
from exchange.coordination.region_files.report_file import DeskKeys
from exchange.jurisdictions.directory import shipped_directory
from exchange.web.languages import Spoken
from exchange.web.languages.spoken import speaking
from schemas.errors import ContractError
from schemas.vocabulary import Role
from tests.exchange.coordination.region.region_world import CODES, H2
from tests.exchange.coordination.region.releases import Released
from tests.exchange.coordination.region.test_lying_sides import editions_of, filled_up
from tests.exchange.coordination.region.test_refusals import signed_anew, who

pytestmark = pytest.mark.slow

MARK: Final = "zqx"
"""In each text below, and in nothing else."""
TEXTS: Final = (
    f"<script>{MARK}</script>",
    f'#read("/etc/passwd") $ {MARK} ` @a \\',
    f"{{{{ {MARK} }}}}",
    f"=cmd|'{MARK}'!A1",
    f"\N{RIGHT-TO-LEFT OVERRIDE}\x1b[2J{MARK}",
)
PLACES: Final = frozenset({"title", "definition", "name", "note", "article"})
TIMES: Final = ("from", "to", "counted_to", "begun")


def filled(document: Any, text: str) -> Any:
    """The document with ``text`` in each field that is free."""
    if isinstance(document, list):
        return [filled(item, text) for item in document]
    if not isinstance(document, dict):
        return document
    return {key: text if key in PLACES else filled(value, text) for key, value in document.items()}


@pytest.mark.parametrize("text", TEXTS)
def test_what_a_side_wrote_into_its_file_is_shown_nowhere(released_region: Released, text: str) -> None:
    public, restricted = (filled(edition, text) for edition in editions_of(released_region, "RS", H2))
    parts = {"public": json.dumps(public).encode(), "restricted": filled_up(restricted)}
    lying = ("rs.json", signed_anew(released_region, "RS", H2, Role.HEAD, **parts))
    files = [lying if name == "rs.json" else (name, data) for name, data in released_region.files[H2]]
    read = read_reports(files, H2, who(released_region), released_region.world.recipient)
    made = combine_reports(read, H2, shipped_indicators())
    with speaking(Spoken("en")):
        written = dict(written_files(made, with_pdf=True))
    keys = DeskKeys(who(released_region), None)
    regional = ("region.json", write_region(made.public, shipped_directory()))
    site = site_files(publication_of([*files, regional], (), keys, shipped_indicators()))
    pages = {name: content for name, content in site.items() if not name.endswith(".json")}  # those are as signed
    assert len(read.accepted) == len(CODES), "its figures are as good as another side's"
    assert [name for name, content in {**written, **pages}.items() if MARK in text_of(name, content)] == []


@pytest.mark.parametrize("field", TIMES)
def test_a_time_that_is_none_is_refused(released_region: Released, field: str) -> None:
    public, _ = editions_of(released_region, "RS", H2)
    for text in (TEXTS[0][:30], "2026-01-01T00:00:00.000Z" if field in ("from", "to") else "2026"):
        with pytest.raises(ContractError):
            read_document(json.dumps(public | {field: text}).encode())


def text_of(name: str, content: bytes) -> str:
    if not name.endswith(".pdf"):
        return content.decode()
    return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
