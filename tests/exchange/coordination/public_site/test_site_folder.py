"""A site is replaced whole, nothing else is ever lost by it, and whoever serves it can read it."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from pathlib import Path

import pytest

from exchange.coordination.public_site.site_folder import SITE_LIST, check_site_folder, replace_site
from exchange.errors import Conflict, InvalidInput

FIRST = {"index.html": b"<p>first", "en/index.html": b"<p>en", "files/2026H1/RS.json": b"{}"}
SECOND = {"index.html": b"<p>second", "sq/index.html": b"<p>sq"}


def held(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found.pop(SITE_LIST)
    return found


def test_a_later_site_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    site = tmp_path / "www" / "site"
    replace_site(site, FIRST)
    assert held(site) == FIRST
    listed = (site / SITE_LIST).read_bytes()
    replace_site(site, FIRST)
    assert (site / SITE_LIST).read_bytes() == listed
    replace_site(site, SECOND)
    assert held(site) == SECOND, "no page of the earlier site is left"
    assert [path.name for path in site.parent.iterdir()] == ["site"], "nothing is left beside it"


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    replace_site(tmp_path / "site", FIRST)
    assert held(tmp_path / "site") == FIRST


def test_whoever_serves_it_can_read_it(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        replace_site(tmp_path / "site", FIRST)
    finally:
        os.umask(before)
    for path in (tmp_path / "site", *(tmp_path / "site").rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644), path


@pytest.mark.parametrize("spoil", ["more", "changed", "link", "no list", "no site", "broken list", "listed twice"])
def test_what_is_no_earlier_site_stays(tmp_path: Path, spoil: str) -> None:
    site = tmp_path / "site"
    replace_site(site, FIRST)
    match spoil:
        case "more":
            (site / "en" / "mine.txt").write_text("mine")
        case "changed":
            (site / "en" / "index.html").write_text("changed by hand")
        case "link":
            (site / "en" / "index.html").unlink()
            (site / "en" / "index.html").symlink_to(tmp_path / "elsewhere")
        case "no list":
            (site / SITE_LIST).unlink()
        case "no site":
            (site / SITE_LIST).write_text('{"format": "ffp-public-site/2", "files": {}}')
        case "broken list":
            (site / SITE_LIST).write_bytes(b"\xff{")
        case "listed twice":
            (site / SITE_LIST).write_text('{"format": "ffp-public-site/1", "files": {}, "files": {}}')
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    with pytest.raises(InvalidInput) as refused:
        replace_site(site, SECOND)
    assert refused.value.code == "other-files"
    assert {path: path.read_bytes() for path in site.rglob("*") if path.is_file()} == before


def test_neither_a_link_nor_a_file_is_a_site(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "site").symlink_to(tmp_path / "real")
    (tmp_path / "file").write_text("mine")
    for name in ("site", "file"):
        with pytest.raises(InvalidInput):
            replace_site(tmp_path / name, FIRST)
        with pytest.raises(InvalidInput):
            check_site_folder(tmp_path / name)
    assert (tmp_path / "file").read_text() == "mine"
    assert not any((tmp_path / "real").iterdir())


def test_a_run_that_was_cut_off_is_put_right(tmp_path: Path) -> None:
    """At each of its steps: while it writes, between the renames, before the earlier site is removed."""
    site, new, before = tmp_path / "site", tmp_path / ".site.new", tmp_path / ".site.before"
    replace_site(site, FIRST)
    new.mkdir()
    (new / "half").write_text("half")
    replace_site(site, SECOND)
    assert held(site) == SECOND
    site.rename(before)
    replace_site(site, FIRST)
    assert held(site) == FIRST
    before.mkdir()
    (before / "index.html").write_text("of before")
    replace_site(site, SECOND)
    assert held(site) == SECOND
    assert sorted(path.name for path in tmp_path.iterdir()) == ["site"]


def test_a_site_that_cannot_be_written_leaves_the_earlier_one(tmp_path: Path) -> None:
    site = tmp_path / "site"
    replace_site(site, FIRST)
    with pytest.raises(OSError, match=r"too long"):
        replace_site(site, {"x" * 300: b"no such name is possible"})
    assert held(site) == FIRST
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_two_runs_do_not_write_one_site(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(Conflict) as refused:
            replace_site(tmp_path / "site", FIRST)
    finally:
        os.close(descriptor)
    assert refused.value.code == "site-busy"
    replace_site(tmp_path / "site", FIRST)
    assert json.loads((tmp_path / "site" / SITE_LIST).read_bytes())["format"] == "ffp-public-site/1"
