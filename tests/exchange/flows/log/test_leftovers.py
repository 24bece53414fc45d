"""What a dead process left is cleared away at the start, and nothing that another one is writing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from exchange.flows.log.leftovers import clear_leftovers
from exchange.flows.node.node import create_node, opened
from exchange.flows.scan.inspect import write_whole
from schemas.vocabulary import Jurisdiction


def test_what_a_worker_is_writing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "node"
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    with opened(home) as node:
        folder, name = node.settings.prepared, "ab" * 32
        with monkeypatch.context() as patch:  # as long as it is not whole
            patch.setattr(Path, "replace", lambda *_: None)
            write_whole(b"half", folder / name[:2] / f"{name}.heights", folder)
        [written] = folder.glob("*.part")
        ended = subprocess.run(
            [sys.executable, "-c", "import os; print(os.getpid())"], stdout=subprocess.PIPE, check=True
        )
        left = written.with_name(written.name.replace(str(os.getpid()), ended.stdout.decode().strip()))
        left.write_bytes(b"half")
        clear_leftovers(node)
        assert written.exists()
        assert not left.exists()
