"""``ffp law`` as a head types it: entered, undone, published, read at the other node, and written as PDF."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pypdf
import pytest

from exchange.store.access.user_rows import add_user
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.coordination.law.made_up_law import article, made_up_law, rule
from tests.exchange.flows.network import MK, RS, Network

pytestmark = pytest.mark.slow

BY_HEAD = ("--as", "head-1")


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    made = Network(tmp_path)
    made.make(Jurisdiction.RS, Jurisdiction.MK)
    with made.nodes[RS].store.write() as session:
        add_user(session, "head-1", Role.HEAD)
        add_user(session, "examiner-1", Role.EXAMINER)
    yield made
    made.close()


def test_law_is_entered_published_and_read(ffp: Ffp, network: Network, tmp_path: Path) -> None:
    here, there = (("--home", network.nodes[name].settings.home) for name in (RS, MK))
    assert "not entered" in ffp("law", "list", *here).out
    assert "not entered; the head enters it: ffp law add FILE" in ffp("law", "show", "RS", *here).out
    assert "not entered; its head has published none" in ffp("law", "show", "MK", *here).out
    file = tmp_path / "law.json"
    file.write_text(json.dumps([item.model_dump(mode="json") for item in made_up_law()["RS"]]))
    assert "is for the role head" in refusal(ffp("law", "add", file, "--as", "examiner-1", *here))
    assert "has 4 articles, 4 of them not as published" in ffp("law", "add", file, *BY_HEAD, *here).out
    assert "has 3 articles" in ffp("law", "undo", *BY_HEAD, *here).out
    assert "has 4 articles" in ffp("law", "import", file, "--yes", *BY_HEAD, *here).out
    assert "not entered" in ffp("law", "show", "RS", *here).out
    assert json.loads(ffp("law", "show", "RS", "--draft", "--json", *here).out)["articles"][3]["rules"]
    assert "The draft is of RS" in refusal(ffp("law", "show", "MK", "--draft", *here))

    network.settle()
    told = ffp("law", "publish", "--yes", *BY_HEAD, *here)
    assert "RS-synthetic-28: added" in told.out
    assert "It is published" in told.out
    assert "have not said that they read it" not in told.out, "the partner reads this version"
    assert "says what was published already" in refusal(ffp("law", "publish", "--yes", *BY_HEAD, *here))
    network.settle()
    listed = json.loads(ffp("law", "list", "--json", *there).out)
    assert [(one["jurisdiction"], one["articles_in_force"]) for one in listed] == [("MK", 0), ("RS", 4)]
    assert "RS-synthetic-27.2" in ffp("law", "show", "RS", *there).out
    one = ffp("law", "show", "RS", "RS-synthetic-28", *there).out
    assert "give: blocked; seized; MK; -" in one
    assert "no article" in refusal(ffp("law", "show", "RS", "RS-synthetic-99", *there))
    for code in ("UA", "QQ"):
        refused = refusal(ffp("law", "show", code, *there))
        assert "no partner" in refused
        assert "ffp law list" in refused

    changed = tmp_path / "one.json"
    changed.write_text(article("RS", "28", rule("give", "allowed", "MK")).model_dump_json())
    assert "RS-synthetic-28: changed (" in ffp("law", "add", changed, *BY_HEAD, *here).out
    changed.write_text('{"articles": [{"article_id": "no id"}]}')
    assert "does not follow the contract" in refusal(ffp("law", "add", changed, *BY_HEAD, *here))


def test_a_provision_that_no_list_has_is_warned_of(ffp: Ffp, network: Network, tmp_path: Path) -> None:
    home = ("--home", network.nodes[RS].settings.home)
    file = tmp_path / "law.json"
    mistyped = article("RS", "28", rule("give", "allowed", "MK"), provisions=["eu-2021-555", "eu-2021-5555"])
    file.write_text(mistyped.model_dump_json())
    for told in (
        ffp("law", "add", file, *BY_HEAD, *home),
        ffp("law", "import", file, "--yes", *BY_HEAD, *home),
        ffp("law", "publish", "--yes", *BY_HEAD, *home),
    ):
        assert told.code == 0, told.err
        assert "Warning, RS-synthetic-28: this release knows no provision eu-2021-5555." in told.err
        assert "eu-2021-555," in told.err.rpartition("It knows: ")[2]
        assert told.err.count("Warning") == 1


def test_the_compendium_is_written_as_pdf(ffp: Ffp, network: Network, tmp_path: Path) -> None:
    home = ("--home", network.nodes[RS].settings.home)
    file = tmp_path / "law.json"
    file.write_text(json.dumps([item.model_dump(mode="json") for item in made_up_law()["RS"]]))
    assert ffp("law", "import", file, "--yes", *BY_HEAD, *home).code == 0
    assert ffp("law", "publish", "--yes", *BY_HEAD, *home).code == 0
    whole, page = tmp_path / "law.pdf", tmp_path / "pair.pdf"
    assert ffp("law", "report", "--out", whole, *home).code == 0
    assert ffp("law", "report", "--out", page, "--pair", "RS-MK", *home).code == 0
    texts = ["\n".join(sheet.extract_text() for sheet in pypdf.PdfReader(path).pages) for path in (whole, page)]
    assert "RS-synthetic-27.3" in texts[0]
    assert "unverified" in texts[0]
    assert "not entered" in texts[0]
    assert "Serbia gives to North Macedonia" in texts[1]
    assert "1244 (1999)" in texts[1]
    assert len(pypdf.PdfReader(page).pages) == 1
    assert "written RS-MK" in refusal(ffp("law", "report", "--out", page, "--pair", "RS", *home))
    assert "none of" in refusal(ffp("law", "report", "--out", page, "--language", "xx", *home))
