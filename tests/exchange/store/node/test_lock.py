"""One server a home."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from exchange.errors import ConfigurationError
from exchange.store.node.lock import serving, sole_server, working

HOLDS = """
import sys
from pathlib import Path
from exchange.store.node.lock import sole_server

with sole_server(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_home_is_held_by_one_process_and_free_when_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        with pytest.raises(ConfigurationError, match="another process"), sole_server(tmp_path):
            pass
        other.kill()
    for _ in range(2):
        with sole_server(tmp_path):
            assert (tmp_path / "serve.lock").exists()


def test_workers_share_a_home_which_a_server_may_hold_too_and_rest_keeps_all_out(tmp_path: Path) -> None:
    served = pytest.raises(ConfigurationError, match="served by another process")
    with serving(tmp_path), working(tmp_path), working(tmp_path), served, sole_server(tmp_path):
        pass
    with working(tmp_path), pytest.raises(ConfigurationError, match="`ffp worker` works"), sole_server(tmp_path):
        pass
    with sole_server(tmp_path):
        with pytest.raises(ConfigurationError, match="must be at rest"), working(tmp_path):
            pass
        with pytest.raises(ConfigurationError, match="another process"), serving(tmp_path):
            pass
