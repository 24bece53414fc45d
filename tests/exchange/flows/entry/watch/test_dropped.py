"""A folder with more scans and sidecars than are looked at: none is seen without what belongs to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.flows.entry.watch import dropped
from exchange.flows.entry.watch.dropped import open_folder


def seen(folder: Path) -> tuple[list[str], bool]:
    with open_folder(folder) as opened:
        return list(opened.look()), opened.more


def drop(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"")


@pytest.mark.parametrize("most", range(4, 9))
def test_a_scan_is_never_seen_without_its_sidecar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(dropped, "MAX_LOOKED_AT", most)
    drop(tmp_path, *(f"{number}.json" for number in (3, 1, 4, 2)))  # all sidecars first, as some folders give them
    drop(tmp_path, *(f"{number}.x3p" for number in (4, 2, 3, 1)), "note.txt", "1 b.txt")
    names, more = seen(tmp_path)
    assert more == (most < 8)
    assert names == [f"{number}.{kind}" for number in range(1, most // 2 + 1) for kind in ("json", "x3p")]


def test_names_of_one_scan_stay_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dropped, "MAX_LOOKED_AT", 5)
    drop(tmp_path, "a.x3p", "a.json", "b.x3p", "b.X3P.json", "b.png", "b.png.csv", "c.x3p")
    assert seen(tmp_path) == (["a.json", "a.x3p"], True)
    monkeypatch.setattr(dropped, "MAX_LOOKED_AT", 7)
    assert len(seen(tmp_path)[0]) == 7
