"""Where a mark ends, on a flat ring whose edges are changed."""

from __future__ import annotations

import numpy as np
import pytest

from matcher.mark.find_mark import round_edge_deg
from matcher.mark.trim_edges import without_edges
from matcher.numeric.circle import Circle
from matcher.numeric.plane import Mask, Plane

SPACING = (25.0, 25.0)
OUTLINE = Circle((2000.0, 2000.0), 1700.0, 1.0)
HOLE_UM = 800.0
AWAY = np.hypot(*(np.indices((160, 160)) * 25.0 - 2000.0))
RING: Mask = (OUTLINE.radius_um > AWAY) & (AWAY > HOLE_UM)
EVERYWHERE = np.ones_like(RING)


def marks(deviation_um: float) -> Plane:
    return (deviation_um * np.random.default_rng(7).standard_normal(RING.shape)).astype(np.float32)


def ends(kept: Mask) -> tuple[float, float]:
    """The smallest and the largest radius in micrometres."""
    return float(AWAY[kept].min()), float(AWAY[kept].max())


@pytest.mark.parametrize("deviation_um", [0.3, 2.0, 6.0])
def test_a_ring_that_is_alike_from_edge_to_edge_stays(deviation_um: float) -> None:
    kept = without_edges(RING, marks(deviation_um), EVERYWHERE, OUTLINE, SPACING)
    # the first band lies around the outline itself
    assert ends(kept) == pytest.approx(ends(RING), abs=26.0)


def test_a_rounded_edge_is_taken_off_where_it_begins_to_fall() -> None:
    fall = np.clip(AWAY - 1600.0, 0.0, None) ** 2 / 600.0
    inner, outer = ends(without_edges(RING, marks(1.5) - fall.astype(np.float32), EVERYWHERE, OUTLINE, SPACING))
    assert outer == pytest.approx(1610.0, abs=30.0)
    assert inner == pytest.approx(HOLE_UM, abs=26.0)


def test_a_torn_edge_of_the_aperture_is_taken_off() -> None:
    torn = np.where(AWAY < 900.0, np.float32(4.0), np.float32(1.0))
    inner, outer = ends(without_edges(RING, marks(1.5) * torn, EVERYWHERE, OUTLINE, SPACING))
    assert inner == pytest.approx(900.0, abs=30.0)
    assert outer == pytest.approx(1700.0, abs=26.0)


def test_at_the_cut_through_a_mark_nothing_is_taken_off() -> None:
    half = RING & (np.indices(RING.shape)[0] > 80)
    torn = np.where(np.indices(RING.shape)[0] < 86, np.float32(4.0), np.float32(1.0))
    # what lies beyond the cut was not measured, so it is no aperture
    kept = without_edges(half, marks(1.5) * torn, half, OUTLINE, SPACING)
    assert kept[84].sum() > 0.9 * half[84].sum()


def test_a_narrow_piece_is_not_taken_off_altogether() -> None:
    narrow = (AWAY < 1700.0) & (AWAY > 1450.0)
    fall = (AWAY - 1450.0).astype(np.float32) / 10.0
    assert np.array_equal(without_edges(narrow, marks(0.5) - fall, EVERYWHERE, OUTLINE, SPACING), narrow)


def test_a_whole_primer_shows_its_round_edge_and_a_quarter_a_quarter() -> None:
    quarter = RING & (np.indices(RING.shape)[0] > 80) & (np.indices(RING.shape)[1] > 80)
    assert round_edge_deg(RING, RING, OUTLINE, SPACING) == 360
    assert round_edge_deg(quarter, quarter, OUTLINE, SPACING) == pytest.approx(90, abs=6)


def test_a_circle_drawn_on_a_plane_is_no_edge() -> None:
    assert round_edge_deg(RING, EVERYWHERE, OUTLINE, SPACING) == 0


def test_a_square_field_has_no_round_edge() -> None:
    assert round_edge_deg(EVERYWHERE, EVERYWHERE, Circle((1987.5, 1987.5), 2810.0, 1.0), SPACING) < 10


def test_without_a_circle_there_is_no_round_edge() -> None:
    assert round_edge_deg(RING, RING, Circle((2000.0, 2000.0), 1700.0, 0.0), SPACING) == 0
