"""``runuser -u ffp -- ffp doctor``, typed in root's home: the node's user cannot enter where it stands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exchange.cli import main


def test_worker_processes_begin_where_the_user_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    main._leave_a_closed_folder()
    assert Path.cwd() == tmp_path
    with monkeypatch.context() as closed:  # root, who may be the one that tests, may enter everywhere
        closed.setattr(os, "access", lambda path, mode: (path, mode) != (os.curdir, os.X_OK))
        main._leave_a_closed_folder()
    assert Path.cwd() == Path("/")
