"""A peer enrolled while the laboratory goes on working: its lane gets what the first line of the policy allows, old and
new, once; and nothing without such a line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from exchange.errors import Conflict
from exchange.flows.keys.enrol import enrol, read_introduction
from exchange.flows.node.node import create_node, open_node
from exchange.flows.terms.first_line import FirstLine, list_peers_without_line, state_first_line
from schemas.vocabulary import ExhibitKind, Jurisdiction, SharingRule
from tests.exchange.databases import Databases, databases_fixture
from tests.exchange.flows.owner import make_owner
from tests.exchange.open_policy import HEAD, LEGAL_BASIS

databases = databases_fixture("sqlite", "postgresql")


FIRST_LINE = FirstLine(HEAD, (ExhibitKind.CRIME_SCENE,), SharingRule.ALLOWED, date(2099, 12, 31))


@pytest.mark.parametrize(
    ("line", "expected"), [(None, []), (FIRST_LINE, [5, 1, 3, 6])], ids=["nothing shared", "first line"]
)
def test_a_new_lane_gets_what_the_first_line_allows_and_then_what_comes(
    tmp_path: Path, databases: Databases, line: FirstLine | None, expected: list[int]
) -> None:
    owner = make_owner(tmp_path / "owner", with_reader=False, database_url=databases.new())
    for audience in (["MK"], ["XK"], ["MK", "XK"], []):
        owner.publish(audience=audience)
    url = "http://mk.test"
    create_node(tmp_path / "mk", jurisdiction=Jurisdiction.MK, url=url, port=9, database_url=databases.new())
    mk = open_node(tmp_path / "mk")
    introduction = read_introduction(owner.node, mk.card_envelope.raw)
    enrol(owner.node, introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS, first_line=line)
    owner.publish(audience=["MK"])
    page = owner.honest_page()
    given = [item for item in page.items if item.envelope is not None]
    assert [item.log_index for item in given] == expected, "the policy, old records, and what came since"
    waiting = [] if line else [introduction.card.issuer]
    assert [peer.node_id for peer in list_peers_without_line(owner.node)] == waiting
    if line is not None:
        with pytest.raises(Conflict) as refused:
            state_first_line(owner.node, Jurisdiction.MK, LEGAL_BASIS, line)
        assert refused.value.code == "line-there"
    for node in (owner.node, mk):
        node.close()
