"""Firing pin impressions and aperture shears on one node: ranked, explained and drawn, each among its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

import matcher
from exchange.errors import ComputeFailed, NotFound, StoreFull
from exchange.flows.scan.correlate import correlate_acquisition, promise_correlations_again
from exchange.store.entry.record_rows import AcquisitionState
from exchange.store.tables.record_tables import AcquisitionRow, CandidateRow
from schemas.vocabulary import Jurisdiction
from tests.exchange.running_nodes import RunningNode
from tests.matcher.synthetic.pin_and_shear import draw_impression, draw_shear

pytestmark = pytest.mark.slow

DRAWN: dict[str, Callable[[int, int], matcher.Topography]] = {
    "firing_pin_impression": draw_impression,
    "aperture_shear": draw_shear,
}
PIPELINES = {
    "firing_pin_impression": matcher.FIRING_PIN_PARAMETERS,
    "aperture_shear": matcher.APERTURE_SHEAR_PARAMETERS,
}
SHOTS = ((1, 1), (1, 2), (2, 1))


@pytest.fixture(scope="module")
def node(start_shared: Callable[..., RunningNode], tmp_path_factory: pytest.TempPathFactory) -> RunningNode:
    """A node with three scans of each region."""
    folder = tmp_path_factory.mktemp("regions")
    running = start_shared(Jurisdiction.RS)
    for roi, draw in DRAWN.items():
        for firearm, shot in SHOTS:
            path = folder / f"{roi}-{firearm}-{shot}.x3p"
            matcher.write_topography(draw(firearm, shot), path, instrument="drawn")
            acquisition = {"roi": roi, "modality": "topography", "file": "scan"}
            sent = running.submit(path, case_reference=f"{roi}-{firearm}-{shot}", acquisitions=[acquisition])
            assert sent.status_code == 201
    running.wait_correlated(len(DRAWN) * len(SHOTS))
    return running


def candidates(node: RunningNode, case: str) -> list[dict[str, Any]]:
    [record] = node.get("/v1/records", params={"case_reference": case}).json()["items"]
    found: list[dict[str, Any]] = node.get(f"/v1/records/{record['statement_id']}/candidates").json()["items"]
    return found


@pytest.mark.parametrize("roi", DRAWN)
def test_a_region_meets_its_own_and_its_firearm_first(node: RunningNode, roi: str) -> None:
    found = candidates(node, f"{roi}-1-1")
    assert [item["other"]["case_reference"] for item in found] == [f"{roi}-1-2", f"{roi}-2-1"]
    assert {item["roi"] for item in found} == {roi}
    assert all(item["not_validated"].startswith("Not validated") for item in found)
    assert {item["parameters"] for item in found} == {PIPELINES[roi].digest}
    assert {item["matcher"] for item in found} == {matcher.MATCHER_VERSION}


@pytest.mark.parametrize(("roi", "parts"), [("firing_pin_impression", "cells"), ("aperture_shear", "segments")])
def test_a_region_is_explained_and_drawn(node: RunningNode, roi: str, parts: str) -> None:
    best = candidates(node, f"{roi}-1-1")[0]
    detail = node.get(f"/v1/candidates/{best['candidate_id']}").json()
    explained = detail["comparison"][parts]
    assert detail["cells"] == len(explained) > 0
    assert detail["congruent_cells"] == sum(part["congruent"] for part in explained)
    assert (best["rotation_deg"] is None) == (roi == "aperture_shear")
    assert node.get(f"/v1/candidates/{best['candidate_id']}/picture").content.startswith(b"\x89PNG")


def test_cells_are_found_when_somebody_looks_at_the_pair_and_kept(
    node: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows() -> dict[int, CandidateRow]:
        with node.node.store.read() as session:
            asked = select(CandidateRow).where(CandidateRow.parameters == PIPELINES["firing_pin_impression"].digest)
            return {row.candidate_id: row for row in session.scalars(asked)}

    unseen = next(row for row in rows().values() if not row.cells_found)
    before = json.loads(unseen.comparison)
    assert (unseen.congruent_cells, unseen.cells, "cells" in before) == (0, 0, False)

    def away(*_: object, **__: object) -> None:
        raise NotFound("no scan")

    def failed(*_: object) -> None:
        raise ComputeFailed("no process")

    def full(*_: object) -> None:
        raise StoreFull("no room")

    damaged = node.node.settings.home / "damaged"
    damaged.write_bytes(b"damaged")
    for name, fault in (
        ("exchange.flows.candidates.cells.delivered_prepared", away),
        ("exchange.flows.candidates.cells.delivered_prepared", lambda *_, **__: damaged),
        ("exchange.flows.candidates.cells.keep_cells", full),
        ("exchange.compute.Compute.run_soon", failed),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(name, fault)
            assert node.get(f"/v1/candidates/{unseen.candidate_id}").json()["cells"] is None
        assert not rows()[unseen.candidate_id].cells_found, name

    candidates(node, "firing_pin_impression-2-1")
    assert not rows()[unseen.candidate_id].cells_found, "a list that a program reads looks for none"
    seen = node.get(f"/v1/candidates/{unseen.candidate_id}").json()
    kept = rows()[unseen.candidate_id]
    after = json.loads(kept.comparison)
    assert (seen["congruent_cells"], seen["cells"]) == (kept.congruent_cells, kept.cells)
    assert kept.cells_found
    assert kept.cells == len(after["cells"]) > 0
    assert before.items() <= after.items(), "the same score, the same place, the same way round"
    monkeypatch.setattr("exchange.flows.candidates.cells.cells_of_pairs", away)
    assert len(candidates(node, "firing_pin_impression-2-1")) == 2, "nothing is found anew"


def test_a_damaged_profile_is_made_again(node: RunningNode) -> None:
    with node.node.store.write() as session:
        rows = session.scalars(select(AcquisitionRow).where(AcquisitionRow.roi == "aperture_shear")).all()
        before = {row.pair: row.comparison for row in session.scalars(select(CandidateRow))}
        for candidate in session.scalars(select(CandidateRow)):
            session.delete(candidate)
    query, *references = rows
    for number, row in enumerate(references):
        [prepared] = (path for path in node.node.settings.prepared.glob(f"??/{row.sha256}.*") if path.suffix != ".webp")
        prepared.unlink() if number else prepared.write_bytes(b"damaged")
    correlate_acquisition(node.node, query.acquisition_id)
    with node.node.store.read() as session:
        after = {row.pair: row.comparison for row in session.scalars(select(CandidateRow))}
    assert len(after) == len(references)
    for pair, comparison in after.items():
        assert json.loads(comparison)["score"] == json.loads(before[pair])["score"]


def test_what_an_older_release_could_not_correlate_is_correlated(node: RunningNode) -> None:
    """Last in this file: it changes the states."""
    with node.node.store.write() as session:
        rows = session.scalars(select(AcquisitionRow)).all()
        for row in rows:
            row.state, row.parameters = AcquisitionState.NOT_CORRELATED, None
        rows[0].roi = "ejector_mark"
    assert promise_correlations_again(node.node) == len(rows) - 1
    node.wait_correlated(len(rows) - 1)
    assert node.get("/v1/status").json()["acquisitions"]["not-correlated"] == 1
