"""The units of systemd: they verify, they let their processes do little, and their commands run as they stand."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from exchange.flows.node import create_node
from schemas.vocabulary import Jurisdiction
from tests.deploy.tools import needed
from tests.exchange.conftest import free_port

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted(path.name for path in (*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")))
SERVICES = [name for name in UNITS if name.endswith(".service")]
FFP = "/opt/ffp/venv/bin/ffp"
MOST_EXPOSED = 15
"""In tenths, of systemd's 0 (nothing may be done) to 10: a service that needs the network has 1.4 at best."""
PASSPHRASE = "a passphrase of the unit's test"
START_S = 60


@pytest.fixture(scope="module")
def analyze() -> Callable[..., str]:
    found = needed("systemd-analyze", "systemd")

    def run(*arguments: str | Path) -> str:
        done = subprocess.run([found, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def unit(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def command_of(name: str) -> list[str]:
    [line] = re.findall(r"^ExecStart=(.+)$", unit(name), re.MULTILINE)
    words = shlex.split(line)
    assert words[0] == FFP
    return words[1:]


def test_there_are_the_units_that_the_page_names() -> None:
    assert UNITS == ["ffp-backup.service", "ffp-backup.timer", "ffp-worker.service", "ffp.service"]


def test_systemd_finds_nothing_wrong(analyze: Callable[..., str], tmp_path: Path) -> None:
    """With a program that is there in place of ours: systemd looks whether it is."""
    for name in UNITS:
        (tmp_path / name).write_text(unit(name).replace(FFP, sys.executable), encoding="utf-8")
    assert analyze("verify", "--man=no", *(tmp_path / name for name in UNITS)) == ""


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_little(analyze: Callable[..., str], name: str) -> None:
    analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", DEPLOY / name)


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_come_as_credentials_and_memory_is_bounded(name: str) -> None:
    assert "ImportCredential=ffp_node_*" in unit(name)
    assert re.search(r"^MemoryMax=\S+$", unit(name), re.MULTILINE)
    assert not re.search(r"^Environment=.*(PASS|SECRET|URL)", unit(name), re.MULTILINE)


@pytest.mark.slow
def test_the_node_is_served_as_the_unit_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its keys encrypted, the passphrase where systemd puts it, in the environment nothing but what the unit has."""
    home, port = tmp_path / "node", free_port()
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", PASSPHRASE)
    create_node(home, jurisdiction=Jurisdiction.RS, url=f"http://127.0.0.1:{port}", port=port)
    credentials = tmp_path / "credentials"
    credentials.mkdir(mode=0o700)
    (credentials / "ffp_node_key_passphrase").write_text(PASSPHRASE, encoding="utf-8")
    [environment] = re.findall(r"^Environment=(\w+)=/var/lib/ffp$", unit("ffp.service"), re.MULTILINE)

    log = tmp_path / "log"
    with log.open("wb") as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "exchange.cli.main", *command_of("ffp.service")],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(DEPLOY.parent),
                "CREDENTIALS_DIRECTORY": str(credentials),
                environment: str(home),
            },
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
        )
    try:
        wait_ready(f"http://127.0.0.1:{port}/readyz", process, log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert PASSPHRASE not in log.read_text()


def wait_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            if httpx.get(url, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
