"""Small files of each format, put together byte by byte from the layouts that are public: no code of the readers."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from matcher import ScanRefused, Topography, read_topography
from matcher.numeric.size_limits import DEFAULT_LIMITS

Read = Callable[..., Topography]
Refusal = Callable[..., str]


def surface() -> NDArray[np.float64]:
    """Micrometres, 9 rows by 13 columns, no symmetry, three points missing, one of them the last of a row."""
    rows, columns = np.mgrid[0:9, 0:13]
    z = np.sin(rows * 0.9) + 0.1 * columns + 0.017 * rows * columns
    z[2, 3] = z[2, 4] = z[6, 12] = np.nan
    return z


def al3d(
    z: NDArray[np.float64] | None = None,
    *,
    marker: str = "3e15",
    padding: bytes = b"\xff" * 4,
    more: dict[str, str] | None = None,
    **tags: str,
) -> bytes:
    """An al3d of heights in micrometres; tags replace those of the header, or leave them out where they are empty."""
    z = surface() if z is None else z
    rows, columns = z.shape
    stored = np.where(np.isnan(z), float(marker), z * 1e-6).astype("<f4")
    offset = 2048
    given = {
        "Cols": str(columns),
        "Rows": str(rows),
        "DepthImageOffset": str(offset),
        "InvalidPixelValue": marker,
        "PixelSizeXMeter": "1.25e-06",
        "PixelSizeYMeter": "2.5e-06",
        "NumberOfPlanes": "0",
        "TextureImageOffset": "0",
        **(more or {}),
    } | tags
    given = {key: value for key, value in given.items() if value}
    header = b"AliconaImaging\0\r\n"
    for key, value in {"Version": "1", "TagCount": tags.get("TagCount", str(len(given))), **given}.items():
        if not (key == "TagCount" and b"TagCount" in header):
            header += key.encode().ljust(20, b"\0") + value.encode("latin-1").ljust(30, b"\0") + b"\r\n"
    lines = [row.tobytes() + (padding if columns % 2 else b"") for row in stored]
    comment = b"a comment".ljust(254, b"\0") + b"\r\n"
    return (header + comment).ljust(offset, b"\0") + b"".join(lines)


def sur(
    z: NDArray[np.float64] | None = None,
    *,
    bits: int = 32,
    streams: int = 0,
    comment: bytes = b"",
    private: bytes = b"",
    behind: bytes = b"",
    units: tuple[bytes, bytes, bytes] = (b"\xb5m", b"\xb5m", b"nm"),
    spacing: tuple[float, float, float] = (1.25, 2.5, 0.5),
    patch: dict[int, bytes] | None = None,
) -> bytes:
    """A sur of heights in micrometres, plain or in so many compressed streams; ``patch`` replaces header bytes."""
    z = surface() if z is None else z
    rows, columns = z.shape
    counts = np.rint(np.nan_to_num(z) * 1000 / spacing[2])
    valid = ~np.isnan(z)
    lowest, highest = int(counts[valid].min()), int(counts[valid].max())
    counts[~valid] = lowest - 2
    points = counts.astype(f"<i{bits // 8}").tobytes()
    header = bytearray(512)
    header[0:12] = b"DSCOMPRESSED" if streams else b"DIGITAL SURF"
    struct.pack_into("<hHhh", header, 12, 0, 1, 1, 2)
    header[20:50], header[50:80] = b"object".ljust(30, b"\0"), b"operator".ljust(30, b"\0")
    struct.pack_into("<5h", header, 80, 0, 2, 0, int(not valid.all()), 0)
    struct.pack_into("<fIh5i", header, 90, 0.0, 0, bits, lowest, highest, columns, rows, rows * columns)
    struct.pack_into("<3f", header, 120, *spacing)
    for number, unit in enumerate(units):
        header[180 + 16 * number : 196 + 16 * number] = unit.ljust(16, b"\0")
        header[228 + 16 * number : 244 + 16 * number] = unit.ljust(16, b"\0")
    struct.pack_into("<3f", header, 276, 1.0, 1.0, 1.0)
    struct.pack_into("<HH", header, 334, len(comment), len(private))
    for place, value in (patch or {}).items():
        header[place : place + len(value)] = value
    if streams:
        step = -(-len(points) // streams)
        parts = [points[start : start + step] for start in range(0, len(points), step)]
        packed = [zlib.compress(part) for part in parts]
        lengths = b"".join(struct.pack("<II", len(a), len(b)) for a, b in zip(parts, packed, strict=True))
        points = struct.pack("<I", len(parts)) + lengths + b"".join(packed)
        struct.pack_into("<I", header, 324, len(points))
    return bytes(header) + comment + private + points + behind


INDEX_XML = """<?xml version="1.0" encoding="utf-8"?>
<xml>
  <GENERAL>
    <AUTHOR>somebody</AUTHOR><DATE>2024-01-02 03:04:05</DATE>
    <FOV_X>1.25</FOV_X><FOV_Y>2.5</FOV_Y><IMAGE_SIZE_X>{columns}</IMAGE_SIZE_X><IMAGE_SIZE_Y>{rows}</IMAGE_SIZE_Y>
  </GENERAL>
  <INFO><SIZE>1</SIZE><ITEM_0><NAME>Device</NAME><VALUE>S lynx</VALUE></ITEM_0></INFO>
  <LAYER_0><FILENAME_Z>LAYER_0.raw</FILENAME_Z></LAYER_0>
</xml>
"""


def plux(
    z: NDArray[np.float64] | None = None,
    *,
    edit_xml: Callable[[str], str] = lambda xml: xml,
    edit_entries: Callable[[dict[str, bytes]], dict[str, bytes]] = lambda entries: entries,
) -> bytes:
    """A plux of heights in micrometres."""
    z = surface() if z is None else z
    xml = edit_xml(INDEX_XML.format(rows=z.shape[0], columns=z.shape[1]))
    entries = edit_entries({"LAYER_0.raw": z.astype("<f4").tobytes(), "index.xml": xml.encode(), "recipe.txt": b"<x/>"})
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads bytes through ``matcher.read_topography``, from a file whose name tells nothing."""

    def reader(content: bytes, **limits: int) -> Topography:
        path = tmp_path / "scan.x3p"
        path.write_bytes(content)
        return read_topography(path, replace(DEFAULT_LIMITS, **limits))

    return reader


@pytest.fixture
def refusal(read: Read) -> Refusal:
    """The reason for which bytes are refused."""

    def refuse(content: bytes, **limits: int) -> str:
        with pytest.raises(ScanRefused) as caught:
            read(content, **limits)
        assert str(caught.value).endswith(".")
        return caught.value.reason

    return refuse


def assert_is_surface(topography: Topography, z: NDArray[np.float64], *, atol: float = 2e-6) -> None:
    heights = topography.heights_um
    assert heights.dtype == np.float32
    assert heights.flags.c_contiguous
    assert not heights.flags.writeable
    assert set(heights[np.isnan(heights)].view(np.uint32).tolist()) <= {0x7FC00000}
    np.testing.assert_allclose(heights, z - np.nanmedian(z), atol=atol)
