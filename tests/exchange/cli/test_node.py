"""``ffp init``, ``status``, ``user``: what each says, and that a refusal is one sentence and changes nothing."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exchange.clock import DAY_S, stamp_in
from exchange.errors import TimeStampRefused
from exchange.flows.log.stamping import note_stamp_failure, stamp_head
from exchange.flows.node.node import open_node
from exchange.flows.operate.recovery import LastBackup, note_backup
from exchange.net.time_authority import TimeAuthorityClient
from schemas.kinds import KINDS
from schemas.versions import VERSIONS
from schemas.vocabulary import KOSOVO_FOOTNOTE
from tests.exchange.cli.conftest import Ffp, Said, refusal
from tests.exchange.flows.owner import owner_of
from tests.exchange.log.authority import Authority, served, url_of
from tests.exchange.running_nodes import free_port

pytestmark = pytest.mark.slow

FINGERPRINT = re.compile(r"(?:[0-9]{5} ){7}[0-9]{5}")


@pytest.fixture
def home(ffp: Ffp, tmp_path: Path) -> Path:
    made = ffp("init", "--home", tmp_path / "node", "--jurisdiction", "rs", "--url", "http://127.0.0.1:8555")
    assert made.code == 0
    return tmp_path / "node"


def test_the_version_says_what_is_read(ffp: Ffp) -> None:
    said = ffp("--version")
    assert said.code == 0
    assert re.search(r"^ffp ", said.out)
    assert f"reads the contract in version {', '.join(VERSIONS)}\n" in said.out
    assert f"reads statements of the kinds {', '.join(KINDS)}\n" in said.out


def test_init_makes_a_node_and_shows_its_fingerprint(ffp: Ffp, tmp_path: Path) -> None:
    home = tmp_path / "deep" / "node"
    said = ffp("init", "--home", home, "--jurisdiction", "XK", "--url", "https://ffp.example:8443/")
    assert said.code == 0
    fingerprint = FINGERPRINT.search(said.out)
    assert fingerprint
    assert "Kosovo*" in said.out
    assert KOSOVO_FOOTNOTE in said.out
    assert said.err == ""
    assert fingerprint[0] in ffp("peer", "show", "--home", home).out
    node = open_node(home)
    assert (node.node_id, node.settings.url, node.settings.port) == ("ffp-xk", "https://ffp.example:8443", 8443)
    node.close()


@pytest.mark.sqlite
def test_a_home_is_private(home: Path) -> None:
    assert home.stat().st_mode & 0o077 == 0
    for path in [*home.rglob("keys/*"), home / "node.db", home / "keys"]:
        assert path.stat().st_mode & 0o077 == 0, path
    assert len(list((home / "keys").iterdir())) == 10


def test_a_node_is_never_made_over_another(ffp: Ffp, home: Path) -> None:
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    again = ffp("init", "--home", home, "--jurisdiction", "RS", "--url", "http://127.0.0.1:8555")
    assert "left as it is" in refusal(again)
    (home / "config.toml").unlink()
    assert "never overwritten" in refusal(
        ffp("init", "--home", home, "--jurisdiction", "RS", "--url", "http://127.0.0.1:8555")
    )
    assert {path: path.read_bytes() for path in home.rglob("keys/*")} == {
        path: content for path, content in before.items() if path.parent.name == "keys"
    }


@pytest.mark.sqlite
def test_an_init_that_broke_off_stands_in_no_ones_way(ffp: Ffp, tmp_path: Path) -> None:
    """As on a full disk: no file may grow beyond what the keys take."""
    home = tmp_path / "node"
    words = ("init", "--home", str(home), "--jurisdiction", "RS", "--url", "http://127.0.0.1:8555")
    broken = subprocess.run(
        [sys.executable, "-m", "exchange.cli.main", *words],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (broken.returncode, broken.stderr[:5]) == (2, "ffp: "), broken.stderr
    assert not list(home.iterdir())
    assert ffp(*words).code == 0


@pytest.mark.sqlite
def test_a_database_that_cannot_be_opened_is_told_with_what_to_do(ffp: Ffp, home: Path) -> None:
    """As of another user's, or on a disk that was mounted to be read alone."""
    (home / "node.db-wal").mkdir()
    assert "Run this as the node's user" in refusal(ffp("user", "list", "--home", home))


@pytest.mark.sqlite
def test_another_user_is_told_whose_node_it_is(ffp: Ffp, home: Path) -> None:
    assert ffp("user", "list", "--home", home).code == 0
    nobody, me = 65534, os.geteuid()
    (home / "config.toml").chmod(0)
    if me == 0:
        os.seteuid(nobody)
    try:
        said = ffp("user", "list", "--home", home)
    finally:
        os.seteuid(me)
    assert refusal(said).endswith("Permission denied. Run this as the user whom the node belongs to.")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"--jurisdiction": "YU"}, "YU"),
        ({"--url": "ftp://node"}, "url"),
        ({"--url": ""}, "url"),
        ({"--url": "http://node/path"}, "url"),
        ({"--url": "http://user:secret@node"}, "url"),
        ({"--url": "http://node:99999"}, "http://node:99999"),
        ({"--url": "http://[::1"}, "http://[::1"),
        ({"--port": "70000"}, "port"),
        ({"--node-id": "Belgrade"}, "node_id"),
        ({"--node-id": 'ffp-rs"\nworkers = 1'}, "node_id"),
    ],
)
def test_what_makes_no_node(ffp: Ffp, tmp_path: Path, changes: dict[str, str], named: str) -> None:
    home = tmp_path / "node"
    options = {"--home": str(home), "--jurisdiction": "RS", "--url": "http://127.0.0.1:8555", **changes}
    said = ffp("init", *[word for option in options.items() for word in option])
    sentence = refusal(said)
    assert named in sentence
    assert "secret" not in sentence
    assert not (home / "config.toml").exists()
    assert not (home / "keys").exists()


def test_a_folder_that_cannot_be_made(ffp: Ffp, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    for home in (tmp_path / "file", tmp_path / "file" / "node"):
        said = ffp("init", "--home", home, "--jurisdiction", "RS", "--url", "http://127.0.0.1:8555")
        assert str(tmp_path / "file") in refusal(said)


def test_status_tells_of_time_stamps(ffp: Ffp, home: Path, tmp_path: Path) -> None:
    def said() -> str:
        return " ".join(ffp("status", "--home", home).out.replace("│", " ").split())

    assert "time stamp none wanted (setting timestamp_url)" in said()
    authority, port = Authority(tmp_path / "authority"), free_port()
    with (home / "config.toml").open("a") as config:
        config.write(f'timestamp_url = "{url_of(port)}"\ntimestamp_roots = "{authority.roots}"\n')
    assert "time stamp none yet" in said()

    node = open_node(home)
    owner_of(node).publish()
    note_stamp_failure(node, TimeStampRefused("no stamp was granted: rejection, [/bold] come [red]tomorrow"))
    told = said()
    assert "Time-stamps missing since" in told
    assert "[/bold] come [red]tomorrow" in told
    client = TimeAuthorityClient(guard=node.egress, timeout_s=10)
    with served(authority, port):
        assert stamp_head(node, client)
    client.close()
    node.close()
    assert "time stamp of the head at 2, 20" in said()
    assert "alarm" not in said()


def test_status_of_a_new_node(ffp: Ffp, home: Path) -> None:
    said = ffp("status", "--home", home)
    assert said.code == 0
    assert "ffp-rs" in said.out
    assert "1 statements" in said.out


def test_status_of_a_node_that_signs_nothing_ends_with_a_code(ffp: Ffp, home: Path) -> None:
    (home / "last-head").write_text("damaged")
    assert ffp("status", "--home", home).code == 1
    said = ffp("status", "--home", home, "--json")
    assert said.code == 1
    assert json.loads(said.out)["signs"] is False


def test_status_has_one_list_of_alarms(ffp: Ffp, home: Path) -> None:
    note_backup(home, LastBackup(stamp_in(-9 * DAY_S), 1000, home / "backup"))
    (alarm,) = json.loads(ffp("status", "--home", home, "--json").out)["alarms"]
    assert " ".join(alarm.split()[:4]) in ffp("status", "--home", home).out


def test_the_home_may_stand_in_the_environment(ffp: Ffp, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FFP_NODE_HOME", str(home))
    assert "ffp-rs" in ffp("status").out


NODE_COMMANDS: list[tuple[str, ...]] = [
    ("serve",),
    ("status",),
    ("user", "add", "one", "--role", "examiner"),
    ("user", "list"),
    ("user", "revoke", "one"),
    ("peer", "show"),
    ("peer", "list"),
    ("peer", "add", "http://127.0.0.1:9", "--legal-basis", "x"),
    ("peer", "revoke", "ffp-mk"),
]


@pytest.mark.parametrize("command", NODE_COMMANDS, ids=" ".join)
def test_without_a_node_each_command_says_how_to_make_one(ffp: Ffp, tmp_path: Path, command: tuple[str, ...]) -> None:
    assert "ffp init" in refusal(ffp(*command, "--home", tmp_path))
    assert list(tmp_path.iterdir()) == []


def _cut(home: Path) -> None:
    (home / "keys" / "statement-ed25519.pem").write_bytes(b"-----BEGIN")


def _swap(home: Path) -> None:
    (home / "keys" / "log-ml-dsa-44.pem").write_bytes((home / "keys" / "log-ed25519.pem").read_bytes())


BREAKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "key missing": (lambda home: (home / "keys" / "transport-ed25519.pem").unlink(), "transport-ed25519"),
    "key open to others": (lambda home: (home / "keys" / "nonce-secret").chmod(0o644), "chmod 600"),
    "key cut": (_cut, "statement-ed25519"),
    "key of another kind": (_swap, "log-ml-dsa-44"),
    "database missing": (lambda home: (home / "node.db").unlink(), "backup"),
    "database damaged": (lambda home: (home / "node.db").write_bytes(b"no database" * 999), "damaged"),
    "database empty": (lambda home: (home / "node.db").write_bytes(b""), "holds no node"),
    "setting unknown": (lambda home: (home / "config.toml").write_text("colour = 1", encoding="utf-8"), "colour"),
    "setting no TOML": (lambda home: (home / "config.toml").write_bytes(b"\xff\xfe"), "TOML"),
    "setting a folder": (lambda home: ((home / "config.toml").unlink(), (home / "config.toml").mkdir()), "ffp init"),
}


def _broken(case: str) -> Any:
    return pytest.param(case, marks=[pytest.mark.sqlite] if case.startswith("database") else [])


@pytest.mark.parametrize("case", [_broken(case) for case in BREAKS])
def test_a_broken_home_is_a_sentence(ffp: Ffp, home: Path, case: str) -> None:
    spoil, named = BREAKS[case]
    spoil(home)
    for path in home.glob("node.db-*"):
        path.unlink()
    for command in (("status",), ("serve",)):
        assert named in refusal(ffp(*command, "--home", home))


def add(ffp: Ffp, home: Path, pseudonym: str, role: str) -> Said:
    return ffp("user", "add", pseudonym, "--role", role, "--home", home)


def test_a_token_is_shown_once(ffp: Ffp, home: Path) -> None:
    said = add(ffp, home, "examiner-1", "examiner")
    assert said.code == 0
    token = said.out.strip()
    assert token.startswith("ffp_")
    assert "once" in said.err
    listed = ffp("user", "list", "--home", home).out
    assert listed == "examiner-1\texaminer\tactive\t-\n"
    assert token not in listed
    assert ffp("user", "revoke", "examiner-1", "--home", home).code == 0
    assert "revoked 20" in ffp("user", "list", "--home", home).out
    assert "another" in refusal(add(ffp, home, "examiner-1", "examiner"))


@pytest.mark.parametrize(
    ("pseudonym", "role", "named"),
    [
        ("Examiner One", "examiner", "pseudonym"),
        ("", "examiner", "pseudonym"),
        ("x" * 33, "examiner", "pseudonym"),
        ("one\n", "examiner", "pseudonym"),
        ("one", "boss", "boss"),
        ("one", "node", "node"),
        ("one", "", "role"),
    ],
)
def test_no_such_user(ffp: Ffp, home: Path, pseudonym: str, role: str, named: str) -> None:
    assert named in refusal(add(ffp, home, pseudonym, role))
    assert ffp("user", "list", "--home", home).out == ""


def test_nobody_is_revoked(ffp: Ffp, home: Path) -> None:
    assert "nobody" in refusal(ffp("user", "revoke", "nobody", "--home", home))
    assert "ffp-mk" in refusal(ffp("peer", "revoke", "ffp-mk", "--home", home))


def test_help_names_every_command(ffp: Ffp) -> None:
    said = ffp("--help")
    assert said.code == 0
    for name in ("init", "serve", "status", "user", "peer", "compare", "evaluate", "demo"):
        assert re.search(rf"^  {name} ", said.out, re.MULTILINE), name
    for command in ("init", "serve", "status", "user", "peer", "demo"):
        assert ffp(command, "--help").code == 0


@pytest.mark.parametrize("arguments", [("match",), ("init",), ("user", "add"), ("serve", "--fast"), ("peer", "add")])
def test_usage(ffp: Ffp, arguments: tuple[str, ...]) -> None:
    said = ffp(*arguments)
    assert said.code == 2
    assert "Usage: " in said.err
    assert "Traceback" not in said.err
