"""Scans for the commands that need no node."""

from __future__ import annotations

from pathlib import Path

import pytest

from matcher import write_topography
from matcher.synthetic import breech_face


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shots of each of two drawn firearms, and which belong together."""
    return drawn_into(tmp_path_factory.mktemp("scans"), firearms=2)


def drawn_into(folder: Path, *, firearms: int) -> Path:
    rows = ["scan,firearm"]
    for firearm in range(firearms):
        for shot in range(2):
            write_topography(breech_face.draw(firearm, shot), folder / f"{firearm}-{shot}.x3p", instrument="synthetic")
            rows.append(f"{firearm}-{shot},{firearm}")
    (folder / "truth.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder
