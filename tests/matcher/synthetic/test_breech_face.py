from __future__ import annotations

import time

import numpy as np

from matcher.synthetic import breech_face


def test_the_same_seeds_draw_the_same_scan() -> None:
    first = breech_face.draw(11, 3)
    breech_face.face_of.cache_clear()
    again = breech_face.draw(11, 3)
    np.testing.assert_array_equal(first.heights_um, again.heights_um)
    assert first.heights_um.dtype == np.float32
    assert not first.heights_um.flags.writeable
    assert not np.array_equal(first.heights_um, breech_face.draw(11, 4).heights_um, equal_nan=True)


def test_it_says_that_it_was_drawn() -> None:
    assert "synthetic" in (breech_face.draw(1, 1).instrument or "")


def test_firearms_share_nothing() -> None:
    faces = np.stack([breech_face.face_of(seed).ravel() for seed in range(8)])
    correlations = np.corrcoef(faces) - np.eye(8)
    assert np.abs(correlations).max() < 0.1


def test_shots_differ_in_what_they_show() -> None:
    coverage = [breech_face.draw(2, shot).coverage for shot in range(12)]
    assert max(coverage) > 1.15 * min(coverage)
    assert all(0.2 < share < 0.8 for share in coverage)


def test_a_raw_scan_stands_out_of_its_plane_and_has_dropouts() -> None:
    masked, raw = breech_face.draw(2, 0), breech_face.draw(2, 0, raw=True)
    assert np.nanmax(np.abs(raw.heights_um)) > 10.0 * np.nanmax(np.abs(masked.heights_um))
    assert raw.coverage < 1.0


def test_it_draws_fast_enough_to_fill_a_gallery() -> None:
    start = time.process_time()
    for shot in range(4):
        breech_face.draw(99, shot)
    assert (time.process_time() - start) / 4 < 0.25
