"""A record is withdrawn by its author or the head; a colleague proposes it: pages, REST, first pages and alerts."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import delete

from exchange.store.tables.sign_in_tables import SignInRow
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import problem, tiny_scan
from tests.exchange.web.pages.conftest import Person

pytestmark = pytest.mark.slow

WHY = "Entered twice, asked for by Jelena Ilić."


def submitted(node: RunningNode) -> tuple[str, Person]:
    """A record, and its author as a person who has signed in."""
    record = node.submit(tiny_scan(), case_reference="RS-2026-0042").json()["statement_id"]
    author = Person(node, node.get(f"/v1/records/{record}").json()["statement"]["made_by"]["pseudonym"])
    assert author.accept().status_code == 200
    assert author.sign_in().status_code == 303
    return record, author


def sent(who: Person, record: str, **fields: str) -> str:
    """Where a form of the record's page led."""
    done = who.post(f"/app/records/{record}/withdrawal", {"csrf": who.csrf(), "reason": "entered_in_error", **fields})
    assert done.status_code == 303, done.text
    return str(done.headers["location"])


def proposal_on(page: str) -> str:
    (number,) = set(re.findall(r"/app/withdrawal-proposals/(\d+)", page))
    return str(number)


def step(who: Person, number: str, what: str) -> int:
    return who.post(f"/app/withdrawal-proposals/{number}", {"csrf": who.csrf(), "step": what}).status_code


def test_a_colleague_proposes_and_the_author_decides(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    record, author = submitted(node)
    colleague, head, investigator = map(signed_in, (Role.EXAMINER, Role.HEAD, Role.INVESTIGATOR))
    address = f"/app/records/{record}"
    assert 'id="withdrawal"' not in investigator.get(address).text
    refused = colleague.post(
        f"{address}/withdrawal", {"csrf": colleague.csrf(), "reason": "entered_in_error", "sure": "1"}
    )
    assert refused.status_code == 403
    unsure = author.post(f"{address}/withdrawal", {"csrf": author.csrf(), "reason": "other"})
    assert unsure.status_code == 422

    assert sent(colleague, record, act="propose", because=WHY) == f"{address}?doubt=name#withdrawal"
    for who, told in ((author, "Decide on a withdrawal"), (head, "Decide on a withdrawal"), (colleague, "waits")):
        assert told in who.get("/app/").text
        assert f"{address}#withdrawal" in who.get("/app/").text
    for who in (author, head):
        assert "A withdrawal waits for your decision" in who.get("/app/alerts").text
    number = proposal_on(colleague.get(address).text)
    assert step(colleague, number, "approve") == 403
    assert step(colleague, number, "undo") == 303
    assert "Decide on a withdrawal" not in author.get("/app/").text

    sent(colleague, record, act="propose", because=WHY)
    number = proposal_on(author.get(address).text)
    assert step(author, number, "approve") == 303
    assert node.get(f"/v1/records/{record}").status_code == 404
    assert "Withdrawn record" in colleague.get(address).text
    assert "was withdrawn" in colleague.get("/app/alerts").text
    author.http.close()


def test_over_rest_a_program_proposes_and_the_head_decides(node: RunningNode) -> None:
    with node.node.store.write() as session:
        session.execute(delete(SignInRow))  # the account has tokens alone
    record = node.submit(tiny_scan()).json()["statement_id"]
    asked = {"reason": "entered_in_error", "because": WHY}
    problem(node.post(f"/v1/records/{record}/withdrawal", {"reason": "entered_in_error"}), 403, "not-author")
    made = node.post(f"/v1/records/{record}/withdrawal-proposals", asked)
    assert (made.status_code, made.json()["text_warnings"]) == (201, {"because": ["name"]})
    problem(node.post(f"/v1/records/{record}/withdrawal-proposals", asked), 409, "proposed-already")
    problem(node.post(f"/v1/records/{record}/withdrawal-proposals", asked, Role.INVESTIGATOR), 403, "forbidden")
    number = made.json()["proposal_id"]
    for role, may_decide in ((Role.EXAMINER, False), (Role.HEAD, True)):
        (found,) = node.get("/v1/withdrawal-proposals", role).json()
        assert (found["proposal_id"], found["author"], found["may_decide"]) == (number, None, may_decide)
    told = [item["what"] for item in node.get("/v1/alerts", Role.HEAD).json()["items"]]
    assert "withdrawal-proposed" in told

    path = f"/v1/withdrawal-proposals/{number}"
    problem(node.post(path, {"step": "approve"}), 403, "not-author")
    assert node.post(path, {"step": "decline"}, Role.HEAD).json()["statements"] == []
    problem(node.post(path, {"step": "approve"}, Role.HEAD), 409, "decided")
    assert "withdrawal-declined" in [item["what"] for item in node.get("/v1/alerts").json()["items"]]

    again = node.post(f"/v1/records/{record}/withdrawal-proposals", asked).json()["proposal_id"]
    done = node.post(f"/v1/withdrawal-proposals/{again}", {"step": "approve"}, Role.HEAD)
    assert len(done.json()["statements"]) == 1
    assert node.get(f"/v1/records/{record}").status_code == 404
