"""main.xml of an x3p file (ISO 5436-2:2012 and ISO 25178-72:2017, schema ISO5436_2.xsd) as a typed header.

Written for what instruments really emit: any namespace or none, children in any order, empty elements for
absent ones. What bears on the heights is read strictly; all else is ignored.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from matcher.errors import ScanRefused
from matcher.numeric.size_limits import Limits
from matcher.read.origin import Origin, stated, stated_time
from matcher.read.x3p.markup import ADVICE, Markup, read_markup

_AXES = "Record1/Axes"
_ROTATION = tuple(f"{_AXES}/Rotation/r{row}{column}" for row in (1, 2, 3) for column in (1, 2, 3))
_LINK = "Record3/DataLink"
_SIZES = tuple(f"Record3/MatrixDimension/Size{axis}" for axis in "XYZ")
_WANTED = frozenset(
    {
        "Record1/FeatureType",
        *(f"{_AXES}/C{axis}/{field}" for axis in "XYZ" for field in ("AxisType", "DataType", "Increment", "Offset")),
        *_ROTATION,
        *_SIZES,
        "Record3/ListDimension",
        f"{_LINK}/PointDataLink",
        f"{_LINK}/MD5ChecksumPointData",
        f"{_LINK}/ValidPointsLink",
        f"{_LINK}/MD5ChecksumValidPoints",
        "Record4/ChecksumFile",
    }
)
_MADE = "Record2"
_INSTRUMENT = f"{_MADE}/Instrument"
_TOLD = frozenset(
    {
        *(f"{_MADE}/{field}" for field in ("Date", "CalibrationDate", "Creator", "Comment")),
        *(f"{_INSTRUMENT}/{field}" for field in ("Manufacturer", "Model", "Serial", "Version")),
    }
)
_DATA_TYPES: dict[str, np.dtype[np.generic]] = {
    "I": np.dtype(np.int16).newbyteorder("<"),
    "L": np.dtype(np.int32).newbyteorder("<"),
    "F": np.dtype(np.float32).newbyteorder("<"),
    "D": np.dtype(np.float64).newbyteorder("<"),
}


class Feature(Enum):
    """How the points of an area are given: as a matrix over x and y, or as a list in any order."""

    SURFACE = "SUR"
    POINT_CLOUD = "PCL"


@dataclass(frozen=True)
class Axis:
    """One axis. Absolute: each point carries its coordinate. Incremental: it follows from the point's index.

    ``increment`` is in metres for an incremental axis, metres per count for integers; None when left empty.
    """

    absolute: bool
    dtype: np.dtype[np.generic]
    increment: float | None


@dataclass(frozen=True)
class DataLink:
    """Where the points are in the archive, and the MD5 of what is there (None: not stated)."""

    points: str
    points_md5: str | None
    valid: str | None
    valid_md5: str | None


@dataclass(frozen=True)
class Datums:
    """Points written into main.xml itself: float64, shape (n,), in file order; NaN where a datum is empty.

    ``x`` and ``y`` are None when every datum is a height alone.
    """

    x: NDArray[np.float64] | None
    y: NDArray[np.float64] | None
    z: NDArray[np.float64]


@dataclass(frozen=True)
class Header:
    """What main.xml says, checked for range but not yet against the data.

    ``shape`` is (layers, rows, columns) of a matrix; a list has one layer and one row. ``points`` says where
    the points are. ``rotation`` is the placement in space, row by row, None when absent. ``origin`` bears on no
    height.
    """

    feature: Feature
    x: Axis
    y: Axis
    z: Axis
    shape: tuple[int, int, int]
    points: DataLink | Datums
    rotation: NDArray[np.float64] | None
    origin: Origin
    checksum_file: str | None


def parse_document(xml: bytes, limits: Limits) -> Header:
    """main.xml as a header, with its points when they are written as text.

    Raises ScanRefused: "main-xml-invalid", "dtd-forbidden", "feature-type-unknown", "profile-not-surface",
    "dimensions-out-of-range", "data-missing".
    """
    markup = read_markup(xml, _WANTED, limits, told=_TOLD)
    texts = markup.texts
    feature = _feature(texts)
    return Header(
        feature=feature,
        x=_axis(texts, "X"),
        y=_axis(texts, "Y"),
        z=_axis(texts, "Z"),
        shape=_shape(texts, feature, limits),
        points=_points(texts, markup),
        rotation=_rotation(texts),
        origin=_origin(texts),
        checksum_file=texts.get("Record4/ChecksumFile") or None,
    )


def _feature(texts: Mapping[str, str]) -> Feature:
    code = texts.get("Record1/FeatureType", "").upper()
    if code == "PRF":
        raise ScanRefused("profile-not-surface", "The file holds a profile: send the scan of the whole surface.")
    if code not in {feature.value for feature in Feature}:
        raise ScanRefused("feature-type-unknown", "main.xml states no feature type of SUR, PRF or PCL: " + ADVICE)
    return Feature(code)


def _axis(texts: Mapping[str, str], letter: str) -> Axis:
    prefix = f"{_AXES}/C{letter}"
    kind = texts.get(f"{prefix}/AxisType", "").upper()
    if kind not in {"A", "I"}:
        raise ScanRefused("main-xml-invalid", f"The type of axis C{letter} is neither A nor I: {ADVICE}")
    code = texts.get(f"{prefix}/DataType", "").upper()
    if code not in _DATA_TYPES:
        raise ScanRefused("main-xml-invalid", f"The data type of axis C{letter} is none of I, L, F, D: {ADVICE}")
    # the offset moves the whole surface, which changes no height above the median; read to refuse nonsense
    _number(texts, f"{prefix}/Offset")
    return Axis(kind == "A", _DATA_TYPES[code], _number(texts, f"{prefix}/Increment"))


def _number(texts: Mapping[str, str], path: str) -> float | None:
    text = texts.get(path, "")
    if not text:
        return None
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", text, re.ASCII):
        raise ScanRefused("main-xml-invalid", f"{path} in main.xml is not a number: {ADVICE}")
    return float(text)


def _count(texts: Mapping[str, str], path: str, *, empty: int | None = None) -> int:
    text = texts.get(path, "")
    if not text and empty is not None:
        return empty
    if not re.fullmatch(r"[+-]?\d+", text, re.ASCII):
        raise ScanRefused("main-xml-invalid", f"{path} in main.xml is not a whole number: {ADVICE}")
    # bounded: Python refuses to convert more than 4300 digits, and nine already exceed every limit
    return int(text) if len(text) <= 12 else 10**12


def _shape(texts: Mapping[str, str], feature: Feature, limits: Limits) -> tuple[int, int, int]:
    if feature is Feature.POINT_CLOUD:
        shape = (1, 1, _count(texts, "Record3/ListDimension"))
        sides_fit = shape[2] > 0
    else:
        columns, rows = _count(texts, _SIZES[0]), _count(texts, _SIZES[1])
        shape = (_count(texts, _SIZES[2], empty=1), rows, columns)
        sides_fit = all(0 < side <= limits.side_points for side in shape)
    if not sides_fit or math.prod(shape) > limits.points:
        raise ScanRefused(
            "dimensions-out-of-range",
            f"main.xml states {' x '.join(str(side) for side in shape[::-1])} points; sides from 1 to "
            f"{limits.side_points} and {limits.points} points in all are read.",
        )
    return shape


def _points(texts: Mapping[str, str], markup: Markup) -> DataLink | Datums:
    link = texts.get(f"{_LINK}/PointDataLink")
    if link is not None and markup.z:
        raise ScanRefused("main-xml-invalid", f"main.xml both links its points and lists them: {ADVICE}")
    if link is not None:
        return DataLink(
            points=link,
            points_md5=texts.get(f"{_LINK}/MD5ChecksumPointData") or None,
            valid=texts.get(f"{_LINK}/ValidPointsLink") or None,
            valid_md5=texts.get(f"{_LINK}/MD5ChecksumValidPoints") or None,
        )
    if not markup.z:
        raise ScanRefused("data-missing", f"main.xml neither links its points nor lists them: {ADVICE}")
    if len(markup.x) not in (0, len(markup.z)):
        raise ScanRefused("main-xml-invalid", f"Some datums of main.xml are z and others x;y;z: {ADVICE}")
    x, y = (np.frombuffer(column, np.float64) if column else None for column in (markup.x, markup.y))
    return Datums(x, y, np.frombuffer(markup.z, np.float64))


def _rotation(texts: Mapping[str, str]) -> NDArray[np.float64] | None:
    entries = [_number(texts, path) for path in _ROTATION]
    stated = [entry for entry in entries if entry is not None]
    if not stated:
        return None
    if len(stated) != len(entries):
        raise ScanRefused("main-xml-invalid", f"The rotation in main.xml is incomplete: {ADVICE}")
    return np.array(stated).reshape(3, 3)


def _origin(texts: Mapping[str, str]) -> Origin:
    measured, calibrated = (_time(texts, field) for field in ("Date", "CalibrationDate"))
    manufacturer, model, serial, version = (
        stated(texts.get(f"{_INSTRUMENT}/{field}")) for field in ("Manufacturer", "Model", "Serial", "Version")
    )
    creator, comment = (stated(texts.get(f"{_MADE}/{field}")) for field in ("Creator", "Comment"))
    return Origin(measured, calibrated, creator, manufacturer, model, serial, version, comment)


def _time(texts: Mapping[str, str], field: str) -> str | None:
    return stated_time(texts.get(f"{_MADE}/{field}"))
