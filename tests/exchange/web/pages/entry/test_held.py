"""What is held under an earlier line, on the head's pages and over REST: told, taken back, left."""

from __future__ import annotations

import pytest

from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import problem, tiny_scan
from tests.exchange.web.pages.review.test_disclosures import People
from tests.exchange.web.rest.test_terms import eventually, has, post

pytestmark = pytest.mark.slow

LINE = {"kinds": ["seized"], "rule": "allowed", "article": "Article 9", "review_by": "2036-01-01", "jurisdiction": "MK"}


def test_a_policy_that_tightens_and_what_becomes_of_what_is_held(
    pair: tuple[RunningNode, RunningNode], somebody: People
) -> None:
    rs, mk = pair
    records = [rs.submit(tiny_scan(), level="full", audience=["MK"]).json()["statement_id"] for _ in range(3)]
    eventually(lambda: all(has(mk, record) for record in records))
    nothing = rs.get("/v1/policy/held", Role.HEAD).json()
    assert nothing == {"holders": [], "items": [], "following": None}
    shown = post(rs, "/v1/policy/preview", bases=[LINE]).json()
    (held,) = shown["held"]
    assert (held["jurisdiction"]["code"], held["records"], held["reasons"]) == ("MK", 3, {"blocked-by-law": 3})
    assert post(rs, "/v1/policy", bases=[LINE], confirmed=shown["confirmation"]).status_code == 201

    listed = rs.get("/v1/policy/held", Role.HEAD, params={"limit": 2, "jurisdiction": "MK"}).json()
    assert [item["record"]["statement_id"] for item in listed["items"]] == records[:2]
    assert (listed["following"], listed["holders"][0]["records"]) == (2, 3)
    head, operator = somebody(rs, Role.HEAD), somebody(rs, Role.OPERATOR)
    assert "North Macedonia holds 3 records" in head.get("/app/").text
    assert "The head decides whether it stays there." in operator.get("/app/").text
    assert 'href="/app/policy/held"' in head.get("/app/approvals").text
    page = head.get("/app/policy/held").text
    assert "Take it back from North Macedonia" in page
    assert "blocked by law" in page

    csrf = {"csrf": head.csrf(), "jurisdiction": "MK", "because": "Jelena Ilić asked for it."}
    done = head.post("/app/policy/held", csrf | {"decision": "take_back", "record": records[0]})
    assert (done.status_code, done.headers["location"]) == (303, "/app/policy/held?doubt=name")
    eventually(lambda: not has(mk, records[0]))
    assert head.post("/app/policy/held", csrf | {"decision": "burn"}).status_code == 422
    assert head.post("/app/policy/held", csrf | {"decision": "stays", "because": " "}).status_code == 422
    assert head.post("/app/policy/held", csrf | {"decision": "stays", "record": records[0]}).status_code == 404
    left = head.post("/app/policy/held", csrf | {"decision": "stays", "record": records[1]})
    assert left.status_code == 303, left.text
    assert "stays there" in head.get("/app/policy/held").text

    answer = post(rs, "/v1/policy/held", jurisdiction="MK", decision="take_back", because="The agreement ended.")
    assert answer.status_code == 201, answer.text
    assert (answer.json()["records"], answer.json()["waiting"], len(answer.json()["statements"])) == (1, 0, 1)
    eventually(lambda: not has(mk, records[2]))
    assert has(mk, records[1])
    assert rs.get("/v1/policy/held", Role.HEAD).json() == nothing
    assert "No other side holds anything" in head.get("/app/policy/held").text
    again = post(rs, "/v1/policy/held", jurisdiction="MK", decision="take_back", because="Again.")
    problem(again, 404, "nothing-held")
    problem(post(rs, "/v1/policy/held", jurisdiction="MK", decision="burn", because="Why."), 422, "invalid-parameter")
