"""Candidate lists over REST, on two nodes that exchanged six scans of three firearms."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

import matcher
from exchange.store.entry.record_rows import AcquisitionState
from exchange.store.review.review_rows import examiners
from exchange.store.tables.record_tables import AcquisitionRow, CandidateRow
from exchange.web.rest.response_models import SCORE_NOTE
from schemas.vocabulary import KOSOVO_FOOTNOTE, Jurisdiction, Role
from tests.exchange.flows.blind.lists import open_all_lists
from tests.exchange.running_nodes import RunningNode, enrol_each_other
from tests.exchange.web.conftest import problem, tiny_scan

pytestmark = pytest.mark.slow

POLICY = 1
"""The first statement on a lane."""
HERE, THERE = ("1-1", "2-1", "3-1", "3-2"), ("1-2", "2-2")


@dataclass
class Exchanged:
    """Serbia's node, where all six records are, by the name of their scan."""

    node: RunningNode
    ids: dict[str, str]

    def names(self, candidate: dict[str, Any]) -> tuple[str, str]:
        by_id = {statement_id: name for name, statement_id in self.ids.items()}
        return by_id[candidate["record"]["statement_id"]], by_id[candidate["other"]["statement_id"]]


@pytest.fixture(scope="module")
def exchanged(start_shared: Callable[..., RunningNode], scans: dict[str, Path]) -> Exchanged:
    rs, xk = start_shared(Jurisdiction.RS), start_shared(Jurisdiction.XK)
    enrol_each_other(rs, xk)
    ids = {}
    for running, names, audience in ((rs, HERE, "XK"), (xk, THERE, "RS")):
        for name in names:
            case = f"CASE-{name[0]}" if running is rs else f"XK-{name}"
            response = running.submit(scans[name], level="full", audience=[audience], case_reference=case)
            ids[name] = response.json()["statement_id"]
    rs.wait_correlated(6)
    xk.stop()
    with rs.node.store.read() as session:
        names = examiners(session, besides=None)
    open_all_lists(rs.node, *names)
    return Exchanged(rs, ids)


def test_the_own_firearm_stands_first(exchanged: Exchanged) -> None:
    for name, statement_id in exchanged.ids.items():
        page = exchanged.node.get(f"/v1/records/{statement_id}/candidates").json()
        seen = [exchanged.names(item) for item in page["items"]]
        assert {mine for mine, _ in seen} == {name}, "each is seen from the record that was asked for"
        compared = set(exchanged.ids) if name in HERE else set(HERE)
        assert {other for _, other in seen} == compared - {name}, "one record of each pair is this node's own"
        assert seen[0][1][0] == name[0]
        scores = [item["score"] for item in page["items"]]
        assert scores == sorted(scores, reverse=True)
        assert (page["pending"], page["note"]) == (0, SCORE_NOTE)


def test_a_pair_of_two_other_nodes_is_neither_compared_nor_shown(exchanged: Exchanged) -> None:
    foreign = {exchanged.ids[name] for name in THERE}
    with exchanged.node.node.store.read() as session:
        pairs = [{row.statement_a, row.statement_b} for row in session.scalars(select(CandidateRow))]
    own_pairs = len(HERE) * (len(HERE) - 1) // 2 + len(HERE) * len(THERE)
    assert len(pairs) == own_pairs
    assert not any(pair <= foreign for pair in pairs)
    assert exchanged.node.get("/v1/status").json()["candidates"] == own_pairs


def test_a_pair_is_the_same_from_both_sides(exchanged: Exchanged) -> None:
    def pair(mine: str, other: str) -> dict[str, Any]:
        page = exchanged.node.get(f"/v1/records/{exchanged.ids[mine]}/candidates").json()
        [found] = [item for item in page["items"] if exchanged.names(item)[1] == other]
        return found

    one, two = pair("1-1", "1-2"), pair("1-2", "1-1")
    assert (one["record"], one["other"]) == (two["other"], two["record"])
    for name in ("candidate_id", "score", "congruent_cells", "cells", "cross_border", "same_case"):
        assert one[name] == two[name]
    assert one["cross_border"] is True
    assert pair("3-1", "3-2")["cross_border"] is False
    assert pair("3-1", "3-2")["same_case"] is True
    assert one["same_case"] is False
    assert one["matcher"] == matcher.MATCHER_VERSION
    assert one["parameters"] == matcher.DEFAULT_PARAMETERS.digest


def test_the_investigator_sees_what_crosses_a_border(exchanged: Exchanged) -> None:
    page = exchanged.node.get("/v1/candidates", Role.INVESTIGATOR).json()
    assert len(page["items"]) == len(HERE) * len(THERE)
    assert all(item["cross_border"] for item in page["items"])
    best = [{name[0] for name in exchanged.names(item)} for item in page["items"][:2]]
    assert sorted(map(len, best)) == [1, 1], "the two links of one firearm come before all others"
    foreign = [item[side]["jurisdiction"] for item in page["items"] for side in ("record", "other")]
    assert all(found["footnote"] == (KOSOVO_FOOTNOTE if found["code"] == "XK" else None) for found in foreign)


def test_what_still_waits_is_said(exchanged: Exchanged) -> None:
    node = exchanged.node
    receipt = node.submit(tiny_scan(), case_reference="RS-PENDING").json()
    paths = (f"/v1/records/{receipt['statement_id']}/candidates", "/v1/candidates")
    node.wait_for(lambda _: node.get(paths[0]).json()["pending"] == 0, 20)

    def pending_when(state: AcquisitionState) -> list[int]:
        with node.node.store.write() as session:
            row = session.scalars(
                select(AcquisitionRow).where(AcquisitionRow.statement_id == receipt["statement_id"])
            ).one()
            row.state = state
        return [node.get(path).json()["pending"] for path in paths]

    assert pending_when(AcquisitionState.QUEUED) == [1, 1]
    assert pending_when(AcquisitionState.AWAITING_SCAN) == [1, 1]
    assert pending_when(AcquisitionState.FAILED) == [0, 0]


def test_the_operator_sees_what_came_and_went(exchanged: Exchanged) -> None:
    [peer] = exchanged.node.get("/v1/peers", Role.OPERATOR).json()
    assert peer["jurisdiction"] == {"code": "XK", "name": "Kosovo*", "footnote": KOSOVO_FOOTNOTE}
    assert (peer["node_id"], peer["state"]) == ("ffp-xk", "enrolled")
    assert (peer["received"], peer["quarantined"]) == (POLICY + len(THERE), 0)
    assert peer["on_lane"] == POLICY + len(HERE)
    assert len(peer["fingerprint"].split()) == 8


def test_the_list_can_be_narrowed(exchanged: Exchanged) -> None:
    def count(**wanted: object) -> int:
        return len(exchanged.node.get("/v1/candidates", params=wanted).json()["items"])

    scores = [item["score"] for item in exchanged.node.get("/v1/candidates").json()["items"]]
    assert count(min_score=scores[1]) == 2
    assert count(min_score=scores[0] + 0.001) == 0
    assert count(jurisdiction="XK") == len(scores)
    assert count(jurisdiction="MK") == 0


@pytest.mark.parametrize("limit", [1, 3, 8])
@pytest.mark.parametrize("path", ["/v1/candidates", "/v1/records/{}/candidates"])
def test_pages_together_are_all_and_nothing_twice(exchanged: Exchanged, limit: int, path: str) -> None:
    path = path.format(exchanged.ids["3-1"])
    whole = [item["candidate_id"] for item in exchanged.node.get(path).json()["items"]]
    together: list[int] = []
    response = exchanged.node.get(path, params={"limit": limit})
    while True:
        together += [item["candidate_id"] for item in response.json()["items"]]
        if "next" not in response.links:
            break
        response = exchanged.node.get(response.links["next"]["url"])
    assert together == whole


def test_a_candidate_is_explained(exchanged: Exchanged) -> None:
    best = exchanged.node.get("/v1/candidates").json()["items"][0]
    detail = exchanged.node.get(f"/v1/candidates/{best['candidate_id']}", Role.INVESTIGATOR).json()
    comparison = detail["comparison"]
    assert comparison["score"] == best["score"]
    assert len(comparison["cells"]) == detail["cells"]
    assert sum(cell["congruent"] for cell in comparison["cells"]) == detail["congruent_cells"]
    again = exchanged.node.get("/v1/candidates").json()["items"][0]
    assert {name: detail[name] for name in again} == again, "a list tells the cells that are known"
    assert detail["note"] == SCORE_NOTE


def test_the_picture_shows_the_pair(exchanged: Exchanged) -> None:
    best = exchanged.node.get("/v1/candidates").json()["items"][0]
    response = exchanged.node.get(f"/v1/candidates/{best['candidate_id']}/picture")
    assert response.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(response.content)) as picture:
        picture.load()
        assert picture.format == "PNG"
        assert min(picture.size) >= 200
        assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 50, "not a plain field"


def test_a_superseded_version_takes_its_candidates_along(exchanged: Exchanged, scans: dict[str, Path]) -> None:
    """Last in this file: it changes the records."""
    old = exchanged.ids["2-1"]
    amended = exchanged.node.submit(scans["2-1"], supersedes=old, case_reference="CASE-2").json()["statement_id"]
    exchanged.node.wait_for(
        lambda _: exchanged.node.get(f"/v1/records/{amended}").json()["acquisitions"][0]["state"] == "correlated"
    )
    listed = exchanged.node.get("/v1/candidates").json()["items"]
    sides = {item[side]["statement_id"] for item in listed for side in ("record", "other")}
    assert amended in sides
    assert old not in sides
    assert exchanged.node.get(f"/v1/records/{old}/candidates").json()["items"] == []
    problem(exchanged.node.submit(tiny_scan(), supersedes=exchanged.ids["1-2"]), 422, "not-owner")
