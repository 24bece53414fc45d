"""Dealing scans out: seeded, across borders, nothing lost, bad folders refused in words."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from exchange.demo.deal import JURISDICTIONS, deal_folder
from exchange.errors import InvalidInput


def _folder(folder: Path, firearms: dict[str, str], *, truth: bool = True) -> Path:
    for name in firearms:
        (folder / f"{name}.x3p").write_bytes(b"never read by the deal")
    if truth:
        rows = "".join(f"{name},{firearm}\n" for name, firearm in firearms.items())
        (folder / "truth.csv").write_text("scan,firearm\n" + rows)
    return folder


FIREARMS = {f"scan {firearm}-{shot}": str(firearm) for firearm in range(8) for shot in range(3)}


def test_every_scan_is_dealt_once_and_most_firearms_cross_a_border(tmp_path: Path) -> None:
    dealt = deal_folder(_folder(tmp_path, FIREARMS), seed=1)
    assert sorted(scan.name for scan in dealt) == sorted(FIREARMS)
    assert len({scan.case_reference for scan in dealt}) == len(dealt)
    assert {scan.jurisdiction for scan in dealt} == set(JURISDICTIONS)
    seen = defaultdict(set)
    for scan in dealt:
        assert scan.firearm == FIREARMS[scan.name]
        seen[scan.firearm].add(scan.jurisdiction)
    assert sum(len(where) > 1 for where in seen.values()) >= 4


def test_the_same_seed_deals_the_same_and_another_deals_otherwise(tmp_path: Path) -> None:
    folder = _folder(tmp_path, FIREARMS)
    assert deal_folder(folder, seed=5) == deal_folder(folder, seed=5)
    assert deal_folder(folder, seed=5) != deal_folder(folder, seed=6)


def test_without_truth_nothing_is_claimed(tmp_path: Path) -> None:
    dealt = deal_folder(_folder(tmp_path, FIREARMS, truth=False), seed=1)
    assert {scan.firearm for scan in dealt} == {None}
    assert {scan.jurisdiction for scan in dealt} == set(JURISDICTIONS)


def test_unfit_folders_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="0 x3p files"):
        deal_folder(tmp_path, seed=1)
    with pytest.raises(InvalidInput, match="0 x3p files"):
        deal_folder(tmp_path / "not there", seed=1)
    folder = _folder(tmp_path, FIREARMS)
    (folder / "truth.csv").write_text("name,gun\na,1\n")
    with pytest.raises(InvalidInput, match="columns scan and firearm"):
        deal_folder(folder, seed=1)
    (folder / "truth.csv").write_text("scan,firearm\nsomething else,1\n")
    with pytest.raises(InvalidInput, match="names none of the scans"):
        deal_folder(folder, seed=1)
