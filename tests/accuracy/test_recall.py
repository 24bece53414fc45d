"""Recall of true pairs: counted as the product lists them, and high. Among 100,000 references: ``measure_recall``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from matcher import Filters, Gallery, GalleryWriter, Reference, prefilter, prepare
from matcher.areal.descriptor import FIRST_HARMONICS
from matcher.evaluate.conditions import noisy
from tests.accuracy import recall
from tests.accuracy.measure_recall import wilson_lower
from tests.accuracy.recall import PARAMETERS, Condition, Followed, References, disturbed, drawn, measure, real

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ten_thousand(ffp_data: Path) -> References:
    return References.made(real(ffp_data / "fadul", ffp_data / "fadul" / "truth.csv"), 10_000, 1)


@pytest.mark.data
@pytest.mark.parametrize(
    ("condition", "queries", "at_least"),
    [pytest.param("clean", 120, 0.98, marks=pytest.mark.long), ("half", 80, 0.94)],
)
def test_recall_in_ten_thousand(ten_thousand: References, condition: Condition, queries: int, at_least: float) -> None:
    """All marks three times, of which few pairs may be lost, and a half of each twice."""
    pairs = list(measure(ten_thousand, range(queries), condition, seed=2))
    found = sum(pair.stage == "found" for pair in pairs)
    assert len(pairs) == 126 * queries // 40
    assert wilson_lower(found, len(pairs)) >= at_least


def test_what_counts_as_found_is_what_a_gallery_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Halves that are more and more noisy: some of their firearm's are among the first hundred, and some are not."""
    monkeypatch.setattr(recall, "RIVALS", 10_000)
    monkeypatch.setattr(recall, "RIVALS_OF_ALL", 10_000)
    references = References.made(drawn(3), 400, 1)
    with GalleryWriter(tmp_path, PARAMETERS) as writer:
        writer.append((named(row), references.scan(row)) for row in range(len(references)))
    counted, listed = [], []
    for row, known in enumerate(references.known):
        rng = np.random.default_rng([3, row])
        query = prepare(noisy(disturbed(known.scan, "half", rng), 2.0 + 0.5 * row, 40.0, rng), PARAMETERS)
        first = prefilter(query.descriptor[None], references.descriptors[:, :FIRST_HARMONICS])[0]
        thorough = row % 2 == 0
        pairs = Followed(references, row, row, query, first, 1, thorough).pairs()
        counted.append(sum(pair.stage == "found" for pair in pairs))
        others = Filters(excluded=frozenset({named(row).reference}))
        candidates = Gallery(tmp_path, PARAMETERS).correlate([query], others, thorough=thorough)[0].candidates
        found = {candidate.reference for candidate in candidates}
        listed.append(sum(named(true).reference in found for true in references.of_one_firearm(row).tolist()))
        assert len(candidates) == recall.FIRST
    assert counted == listed
    assert 3 <= sum(counted) <= 15, "neither found nor lost would be seen"


def named(row: int) -> Reference:
    return Reference(row.to_bytes(32, "big"), "9 mm Luger", "breech_face", "topography", "RS")
