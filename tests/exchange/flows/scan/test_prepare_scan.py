"""A scan is made ready on a disk that takes no small picture: it is compared nevertheless, and nothing half stays."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from exchange.flows.scan.inspect import Appearance, prepare_scan, write_whole
from exchange.flows.scan.thumbnail import _Drawn, draw_thumbnail
from matcher import DEFAULT_PARAMETERS, write_topography
from matcher.synthetic import breech_face

NO_DISK = Path("/dev/full/mark.webp")
"""Nothing can be put there."""


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scan") / "1-1.x3p"
    write_topography(breech_face.draw(1, 1), path)
    return path


@pytest.mark.slow
def test_a_picture_that_cannot_be_kept_keeps_no_scan_from_being_compared(scan: Path, tmp_path: Path) -> None:
    target = tmp_path / "prepared" / "mark"
    done = prepare_scan(Appearance(scan, DEFAULT_PARAMETERS), target, tmp_path, NO_DISK)
    assert done.not_usable is None
    assert done.not_pictured is not None
    assert done.extent is not None
    assert target.is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["prepared"]
    kept = tmp_path / "prepared" / "mark.webp"
    assert prepare_scan(Appearance(scan, DEFAULT_PARAMETERS), target, tmp_path, kept).not_pictured is None
    assert kept.is_file()


@pytest.mark.slow
def test_a_picture_that_cannot_be_kept_is_seen_nevertheless(scan: Path, tmp_path: Path) -> None:
    picture = draw_thumbnail(
        _Drawn(scan, photograph=False, pipeline=DEFAULT_PARAMETERS, region=None), NO_DISK, tmp_path
    )
    assert picture[8:12] == b"WEBP"
    assert not list(tmp_path.iterdir())


def test_of_what_a_full_disk_does_not_take_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = Path.write_bytes

    def half(path: Path, content: bytes) -> int:
        written(path, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match="No space left"):
        write_whole(b"prepared", tmp_path / "ab" / "mark", tmp_path)
    assert not list(tmp_path.iterdir())
