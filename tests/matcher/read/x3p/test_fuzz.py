"""Whatever is done to a good file, reading it gives a canonical surface or a reason, and nothing else."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import matcher.read.x3p
from matcher.errors import ScanRefused
from matcher.numeric.size_limits import DEFAULT_LIMITS
from matcher.read.x3p import read_x3p

LIMITS = replace(DEFAULT_LIMITS, file_bytes=100_000, xml_bytes=100_000, data_bytes=1_000_000, points=100_000)
HOSTILE = [
    "",
    "0",
    "-1",
    "1",
    "12",
    "13",
    "1e999",
    "-1e-999",
    "nan",
    "99999999999",
    "../x",
    "A",
    "I",
    "PCL",
    "é",
    "]]>",
]

Draw = Callable[[st.SearchStrategy[Any]], Any]
REASONS = set(re.findall(r"\b[a-z0-9]+(?:-[a-z0-9]+)*", (matcher.read.x3p.__doc__ or "").partition("the file")[2]))

BUILDS: dict[str, Callable[..., bytes]] = {
    "float64": lambda build: build(),
    "int16 with valid points": lambda build: build(
        np.arange(108.0).reshape(9, 12) * 50, z_type="I", dz="2e-9", valid=np.arange(108).reshape(9, 12) % 7 > 0
    ),
    "text": lambda build: build(as_text=True),
    "absolute axes": lambda build: build(
        x=np.indices((9, 12))[1] * 3e-6, y=np.indices((9, 12))[0] * 3e-6, x_type="F", y_type="F"
    ),
    "cloud": lambda build: build(
        np.sin(np.arange(108.0))[None] * 1e-6,
        x=(np.arange(108) % 12)[None] * 3e-6,
        y=(np.arange(108) // 12)[None] * 3e-6,
        feature="PCL",
        dimension="<ListDimension>108</ListDimension>",
    ),
}


@pytest.fixture(scope="module")
def seeds(build_x3p: Callable[..., bytes]) -> dict[str, bytes]:
    return {name: build(build_x3p) for name, build in BUILDS.items()}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "scan.x3p"


def flip_bytes(draw: Draw, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 6))):
        changed[draw(st.integers(0, len(content) - 1))] = draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF, 0x50]))
    return bytes(changed)


def cut(draw: Draw, content: bytes) -> bytes:
    start, end = sorted(draw(st.tuples(st.integers(0, len(content)), st.integers(0, len(content)))))
    return content[:start] + content[end:]


def edit_fields(draw: Draw, content: bytes) -> bytes:
    """Changes texts and tags of main.xml and repacks it without its checksum, so that the edit is what is read."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist() if name != "md5checksum.hex"}
    xml = entries["main.xml"].decode()
    for _ in range(draw(st.integers(1, 3))):
        places = list(re.finditer(r"(?<=>)[^<>\s]+(?=<)|</?[A-Za-z0-9]+/?>", xml))
        place = places[draw(st.integers(0, len(places) - 1))]
        xml = xml[: place.start()] + draw(st.sampled_from(HOSTILE)) + xml[place.end() :]
    return repacked(entries | {"main.xml": xml.encode()})


def edit_data(draw: Draw, content: bytes) -> bytes:
    """Changes the points under a header that no longer states their checksum."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist() if name != "md5checksum.hex"}
    entries["main.xml"] = re.sub(rb"<(MD5\w+)>\w+</\1>", b"", entries["main.xml"])
    name = draw(st.sampled_from(sorted(entries)))
    return repacked(entries | {name: flip_bytes(draw, entries[name])})


def repacked(entries: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


def damaged(data: st.DataObject, seeds: dict[str, bytes]) -> bytes:
    seed = data.draw(st.sampled_from(sorted(seeds)))
    how = data.draw(st.sampled_from([flip_bytes, cut, edit_fields, edit_data]))
    return how(data.draw, seeds[seed])


def read_or_refuse(content: bytes, scratch: Path) -> str:
    """The reason of the refusal; empty when a canonical surface came out."""
    scratch.write_bytes(content)
    try:
        read = read_x3p(scratch, LIMITS)
    except ScanRefused as refused:
        return refused.reason
    assert read.heights_um.dtype == np.float32
    assert read.heights_um.ndim == 2
    assert 4 <= read.heights_um.size <= LIMITS.points
    assert not read.heights_um.flags.writeable
    assert not np.isinf(read.heights_um).any()
    assert read.coverage > 0
    assert all(0.05 <= step <= 50 for step in read.spacing_um)
    return ""


SHARED = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}


@pytest.mark.slow
@settings(max_examples=300, derandomize=True, **SHARED)
@given(st.data())
def test_damaged_files(seeds: dict[str, bytes], scratch: Path, data: st.DataObject) -> None:
    assert read_or_refuse(damaged(data, seeds), scratch) in REASONS | {""}


@pytest.mark.slow
@settings(max_examples=3000, derandomize=True, **SHARED)
@given(st.data())
def test_many_damaged_files(seeds: dict[str, bytes], scratch: Path, data: st.DataObject) -> None:
    assert read_or_refuse(damaged(data, seeds), scratch) in REASONS | {""}


def test_the_seeds_are_good(seeds: dict[str, bytes], scratch: Path) -> None:
    assert {name: read_or_refuse(content, scratch) for name, content in seeds.items()} == dict.fromkeys(BUILDS, "")
