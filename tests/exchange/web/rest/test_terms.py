"""The owner's terms over HTTP between two nodes that serve: withdrawal with its acknowledgement, approval, policy."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import RunningNode, enrol_each_other
from tests.exchange.web.conftest import problem, tiny_scan

pytestmark = pytest.mark.slow

WAIT_S = 60


def post(node: RunningNode, path: str, role: Role = Role.HEAD, **body: Any) -> httpx.Response:
    return node.http.post(node.url + path, json=body, headers=node.bearer(role))


def submitted(node: RunningNode, **changes: Any) -> str:
    answer = node.submit(tiny_scan(), **{"level": "full", **changes})
    assert answer.status_code == 201, answer.text
    name: str = answer.json()["statement_id"]
    return name


def eventually(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not found():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)


def has(node: RunningNode, record: str) -> bool:
    return node.get(f"/v1/records/{record}").status_code == 200


def test_withdrawn_here_and_there_and_acknowledged(pair: tuple[RunningNode, RunningNode]) -> None:
    rs, mk = pair
    record = submitted(rs, audience=["MK"])
    eventually(lambda: has(mk, record))
    assert rs.get(f"/v1/records/{record}").json()["sharing"][0]["state"] in {"on-lane", "delivered"}
    said = post(rs, f"/v1/records/{record}/withdrawal", reason="entered_in_error")
    assert said.status_code == 201, said.text
    problem(rs.get(f"/v1/records/{record}"), 404, "not-found")
    problem(rs.get(f"/v1/records/{record}/envelope"), 404, "not-found")

    def acknowledged() -> bool:
        (state,) = rs.get(f"/v1/records/{record}/withdrawal").json()
        (holder,) = state["holders"]
        return state["here"] == "erased" and holder["outcome"] == "erased"

    eventually(acknowledged)
    assert not has(mk, record)
    problem(post(rs, f"/v1/records/{record}/withdrawal", reason="unlawful"), 409, "withdrawn")
    (status,) = rs.get("/v1/peers", Role.OPERATOR).json()
    assert any("statements for ffp-mk" in sentence for sentence in status["in_words"])


def test_a_restriction_in_words_waits_for_the_head(pair: tuple[RunningNode, RunningNode]) -> None:
    rs, mk = pair
    record = submitted(rs, audience=["MK"], handling={"code": "H3", "restriction": "Ask the prosecutor first."})
    (asked,) = rs.get("/v1/approvals", Role.HEAD).json()
    assert (asked["concerns"], asked["jurisdiction"]["code"], asked["overdue"]) == (record, "MK", False)
    assert (asked["concern"], asked["restriction"]) == ("record", "Ask the prosecutor first.")
    decided = {"concerns": record, "jurisdiction": "MK", "decision": "approved", "because": "Jelena Ilić agrees."}
    answer = post(rs, "/v1/approvals", **decided)
    assert (answer.status_code, answer.json()["text_warnings"]) == (201, {"because": ["name"]})
    eventually(lambda: has(mk, record))
    assert rs.get("/v1/approvals", Role.HEAD).json() == []
    assert len(rs.get("/v1/approvals", Role.HEAD, params={"everything": "true"}).json()) == 1


def test_nothing_is_shared_before_a_policy_and_then_what_it_names(start_node: Callable[..., RunningNode]) -> None:
    rs, mk = start_node(Jurisdiction.RS), start_node(Jurisdiction.MK)
    enrol_each_other(rs, mk, sharing=False)
    unshared = submitted(rs, audience=["MK"])
    assert rs.get(f"/v1/records/{unshared}").json()["sharing"][0]["reason"] == "blocked-by-law"
    (peer,) = rs.get("/v1/peers", Role.OPERATOR).json()
    assert any("Nothing is shared with it" in sentence for sentence in peer["in_words"])
    assert rs.get("/v1/policy").json() == {"statement_id": None, "groups": [], "bases": []}
    basis = {
        "jurisdiction": "MK",
        "kinds": ["seized"],
        "rule": "allowed",
        "article": "Test agreement, article 9",
        "review_by": "2036-01-01",
    }
    change = {"groups": [{"name": "group-all", "members": ["MK"]}], "bases": [basis]}
    shown = post(rs, "/v1/policy/preview", **change).json()
    assert shown["replaces"] is None
    assert "nothing is shared" in shown["changes"][0]
    problem(post(rs, "/v1/policy", **change), 409, "not-confirmed")
    assert rs.get("/v1/policy").json()["statement_id"] is None, "nothing was changed so far"
    assert post(rs, "/v1/policy", **change, confirmed=shown["confirmation"]).status_code == 201
    found = rs.get("/v1/policy").json()
    assert found["bases"] == [basis]
    blocked = submitted(rs, audience=["group-all"])
    assert rs.get(f"/v1/records/{blocked}").json()["sharing"][0]["reason"] == "blocked-by-law"
    free = submitted(rs, audience=["group-all"], exhibit={"kind": "seized", "calibre": "9 mm Luger"})
    eventually(lambda: has(mk, free))
    assert not has(mk, blocked)
    problem(post(rs, "/v1/policy", bases=[basis, basis]), 422, "invalid-field")
    in_force = found["statement_id"]
    problem(post(rs, "/v1/policy"), 422, "nothing-to-change")
    problem(post(rs, "/v1/policy", **change), 422, "nothing-to-change")
    problem(post(rs, "/v1/policy", groups=[], lines=[]), 422, "invalid-parameter")
    problem(post(rs, "/v1/policy", **change | {"groups": []}, confirmed=shown["confirmation"]), 409, "policy-changed")
    assert rs.get("/v1/policy").json()["statement_id"] == in_force
    drop = post(rs, "/v1/policy/preview", groups=[]).json()
    assert (drop["replaces"], drop["changes"]) == (in_force, ["The group group-all goes."])
    past = post(rs, "/v1/policy/preview", bases=[basis | {"review_by": "2026-01-01"}]).json()
    assert past["changes"][0].endswith("which is past, so each needs an approval."), "as it is shared from then on"


def test_of_two_heads_who_change_the_policy_at_once_the_second_is_told(node: RunningNode) -> None:
    first, second = ([{"name": f"group-{name}", "members": ["MK"]}] for name in ("north", "south"))
    seen = [post(node, "/v1/policy/preview", groups=groups).json()["confirmation"] for groups in (first, second)]
    assert post(node, "/v1/policy", groups=first, confirmed=seen[0]).status_code == 201
    problem(post(node, "/v1/policy", groups=second, confirmed=seen[1]), 409, "policy-changed")
    assert [group["name"] for group in node.get("/v1/policy").json()["groups"]] == ["group-north"]


def test_what_is_said_is_listed_on_the_other_side(pair: tuple[RunningNode, RunningNode]) -> None:
    rs, mk = pair
    said = post(rs, "/v1/statements", Role.INVESTIGATOR, type="message", to="ffp-mk", text="May we meet?")
    assert said.status_code == 201, said.text
    assert said.json()["to"] == ["ffp-mk"]
    assert said.json()["text_warnings"] == {}
    named = post(rs, "/v1/statements", Role.INVESTIGATOR, type="message", to="ffp-mk", text="Arben Hoxha, 069/123-456")
    assert named.json()["text_warnings"] == {"text": ["telephone", "name"]}
    name = said.json()["statement_id"]
    eventually(lambda: mk.get(f"/v1/statements/{name}").status_code == 200)
    *_, listed = mk.get("/v1/statements", params={"kind": "message", "issuer": "ffp-rs"}).json()
    assert listed["statement"]["text"] == "May we meet?"
    assert listed["statement"]["made_by"]["role"] == "investigator"
    problem(post(rs, "/v1/statements", Role.INVESTIGATOR, type="disclosure"), 403, "forbidden")
    problem(post(rs, "/v1/statements", Role.HEAD, type="record"), 422, "unknown-type")


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/records/{none}/withdrawal", {"reason": "unlawful"}, 404),
        ("/v1/records/{none}/withdrawal", {"reason": "just because"}, 422),
        ("/v1/records/{none}/withdrawal", {"reason": "unlawful", "quietly": True}, 422),
        ("/v1/records/{none}/grants", {"jurisdiction": "MK", "legal_basis": "Article 1"}, 404),
        ("/v1/records/{none}/grants", {"jurisdiction": "ZZ", "legal_basis": "Article 1"}, 422),
        ("/v1/records/{none}/hold", {"placed": True, "authority": "Court, 1/2026"}, 404),
        ("/v1/records/{none}/hold", {"placed": False, "authority": "Court, 1/2026"}, 404),
        ("/v1/policy", {"groups": [{"name": "neighbours", "members": []}]}, 422),
        ("/v1/approvals", {"concerns": "ab" * 32, "jurisdiction": "MK", "decision": "approved", "because": "x"}, 404),
    ],
)
def test_what_cannot_be_done_leaves_nothing_in_the_log(
    node: RunningNode, path: str, body: dict[str, Any], code: int
) -> None:
    size = node.get("/v1/status").json()["log_size"]
    answer = post(node, path.replace("{none}", "ab" * 32), **body)
    assert answer.status_code == code, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert node.get("/v1/status").json()["log_size"] == size
