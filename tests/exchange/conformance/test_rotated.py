"""A node that has replaced all its keys keeps everything, for a peer that comes after it as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.conformance.check import Verdict, run_checks
from exchange.conformance.checks import check_card as card
from exchange.conformance.checks import mirroring, owning, reading, requests, witnessing
from exchange.flows.keys.rotate import replace_keys
from exchange.flows.node.node import create_node, opened
from exchange.trust.keys import load_identity
from exchange.web.access import caller
from schemas.keys import KEY_ROLES
from schemas.vocabulary import Jurisdiction
from tests.exchange.conformance.conftest import enrolled, house
from tests.exchange.running_nodes import free_port

pytestmark = pytest.mark.slow

CHECKS = (
    *card.CHECKS,
    *reading.CHECKS,
    *mirroring.TILES,
    *requests.CHECKS,
    *witnessing.CHECKS,
    *owning.CHECKS,
    *witnessing.LATER,
    *mirroring.LATER,
    *owning.WITHDRAWAL,
    *reading.LATER,
)


def test_a_node_that_replaced_its_keys_keeps_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller, "REPORT_S", 1)
    home, port = tmp_path / "node-RS", free_port()
    create_node(home, jurisdiction=Jurisdiction.RS, url=f"http://127.0.0.1:{port}", port=port)
    with opened(home) as node:
        replace_keys(node, load_identity(node.settings.keys), KEY_ROLES)
    with house(tmp_path) as visited, enrolled(visited) as guest:
        assert len(guest.keys.links) == 2
        found = {item.check.name: (item.verdict, item.evidence) for item in run_checks(visited.visit, CHECKS)}
    assert {name: said for name, said in found.items() if said[0] is not Verdict.KEPT}.keys() == {"tls"}
    assert "1 key-event" in found["statements"][1]
    assert found["key-chain"][1] == "The card, and 1 key-events after it: rotate."
