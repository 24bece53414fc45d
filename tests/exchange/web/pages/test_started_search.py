"""A search that started by itself, on a running node: what page, list of queries and REST say of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import RunningNode, enrol_each_other
from tests.exchange.served import eventually
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person

pytestmark = pytest.mark.slow

People = Callable[[RunningNode, Role], Person]

LAW = "Police Act, article 9"
BECAUSE = "Searched by itself because: within 80 km of a border"
EXHIBIT = {"kind": "crime_scene", "calibre": "9 mm Luger", "within_80_km_of_border": "yes"}


@pytest.fixture
def rs(start_node: Callable[..., RunningNode]) -> RunningNode:
    """Serbia's node, which asks by itself, enrolled with North Macedonia's."""
    why = {"search_trigger_purpose": "investigation", "search_trigger_legal_basis": LAW}
    asking = start_node(Jurisdiction.RS, search_triggers='["border", "terrorism"]', **why)
    enrol_each_other(asking, start_node(Jurisdiction.MK))
    return asking


def submitted(rs: RunningNode, **exhibit: str) -> str:
    stored = rs.submit(tiny_scan(), exhibit=EXHIBIT | exhibit, level="search", audience=["MK"])
    assert stored.status_code == 201, stored.text
    record: str = stored.json()["statement_id"]
    return record


def test_page_and_rest_say_why_peers_were_asked(rs: RunningNode, somebody: People) -> None:
    other, record = submitted(rs, within_80_km_of_border="no"), submitted(rs)
    address = f"/v1/records/{record}"
    eventually(lambda: rs.get(address).json()["searched_by_itself"] is not None)
    said = rs.get(address).json()["searched_by_itself"]
    assert (said["rules"], said["words"], said["asked"]) == (["border"], BECAUSE, 1)
    assert (said["not_allowed"], said["left_out"]) == ([], [])
    [query] = rs.get("/v1/queries").json()["items"]
    assert (query["record"], query["asked"], query["started_by"]) == (record, "ffp-mk", ["border"])
    assert (query["purpose"], query["legal_basis"]) == ("investigation", LAW)
    assert rs.get(f"/v1/records/{other}").json()["searched_by_itself"] is None

    examiner = somebody(rs, Role.EXAMINER)
    page = examiner.get(f"/app/records/{record}").text
    assert BECAUSE in page
    assert "1 query was signed." in page
    assert BECAUSE in examiner.get("/app/queries").text
    assert "Searched by itself" not in examiner.get(f"/app/records/{other}").text

    by_node = rs.get("/v1/audit", Role.AUDITOR, params={"act": "start-search"}).json()["items"]
    assert [(row["actor"], row["subjects"][0], row["asked"]) for row in by_node] == [("node", record, "rules: border")]
    eventually(lambda: rs.get("/v1/queries").json()["items"][0]["state"] == "answered", 60)
