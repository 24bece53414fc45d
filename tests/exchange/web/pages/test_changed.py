"""What changed since something was signed is said where it is shown: who signed has another role, or another version of
the matcher made the score; and whether scores of its region were validated. Two nodes, and the pages of both."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from typer.testing import CliRunner

import matcher
from exchange.cli.main import app
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.pages.review.test_reviews import Colleague, colleague, draw_control_now, nodes, top

pytestmark = pytest.mark.slow
__all__ = ["colleague", "nodes"]

TAKE = r'action="(/app/verifications/[0-9a-f]{32})/take"'


def give_role(node: RunningNode, person: Colleague, role: Role) -> None:
    told = CliRunner().invoke(app, ["user", "role", person.pseudonym, role, "--home", str(node.node.settings.home)])
    assert told.exit_code == 0, told.output


def test_a_role_that_changed(
    nodes: tuple[RunningNode, RunningNode],
    colleague: Callable[..., Colleague],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rs, mk = nodes
    pair = f"/app/pairs/{top(rs).row.candidate_id}"
    first, leaving, gone, second, onlooker = (colleague(rs) for _ in range(5))
    first.get("/app/candidates")  # a control is drawn from pairs that the examiner was shown
    assert first.send(f"{pair}/conclusion", conclusion="possible_association").status_code == 303
    draw_control_now(rs)

    # both pairs that wait are taken by one who then is no examiner any more: they wait for another one
    for address in re.findall(TAKE, leaving.get("/app/verifications").text):
        leaving.send(f"{address}/take")
    assert not re.findall(TAKE, second.get("/app/verifications").text)
    assert leaving.rest("/v1/statements").status_code == 200
    give_role(rs, leaving, Role.OPERATOR)
    taking = re.findall(TAKE, second.get("/app/verifications").text)
    assert len(taking) == 2

    # what is open has the new rights at once: the session, and the token, which may still do no more than it could
    assert leaving.get("/app/verifications").status_code == 403
    assert leaving.get("/app/peers").status_code == 200
    assert leaving.rest("/v1/statements").status_code == 403
    assert leaving.rest("/v1/peers").status_code == 403
    give_role(rs, leaving, Role.EXAMINER)
    assert leaving.get("/app/verifications").status_code == 200

    # the same of one who is revoked
    for address in taking:
        gone.send(f"{address}/take")
    CliRunner().invoke(app, ["user", "revoke", gone.pseudonym, "--home", str(rs.node.settings.home)])
    assert sorted(re.findall(TAKE, second.get("/app/verifications").text)) == sorted(taking)

    for address in taking:
        second.send(f"{address}/take")
        assert second.send(address, conclusion="inconclusive").status_code == 303
    page = first.get(pair).text
    assert "signed as examiner" not in page
    sent = first.send(re.findall(rf'action="({pair}/conclusion/[0-9a-f]{{64}}/hit)"', page)[0])
    hit = sent.headers["location"]
    reader = colleague(mk, Role.INVESTIGATOR)
    until(lambda: reader.get(hit).status_code == 200)

    # what they signed stays as it was signed; here, where it is known, it is said what they are today
    give_role(rs, first, Role.HEAD)
    CliRunner().invoke(app, ["user", "revoke", second.pseudonym, "--home", str(rs.node.settings.home)])
    for shown in (onlooker.get(pair).text, onlooker.get(hit).text):
        assert f"{first.pseudonym} signed as examiner, and is head of the Firearms Focal Point today." in shown
        assert f"{second.pseudonym} signed as examiner, and is no user of this node any more." in shown
    assert "signed as" not in reader.get(hit).text

    # the score of another version of the matcher
    for shown in (onlooker.get(pair).text, reader.get(hit).text):
        assert "cannot be compared" not in shown
    candidate = onlooker.rest(f"/v1/candidates/{top(rs).row.candidate_id}").json()
    listed = f"/app/records/{top(rs).row.statement_a}/candidates?rest=weaker"
    assert candidate["not_validated"] is None
    assert not any("not validated" in onlooker.get(page).text.lower() for page in (pair, listed))
    was = matcher.MATCHER_VERSION
    monkeypatch.setattr(matcher, "MATCHER_VERSION", "99.0")
    words = f"This score was made by matcher version {was}; this node has version 99.0"
    assert words in onlooker.get(pair).text
    assert words in reader.get(hit).text
    candidate = onlooker.rest(f"/v1/candidates/{top(rs).row.candidate_id}").json()
    assert candidate["matcher_differs"].startswith(words)
    hits = reader.rest("/v1/statements?kind=hit").json()
    assert [item["matcher_differs"][: len(words)] for item in hits] == [words]

    # and so are scores of a version that nobody validated
    best = top(rs).row
    said = candidate["not_validated"]
    assert said is not None
    hits = reader.rest("/v1/statements?kind=hit").json()
    assert [item["not_validated"] for item in hits] == [None], "what was signed is of the version that was validated"
    parts = f"/app/records/{best.statement_a}/candidates?rest=unvalidated", f"{pair}?from={best.statement_a}"
    assert said in onlooker.get(pair).text
    silent = [page for page in parts if "not validated" not in onlooker.get(page).text.lower()]
    assert not silent, "in the list, and next to the score of a pair that a hit took off the rail"


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
