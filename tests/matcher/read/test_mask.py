from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from matcher import ScanRefused, Topography, prepare, read_mask
from matcher.synthetic import breech_face


def saved(folder: Path, pixels: np.ndarray) -> Path:
    path = folder / "mask.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize("channels", [0, 3])
def test_white_is_the_mark(tmp_path: Path, channels: int) -> None:
    mask = np.zeros((30, 40), np.bool_)
    mask[5:20, 8:30] = True
    pixels = mask.astype(np.uint8) * 255
    if channels:
        pixels = np.repeat(pixels[..., None], channels, axis=-1)
    np.testing.assert_array_equal(read_mask(saved(tmp_path, pixels)), mask)


def test_transparent_is_no_mark(tmp_path: Path) -> None:
    pixels = np.full((30, 40, 4), 255, np.uint8)
    pixels[:, :20, 3] = 0
    np.testing.assert_array_equal(read_mask(saved(tmp_path, pixels)), np.arange(40)[None, :].repeat(30, axis=0) >= 20)


def test_a_picture_of_many_greys_is_no_mask(tmp_path: Path) -> None:
    grey = np.linspace(0, 255, 1200).astype(np.uint8).reshape(30, 40)
    with pytest.raises(ScanRefused) as refused:
        read_mask(saved(tmp_path, grey))
    assert refused.value.reason == "mask-not-black-and-white"


def test_soft_edges_are_no_greys(tmp_path: Path) -> None:
    pixels = np.zeros((100, 100), np.uint8)
    pixels[:50] = 255
    pixels[50, :60] = 128
    assert read_mask(saved(tmp_path, pixels)).sum() == 5000


def test_preparing_within_a_mask_is_preparing_what_it_leaves() -> None:
    scan = breech_face.draw(3, 0)
    mask = np.zeros(scan.heights_um.shape, np.bool_)
    mask[:, 250:] = True
    masked = scan.within(mask)
    assert masked.outlined
    assert not masked.heights_um.flags.writeable
    assert np.isnan(masked.heights_um[:, :250]).all()
    assert prepare(scan, mask=mask).digest == prepare(masked).digest
    assert prepare(scan, mask=mask).digest != prepare(scan).digest


@pytest.mark.parametrize("shape", [(559, 560), (560,), (560, 560, 3)])
def test_a_mask_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    scan = Topography(np.zeros((560, 560), np.float32), (6.25, 6.25))
    with pytest.raises(ScanRefused) as refused:
        scan.within(np.ones(shape, np.bool_))
    assert refused.value.reason == "mask-differs"
