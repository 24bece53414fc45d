"""A peer enrolled while the laboratory goes on working: its lane gets what is old and what comes meanwhile, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

import exchange.flows.enrol
from exchange.flows.enrol import enrol, read_introduction
from exchange.flows.node import create_node, open_node
from exchange.store.tables import PeerRow
from schemas.vocabulary import Jurisdiction
from tests.exchange.conftest import LEGAL_BASIS
from tests.exchange.flows.owner import make_owner


def test_a_record_submitted_during_the_enrolment_is_on_the_new_lane(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old records are read before anything is locked: what is stored between must not fall through."""
    owner = make_owner(tmp_path / "owner", with_reader=False)
    for audience in (["MK"], ["XK"], ["MK", "XK"], []):
        owner.publish(audience=audience)
    create_node(tmp_path / "mk", jurisdiction=Jurisdiction.MK, url="http://127.0.0.1:9", port=9)
    mk = open_node(tmp_path / "mk")
    decided = exchange.flows.enrol.entitled

    def while_others_submit(session: Session, peer: PeerRow, **more: Any) -> list[str]:
        found = decided(session, peer, **more)
        if not more.get("from_index"):
            owner.publish(audience=["MK"])
            owner.publish(audience=["XK"])
        return found

    monkeypatch.setattr("exchange.flows.enrol.entitled", while_others_submit)
    introduction = read_introduction(owner.node, mk.card_envelope.raw)
    enrol(owner.node, introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS)
    owner.publish(audience=["MK"])
    page = owner.honest_page()
    assert [item.log_index for item in page.items] == [1, 3, 5, 7]
    assert all(item.envelope is not None for item in page.items)
    assert page.count == 4
    for node in (owner.node, mk):
        node.close()
