"""Between two nodes, over real sockets: what one shares the other verifies, stores and correlates."""

from __future__ import annotations

from pathlib import Path

from schemas.vocabulary import Role


def test_candidates_appear_on_both_sides(pair, scans: dict[str, Path]) -> None:
    rs, mk = pair
    own = rs.submit(scans["1-1"], level="full", audience=["MK"]).json()
    other = mk.submit(scans["1-2"], level="full", audience=["RS"], case_reference="MK-2026-0001").json()
    decoy = mk.submit(scans["2-1"], level="full", audience=["RS"], case_reference="MK-2026-0002").json()
    for node in pair:
        node.wait_correlated(3)
        found = node.get("/v1/candidates", Role.INVESTIGATOR).json()["items"]
        assert {found[0]["record"]["statement_id"], found[0]["other"]["statement_id"]} == {
            own["statement_id"],
            other["statement_id"],
        }
        assert all(item["cross_border"] for item in found)
        assert len(found) == 2
        assert found[0]["score"] > found[1]["score"]
    lists = [node.get(f"/v1/records/{own['statement_id']}/candidates").json()["items"] for node in pair]
    assert [item["other"]["statement_id"] for item in lists[0]] == [other["statement_id"], decoy["statement_id"]]
    assert [item["score"] for item in lists[0]] == [item["score"] for item in lists[1]]
