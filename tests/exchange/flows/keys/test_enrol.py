"""A peer enrolled while the laboratory goes on working: its lane gets what is old and what comes meanwhile, once."""

from __future__ import annotations

from pathlib import Path

from exchange.flows.keys.enrol import enrol, read_introduction
from exchange.flows.node.node import create_node, open_node
from schemas.vocabulary import Jurisdiction
from tests.exchange.conftest import LEGAL_BASIS
from tests.exchange.databases import Databases, databases_fixture
from tests.exchange.flows.owner import make_owner

databases = databases_fixture("sqlite", "postgresql")


def test_a_new_lane_gets_what_is_old_and_then_what_comes(tmp_path: Path, databases: Databases) -> None:
    owner = make_owner(tmp_path / "owner", with_reader=False, database_url=databases.new())
    for audience in (["MK"], ["XK"], ["MK", "XK"], []):
        owner.publish(audience=audience)
    url = "http://mk.test"
    create_node(tmp_path / "mk", jurisdiction=Jurisdiction.MK, url=url, port=9, database_url=databases.new())
    mk = open_node(tmp_path / "mk")
    introduction = read_introduction(owner.node, mk.card_envelope.raw)
    enrol(owner.node, introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS)
    owner.publish(audience=["MK"])
    page = owner.honest_page()
    assert [item.log_index for item in page.items] == [1, 3, 5]
    assert all(item.envelope is not None for item in page.items)
    assert page.count == 3
    for node in (owner.node, mk):
        node.close()
