"""A small node of which each breakage gets a copy, and what a breakage may use."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from exchange.flows.node.node import create_node, open_node
from schemas.vocabulary import Jurisdiction
from tests.exchange.databases import Sqlite
from tests.exchange.flows.network import RS, Network
from tests.exchange.running_nodes import free_port

PASSPHRASE = "correct horse battery staple"
SCAN = b"one scan of the made node"
ROOM = "min_free_bytes = 1"
"""For a disk that is smaller than what a node keeps in reserve."""


@dataclass
class Made:
    """``home`` is a whole node that does not run, well looked after; ``folder`` is empty, for whatever breaks it."""

    home: Path
    folder: Path
    patch: pytest.MonkeyPatch
    request: pytest.FixtureRequest

    def set(self, *lines: str) -> None:
        """More settings; each goes before one of the same name."""
        config = self.home / "config.toml"
        names = {line.partition(" =")[0] for line in lines}
        kept = [line for line in config.read_text().splitlines() if line.partition(" =")[0] not in names]
        config.write_text("\n".join((*kept, *lines)) + "\n")

    def execute(self, statement: str, *values: object) -> None:
        """Into the file of SQLite, past the node."""
        with closing(sqlite3.connect(self.home / "node.db")) as database, database:
            database.execute(statement, values)

    @contextmanager
    def on_a_disk(self, options: str) -> Iterator[Path]:
        """The home, moved to a disk of its own."""
        place = self.folder / "disk"
        place.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"mode=700,{options}", "disk", str(place)]
        if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
            pytest.skip("a disk can be mounted by root alone")
        try:
            self.home = Path(shutil.copytree(self.home, place / "node"))
            self.home.chmod(0o700)
            yield place
        finally:
            subprocess.run(["umount", "--lazy", str(place)], check=True)


Way = Callable[[Made], AbstractContextManager[None]]
"""Breaks the node while its block runs. It may put another home in the place of the first."""


def make(folder: Path) -> Path:
    """With one record and its scan, encrypted keys, and the identity key elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FFP_NODE_KEY_PASSPHRASE", PASSPHRASE)
        network = Network(folder, Sqlite())
        home, port = folder / "RS", free_port()
        create_node(home, jurisdiction=Jurisdiction.RS, url=f"http://127.0.0.1:{port}", port=port)
        network.nodes[RS] = open_node(home)
        network.record(RS, scan=SCAN)
        network.nodes[RS].close()
    for path in (home / "keys").glob("identity-*.pem"):
        path.unlink()
    open_node_once(home)
    return home


def open_node_once(home: Path) -> None:
    """What the first opening writes is there then."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FFP_NODE_KEY_PASSPHRASE", PASSPHRASE)
        open_node(home).close()


def scan_of(home: Path) -> Path:
    digest = hashlib.sha256(SCAN).hexdigest()
    return home / "blobs" / digest[:2] / digest
