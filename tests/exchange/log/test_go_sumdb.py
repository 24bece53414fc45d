"""Go's golang.org/x/mod/sumdb, which knows nothing of this project, believes its logs, and finds what is not true.

It reads the Ed25519 line of a head; that of ML-DSA-44 is to it a signature by a key that it does not know.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from exchange.flows.log.publishing import publish_log
from exchange.log import note
from exchange.store.witness.cosignatures import own_checkpoint
from tests.exchange.flows.owner import Owner, make_owner

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).parent / "sumdb" / "main.go"
LIBRARY = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb")
RECORDS = 300
PLACE = 257  # in the second, partial tile


@pytest.fixture(scope="module")
def sumdb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, compiled with Debian's Go and its package of the library, without a network."""
    if shutil.which("go") is None or not LIBRARY.is_dir():
        reason = (
            "Go's sumdb is not installed: that public tools agree WAS NOT TRIED "
            "(Debian: apt-get install golang-go golang-golang-x-mod-dev)"
        )
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("go")
    program = folder / "sumdb"
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": "/usr/share/gocode",
        "GOFLAGS": "",
        "GOTOOLCHAIN": "local",
    }
    command = ["go", "build", "-o", str(program), str(SOURCE)]
    built = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert built.returncode == 0, built.stderr
    return program


@dataclass
class Case:
    """All that the program is given, in a folder that a test may spoil."""

    folder: Path
    vkey: str
    index: int = PLACE

    def verified(self, program: Path) -> subprocess.CompletedProcess[str]:
        files = [str(self.folder / name) for name in ("static", "earlier", "record")]
        command = [str(program), self.vkey, *files, str(self.index), str(self.folder / "proof")]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    made = make_owner(tmp_path_factory.mktemp("owner") / "node")
    for _ in range(RECORDS):
        made.publish()
    yield made
    made.node.close()


@pytest.fixture(scope="module")
def whole(owner: Owner, tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("case") / "whole"
    size = RECORDS + 1
    publish_log(owner.node, folder / "static")
    with owner.node.store.read() as session:
        earlier = own_checkpoint(session, 200)
    assert earlier is not None
    (folder / "earlier").write_bytes(earlier.note)
    (folder / "record").write_bytes(owner.published[PLACE - 1].envelope.leaf_data)
    (folder / "proof").write_text("\n".join(owner.inclusion(PLACE, size)))
    key = owner.node.keys.log.ed25519.public_key().public_bytes_raw()
    return Case(folder, note.vkey(owner.node.card.log_origin, note.ED25519_TYPE, key))


@pytest.fixture
def case(whole: Case, tmp_path: Path) -> Case:
    return Case(shutil.copytree(whole.folder, tmp_path / "case"), whole.vkey)


def test_go_believes_head_record_and_growth(sumdb: Path, case: Case) -> None:
    done = case.verified(sumdb)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"record {PLACE} of {RECORDS + 1}, grown from 200: all good\n"


def spoil(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_go_finds_what_is_not_true(sumdb: Path, case: Case, owner: Owner) -> None:
    """Each spoilt alone, and mended after."""
    head, tile = case.folder / "static/checkpoint", case.folder / "static/tile/0/001.p/45"
    text = head.read_bytes()
    for path, place, saying in (
        (head, len("ffp-rs.ffp-exchange/log\n"), "invalid signature"),
        (head, text.index(b"\n\n") - 9, "invalid signature"),
        (case.folder / "earlier", len("ffp-rs.ffp-exchange/log\n"), "invalid signature"),
        (case.folder / "record", 5, "the given proof"),
        (tile, 40, "proof from the tiles"),
    ):
        spoil(path, place)
        done = case.verified(sumdb)
        assert done.returncode == 1, path
        assert saying in done.stderr, path
        spoil(path, place)
    assert case.verified(sumdb).returncode == 0

    other_place = Case(case.folder, case.vkey, PLACE + 1).verified(sumdb)
    assert (other_place.returncode, "the given proof" in other_place.stderr) == (1, True)
    key = owner.node.keys.statement.ed25519.public_key().public_bytes_raw()
    other_key = Case(case.folder, note.vkey(owner.node.card.log_origin, note.ED25519_TYPE, key)).verified(sumdb)
    assert (other_key.returncode, "no verifiable signatures" in other_key.stderr) == (1, True)


def test_go_finds_a_log_that_does_not_go_on_from_its_earlier_head(sumdb: Path, case: Case, owner: Owner) -> None:
    """A head with a good signature, of a log that was forked before it."""
    fork = base64.b64decode(owner.signed(200, hashlib.sha256(b"another past").digest()))
    (case.folder / "earlier").write_bytes(fork)
    done = case.verified(sumdb)
    assert done.returncode == 1
    assert "the proof that the log only grew" in done.stderr
