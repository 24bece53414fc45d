"""Which process holds a lock, and which listens: this machine's own answers, about a process that is really there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.processes import listener_on, lock_holders, named
from tests.exchange.running_nodes import free_port

_HOLD = """
import fcntl, sys
with open(sys.argv[1], "w") as file:
    fcntl.flock(file, fcntl.LOCK_SH if sys.argv[2] == "shared" else fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["shared", "alone"])
def holder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, int]]:
    """A process that holds ``tmp_path / "lock"`` so, and its number."""
    program = [sys.executable, "-c", _HOLD, str(tmp_path / "lock"), request.param]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield request.param, process.pid
        process.kill()


def test_who_holds_a_lock(holder: tuple[str, int], tmp_path: Path) -> None:
    how, pid = holder
    assert lock_holders(tmp_path / "lock") == [pid]
    assert lock_holders(tmp_path / "lock", to_write=True) == ([pid] if how == "alone" else [])
    assert f"(process {pid})" in named(pid)
    assert lock_holders(tmp_path / "none") == []


def test_a_lock_that_is_free_or_this_processs_own(tmp_path: Path) -> None:
    import fcntl

    (tmp_path / "lock").touch()
    assert lock_holders(tmp_path / "lock") == []
    with (tmp_path / "lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert lock_holders(tmp_path / "lock") == []


def test_a_file_of_the_same_number_on_another_disk_is_another_one(
    holder: tuple[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os.path, "samestat", lambda one, other: False)
    assert lock_holders(tmp_path / "lock") == []


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_who_listens(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        assert listener_on(server.getsockname()[1]) == os.getpid()
    assert listener_on(free_port()) is None


def test_a_descriptor_that_was_closed_meanwhile_hides_no_listener(tmp_path: Path) -> None:
    """A process that looks at itself opens its list of descriptors under the lowest free number, lists that number too,
    and has closed it before it reads where each leads."""
    with (tmp_path / "lower").open("w") as lower, socket.create_server(("127.0.0.1", 0)) as server:
        assert lower.fileno() < server.fileno()
        lower.close()
        assert listener_on(server.getsockname()[1]) == os.getpid()
