"""The units of systemd: they verify, they let their processes do little, and their commands run as they stand."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import typer

from exchange.cli.main import app
from exchange.flows.node.node import create_node, opened
from exchange.flows.operate.egress import unit as egress_unit
from exchange.store.database.engine import Store
from exchange.store.log.statement_rows import latest_checkpoint
from schemas.vocabulary import Jurisdiction
from tests.deploy.tools import needed
from tests.exchange.running_nodes import free_port

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted(path.name for kind in ("service", "socket", "timer") for path in DEPLOY.glob(f"*.{kind}"))
SERVICES = [name for name in UNITS if name.endswith(".service")]
WATCHDOG = "ffp-database-watchdog.service"
FFP, PSQL = "/opt/ffp/venv/bin/ffp", "/usr/bin/psql"
MOST_EXPOSED = 15
"""In tenths, of systemd's 0 (nothing may be done) to 10: a service that needs the network has 1.4 at best."""
PASSPHRASE = "a passphrase of the unit's test"
START_S = 60
HANDS_OVER = ("bash", "-c", 'exec 3<&"$0"; exec env LISTEN_FDS=1 LISTEN_PID=$$ "$@"')
COMMANDS = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]  # of a group


@pytest.fixture(scope="module")
def analyze() -> Callable[..., str]:
    found = needed("systemd-analyze", "systemd")

    def run(*arguments: str | Path) -> str:
        done = subprocess.run([found, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.mark.parametrize("name", UNITS)
def test_a_page_says_how_each_unit_gets_to_its_place(name: str) -> None:
    """What is named in a step of `ffp doctor`, and was installed by no page, does not exist there."""
    pages = [DEPLOY / "README.md", DEPLOY.parent / "docs" / "watched-folder.md"]
    copied = [line for page in pages for line in re.findall(r"cp (/opt/ffp/source/deploy/.+)", page.read_text("utf-8"))]
    assert any(f"/opt/ffp/source/deploy/{name}" in line for line in copied)


def unit(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def command_of(name: str) -> list[str]:
    [line] = re.findall(r"^ExecStart=(.+)$", unit(name), re.MULTILINE)
    words = shlex.split(line)
    assert words[0] == FFP
    return words[1:]


def test_there_are_the_units_that_the_page_names() -> None:
    assert UNITS == [
        "ffp-backup.service",
        "ffp-backup.timer",
        WATCHDOG,
        "ffp-restore-drill.service",
        "ffp-restore-drill.timer",
        "ffp-watch@.service",
        "ffp-worker.service",
        "ffp.service",
        "ffp.socket",
    ]


def test_systemd_finds_nothing_wrong(analyze: Callable[..., str], tmp_path: Path) -> None:
    """With a program that is there in place of ours: systemd looks whether it is."""
    for name in UNITS:
        there = unit(name).replace(FFP, sys.executable).replace(PSQL, sys.executable)
        (tmp_path / name).write_text(there, encoding="utf-8")
    assert analyze("verify", "--man=no", *(tmp_path / name for name in UNITS)) == ""


@pytest.mark.parametrize("name", ["ffp.service", "ffp-worker.service"])
def test_systemd_takes_the_list_of_where_a_node_connects_to(
    analyze: Callable[..., str], tmp_path: Path, name: str
) -> None:
    create_node(tmp_path / "node", jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    with opened(tmp_path / "node") as node:
        node.egress.book.confirm("mail.example", ["198.51.100.0/24", "2001:db8::7"], why="a test", by_hand=True)
        drop_in = egress_unit(node)
    assert "IPAddressDeny=any\nIPAddressAllow=localhost\n" in drop_in
    assert "IPAddressAllow=198.51.100.0/24\n" in drop_in
    assert "IPAddressAllow=2001:db8::7/128\n" in drop_in
    (tmp_path / name).write_text(unit(name).replace(FFP, sys.executable), encoding="utf-8")
    (tmp_path / f"{name}.d").mkdir()
    (tmp_path / f"{name}.d" / "egress.conf").write_text(drop_in, encoding="utf-8")
    assert analyze("verify", "--man=no", tmp_path / name) == ""


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_little(analyze: Callable[..., str], name: str) -> None:
    analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", DEPLOY / name)


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_come_as_credentials_and_memory_is_bounded(name: str) -> None:
    assert ("ImportCredential=ffp_node_*" in unit(name)) == (name != WATCHDOG), "the watchdog has no secret"
    assert re.search(r"^MemoryMax=\S+$", unit(name), re.MULTILINE)
    assert not re.search(r"^Environment=.*(PASS|SECRET|URL)", unit(name), re.MULTILINE)


@pytest.mark.slow
def test_the_node_is_served_as_the_unit_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its keys encrypted, the passphrase where systemd puts it, in the environment nothing but what the unit has."""
    home, port = tmp_path / "node", free_port()
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", PASSPHRASE)
    create_node(home, jurisdiction=Jurisdiction.RS, url=f"http://127.0.0.1:{port}", port=port)
    with started("ffp.service", home, tmp_path) as (process, log):
        wait_ready(f"http://127.0.0.1:{port}/readyz", process, log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0, log.read_text()
    assert PASSPHRASE not in log.read_text()


@pytest.mark.slow
def test_systemd_hears_what_the_unit_has_it_wait_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the node and of its worker, over a socket such as systemd's: ready, alive, replaced, stopping."""
    home, port = tmp_path / "node", free_port()
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", PASSPHRASE)
    create_node(home, jurisdiction=Jurisdiction.RS, url=f"http://127.0.0.1:{port}", port=port)
    for name, watched in (("ffp.service", True), ("ffp-worker.service", False)):
        assert re.search(r"^Type=notify$", unit(name), re.MULTILINE)
        assert bool(re.search(r"^WatchdogSec=60$", unit(name), re.MULTILINE)) is watched
    with Manager(tmp_path / "notify") as manager:
        variables = {"NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": "600000"}
        with started("ffp.service", home, tmp_path, **variables) as (process, log):
            heard = manager.until("READY=1", log)
            assert httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200
            assert not any("STOPPING=1" in message for message in heard)
            manager.until("WATCHDOG=1", log)
            process.send_signal(signal.SIGHUP)
            [told] = [message for message in manager.until("RELOADING=1", log) if "RELOADING=1" in message]
            assert re.search(r"^MONOTONIC_USEC=\d+$", told, re.MULTILINE)
            manager.until("READY=1", log)
            process.send_signal(signal.SIGSTOP)
            manager.silent_for(1.5)  # what a watchdog of 0.6 s takes for dead
            process.send_signal(signal.SIGCONT)
            manager.until("WATCHDOG=1", log)
            process.send_signal(signal.SIGTERM)
            manager.until("STOPPING=1", log)
            assert process.wait(timeout=60) == 0, log.read_text()
        shutil.rmtree(tmp_path / "credentials")
        with started("ffp-worker.service", home, tmp_path, NOTIFY_SOCKET=str(manager.path)) as (process, log):
            manager.until("READY=1", log)
            process.send_signal(signal.SIGTERM)
            manager.until("STOPPING=1", log)
            assert process.wait(timeout=60) == 0, log.read_text()


@pytest.mark.slow
def test_a_port_that_systemd_holds_refuses_nobody_while_the_node_is_started_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ffp.socket hands it over. Who connects while no node runs is answered by the next one."""
    home = tmp_path / "node"
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", PASSPHRASE)
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        create_node(home, jurisdiction=Jurisdiction.RS, url=f"http://127.0.0.1:{port}", port=port)
        for _ in range(2):
            with (
                ThreadPoolExecutor(1) as asking,
                started("ffp.service", home, tmp_path, handed_over=held) as (process, log),
            ):
                answer = asking.submit(httpx.get, f"http://127.0.0.1:{port}/v1/node", trust_env=False, timeout=60)
                assert answer.result().status_code == 200, log.read_text()
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=60) == 0, log.read_text()
            shutil.rmtree(tmp_path / "credentials")


class Manager:
    """The socket on which a service manager listens."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def __enter__(self) -> Manager:
        self._socket.bind(str(self.path))
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def until(self, line: str, log: Path) -> list[str]:
        """All messages up to the one with this line."""
        heard: list[str] = []
        self._socket.settimeout(START_S)
        while not heard or line not in heard[-1].splitlines():
            try:
                heard.append(self._socket.recv(4096).decode())
            except TimeoutError:
                pytest.fail(f"{line} was never told, but {heard}: {log.read_text()}")
        return heard

    def silent_for(self, seconds: float) -> None:
        """Nothing is told any more, but for what was on its way."""
        time.sleep(0.3)
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(4096)
        self._socket.settimeout(seconds)
        with pytest.raises(TimeoutError):
            self._socket.recv(4096)


@pytest.mark.slow
@pytest.mark.skipif(
    "worker" not in COMMANDS, reason="this software has no ffp worker: ffp-worker.service WAS NOT TRIED"
)
def test_work_is_done_as_the_unit_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "node"
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", PASSPHRASE)
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    store = Store(home / "node.db")
    with started("ffp-worker.service", home, tmp_path) as (process, log):
        deadline = time.monotonic() + START_S
        while not _signed(store):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0, log.read_text()
    store.close()


def _signed(store: Store) -> bool:
    """Whether the worker has signed the head of the log."""
    with store.read() as session:
        return latest_checkpoint(session) is not None


@pytest.mark.slow
@pytest.mark.skipif(
    "backup" not in COMMANDS, reason="this software has no ffp backup: ffp-backup.service WAS NOT TRIED"
)
def test_a_backup_is_made_as_the_unit_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, folder = tmp_path / "node", tmp_path / "backups"
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", PASSPHRASE)
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    folder.mkdir(mode=0o700)
    with started("ffp-backup.service", home, tmp_path) as (process, log):
        assert process.wait(timeout=60) == 0, log.read_text()
    assert list(folder.rglob("manifest.json"))
    for _ in range(2):  # each finds that the one before left nothing
        with started("ffp-restore-drill.service", home, tmp_path) as (process, log):
            assert process.wait(timeout=60) == 0, log.read_text()
        assert "All is what was signed" in log.read_text()
        assert list(home.glob("restore-drill-*")) == []


def test_what_is_restored_in_a_drill_reaches_nobody() -> None:
    assert "\nIPAddressDeny=any\nIPAddressAllow=localhost\n" in unit("ffp-restore-drill.service")
    assert "ReadWritePaths" not in re.sub(r"^#.*$", "", unit("ffp-restore-drill.service"), flags=re.MULTILINE)


@contextmanager
def started(
    name: str, home: Path, folder: Path, *, handed_over: socket.socket | None = None, **variables: str
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The process of a unit, for a node at ``home`` and backups in ``folder / "backups"``; with its log. A socket is
    ``handed_over`` as descriptor 3; whose process it is meant for, its shell says, which it replaces."""
    credentials, log = folder / "credentials", folder / "log"
    credentials.mkdir(mode=0o700, exist_ok=True)
    (credentials / "ffp_node_key_passphrase").write_text(PASSPHRASE, encoding="utf-8")
    [environment] = re.findall(r"^Environment=(\w+)=/var/lib/ffp$", unit(name), re.MULTILINE)
    with log.open("wb") as told:
        process = subprocess.Popen(
            [
                *((*HANDS_OVER, str(handed_over.fileno())) if handed_over is not None else ()),
                *(sys.executable, "-m", "exchange.cli.main"),
                *(word.replace("/var/backups/ffp", str(folder / "backups")) for word in command_of(name)),
            ],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(DEPLOY.parent),
                "CREDENTIALS_DIRECTORY": str(credentials),
                environment: str(home),
                **variables,
            },
            pass_fds=(handed_over.fileno(),) if handed_over is not None else (),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
        )
    try:
        yield process, log
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


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
