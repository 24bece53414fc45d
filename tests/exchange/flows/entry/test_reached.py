"""Who would have a record, as it is told before one signs: at once, or once a node is upgraded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exchange.flows.entry.draft_submit import AudienceMember, reached_by
from exchange.store.sync.peers import lane_of
from schemas import Record, parse_statement
from schemas.versions import ADDED
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.network import MK, RS, Network
from tests.exchange.open_policy import allow_all
from tests.schemas.examples import encoded, exhibit_fields, record_fields

pytestmark = pytest.mark.slow

NUMBERED = {"exhibit": exhibit_fields(item="4")}


@pytest.mark.parametrize(
    ("reads", "fields", "state"),
    [("1.0", {}, "sent"), ("1.0", NUMBERED, "older"), ("1.1", NUMBERED, "sent"), (None, NUMBERED, "sent")],
)
def test_an_older_node_waits_for_what_it_does_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: str | None, fields: dict[str, Any], state: str
) -> None:
    monkeypatch.setitem(ADDED, "Exhibit.item", "1.1")
    network = Network(tmp_path)
    try:
        network.make(Jurisdiction.RS, Jurisdiction.MK)
        rs = network.nodes[RS]
        allow_all(rs)
        with rs.store.write() as session:
            lane_of(session, MK).reads = reads
        record = parse_statement(encoded(record_fields(issuer=RS, audience=["MK"], handling={"code": "H0"}, **fields)))
        assert isinstance(record, Record)
        assert reached_by(rs, record, widened=False) == (AudienceMember(Jurisdiction.MK, state),)
    finally:
        network.close()
