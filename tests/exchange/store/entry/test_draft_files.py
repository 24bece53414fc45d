"""Files of drafts grow at their end alone, and are gone when nobody names them."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from exchange.errors import Conflict, NotFound, StoreFull
from exchange.store.entry.draft_files import DraftFiles

NAME, OTHER = "ab" * 16, "cd" * 16


@pytest.fixture
def files(tmp_path: Path) -> DraftFiles:
    return DraftFiles(tmp_path / "drafts", min_free_bytes=1)


def test_pieces_are_taken_where_the_file_ends(files: DraftFiles) -> None:
    assert files.size(NAME) == 0
    assert files.append(NAME, 0, b"abc", announced=5) == 3
    for offset in (0, 2, 4):
        with pytest.raises(Conflict):
            files.append(NAME, offset, b"d", announced=5)
    with pytest.raises(Conflict):
        files.append(NAME, 3, b"def", announced=5)
    assert files.append(NAME, 3, b"de", announced=5) == 5
    assert files.digest(NAME) == hashlib.sha256(b"abcde").hexdigest()


def test_two_who_send_the_same_piece_write_it_once(files: DraftFiles) -> None:
    refused = []

    def send() -> None:
        try:
            files.append(NAME, 0, b"x" * 1000, announced=5000)
        except Conflict:
            refused.append(1)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (files.size(NAME), len(refused)) == (1000, 7)
    assert not files._turns, "nobody waits any more"


def test_a_full_disk_takes_nothing(tmp_path: Path) -> None:
    full = DraftFiles(tmp_path / "drafts", min_free_bytes=2**60)
    with pytest.raises(StoreFull):
        full.append(NAME, 0, b"a", announced=1)
    assert full.size(NAME) == 0


def test_what_no_draft_names_is_swept(files: DraftFiles) -> None:
    for name in (NAME, OTHER):
        files.append(name, 0, b"a", announced=1)
        files.keep_preview(name, b"png")
    assert files.sweep({NAME}) == 1
    assert files.preview(NAME) == b"png"
    assert files.size(OTHER) == 0
    with pytest.raises(NotFound):
        files.preview(OTHER)
    with pytest.raises(NotFound):
        files.arrival(OTHER, 10)
