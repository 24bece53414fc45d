"""A node in containers is backed up by the image's own tools, and made again: by the commands of deploy/README.md.

No engine of containers runs here: `tests.deploy.engine` does what one would.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy import engine
from tests.deploy.engine import SOURCE, Engine
from tests.deploy.tools import needed
from tests.docs.conftest import Document

pytestmark = pytest.mark.slow
PAGE = Document("deploy/README.md", (SOURCE / "deploy/README.md").read_text(encoding="utf-8"))
EXAMPLE = "ffp-rs-2026-11-28T023000.000Z"
SUBMIT = """
import json, os, sys, urllib.request, uuid
from pathlib import Path
import matcher, tempfile
from matcher.synthetic import breech_face
scan = Path(tempfile.mkdtemp(), "scan.x3p")
matcher.write_topography(breech_face.draw(1009, 0), scan, instrument="synthetic")
metadata = {"case_reference": "RS-2026-0815", "exhibit": {"kind": "crime_scene", "calibre": "9x19"},
 "acquisitions": [{"roi": "breech_face", "modality": "topography", "file": "scan"}],
 "handling": {"code": "H1"}, "level": "full", "audience": ["MK"], "retention_until": "2036-12-31"}
edge = uuid.uuid4().hex
parts = [("metadata", "application/json", json.dumps(metadata).encode()),
         ("scan", "application/octet-stream", scan.read_bytes())]
body = b"".join(
    f'--{edge}\\r\\nContent-Disposition: form-data; name="{name}"'.encode()
    + (b'; filename="scan.x3p"' if name == "scan" else b"")
    + f"\\r\\nContent-Type: {kind}\\r\\n\\r\\n".encode() + content + b"\\r\\n" for name, kind, content in parts
) + f"--{edge}--\\r\\n".encode()
request = urllib.request.Request("http://127.0.0.1:8440/v1/records", body, {
    "Authorization": f"Bearer {sys.argv[1]}", "Content-Type": f"multipart/form-data; boundary={edge}"})
print(urllib.request.urlopen(request).read().decode())
"""
READ = """
import sys, urllib.request
token, path = sys.argv[1:]
request = urllib.request.Request(f"http://127.0.0.1:8440{path}", headers={"Authorization": f"Bearer {token}"})
print(urllib.request.urlopen(request).read().decode())
"""
PYTHON = "/opt/ffp/venv/bin/python"


class Operator:
    """Types the page's commands into a shell where ``docker`` is the engine of these tests."""

    def __init__(self, folder: Path) -> None:
        self.engine = Engine(folder)
        docker = folder / "bin/docker"
        docker.parent.mkdir()
        docker.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.deploy.engine {folder} "$@"\n', encoding="utf-8")
        docker.chmod(0o755)
        self._environment = {**os.environ, "PATH": f"{docker.parent}:{os.environ['PATH']}", "PYTHONPATH": str(SOURCE)}

    def types(self, script: str) -> str:
        script = script.replace("/opt/ffp/source/deploy", str(self.engine.folder / "deploy"))
        script = script.replace("/media/locked", str(self.engine.folder / "locked"))
        where = self.engine.folder / "deploy"
        return engine.done("sh", "-euc", script, cwd=where, env=self._environment)

    def block(self, holds: str) -> str:
        [block] = [block for block in PAGE.blocks("sh", "14. In containers") if holds in block]
        return self.types(block.replace(EXAMPLE, self.newest))

    @property
    def newest(self) -> str:
        found = sorted(path.parent.name for path in (self.engine.folder / "volumes/backups").glob("*/manifest.json"))
        return found[-1] if found else EXAMPLE

    def python(self, script: str, *words: str) -> str:
        return engine.done(*self.engine.within("node", [PYTHON, "-c", script, *words]))


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    if os.geteuid() != 0:
        pytest.skip("images are made and namespaces entered by root alone: the backup in containers WAS NOT TRIED")
    for program, package in (("mmdebstrap", "mmdebstrap"), ("ip", "iproute2"), ("docker-compose", "docker-compose")):
        needed(program, package)
    if subprocess.run(["unshare", "--mount", "--net", "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("namespaces are forbidden here: the backup in containers WAS NOT TRIED")
    engine.build(tmp_path)
    for name in ("compose.yaml", "postgresql"):
        source = SOURCE / "deploy" / name
        (tmp_path / "deploy").mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / "deploy" / name)
    (tmp_path / "deploy/tls").mkdir()
    (tmp_path / "locked").mkdir()
    made = Operator(tmp_path)
    yield made
    made.engine.down()
    for name in ("node", "database", "volumes"):
        shutil.rmtree(tmp_path / name)  # 1 GB


def test_backed_up_and_made_again_by_the_image_s_own_tools(operator: Operator) -> None:
    page, folder = operator, operator.engine.folder
    page.block("ffp_node_backup_passphrase")
    page.block("init --jurisdiction RS")
    assert not list((folder / "volumes/node/keys").glob("identity-*.pem"))
    token = page.types("docker compose exec node ffp user add examiner-1 --role examiner").strip().splitlines()[-1]
    receipt = json.loads(page.python(SUBMIT, token))
    kept = page.python(READ, token, f"/v1/records/{receipt['statement_id']}/envelope")

    engine.wait_until(
        lambda: page.newest != EXAMPLE, folder / "backup.log"
    )  # the service makes one at once, without being told
    engine.wait_until(lambda: page.engine.healthy("backup"), folder / "backup.log")
    assert "1 scans" in page.block("exec backup ffp backup")
    backups = folder / "volumes/backups"
    places = [path.stat() for path in (backups, *backups.iterdir()) if path.is_dir()]
    assert {(place.st_uid, place.st_mode & 0o077) for place in places} == {(7181, 0)}
    assert (backups / page.newest / "node.dump").read_bytes().startswith(b"PGDMP")

    drilled = folder / "restore-drill.log"
    engine.wait_until(lambda: "All is what was signed" in drilled.read_text(encoding="utf-8"), drilled)
    told = page.block("exec restore-drill ffp restore-drill")
    assert f"Backup {page.newest}" in told
    assert "keys sealed in the backup" in told
    assert re.search(r"\b1 records, 1 scans; compared with the running node", told)
    assert "All is what was signed, and the log is the beginning of the running node's." in told
    assert not list((folder / "volumes/node").glob("restore-drill-*"))
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    inside = ["psql", "--username=postgres", "--no-psqlrc", "--tuples-only", "--dbname=ffp_drill"]
    assert engine.done(*page.engine.within("database", [*inside, "--command", tables])).strip() == "0"
    seen = json.loads(page.types("docker compose exec node ffp status --json"))["recovery"]
    assert (seen["drilled"]["verified"], seen["drilled"]["backup"], seen["lacking"]) == (True, page.newest, [])
    [scan] = backups.glob("blobs/??/*")
    whole = scan.read_bytes()
    scan.write_bytes(whole[:-1] + b"?")
    damaged = page.types(
        "docker compose exec restore-drill ffp restore-drill --from /var/backups/ffp 2>&1 || echo code $?"
    )
    assert "Not verified: " in damaged
    assert "damaged there; take another one" in damaged
    assert damaged.endswith("code 1\n")
    scan.write_bytes(whole)

    page.block("docker volume rm")
    assert not (folder / "volumes/node").exists()
    for name in ("postgres_password", "ffp_database_password"):  # a new machine has others
        page.types(f"openssl rand -hex 24 > secrets/{name}")
    page.types('sed -i "s/ffp:[0-9a-f]*@/ffp:$(cat secrets/ffp_database_password)@/" secrets/ffp_node_database_url')
    told = page.block("backup restore")
    assert told.count("All is what was signed.") == 2, "by restore --verify, and by log check"
    assert re.search(r"\b1 scans", told)
    assert page.python(READ, token, f"/v1/records/{receipt['statement_id']}/envelope") == kept
