"""A maker of small x3p files, good ones and every kind of bad one, so that each test states what it changes."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from matcher.errors import ScanRefused
from matcher.numeric.size_limits import DEFAULT_LIMITS
from matcher.read.x3p import read_x3p

MakeX3p = Callable[..., Path]
DTYPES = {"I": "<i2", "L": "<i4", "F": "<f4", "D": "<f8"}

TEMPLATE = """<?xml version="1.0" encoding="UTF-8"?>
<p:ISO5436_2 xmlns:p="http://www.opengps.eu/2008/ISO5436_2">
  <Record1>
    <Revision>ISO5436 - 2000</Revision>
    <FeatureType>{feature}</FeatureType>
    <Axes>
      <CX><AxisType>{x_axis}</AxisType><DataType>{x_type}</DataType><Increment>{dx}</Increment><Offset>0</Offset></CX>
      <CY><AxisType>{y_axis}</AxisType><DataType>{y_type}</DataType><Increment>{dy}</Increment><Offset>0</Offset></CY>
      <CZ><AxisType>{z_axis}</AxisType><DataType>{z_type}</DataType><Increment>{dz}</Increment><Offset>0</Offset></CZ>
      {rotation}
    </Axes>
  </Record1>
  <Record2>
    <Date>2024-05-06T07:08:09Z</Date>
    <Creator>somebody</Creator>
    <Instrument><Manufacturer>Maker</Manufacturer><Model>M1</Model><Serial>1</Serial><Version>1</Version></Instrument>
    <CalibrationDate>2024-05-06T07:08:09Z</CalibrationDate>
    <ProbingSystem><Type>NonContacting</Type><Identification>10x</Identification></ProbingSystem>
  </Record2>
  <Record3>
    {dimension}
    {points}
  </Record3>
  <Record4><ChecksumFile>md5checksum.hex</ChecksumFile></Record4>
</p:ISO5436_2>
"""


def zip_bytes(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.fixture
def refusal() -> Callable[..., str]:
    """Reads a file that must be refused, under the given limits, and returns the reason."""

    def refuse(path: Path, **limits: int) -> str:
        with pytest.raises(ScanRefused) as caught:
            read_x3p(path, replace(DEFAULT_LIMITS, **limits))
        assert str(caught.value).endswith(".")
        return caught.value.reason

    return refuse


def wave() -> NDArray[np.float64]:
    """Heights in metres, 9 rows by 12 columns, no two alike and no symmetry, a few micrometres of relief."""
    rows, columns = np.mgrid[0:9, 0:12]
    return 1e-6 * (np.sin(rows * 0.9) + 0.1 * columns + 0.017 * rows * columns)


@pytest.fixture
def wave_m() -> NDArray[np.float64]:
    return wave()


@pytest.fixture
def make_x3p(tmp_path: Path) -> MakeX3p:
    """``build`` into a file, always of the same name."""

    def make(*args: Any, **kwargs: Any) -> Path:
        path = tmp_path / "made.x3p"
        path.write_bytes(build(*args, **kwargs))
        return path

    return make


@pytest.fixture(scope="session")
def build_x3p() -> Callable[..., bytes]:
    return build


def build(
    z: NDArray[Any] | None = None,
    *,
    x: NDArray[Any] | None = None,
    y: NDArray[Any] | None = None,
    valid: NDArray[np.bool_] | None = None,
    as_text: bool = False,
    edit_xml: Callable[[str], str | bytes] = lambda xml: xml,
    edit_entries: Callable[[dict[str, bytes]], dict[str, bytes]] = lambda entries: entries,
    **fields: str,
) -> bytes:
    """An x3p of heights ``z``, (rows, columns) or (layers, rows, columns), as stored.

    ``x`` and ``y`` of the same shape make those axes absolute. ``fields`` are those of the template. ``edit_xml``
    changes main.xml before its checksum is made, ``edit_entries`` the finished entries after.
    """
    z = wave() if z is None else z
    given: dict[str, str] = {
        "feature": "SUR",
        "x_axis": "I" if x is None else "A",
        "y_axis": "I" if y is None else "A",
        "z_axis": "A",
        "x_type": "D",
        "y_type": "D",
        "z_type": "D",
        "dx": "3e-6" if x is None else "1",
        "dy": "3e-6" if y is None else "1",
        "dz": "1",
        "rotation": "",
    } | fields
    columns = [
        (name, values, DTYPES[given[f"{name}_type"]])
        for name, values in (("x", x), ("y", y), ("z", z))
        if values is not None
    ]
    records = np.empty(z.size, np.dtype([(name, dtype) for name, _, dtype in columns]))
    for name, values, _ in columns:
        records[name] = values.ravel()
    entries = {} if as_text else {"bindata/data.bin": records.tobytes()}
    if valid is not None:
        entries["bindata/valid.bin"] = np.packbits(valid.ravel(), bitorder="little").tobytes()
    if as_text:
        axes = [records[name] if name in (records.dtype.names or ()) else None for name in "xyz"]
        whole = [[repr(value.item()) for value in axis] if axis is not None else [""] * z.size for axis in axes]
        form = "{2}" if x is None and y is None else "{0};{1};{2}"
        datums = "".join(f"<Datum>{form.format(*datum)}</Datum>\n" for datum in zip(*whole, strict=True))
        points = f"<DataList>{datums}</DataList>"
    else:
        points = _link(entries)
    layers = z.shape[0] if z.ndim == 3 else 1
    dimension = f"<SizeX>{z.shape[-1]}</SizeX><SizeY>{z.shape[-2]}</SizeY><SizeZ>{layers}</SizeZ>"
    given.setdefault("dimension", f"<MatrixDimension>{dimension}</MatrixDimension>")
    given.setdefault("points", points)
    edited = edit_xml(TEMPLATE.format(**given))
    xml = edited if isinstance(edited, bytes) else edited.encode()
    entries = {"main.xml": xml} | entries | {"md5checksum.hex": f"{_md5(xml)} *main.xml\n".encode()}
    return zip_bytes(edit_entries(entries))


def _link(entries: dict[str, bytes]) -> str:
    valid = ""
    if "bindata/valid.bin" in entries:
        md5 = _md5(entries["bindata/valid.bin"])
        valid = "<ValidPointsLink>bindata/valid.bin</ValidPointsLink>"
        valid += f"<MD5ChecksumValidPoints>{md5}</MD5ChecksumValidPoints>"
    md5 = _md5(entries["bindata/data.bin"])
    return (
        f"<DataLink><PointDataLink>bindata/data.bin</PointDataLink><MD5ChecksumPointData>{md5}</MD5ChecksumPointData>"
        f"{valid}</DataLink>"
    )


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
