"""A restore that was killed leaves a mark: no node is opened beside it, and the next restore begins anew."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exchange.config import RESTORING
from exchange.errors import ConfigurationError, RestoreUnfinished
from exchange.flows.node.node import open_node, opened
from exchange.flows.operate.backup import back_up
from exchange.flows.operate.restore import Secrets, restore, verify_restored
from exchange.store.node.lock import AliveFile
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.network import RS, Network
from tests.exchange.flows.operate.test_backup import silent

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]

_KILLED = """
import os, signal, sys
from pathlib import Path
from exchange.flows.operate import restore
setattr(restore, sys.argv[4], lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
restore.restore(Path(sys.argv[1]), Path(sys.argv[2]), restore.Secrets(keys=Path(sys.argv[3])))
"""


@pytest.fixture
def backup(tmp_path: Path) -> tuple[Path, Path]:
    """The backup of a node that was lost, and the keys that were kept apart."""
    network = Network(tmp_path / "lost")
    network.make(Jurisdiction.RS)
    network.record(RS)
    home = network.nodes[RS].settings.home
    network.nodes[RS].close()
    return back_up(home, tmp_path / "backups").folder, Path(shutil.copytree(home / "keys", tmp_path / "keys"))


def killed_at(step: str, source: Path, home: Path, keys: Path) -> None:
    program = [sys.executable, "-c", _KILLED, str(source), str(home), str(keys), step]
    ended = subprocess.run(program, check=False, capture_output=True)
    assert ended.returncode == -9, ended.stderr


@pytest.mark.parametrize("step", ["_write_settings", "_copy_scans", "_fill_database"])
def test_a_killed_restore_is_no_node_and_is_begun_anew(backup: tuple[Path, Path], tmp_path: Path, step: str) -> None:
    source, keys = backup
    home = tmp_path / "home"
    killed_at(step, source, home, keys)
    with pytest.raises(RestoreUnfinished, match="ffp restore"):
        open_node(home)
    (home / "left-over").mkdir()
    manifest = restore(source, home, Secrets(keys=keys))
    assert not (home / RESTORING).exists()
    assert not (home / "left-over").exists()
    assert verify_restored(home, manifest.missing, passphrase=None, progress=silent).findings == []
    with opened(home) as node:
        assert node.node_id == RS


def test_a_refused_restore_leaves_no_mark(backup: tuple[Path, Path], tmp_path: Path) -> None:
    source, keys = backup
    [scan] = (source.parent / "blobs").glob("??/*")
    scan.write_bytes(b"another")
    with pytest.raises(ConfigurationError, match="damaged"):
        restore(source, tmp_path / "home", Secrets(keys=keys))
    assert list((tmp_path / "home").iterdir()) == []


def test_a_restore_that_is_under_way_is_left_alone(backup: tuple[Path, Path], tmp_path: Path) -> None:
    source, keys = backup
    home = tmp_path / "home"
    mark = AliveFile(home / RESTORING).hold()
    (home / "keys").mkdir()
    with pytest.raises(ConfigurationError, match="under way in another process"):
        restore(source, home, Secrets(keys=keys))
    assert (home / "keys").is_dir()
    mark.drop()
    restore(source, home, Secrets(keys=keys))


def test_a_node_is_never_restored_over(backup: tuple[Path, Path], tmp_path: Path) -> None:
    source, keys = backup
    home = tmp_path / "home"
    restore(source, home, Secrets(keys=keys))
    with pytest.raises(ConfigurationError, match="is not empty"):
        restore(source, home, Secrets(keys=keys))
    with opened(home) as node:
        assert node.node_id == RS
