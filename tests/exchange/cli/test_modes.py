"""What a node writes is its user's alone, whatever umask it was started under; what is public is for everybody."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from exchange.home import keep_private, private_folder, public_folder, write_private
from tests.exchange.running_nodes import free_port, metadata
from tests.exchange.served import FINAL, START_S, command
from tests.exchange.web.conftest import tiny_scan


@pytest.fixture
def open_to_all() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def ffp(*arguments: str | Path) -> str:
    """As an operator whose shell lets everybody read and write."""
    done = subprocess.run(command(*arguments), capture_output=True, text=True, check=False, timeout=120, umask=0)
    assert done.returncode == 0, done.stderr
    return done.stdout


def open_to_others(folder: Path) -> dict[str, str]:
    """What others may read or write of a folder, it among it."""
    found = {path: path.lstat().st_mode & 0o777 for path in (folder, *folder.rglob("*"))}
    return {str(path): oct(mode) for path, mode in found.items() if mode & 0o077}


@pytest.mark.slow
def test_whatever_a_node_writes_is_its_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, url = tmp_path / "var" / "node", f"http://127.0.0.1:{(port := free_port())}"
    ffp("init", "--home", home, "--jurisdiction", "RS", "--url", url, "--port", str(port))
    told = ffp("user", "add", "examiner", "--role", "examiner", "--home", home)
    token = next(word for word in told.split() if len(word) > 30 and "/" not in word)
    server = subprocess.Popen(
        command("serve", "--home", home), umask=0, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        statement = submitted(url, {"Authorization": f"Bearer {token}"})
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 0
    assert [file for folder in ("prepared", "galleries", "blobs") for file in (home / folder).iterdir()]
    kept = tmp_path / "kept"
    monkeypatch.setenv("FFP_NODE_BACKUP_PASSPHRASE", "a passphrase of a backup with keys")
    ffp("backup", kept / "backups", "--home", home, "--with-keys")
    ffp("export", statement, "--out", tmp_path / "bundle.json", "--home", home)
    (backup,) = (kept / "backups").glob("ffp-rs-*")
    ffp("restore", backup, "--home", tmp_path / "again" / "node")

    private = [home.parent, kept, tmp_path / "again", tmp_path / "bundle.json"]
    assert [open_to_others(folder) for folder in private] == [{}] * len(private)


def submitted(url: str, bearer: dict[str, str]) -> str:
    """Submit two scans and wait until they are compared; returns the first record."""
    names = []
    deadline = time.monotonic() + START_S
    with httpx.Client(base_url=url, headers=bearer, trust_env=False, timeout=START_S) as client:
        while not ready(client):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        for number in (1, 2):
            said = json.dumps(metadata() | {"case_reference": f"RS-{number}"})
            answer = client.post("/v1/records", files={"metadata": (None, said), "scan": ("scan.x3p", tiny_scan())})
            names.append(answer.json()["statement_id"])
        while set((status := client.get("/v1/status").json())["acquisitions"]) - FINAL or status["jobs"]:
            assert time.monotonic() < deadline, status
            time.sleep(0.1)
    return str(names[0])


def ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.usefixtures("open_to_all")
def test_secrets_and_settings_have_modes_of_their_own(tmp_path: Path) -> None:
    """Also where nobody set the umask of the process, and where the file was open before."""
    secret = tmp_path / "home" / "secrets" / "secret"
    private_folder(secret.parent)
    secret.write_text("longer than what is to come")
    assert oct(secret.stat().st_mode & 0o777) == "0o666"
    write_private(secret, "new")
    assert secret.read_text() == "new"
    assert open_to_others(tmp_path / "home") == {}
    keep_private()
    (tmp_path / "home" / "later").touch()
    assert open_to_others(tmp_path / "home") == {}


@pytest.mark.usefixtures("open_to_all")
def test_what_is_public_can_be_read_by_everybody(tmp_path: Path) -> None:
    keep_private()
    public_folder(tmp_path / "www" / "log")
    assert [oct(path.stat().st_mode & 0o777) for path in (tmp_path / "www", tmp_path / "www" / "log")] == ["0o755"] * 2
