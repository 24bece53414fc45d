"""What becomes of a home that is half made."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.home import emptied_on_failure


def test_of_a_link_to_a_folder_the_link_alone_is_deleted(tmp_path: Path) -> None:
    elsewhere, home = tmp_path / "elsewhere", tmp_path / "home"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()

    def half_made() -> None:
        with emptied_on_failure(home):
            (home / "link").symlink_to(elsewhere)
            (home / "folder" / "deep").mkdir(parents=True)
            (home / "file").touch()
            raise RuntimeError("half made")

    with pytest.raises(RuntimeError, match="half made"):
        half_made()
    assert list(home.iterdir()) == []
    assert (elsewhere / "kept").exists()
