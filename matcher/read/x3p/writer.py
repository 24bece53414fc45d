"""A topography as an x3p file: the plainest form of the standard, the same bytes for the same surface."""

from __future__ import annotations

import hashlib
import html
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np

from matcher.read.topography import Topography
from matcher.read.x3p.units import UM_PER_M

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
"""The zip format's zero: a clock in the file would make its SHA-256 differ from run to run."""
_UNKNOWN = "unknown"

_MAIN_XML = """<?xml version="1.0" encoding="UTF-8"?>
<p:ISO5436_2 xmlns:p="http://www.opengps.eu/2008/ISO5436_2">
  <Record1>
    <Revision>ISO5436 - 2000</Revision>
    <FeatureType>SUR</FeatureType>
    <Axes>
      <CX><AxisType>I</AxisType><DataType>D</DataType><Increment>{dx!r}</Increment><Offset>0</Offset></CX>
      <CY><AxisType>I</AxisType><DataType>D</DataType><Increment>{dy!r}</Increment><Offset>0</Offset></CY>
      <CZ><AxisType>A</AxisType><DataType>D</DataType><Increment>1</Increment><Offset>0</Offset></CZ>
    </Axes>
  </Record1>
  <Record2>
    <Date>{measured}</Date>
    <Creator>{creator}</Creator>
    <Instrument>
      <Manufacturer>{manufacturer}</Manufacturer>
      <Model>{model}</Model>
      <Serial>{serial}</Serial>
      <Version>{version}</Version>
    </Instrument>
    <CalibrationDate>{calibrated}</CalibrationDate>
    <ProbingSystem><Type>NonContacting</Type><Identification>unknown</Identification></ProbingSystem>{comment}
  </Record2>
  <Record3>
    <MatrixDimension><SizeX>{columns}</SizeX><SizeY>{rows}</SizeY><SizeZ>1</SizeZ></MatrixDimension>
    <DataLink>
      <PointDataLink>bindata/data.bin</PointDataLink>
      <MD5ChecksumPointData>{md5}</MD5ChecksumPointData>
    </DataLink>
  </Record3>
  <Record4>
    <ChecksumFile>md5checksum.hex</ChecksumFile>
  </Record4>
</p:ISO5436_2>
"""


def write_topography(
    topography: Topography, path: Path, *, instrument: str | None = None, creator: str | None = None
) -> None:
    """Writes an x3p that ``read_x3p`` reads back as the same surface (about its median): metres,
    float64, NaN for missing.

    The form is that of ISO 5436-2:2012 with the namespace of 2008, which every reader knows. Two calls with
    the same arguments write the same bytes.

    Dates, creator, instrument and comment are those of ``topography.origin``. The standard has no word for a date that
    is not known: its element stays empty, as other programs leave it, and none is made up. ``instrument`` (maker, then
    model, divided by the first space) and ``creator`` replace what the topography says. Raises OSError when the file
    cannot be written.
    """
    origin = topography.origin
    if instrument is not None:
        manufacturer, _, model = instrument.partition(" ")
        origin = replace(origin, manufacturer=manufacturer, model=model)
    if creator is not None:
        origin = replace(origin, creator=creator)
    heights_m = topography.heights_um.astype("<f8") / UM_PER_M
    data = np.where(np.isnan(heights_m), np.nan, heights_m).tobytes()
    rows, columns = topography.heights_um.shape
    dy, dx = (float(step) / UM_PER_M for step in topography.spacing_um)
    xml = _MAIN_XML.format(
        dx=dx,
        dy=dy,
        measured=origin.measured or "",
        calibrated=origin.calibrated or "",
        creator=_words(origin.creator),
        manufacturer=_words(origin.manufacturer),
        model=_words(origin.model),
        serial=_words(origin.serial),
        version=_words(origin.version),
        comment="" if origin.comment is None else f"\n    <Comment>{_words(origin.comment)}</Comment>",
        columns=columns,
        rows=rows,
        md5=_md5(data),
    ).encode()
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in (
            ("main.xml", xml),
            ("bindata/data.bin", data),
            ("md5checksum.hex", f"{_md5(xml)} *main.xml\n".encode()),
        ):
            file.writestr(zipfile.ZipInfo(name, _ZIP_DATE), content, zipfile.ZIP_DEFLATED)
    path.write_bytes(archive.getvalue())


def _words(text: str | None) -> str:
    return html.escape(_UNKNOWN if text is None else text, quote=False)


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
