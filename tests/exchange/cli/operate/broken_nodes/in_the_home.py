"""Ways to break a node in its home: disk, folders, keys, a restore that was killed, a backup that is old."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from exchange.clock import stamp_in
from exchange.flows.node.node import create_node
from exchange.flows.operate.backup import back_up
from exchange.flows.operate.drill.restore_drill import WantedDrill, run_restore_drill
from exchange.flows.operate.recovery import FILE, LastBackup, note_backup, note_outcome
from schemas.vocabulary import Jurisdiction
from tests.exchange.cli.operate.broken_nodes.made import PASSPHRASE, ROOM, Made, scan_of

_NOBODY = 65534
_DAY_S = 86_400
_KILLED_RESTORE = """
import os, signal, sys
from pathlib import Path
from exchange.flows.operate import restore
restore._fill_database = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
secrets = restore.Secrets(keys=Path(sys.argv[3]), key_passphrase=sys.argv[4].encode())
restore.restore(Path(sys.argv[1]), Path(sys.argv[2]), secrets)
"""
"""The process dies when the scans are there, and the rows are not."""


@contextmanager
def full_disk(made: Made) -> Iterator[None]:
    with made.on_a_disk("size=16m") as place:
        with suppress(OSError), (place / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(b"\1" * 2**16)
        yield


@contextmanager
def no_inodes(made: Made) -> Iterator[None]:
    made.set(ROOM)
    with made.on_a_disk("size=64m,nr_inodes=400") as place:
        with suppress(OSError):
            for number in range(1000):
                (place / f"small-{number}").touch()
        yield


@contextmanager
def read_only_disk(made: Made) -> Iterator[None]:
    made.set(ROOM)
    with made.on_a_disk("size=64m") as place:
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        yield


@contextmanager
def quota_used_up(made: Made) -> Iterator[None]:
    """As the system answers then: a quota cannot be set on every disk on which tests run."""
    made_first = tempfile.TemporaryFile

    def refused(*_: object, dir: Path | None = None, **more: object) -> object:  # noqa: A002 - tempfile's own name
        if dir == made.home:
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), str(dir))
        return made_first(dir=dir, **more)  # type: ignore[call-overload]

    made.patch.setattr(tempfile, "TemporaryFile", refused)
    yield


@contextmanager
def nothing(_made: Made) -> Iterator[None]:
    """How the doctor is run is what is wrong."""
    yield


@contextmanager
def another_user(made: Made) -> Iterator[None]:
    """A home that belongs to the user of this test, where another user may look at it from outside."""
    if os.geteuid():
        pytest.skip("only root runs a program as another user")
    outside = Path(tempfile.mkdtemp())
    outside.chmod(0o755)
    try:
        made.home = Path(shutil.copytree(made.home, outside / "node"))
        made.home.chmod(0o700)
        yield
    finally:
        shutil.rmtree(outside)


@contextmanager
def foreign_file(made: Made) -> Iterator[None]:
    if os.geteuid():
        pytest.skip("only root gives a file away")
    os.chown(made.home / "node.db", _NOBODY, _NOBODY)
    yield


@contextmanager
def unwritable_prepared(made: Made) -> Iterator[None]:
    (made.home / "prepared").chmod(0o500)
    yield
    (made.home / "prepared").chmod(0o700)


@contextmanager
def no_prepared(made: Made) -> Iterator[None]:
    shutil.rmtree(made.home / "prepared")
    yield


@contextmanager
def open_home(made: Made) -> Iterator[None]:
    made.home.chmod(0o755)
    yield


@contextmanager
def no_home(made: Made) -> Iterator[None]:
    """As where its disk is not mounted."""
    shutil.rmtree(made.home)
    made.home.mkdir(mode=0o700)
    yield


@contextmanager
def scan_gone(made: Made) -> Iterator[None]:
    scan_of(made.home).unlink()
    yield


@contextmanager
def key_gone(made: Made) -> Iterator[None]:
    (made.home / "keys" / "log-ed25519.pem").unlink()
    yield


@contextmanager
def key_damaged(made: Made) -> Iterator[None]:
    key = made.home / "keys" / "log-ed25519.pem"
    content = bytearray(key.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 8] = b"????????"
    key.write_bytes(content)
    yield


@contextmanager
def key_open(made: Made) -> Iterator[None]:
    (made.home / "keys" / "log-ed25519.pem").chmod(0o644)
    yield


@contextmanager
def no_passphrase(made: Made) -> Iterator[None]:
    made.patch.delenv("FFP_NODE_KEY_PASSPHRASE")
    yield


@contextmanager
def wrong_passphrase(made: Made) -> Iterator[None]:
    made.patch.setenv("FFP_NODE_KEY_PASSPHRASE", "another passphrase altogether")
    yield


@contextmanager
def keys_of_another(made: Made) -> Iterator[None]:
    other = made.folder / "other"
    create_node(other, jurisdiction=Jurisdiction.MK, url="http://127.0.0.1:9", port=9)
    shutil.rmtree(made.home / "keys")
    shutil.copytree(other / "keys", made.home / "keys", ignore=shutil.ignore_patterns("identity-*"))
    (made.home / "keys").chmod(0o700)
    yield


@contextmanager
def killed_restore(made: Made) -> Iterator[None]:
    """A real restore into an empty folder, killed half way."""
    backup = back_up(made.home, made.folder / "backups").folder
    place = made.folder / "restored"
    arguments = [sys.executable, "-c", _KILLED_RESTORE, backup, place, made.home / "keys", PASSPHRASE]
    ended = subprocess.run([str(one) for one in arguments], check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    made.home = place
    yield


@contextmanager
def old_backup(made: Made) -> Iterator[None]:
    note_backup(made.home, LastBackup(stamp_in(-9 * _DAY_S), 1, made.folder / "backups"))
    yield


@contextmanager
def no_backup(made: Made) -> Iterator[None]:
    made.execute("UPDATE statement SET received_at = ?", stamp_in(-9 * _DAY_S))
    yield


@contextmanager
def failed_drill(made: Made) -> Iterator[None]:
    """A real one, of a backup in which one byte was changed."""
    backup = back_up(made.home, made.folder / "backups").folder
    database = backup / "node.db"
    database.write_bytes(database.read_bytes()[:-1] + b"x")
    assert not run_restore_drill(made.home, WantedDrill()).verified
    yield


@contextmanager
def killed_drill(made: Made) -> Iterator[None]:
    """What it left stays until the next one."""
    back_up(made.home, made.folder / "backups")
    assert run_restore_drill(made.home, WantedDrill(keep=True)).verified
    yield


@contextmanager
def old_drill(made: Made) -> Iterator[None]:
    back_up(made.home, made.folder / "backups")
    found = run_restore_drill(made.home, WantedDrill())
    (made.home / FILE).unlink()
    note_outcome(made.home, replace(found, at=stamp_in(-40 * _DAY_S)))
    yield


@contextmanager
def no_drill(made: Made) -> Iterator[None]:
    made.execute("UPDATE statement SET received_at = ?", stamp_in(-40 * _DAY_S))
    back_up(made.home, made.folder / "backups")
    yield


@contextmanager
def rows_of_the_future(made: Made) -> Iterator[None]:
    """What a clock shows that is three days behind: nothing else of the machine can be altered in a test."""
    made.execute("UPDATE statement SET received_at = ?", stamp_in(3 * _DAY_S))
    yield
