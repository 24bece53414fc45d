"""Correlation on one node: every pair once, prepared scans made again, an upgraded matcher starts over."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from sqlalchemy import select

from exchange.flows.node.pipelines import PIPELINES
from exchange.flows.scan.compared_pairs import promise_newly_comparable
from exchange.flows.scan.correlate import correlate_acquisition
from exchange.store.scan.candidate_delays import delays_within
from exchange.store.tables.record_tables import AcquisitionRow, CandidateRow
from schemas.vocabulary import Jurisdiction
from tests.exchange.running_nodes import RunningNode

pytestmark = pytest.mark.slow


def _pairs(node: RunningNode) -> list[tuple[int, int]]:
    with node.node.store.read() as session:
        rows = session.scalars(select(CandidateRow).where(CandidateRow.parameters.in_(PIPELINES))).all()
    return sorted(tuple(sorted((row.acquisition_a, row.acquisition_b))) for row in rows)


def _submit_all(node: RunningNode, scans: dict[str, Path]) -> list[int]:
    for number, path in enumerate(scans.values()):
        assert node.submit(path, case_reference=f"RS-{number}").status_code == 201
    node.wait_correlated(len(scans))
    with node.node.store.read() as session:
        return sorted(session.scalars(select(AcquisitionRow.acquisition_id)))


def test_every_pair_is_compared_once_whatever_comes_twice(
    start_node: Callable[..., RunningNode], scans: dict[str, Path]
) -> None:
    rs = start_node(Jurisdiction.RS, workers=2)
    acquisitions = _submit_all(rs, scans)
    assert _pairs(rs) == list(combinations(acquisitions, 2))
    assert correlate_acquisition(rs.node, acquisitions[0]) == 0
    assert _pairs(rs) == list(combinations(acquisitions, 2))


def test_calibres_that_no_firearm_shares_are_not_compared(
    start_node: Callable[..., RunningNode], scans: dict[str, Path]
) -> None:
    rs = start_node(Jurisdiction.RS)
    for number, calibre in enumerate(("9x19", "7.62x39", "unknown", ".38 Special", ".357 Magnum")):
        path = list(scans.values())[number]
        rs.submit(path, case_reference=f"RS-{number}", exhibit={"kind": "crime_scene", "calibre": calibre})
    rs.wait_correlated(5)
    luger, m43, unknown, special, magnum = range(1, 6)
    expected = {(luger, unknown), (m43, unknown), (unknown, special), (unknown, magnum), (special, magnum)}
    assert set(_pairs(rs)) == expected


def test_missing_prepared_scans_are_made_again(start_node: Callable[..., RunningNode], scans: dict[str, Path]) -> None:
    rs = start_node(Jurisdiction.RS)
    rs.submit(scans["1-1"], case_reference="RS-1")
    rs.wait_correlated(1)
    for prepared in rs.node.settings.prepared.glob("??/*"):
        prepared.unlink()
    receipt = rs.submit(scans["1-2"], case_reference="RS-2").json()
    rs.wait_correlated(2)
    found = rs.get(f"/v1/records/{receipt['statement_id']}/candidates").json()["items"]
    assert len(found) == 1
    for prepared in rs.node.settings.prepared.glob("??/*"):
        prepared.unlink()
    assert rs.get(f"/v1/candidates/{found[0]['candidate_id']}/picture").content.startswith(b"\x89PNG")


def test_after_a_change_of_the_matcher_all_is_correlated_anew(
    start_node: Callable[..., RunningNode], scans: dict[str, Path]
) -> None:
    rs = start_node(Jurisdiction.RS)
    some = {name: scans[name] for name in ("1-1", "1-2", "2-1")}
    acquisitions = _submit_all(rs, some)
    rs.stop()
    with rs.node.store.write() as session:
        for row in session.scalars(select(AcquisitionRow)):
            row.parameters = "of an older release"
        for candidate in session.scalars(select(CandidateRow)):
            candidate.parameters = "of an older release"
    rs = start_node(Jurisdiction.RS)
    rs.wait_correlated(3)
    assert _pairs(rs) == list(combinations(acquisitions, 2))
    with rs.node.store.read() as session:
        assert delays_within(session, "own")[-1][1] == 3, "who waited for what the older release found waits no more"
    assert rs.get("/v1/status").json()["candidates"] == 6, "what the older release found stays for the record"


def test_a_further_pair_of_calibres_is_compared_from_the_side_with_fewer_scans(
    start_node: Callable[..., RunningNode], scans: dict[str, Path]
) -> None:
    rs = start_node(Jurisdiction.RS)
    paths = list(scans.values())
    for number, calibre in enumerate(("7.62x39", "7.62x39", "5.45x39")):
        made = rs.submit(paths[number], case_reference=f"RS-{number}", exhibit={"kind": "seized", "calibre": calibre})
        assert made.status_code == 201
    rs.wait_correlated(3)
    assert _pairs(rs) == [(1, 2)]
    assert promise_newly_comparable(rs.node) == 0, "the pairs of this release were there from the start"
    rs.stop()
    pair = {"one": "7,62 х 39", "other": "5.45x39", "reason": "rebarrelled rifles of one workshop"}
    again = start_node(Jurisdiction.RS, calibre_pairs=json.dumps([pair]))
    again.wait_for(lambda _: len(_pairs(again)) == 3)
    again.wait_correlated(3)
    assert _pairs(again) == [(1, 2), (1, 3), (2, 3)]
    assert promise_newly_comparable(again.node) == 0, "once is enough"
    [own] = [pair for pair in again.get("/v1/vocabularies").json()["calibre_pairs"] if pair["own"]]
    assert (own["one"], own["other"], own["verified"]) == ("7.62x39", "5.45x39", False)
    assert pair["reason"] not in again.http.get(f"{again.url}/app/calibres").text, "of a node to its own people alone"
    assert {row["calibre"] for row in again.get("/v1/records", params={"calibre": "5.45x39"}).json()["items"]} == {
        "7.62x39",
        "5.45x39",
    }
    without = replace(again.node, settings=again.node.settings.model_copy(update={"calibre_pairs": ()}))
    assert promise_newly_comparable(without) == 0
    assert promise_newly_comparable(again.node) == 1, "it was taken away, and came again: the rarer calibre alone"
