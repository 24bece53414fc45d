"""``ffp maturity``: the same in words and as JSON; a partner's name never without its asterisk and footnote."""

from __future__ import annotations

import json
from pathlib import Path

from exchange.flows.maturity.definitions import MATURITY_LEVELS
from schemas.vocabulary import KOSOVO_FOOTNOTE, Jurisdiction
from tests.exchange.cli.conftest import Ffp
from tests.exchange.flows.network import RS, Network


def test_in_words_and_as_json(ffp: Ffp, tmp_path: Path) -> None:
    network = Network(tmp_path)
    network.make(Jurisdiction.RS, Jurisdiction.XK)
    home = network.nodes[RS].settings.home
    network.close()
    said = ffp("maturity", "--home", home)
    assert said.code == 0
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
    assert (practices["backup"]["state"], practices["backup"]["typed"]) == ("no_data", "ffp backup FOLDER")
