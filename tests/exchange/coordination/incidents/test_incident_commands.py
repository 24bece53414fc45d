"""``ffp incidents``: from the template over a dry run to the files of an approved annex."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exchange.coordination.half_year.half_years import Half
from exchange.store.access.user_rows import add_user
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.coordination.incidents.made_up_incidents import SECRET, made_up_table
from tests.exchange.flows.network import RS, Network

HALF = Half(2026, 2)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    made = Network(tmp_path)
    made.make(Jurisdiction.RS)
    with made.nodes[RS].store.write() as session:
        add_user(session, "head-1", Role.HEAD)
        add_user(session, "examiner-1", Role.EXAMINER)
    yield made
    made.close()


def test_a_digest_that_is_none_is_refused_with_where_it_is_told(ffp: Ffp, network: Network) -> None:
    of_half = ("--half", HALF, "--home", network.nodes[RS].settings.home)
    said = refusal(ffp("incidents", "approve", "96850a90", *of_half, "--as", "head-1", "--because", "Made up."))
    assert "96850a90 is no SHA-256" in said
    assert f"ffp incidents show --half {HALF}" in said


@pytest.mark.slow
def test_from_a_table_to_an_approved_annex(
    ffp: Ffp, network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = datetime.fromisoformat(HALF.end) + timedelta(days=1) - datetime.now(UTC)
    monkeypatch.setattr("exchange.clock.now", lambda: datetime.now(UTC) + ahead)
    made, table, out = made_up_table(31, 400, 12), tmp_path / "table.csv", tmp_path / "annex"
    of_half = ("--half", HALF, "--home", network.nodes[RS].settings.home)
    by_head = (*of_half, "--as", "head-1")

    assert ffp("incidents", "template", table).code == 0
    assert table.read_bytes().startswith(b"\xef\xbb\xbfincident,date,role")
    assert (
        "4 rows, 3 incidents, 3 persons, 0 rows refused. Nothing is kept"
        in ffp("incidents", "import", table, *by_head, "--dry-run").out
    )
    assert "nothing is entered" in ffp("incidents", "show", *of_half).out

    table.write_bytes(made.data)
    assert "is for the role head" in refusal(ffp("incidents", "import", table, *of_half, "--as", "examiner-1"))
    assert "is none of auto" in refusal(ffp("incidents", "import", table, *by_head, "--encoding", "tlh"))
    imported = ffp("incidents", "import", table, *by_head)
    assert imported.code == 1, "some rows are refused"
    assert f"{made.rows} rows, 400 incidents" in imported.out
    assert SECRET not in imported.out + imported.err
    assert ffp("incidents", "undo", *by_head).code == 0
    assert "Nothing is entered" in refusal(ffp("incidents", "undo", *by_head))
    told = json.loads(ffp("incidents", "import", table, *by_head, "--json").out)
    assert [(row["row"], row["column"], row["why"]) for row in told["refused_rows"]] == made.wrong
    assert (told["incidents"], told["persons"]) == (400, made.counts.person_total)

    refused = refusal(ffp("incidents", "write", out, *of_half))
    assert "not approved for release" in refused
    assert f"ffp incidents approve SHA256 --half {HALF} --as HEAD" in refused
    assert "a draft" in ffp("incidents", "write", out, *of_half, "--draft").out
    assert json.loads(out.read_bytes())["draft"] is True
    assert "not approved" in refusal(ffp("incidents", "write", out, *of_half, "--draft", "--form", "exact"))
    shown = json.loads(ffp("incidents", "show", *of_half, "--json").out)
    assert (shown["approved"], shown["way"]) == (False, "imported")
    because = ("--because", "To the coordinator, under the Roadmap.")
    assert "is no SHA-256 of 64" in refusal(ffp("incidents", "approve", "garbage", *by_head, *because))
    assert "are others" in refusal(ffp("incidents", "approve", "0" * 64, *by_head, *because))
    assert "is approved" in ffp("incidents", "approve", shown["sha256"], *by_head, *because).out
    digests = {}
    for form in ("json", "csv", "pdf", "approval", "manifest", "exact"):
        assert "as it was approved" in ffp("incidents", "write", out, *of_half, "--form", form).out
        digests[form] = hashlib.sha256(out.read_bytes()).hexdigest()
        if form == "manifest":
            named = json.loads(out.read_bytes())
    assert digests["manifest"] == shown["sha256"]
    assert (named["public"], named["restricted"]) == (digests["json"], digests["exact"])
    assert "approved. SHA-256" in ffp("incidents", "show", *of_half).out


@pytest.mark.slow
def test_the_commands_of_the_page_run_as_they_stand(
    ffp: Ffp, network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Word for word, in their order, by one head; in place of SHA256 stands what ``show`` said."""
    ahead = datetime.fromisoformat(HALF.end) + timedelta(days=1) - datetime.now(UTC)
    monkeypatch.setattr("exchange.clock.now", lambda: datetime.now(UTC) + ahead)
    monkeypatch.setenv("FFP_NODE_HOME", str(network.nodes[RS].settings.home))
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parents[4] / "docs" / "incidents.md"
    block = page.read_text(encoding="utf-8").split("```")[1]
    ran, digest = [], "SHA256"
    for line in block.strip().splitlines():
        command = re.sub(r" {3,}.*", "", line).replace("SHA256", digest)
        said = ffp(*shlex.split(command)[1:])
        assert said.code == 0, (command, said)
        if "incidents show" in command:
            digest = said.out.rsplit("manifest: ", 1)[1].strip()
        ran.append(command.split()[2])
    assert ran == ["template", "import", "import", "show", "approve", "write"]
    assert (tmp_path / "annex.pdf").read_bytes().startswith(b"%PDF-")
