"""A scan is made ready on a disk that takes no small picture: it is compared nevertheless, and nothing half stays."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from exchange.flows.scan.encode_heights import MOST_DRAWN, ShownHeights, encoded_heights
from exchange.flows.scan.inspect import Appearance, PicturePaths, ThumbnailSize, prepare_scan, write_whole
from exchange.flows.scan.scan_thumbnail import _Drawn, draw_thumbnails
from matcher import DEFAULT_PARAMETERS, write_topography
from matcher.synthetic import breech_face

NO_DISK = dict.fromkeys(ThumbnailSize, Path("/dev/full/mark.webp"))
"""Nothing can be put there."""


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scan") / "1-1.x3p"
    write_topography(breech_face.draw(1, 1), path)
    return path


@pytest.mark.slow
def test_a_picture_that_cannot_be_kept_keeps_no_scan_from_being_compared(scan: Path, tmp_path: Path) -> None:
    target = tmp_path / "prepared" / "mark"
    done = prepare_scan(Appearance(scan, DEFAULT_PARAMETERS), target, tmp_path, PicturePaths(NO_DISK))
    assert done.not_usable is None
    assert done.not_pictured is not None
    assert done.extent is not None
    assert target.is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["prepared"]


@pytest.mark.slow
def test_pictures_and_heights_are_made_while_the_scan_is_in_the_memory(scan: Path, tmp_path: Path) -> None:
    folder = tmp_path / "prepared"
    kept = PicturePaths({size: folder / size for size in ThumbnailSize}, folder / "heights")
    done = prepare_scan(Appearance(scan, DEFAULT_PARAMETERS), folder / "mark", tmp_path, kept)
    assert (done.not_usable, done.not_pictured) == (None, None)
    small, large = (path.read_bytes() for path in kept.thumbnails.values())
    assert small[8:12] == large[8:12] == b"WEBP"
    assert len(small) < len(large)
    asked = ShownHeights(scan, "ab" * 32, MOST_DRAWN, False, None, DEFAULT_PARAMETERS.digest)
    assert (folder / "heights").read_bytes() == encoded_heights(asked), "the same bytes, whoever makes them"


@pytest.mark.slow
def test_a_picture_that_cannot_be_kept_is_seen_nevertheless(scan: Path, tmp_path: Path) -> None:
    drawn = _Drawn(scan, photograph=False, pipeline=DEFAULT_PARAMETERS, region=None)
    pictures = draw_thumbnails(drawn, NO_DISK, tmp_path)
    assert [picture[8:12] for picture in pictures.values()] == [b"WEBP", b"WEBP"]
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
