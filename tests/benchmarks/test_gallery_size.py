"""What a gallery takes is bounded, and is what docs/gallery-size.md says: by counted bytes and calls. Of time there is
a generous bound alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from matcher import Gallery
from tests.benchmarks.gallery_size import SIZES, measured, read_page
from tests.benchmarks.scale import GALLERY, PREPARED

MOST_MEMORY = 512e6
"""Of the process that makes a gallery, drawing included, however large it is."""
MOST_WRITER, PAGES = 100, 1e6
"""A reference, and besides what a process takes anyhow while it opens files."""
MOST_MS = 10.0
"""Processor time of one reference, drawing included, on a machine that does other things too."""


def _holds(folder: Path, references: int) -> None:
    found = measured(folder, references)
    print("\n", found)
    prepared, gallery, written, syncs, *_ = read_page()[references]
    assert found.prepared == pytest.approx(prepared, rel=0.001)
    assert found.gallery == pytest.approx(gallery, rel=0.01)
    assert found.written == pytest.approx(written, rel=0.01)
    assert found.syncs == pytest.approx(syncs, rel=0.1)
    assert found.writer_bytes * references < MOST_WRITER * references + PAGES
    assert found.peak_bytes < MOST_MEMORY
    assert found.ms < MOST_MS
    assert Gallery(folder).count() == references


@pytest.mark.slow
def test_a_thousand_references_are_made_under_a_bound(tmp_path: Path) -> None:
    _holds(tmp_path, 1_000)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_references_are_made_under_a_bound(tmp_path: Path) -> None:
    _holds(tmp_path, 100_000)


@pytest.mark.parametrize("references", SIZES)
def test_the_model_is_near_the_bytes_that_were_measured(references: int) -> None:
    prepared, gallery, *_ = read_page()[references]
    assert prepared + gallery == pytest.approx(PREPARED + GALLERY, rel=0.02)


def test_making_is_linear_in_what_was_counted() -> None:
    """Bytes written and calls that make them last, of each reference, are the same at every size."""
    pages = read_page()
    for references in SIZES[1:]:
        _, gallery, written, syncs, *_ = pages[references]
        assert (gallery, written, syncs) == pytest.approx(pages[SIZES[0]][1:4], rel=0.02)
