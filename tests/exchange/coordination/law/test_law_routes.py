"""``/v1/law``: what each side published, and what it says between two."""

from __future__ import annotations

import pytest

from exchange.coordination.law.law_draft import law_draft, publish_law, replace_articles
from schemas import Maker
from schemas.vocabulary import Role, SignedInBy
from tests.exchange.coordination.law.made_up_law import made_up_law
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import problem
from tests.exchange.web.rest.test_terms import eventually

pytestmark = pytest.mark.slow

HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)


def test_the_law_of_two_sides_over_rest(pair: tuple[RunningNode, RunningNode]) -> None:
    rs, mk = pair
    before = mk.get("/v1/law", Role.OPERATOR).json()
    assert [(one["jurisdiction"]["code"], one["statement_id"]) for one in before] == [("MK", None), ("RS", None)]
    replace_articles(rs.node, HEAD, made_up_law()["RS"])
    said = publish_law(rs.node, HEAD, law_draft(rs.node).mark)
    eventually(lambda: mk.get("/v1/law", Role.AUDITOR).json()[1]["statement_id"] == said)
    whole = mk.get("/v1/law/RS").json()
    assert (whole["own"], whole["articles_in_force"], whole["node_id"]) == (False, 4, rs.node.node_id)
    assert whole["articles"] == [article.model_dump(mode="json") for article in made_up_law()["RS"]]
    found = mk.get("/v1/law/RS/MK").json()
    assert found["there"]["give"]["state"] == "differs"
    assert found["there"]["give"]["by_kind"]["seized"] == "blocked"
    assert found["there"]["receive"]["state"] == "not_entered"
    assert {"side": "MK", "lack": "nothing_entered", "direction": None, "article_id": None} in found["missing"]
    problem(mk.get("/v1/law/UA"), 404, "not-found")
    problem(mk.get("/v1/law/RS/RS"), 422, "invalid-field")
    problem(mk.get("/v1/law/rs"), 422, "invalid-parameter")
