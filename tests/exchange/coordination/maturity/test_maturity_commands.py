"""``ffp maturity``: the same in words and as JSON; a partner's name never without its asterisk and footnote."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.maturity.maturity_snapshot import verify_signed_snapshot
from exchange.coordination.maturity.practice_definitions import MATURITY_LEVELS
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.store.access.user_rows import add_user
from schemas.vocabulary import KOSOVO_FOOTNOTE, Jurisdiction, Role
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.flows.network import RS, Network


def test_in_words_and_as_json(ffp: Ffp, tmp_path: Path) -> None:
    network = Network(tmp_path)
    network.make(Jurisdiction.RS, Jurisdiction.XK)
    home = network.nodes[RS].settings.home
    network.close()
    assert ffp("backup", tmp_path / "backups", "--home", home).code == 0
    said = ffp("maturity", "--home", home)
    assert said.code == 0
    assert re.search(r"holds .*[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2} UTC", said.out), "the time of the backup"
    assert "<" not in said.out, "plain text, no markup"
    lines = said.out.splitlines()
    assert lines[0] == "Level 0 of 4 is reached."
    assert lines[-1] == KOSOVO_FOOTNOTE
    assert "1 Connected: 1 of 5 hold" in lines
    assert "  holds          At least one peer is enrolled  1" in lines
    assert any(
        line.startswith("  does not hold  Each partner has a legal basis") and "Kosovo*" in line for line in lines
    )
    assert any(line.endswith("Stop the node and encrypt them.  ffp key encrypt") for line in lines)

    told = json.loads(ffp("maturity", "--home", home, "--json").out)
    assert (told["node_id"], told["jurisdiction"], told["reached"]) == (RS, "RS", 0)
    practices = {item["id"]: item for level in told["levels"] for item in level["practices"]}
    assert set(practices) == {name for level in MATURITY_LEVELS.values() for name in level.practices}
    assert practices["peer_enrolled"]["figure"] == {"told": "exact", "value": 1}
    assert practices["peer_enrolled"]["next"] is None
    assert (practices["legal_bases"]["state"], practices["legal_bases"]["partners"]) == ("does_not_hold", ["XK"])
    assert practices["backup"]["state"] == "holds"


def test_a_snapshot_is_kept_given_away_and_told(ffp: Ffp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(tmp_path)
    network.make(Jurisdiction.RS, Jurisdiction.XK)
    node = network.nodes[RS]
    with node.store.write() as session:
        add_user(session, "head-1", Role.HEAD)
        add_user(session, "examiner-1", Role.EXAMINER)
    half = Half.of(datetime.now(UTC))
    asked, out = ("maturity", "--home", node.settings.home), tmp_path / "maturity.json"
    assert "No snapshot is kept yet" in ffp(*asked, "--path").out
    assert "say who does with --as" in refusal(ffp(*asked, "--keep"))
    assert "this is for the role head" in refusal(ffp(*asked, "--keep", "--as", "examiner-1"))
    assert "is not over before" in refusal(ffp(*asked, "--keep", "--as", "head-1", "--half", str(half)))
    ahead = datetime.fromisoformat(half.end) + timedelta(days=1) - datetime.now(UTC)
    monkeypatch.setattr("exchange.clock.now", lambda: datetime.now(UTC) + ahead)
    assert f"No snapshot of {half} is kept here" in refusal(ffp(*asked, "--out", out))
    assert f"{half}: level 0 is kept, SHA-256 " in ffp(*asked, "--keep", "--as", "head-1").out
    assert "was kept by head-1" in refusal(ffp(*asked, "--keep", "--as", "head-1"))
    sign_head(node)
    assert f"Written: {out}" in ffp(*asked, "--out", out).out
    assert str(verify_signed_snapshot(out.read_bytes()).snapshot.half) == str(half)
    told = json.loads(ffp(*asked, "--path", "--json").out)
    assert told["levels"] == {str(half): 0}
    assert [item["kept_by"] for item in told["snapshots"]] == ["head-1"]
    assert {item["id"] for item in told["practices"]} == {
        name for level in MATURITY_LEVELS.values() for name in level.practices
    }
    lines = ffp(*asked, "--path").out.splitlines()
    assert lines[0].startswith(f"{half}  level 0, kept by head-1 at ")
    assert f"1  holds since {half}  At least one peer is enrolled" in lines
    network.close()
