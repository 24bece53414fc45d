"""What the viewer is sent: every height within half a step, every missing point missing, in its place."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import matcher
from matcher.draw.display import Display, display_filtered, display_heights, display_photograph, encode_display
from matcher.synthetic import breech_face


def decoded(content: bytes) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """As a stranger reads it who has the description alone: heights (rows, columns), NaN where missing."""
    (length,) = struct.unpack_from("<I", content)
    assert length % 4 == 0
    head: dict[str, Any] = json.loads(content[4 : 4 + length])
    values = np.frombuffer(content, "<u2", offset=4 + length).reshape(head["height"], head["width"])
    heights = head["offset_um"] + values.astype(np.float64) * head["scale_um"]
    return head, np.where(values == head["missing"], np.nan, heights)


def surface(rows: int = 90, columns: int = 130, spacing: tuple[float, float] = (2.0, 3.0)) -> matcher.Topography:
    """Hills and a few holes within a frame of missing points: 7 above, 5 to the left, 11 below, 2 to the right."""
    y, x = np.mgrid[0:rows, 0:columns]
    heights = (np.sin(x / 9.0) * np.cos(y / 7.0) * 4.0 + 1234.5).astype(np.float32)
    heights[40:44, 50:60] = np.nan
    heights[:7], heights[:, :5], heights[-11:], heights[:, -2:] = np.nan, np.nan, np.nan, np.nan
    return matcher.Topography(heights, spacing)


def test_heights_are_within_half_a_step_and_missing_points_stay_missing() -> None:
    topography = surface()
    head, heights = decoded(encode_display(display_heights(topography, 1500)))
    expected = topography.heights_um[7:-11, 5:-2].astype(np.float64)
    assert heights.shape == expected.shape == (72, 123)
    assert (np.isnan(heights) == np.isnan(expected)).all()
    assert np.nanmax(np.abs(heights - expected)) <= head["scale_um"] * 0.5000001
    assert (head["pitch_um"], head["pitch_y_um"]) == (3.0, 2.0)
    assert (head["left_um"], head["top_um"]) == (15.0, 14.0)
    assert head["kind"] == "topography"


def test_the_longest_side_is_bounded_by_block_means_of_valid_points() -> None:
    topography = surface()
    head, heights = decoded(encode_display(display_heights(topography, 64)))
    assert heights.shape == (36, 62)
    block = topography.heights_um[7 + 32 : 7 + 34, 5 + 44 : 5 + 46]
    assert np.isnan(block).any()
    assert np.isfinite(block).any()
    assert heights[16, 22] == pytest.approx(float(np.nanmean(block)), abs=head["scale_um"])
    # the first block's centre, not its corner
    assert (head["left_um"], head["top_um"]) == (15.0 + 1.5, 14.0 + 1.0)
    assert (head["pitch_um"], head["pitch_y_um"]) == (6.0, 4.0)


def test_a_flat_surface_and_a_single_point_have_heights() -> None:
    flat = matcher.Topography(np.full((3, 4), 7.25, np.float32), (1.0, 1.0))
    assert decoded(encode_display(display_heights(flat, 64)))[1] == pytest.approx(7.25, abs=1e-6)
    lonely = np.full((5, 5), np.nan, np.float32)
    lonely[2, 3] = -1.0
    head, heights = decoded(encode_display(display_heights(matcher.Topography(lonely, (2.0, 2.0)), 64)))
    assert (heights.shape, head["left_um"], head["top_um"]) == ((1, 1), 6.0, 4.0)


def test_without_any_valid_point_there_is_nothing_to_show() -> None:
    empty = matcher.Topography(np.full((5, 5), np.nan, np.float32), (1.0, 1.0))
    with pytest.raises(matcher.ScanNotUsable, match="no valid point"):
        display_heights(empty, 64)


def test_the_filtered_form_is_level_and_in_the_scans_own_frame() -> None:
    topography = breech_face.draw(1, 1)
    raw, filtered = (
        display_heights(topography, 1500),
        display_filtered(topography, matcher.DEFAULT_PARAMETERS, 1500),
    )
    assert abs(float(np.nanmedian(filtered.values))) < 0.2
    assert np.nanstd(filtered.values) < np.nanstd(raw.values)
    ends = [
        np.add(shown.first_um, np.multiply(np.subtract(shown.values.shape, 1), shown.pitch_um or (1, 1)))
        for shown in (raw, filtered)
    ]
    assert (np.array(filtered.first_um) >= np.array(raw.first_um) - 1e-6).all()
    assert (ends[1] <= ends[0] + 6.25).all()


def test_a_photograph_is_grey_levels() -> None:
    grey = (np.arange(12, dtype=np.float32).reshape(3, 4) * 20.0) / 255.0
    grey[0, 1] = np.nan
    head, values = decoded(encode_display(display_photograph(grey, (6.0, 6.0), 64)))
    assert head["kind"] == "photograph"
    assert (head["scale_um"], head["offset_um"], head["pitch_um"]) == (1.0, -1.0, 6.0)
    assert np.isnan(values[0, 1])
    assert np.nanmax(np.abs(values - grey * 255.0)) < 1e-3
    assert decoded(encode_display(display_photograph(grey, None, 64)))[0]["pitch_um"] is None


def test_the_head_names_what_a_display_is() -> None:
    shown = Display(np.zeros((2, 3), np.float32), (1.0, 1.0), (0.0, 0.0))
    head, _ = decoded(encode_display(shown))
    assert (head["width"], head["height"]) == (3, 2)
