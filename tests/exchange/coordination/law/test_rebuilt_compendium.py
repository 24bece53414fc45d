"""A node whose log is rebuilt from its witnesses has its compendium of law again."""

from __future__ import annotations

import pytest

from exchange.coordination.law.law_draft import law_draft, publish_law, replace_articles
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.store.log.statement_rows import find_statement
from tests.exchange.coordination.law.made_up_law import made_up_law
from tests.exchange.flows.network import MK, RS, XK, Network
from tests.exchange.flows.witness.test_rebuild import HEAD_OF_FFP, flows_again, get_back, lane, lost
from tests.exchange.flows.witness.test_rebuild import made as made
from tests.exchange.flows.witness.test_rebuild import three as three

pytestmark = pytest.mark.slow


def test_a_compendium_that_comes_back_is_the_one_in_force_and_goes_to_who_lacks_it(three: Network) -> None:
    """One witness read it, the other had not."""
    backup = three.backup(RS)
    node = three.nodes[RS]
    articles = made_up_law()["RS"]
    said = publish_law(node, HEAD_OF_FFP, replace_articles(node, HEAD_OF_FFP, articles).mark)
    sign_head(node)
    three.round(MK, RS)
    three.restart(RS, backup)
    get_back(three)
    assert law_draft(three.nodes[RS]).articles == articles
    assert lost(three) == []
    assert said in lane(three, MK)
    assert said in lane(three, XK)
    flows_again(three)
    with three.nodes[XK].store.read() as session:
        assert find_statement(session, said) is not None
