"""``ffp webhook``: added, tried, listed, removed; the secret is shown once, and each act is written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from exchange.flows.node.node import create_node, opened
from exchange.store.tables.log import AuditRow
from schemas.vocabulary import Jurisdiction
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.webhook_server import webhook_server


@pytest.mark.slow
def test_a_program_is_added_tried_listed_and_removed(ffp: Ffp, tmp_path: Path) -> None:
    home = tmp_path / "home"
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:8440", port=8440)
    with webhook_server() as server:
        said = ffp("webhook", "add", server.url, "--events", "candidates, hits", "--home", home)
        secret = said.out.strip()
        assert secret.startswith("whsec_")
        assert "took the message" in ffp("webhook", "test", "1", "--home", home).out
        assert server.messages(secret)[0]["type"] == "test"
        (hook,) = json.loads(ffp("webhook", "list", "--json", "--home", home).out)
        assert (hook["number"], hook["url"], hook["events"]) == (1, server.url, ["candidates", "hits"])
        assert secret not in ffp("webhook", "list", "--home", home).out
        server.statuses = [500]
        assert "status 500" in refusal(ffp("webhook", "test", "1", "--home", home))
        assert ffp("webhook", "remove", "1", "--home", home).code == 0
    assert "There is no webhook 1" in refusal(ffp("webhook", "test", "1", "--home", home))
    assert "none of the events" in refusal(
        ffp("webhook", "add", "https://lims.example", "--events", "scores", "--home", home)
    )
    with opened(home) as node, node.store.read() as session:
        acts = [row.act for row in session.scalars(select(AuditRow)) if "webhook" in row.act]
    assert acts == ["add-webhook", "remove-webhook"]
