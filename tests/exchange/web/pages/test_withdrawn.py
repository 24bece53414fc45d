"""The page of a record that was withdrawn: what became of it here and at each holder, and what stays by whose."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person
from tests.exchange.web.rest.test_terms import eventually

pytestmark = pytest.mark.slow


@pytest.fixture
def node(pair: tuple[RunningNode, RunningNode]) -> RunningNode:
    """Serbia's, at whose pages people sign in."""
    return pair[0]


def test_it_says_what_was_erased_and_what_stays(
    pair: tuple[RunningNode, RunningNode], signed_in: Callable[[Role], Person]
) -> None:
    rs, mk = pair
    scan = tiny_scan()
    withdrawn = rs.submit(scan, level="full", audience=["MK"]).json()["statement_id"]
    assert mk.submit(scan, level="none", audience=[], case_reference="MK-1").status_code == 201
    eventually(lambda: mk.get(f"/v1/records/{withdrawn}").status_code == 200)
    eventually(lambda: mk.get(f"/v1/records/{withdrawn}").json()["acquisitions"][0]["state"] != "awaiting-scan")
    assert rs.post(f"/v1/records/{withdrawn}/withdrawal", {"reason": "entered_in_error"}, Role.HEAD).status_code == 201

    def holder() -> dict[str, object]:
        (state,) = rs.get(f"/v1/records/{withdrawn}/withdrawal").json()
        (found,) = state["holders"]
        return dict(found)

    eventually(lambda: holder()["outcome"] == "erased")
    sha256 = hashlib.sha256(scan).hexdigest()
    assert holder()["kept"] == [{"sha256": sha256, "by": ["ffp-mk"]}]

    shown = signed_in(Role.EXAMINER).get(f"/app/records/{withdrawn}")
    assert shown.status_code == 200
    assert "entered in error" in shown.text
    assert f"The scan {sha256[:16]} stays: records of these nodes delivered the same file: ffp-mk." in shown.text
    assert signed_in(Role.INVESTIGATOR).get(f"/app/records/{withdrawn}").status_code == 404
