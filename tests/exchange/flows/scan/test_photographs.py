"""Photographs on a node: with each other and with topographies, whichever way up, the same from either side."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

import matcher
from exchange.flows.node.pipelines import Variant
from exchange.flows.scan.correlate import correlate_acquisition
from exchange.store.tables.record_tables import AcquisitionRow, CandidateRow
from matcher.synthetic import breech_face
from matcher.synthetic.render import render
from schemas.vocabulary import Jurisdiction
from tests.exchange.running_nodes import RunningNode

pytestmark = pytest.mark.slow

HEIGHTS, RELIEF = matcher.DEFAULT_PARAMETERS, matcher.RELIEF_PARAMETERS
UM = 6.25
PHOTOGRAPHS = {
    # name: firearm, shot, where the light came from, what the record says of it, upside down
    "ring": (1, 2, None, {"lighting": "ring"}, False),
    "unknown": (2, 2, None, {}, True),
    "noted": (1, 3, 210.0, {"lighting": "side", "light_hour": 10}, False),
    "unnoted": (1, 4, 60.0, {"lighting": "side"}, True),
    "unnoted too": (2, 3, 300.0, {"lighting": "side"}, False),
}
TOPOGRAPHIES = {"topography 1": (1, 1), "topography 2": (2, 1)}
NAMES = [*TOPOGRAPHIES, *PHOTOGRAPHS]
FIREARM = {name: seeds[0] for name, seeds in {**TOPOGRAPHIES, **PHOTOGRAPHS}.items()}


def picture(firearm: int, shot: int, azimuth: float | None, upside_down: bool) -> bytes:
    """A drawn photograph of a mark; what is outside is transparent."""
    light = matcher.Lighting("ring") if azimuth is None else matcher.Lighting("side", azimuth)
    photograph = render(breech_face.draw(firearm, shot), light)
    assert photograph.um_per_pixel == (UM, UM)
    shown = np.isfinite(photograph.brightness)
    grey = np.rint(np.where(shown, photograph.brightness, 0.0) * 255.0)
    image = np.stack([grey, shown * 255], axis=-1).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(image[::-1] if upside_down else image).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def node(start_shared: Callable[..., RunningNode], tmp_path_factory: pytest.TempPathFactory) -> RunningNode:
    """A node with two topographies and five photographs; the acquisition's id is its place in ``NAMES`` plus one."""
    folder = tmp_path_factory.mktemp("photographs")
    running = start_shared(Jurisdiction.RS, workers=2)
    for name, (firearm, shot) in TOPOGRAPHIES.items():
        path = folder / f"{firearm}.x3p"
        matcher.write_topography(breech_face.draw(firearm, shot), path, instrument="drawn")
        assert running.submit(path, case_reference=name.replace(" ", "-")).status_code == 201
    for name, (firearm, shot, azimuth, said, upside_down) in PHOTOGRAPHS.items():
        acquisition = {"roi": "breech_face", "modality": "reflectance", "file": "scan", **said}
        acquisition["lateral_resolution_um"] = UM
        content = picture(firearm, shot, azimuth, upside_down)
        sent = running.submit(content, case_reference=name.replace(" ", "-"), acquisitions=[acquisition])
        assert sent.status_code == 201, sent.text
    running.wait_for(lambda status: not status["jobs"])
    assert running.get("/v1/status").json()["acquisitions"] == {"correlated": len(NAMES)}
    return running


def stored(node: RunningNode) -> dict[frozenset[str], CandidateRow]:
    with node.node.store.read() as session:
        rows = session.scalars(select(CandidateRow)).all()
    found = {frozenset({NAMES[row.acquisition_a - 1], NAMES[row.acquisition_b - 1]}): row for row in rows}
    assert len(found) == len(rows), "each pair meets once"
    return found


def shaded(name: str) -> bool:
    return name not in ("ring", "unknown")


def test_every_pair_meets_once_in_what_both_show(node: RunningNode) -> None:
    found = stored(node)
    assert set(found) == {frozenset(pair) for pair in combinations(NAMES, 2)}
    for pair, row in found.items():
        assert row.parameters == (HEIGHTS if all(map(shaded, pair)) else RELIEF).digest, pair


def test_photographs_find_the_topography_of_their_firearm(node: RunningNode) -> None:
    found = stored(node)
    for name in PHOTOGRAPHS:
        scores = {FIREARM[other]: found[frozenset({name, other})].score for other in TOPOGRAPHIES}
        assert max(scores, key=lambda firearm: scores[firearm]) == FIREARM[name], (name, scores)


def test_it_is_found_which_way_up_a_photograph_was_taken(node: RunningNode) -> None:
    found = stored(node)
    for name, (firearm, *_, upside_down) in PHOTOGRAPHS.items():
        row = found[frozenset({name, f"topography {firearm}"})]
        comparison = json.loads(row.comparison)
        a_is_photograph = NAMES[row.acquisition_a - 1] == name
        turned = comparison["variant_a" if a_is_photograph else "variant_b"]
        assert bool(turned & Variant.MIRRORED) == upside_down, name
        assert comparison["variant_b" if a_is_photograph else "variant_a"] == Variant.AS_TAKEN


def test_the_score_is_the_same_whoever_asks(node: RunningNode) -> None:
    """As on another node, on which the scans landed in the opposite order."""
    before = {pair: row.score for pair, row in stored(node).items()}
    with node.node.store.write() as session:
        for row in session.scalars(select(CandidateRow)):
            session.delete(row)
    for acquisition in range(len(NAMES), 0, -1):
        correlate_acquisition(node.node, acquisition)
    assert {pair: row.score for pair, row in stored(node).items()} == before


def test_what_one_missed_of_the_other_is_made_up_for_by_the_other(node: RunningNode) -> None:
    """Of two that land together, the first may ask before all variants of the second are there."""
    pair = frozenset({"unnoted", "unnoted too"})
    whole = stored(node)[pair].score
    for stored_before, expected in ((whole / 2, whole), (2 * whole, 2 * whole)):
        with node.node.store.write() as session:
            session.get_one(CandidateRow, stored(node)[pair].candidate_id).score = stored_before
        correlate_acquisition(node.node, NAMES.index("unnoted") + 1)
        assert stored(node)[pair].score == expected
    with node.node.store.write() as session:
        session.get_one(CandidateRow, stored(node)[pair].candidate_id).score = whole


@pytest.mark.parametrize(
    "pair",
    [("ring", "topography 1"), ("unnoted", "topography 1"), ("ring", "noted"), ("unnoted", "unnoted too")],
    ids="-".join,
)
def test_the_pair_is_drawn(node: RunningNode, pair: tuple[str, str]) -> None:
    row = stored(node)[frozenset(pair)]
    detail = node.get(f"/v1/candidates/{row.candidate_id}").json()
    assert detail["cells"] == len(detail["comparison"]["cells"])
    response = node.get(f"/v1/candidates/{row.candidate_id}/picture")
    assert response.content.startswith(b"\x89PNG"), response.text


def test_one_file_said_to_be_lit_in_two_ways_is_prepared_in_two(node: RunningNode) -> None:
    """Last in this file: it adds a record."""
    acquisition = {"roi": "breech_face", "modality": "reflectance", "file": "scan", "lateral_resolution_um": UM}
    content = picture(1, 3, 210.0, upside_down=False)
    node.submit(content, case_reference="AGAIN", acquisitions=[{**acquisition, "lighting": "side"}])
    node.wait_correlated(len(NAMES) + 1)
    with node.node.store.read() as session:
        [sha256] = {row.sha256 for row in session.scalars(select(AcquisitionRow)) if row.acquisition_id > len(NAMES)}
    names = {path.name.split(".")[2] for path in node.node.settings.prepared.glob(f"??/{sha256}.*.*")}
    assert len(names - {"photograph"}) == 2, "beside its picture"
