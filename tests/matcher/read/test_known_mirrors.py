"""Which way y runs in al3d and x3p: three files of one scan, two of one circle, signs of programs that mirror."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from matcher import Topography, read_topography, write_topography
from tests.matcher.read.x3p.conftest import build

OF_AL3D = "Lateral sampling distance ([x y]): [1e-06 1e-06];  Original data format: al3d"


def alike(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """The correlation of two surfaces that lie on each other point by point."""
    both = np.isfinite(a) & np.isfinite(b)
    return float(np.corrcoef(a[both], b[both])[0, 1])


def test_an_al3d_lies_as_its_makers_own_x3p(ffp_data: Path) -> None:
    """The scan of the x3p was taken as of a replica: its heights are inverted, and that alone differs."""
    al3d, own, other = (
        read_topography(ffp_data / "firing-pin" / f"Klein_{name}").heights_um
        for name in ("non_replica_mode.al3d", "replica_mode_X3P_Alicona.x3p", "replica_mode_X3P_Scratch.x3p")
    )
    assert alike(al3d, -own) > 0.999
    assert alike(al3d, -other[::-1]) > 0.999, "the other program's x3p is turned over in y"
    assert abs(alike(al3d, -other)) < 0.5


def test_the_other_program_is_told_by_its_comment(ffp_data: Path) -> None:
    own, other = (
        read_topography(ffp_data / "firing-pin" / f"Klein_replica_mode_X3P_{name}.x3p")
        for name in ("Alicona", "Scratch")
    )
    assert own.warnings == ()
    assert [warning for warning in other.warnings if warning.startswith("Mirrored in y")]


def test_an_unpadded_al3d_is_its_x3p_turned_over(ffp_data: Path) -> None:
    al3d, x3p = (read_topography(ffp_data / "firing-pin" / f"circle.{kind}") for kind in ("al3d", "x3p"))
    np.testing.assert_allclose(al3d.heights_um, x3p.heights_um[::-1], rtol=1e-6, atol=1e-4)
    assert al3d.spacing_um == pytest.approx(x3p.spacing_um)
    assert any("Mirrored in y if it was made of an al3d" in warning for warning in x3p.warnings)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda xml: xml.replace("</ProbingSystem>", f"</ProbingSystem><Comment>{OF_AL3D}</Comment>"), "as far as is"),
        (lambda xml: xml.replace(">Maker<", ">NFI<").replace(">M1<", ">Default<"), "if it was made of an al3d"),
        (lambda xml: xml.replace("</ProbingSystem>", "</ProbingSystem><Comment>al3d</Comment>"), None),
    ],
)
def test_signs_in_a_file(tmp_path: Path, edit: Callable[[str], str], told: str | None) -> None:
    path = tmp_path / "scan.x3p"
    path.write_bytes(build(edit_xml=edit))
    read = read_topography(path)
    assert [warning for warning in read.warnings if told and told in warning] == list(read.warnings)
    assert len(read.warnings) == (told is not None)
    write_topography(read, tmp_path / "again.x3p")
    assert read_topography(tmp_path / "again.x3p").warnings == read.warnings, "a copy carries the sign on"


def test_a_surface_keeps_its_order_in_x3p(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:9, 0:13]
    surface = Topography((rows * rows + 0.1 * columns).astype(np.float32), (1.0, 1.0))
    write_topography(surface, tmp_path / "a.x3p")
    assert alike(read_topography(tmp_path / "a.x3p").heights_um, surface.heights_um) == pytest.approx(1.0)


def test_turned_over_and_back() -> None:
    heights = np.arange(12, dtype=np.float32).reshape(3, 4)
    heights[1, 1] = np.nan
    surface = Topography(heights, (1.0, 2.0), ("doubt",), "scope")
    mirrored, inverted = surface.mirrored(), surface.inverted()
    np.testing.assert_array_equal(mirrored.heights_um, heights[::-1])
    np.testing.assert_array_equal(inverted.heights_um, -heights)
    for turned in (mirrored, inverted):
        assert turned.heights_um.flags.c_contiguous
        assert not turned.heights_um.flags.writeable
        assert (turned.spacing_um, turned.warnings, turned.instrument) == ((1.0, 2.0), ("doubt",), "scope")
    np.testing.assert_array_equal(mirrored.mirrored().heights_um, heights)
    np.testing.assert_array_equal(inverted.inverted().heights_um, heights)
