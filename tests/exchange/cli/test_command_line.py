"""All commands together: the help in groups, examples that can be typed, ``--json`` wherever something is told."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer

from exchange.cli.command_groups import CommandHeading
from exchange.cli.main import HEADINGS, app
from exchange.extensions import parts_for
from exchange.flows.node.node import create_node
from schemas.vocabulary import Jurisdiction
from tests.exchange.cli.conftest import Ffp, refusal

WITHOUT_JSON = {
    "serve": "runs until it is stopped; its logs are JSON",
    "worker": "runs until it is stopped; its logs are JSON",
    "export": "writes a file that is JSON",
    "validate": "writes the dossier, and JSON beside it",
    "calibrate": "writes a model that is JSON",
    "policy show": "prints JSON as it is",
    "sync receipt": "prints JSON as it is",
    "egress unit": "prints a file for systemd",
    "root sign": "a person reads what is proposed, and agrees",
}
TO_A_FILE = {"evaluate", "conformance", "demo"}
"""``--json FILE``: what they tell a person comes bit by bit while they work."""


def _command(name: str) -> Any:
    found: Any = typer.main.get_command(app)
    for word in name.split():
        found = found.commands[word]
    return found


def _leaves(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _leaves(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


EXTENDED = {command.name for heading in parts_for("commands", CommandHeading) for command in heading.commands}
COMMANDS = dict(_leaves(typer.main.get_command(app)))


def _options(command: Any) -> dict[str, Any]:
    return {word: parameter for parameter in command.params for word in parameter.opts}


def test_every_command_that_tells_something_has_json() -> None:
    own = {name: command for name, command in COMMANDS.items() if name.split()[0] not in EXTENDED}
    assert_json(own, WITHOUT_JSON.keys(), TO_A_FILE)


def assert_json(commands: Mapping[str, Any], without: Collection[str], to_a_file: Collection[str] = ()) -> None:
    for name, command in commands.items():
        option = _options(command).get("--json")
        assert (option is None) == (name in without), name
        if option is not None:
            assert option.is_flag != (name in to_a_file), name
    assert {*without, *to_a_file} <= commands.keys()


def test_help_has_every_command_once_in_one_line_under_a_heading(ffp: Ffp) -> None:
    said = ffp("--help").out
    for heading in HEADINGS:
        assert f"\n{heading.title}:\n" in said
        for command in heading.commands:
            assert re.search(rf"^  {command.name} +{re.escape(command.short)}$", said, re.MULTILINE), command.name
    places = [said.index(f"\n  {command.name} ") for heading in HEADINGS for command in heading.commands]
    assert places == sorted(places)
    assert all(len(line) <= 80 for line in said.splitlines())


@pytest.mark.slow
def test_examples_can_be_typed(ffp: Ffp) -> None:
    first_used = {"demo", "init", "user", "serve", "status", "peer", "query", "compare", "backup", "doctor", "import"}
    examples = {command.name: command.examples for heading in HEADINGS for command in heading.commands}
    assert first_used <= {name for name, lines in examples.items() if lines}
    for name, lines in examples.items():
        for line in lines:
            program, *words = shlex.split(line.partition("|")[0])
            assert program == "ffp"
            command = _command(words[0])
            if hasattr(command, "commands"):
                command = command.commands[words[1]]
            unknown = {word for word in words if word.startswith("--")} - set(_options(command))
            assert not unknown, line
        if lines:
            assert f"    {lines[0]}\n" in ffp(name, "--help").out


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("node") / "home"
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:8440", port=8440)
    return home


def _keys(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


READING: list[tuple[str, ...]] = [
    ("status",),
    ("doctor",),
    ("user", "list"),
    ("token", "list"),
    ("peer", "show"),
    ("peer", "list"),
    ("sync", "status"),
    ("sync", "quarantine", "list"),
    ("egress", "list"),
    ("key", "list"),
    ("query", "list"),
    ("job", "list"),
    ("policy", "approvals"),
    ("log", "check"),
    ("log", "evidence"),
    ("log", "mend"),
    ("audit", "verify"),
    ("glossary", "check"),
    ("migrate",),
    ("maturity",),
    ("report", "--half", "2026H1"),
    ("onboard", "MD"),
    ("action", "list", "--all"),
    ("meeting", "list", "--half", "2026H2"),
    ("config", "check"),
    ("config", "show", "--origin"),
    ("top", "--once"),
]


@pytest.mark.slow
@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_json_is_whole_and_plain(ffp: Ffp, home: Path, words: tuple[str, ...]) -> None:
    said = ffp(*words, "--json", "--home", home)
    assert said.code == 0 or words == ("doctor",), said
    told = json.loads(said.out)
    named = list(_keys(told))
    assert "\x1b" not in said.out
    if words != ("report", "--half", "2026H1"):
        assert all(re.fullmatch(r"[a-z0-9_]+", key) for key in named), named


@pytest.mark.slow
def test_what_changes_something_tells_a_program_what_it_made(ffp: Ffp, home: Path, tmp_path: Path) -> None:
    made = json.loads(
        ffp("init", "--home", tmp_path / "n", "--jurisdiction", "XK", "--url", "http://127.0.0.1:1", "--json").out
    )
    assert (made["node_id"], made["jurisdiction"], made["keys_encrypted"]) == ("ffp-xk", "XK", False)
    added = json.loads(ffp("user", "add", "lab-1", "--role", "examiner", "--json", "--home", home).out)
    assert added["token"].startswith("ffp_")
    token = ("token", "add", "lab-1", "--name", "lims", "--scope", "read", "--json", "--home", home)
    assert json.loads(ffp(*token).out)["scopes"] == ["read"]
    [first, second] = json.loads(ffp("token", "list", "--json", "--home", home).out)
    assert (first["pseudonym"], second["scopes"], second["used_at"]) == ("lab-1", ["read"], None)
    revoked = json.loads(ffp("token", "revoke", str(second["number"]), "--json", "--home", home).out)
    assert revoked == {"number": second["number"], "pseudonym": "lab-1", "name": "lims", "revoked": True}
    backup = json.loads(ffp("backup", tmp_path / "backups", "--json", "--home", home).out)
    assert (backup["scans"], backup["missing"], backup["keys_sealed"]) == (0, [], False)
    assert Path(backup["folder"]).is_dir()
    keys = ("--keys", home / "keys", "--verify", "--json", "--home", tmp_path / "again")
    restored = json.loads(ffp("restore", backup["folder"], *keys).out)
    assert (restored["node_id"], restored["lost_statements"], restored["verified"]["findings"]) == ("ffp-rs", 0, [])


@pytest.mark.slow
def test_a_ceremony_tells_a_program_what_was_signed(ffp: Ffp, home: Path, tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text("a long passphrase of a root key\n")
    (tmp_path / "passphrase").chmod(0o600)
    passphrase, folder, key = ("--passphrase-file", tmp_path / "passphrase"), tmp_path / "ceremony", tmp_path / "rs"
    made = json.loads(ffp("root", "key", "RS", "--out", key, *passphrase, "--json").out)
    for name in ("keys", "nodes"):
        (folder / name).mkdir(parents=True)
    (folder / "keys" / "RS.json").write_bytes(Path(made["public"]).read_bytes())
    ffp("peer", "show", "--card", folder / "nodes" / "ffp-rs.json", "--home", home)
    proposed = json.loads(ffp("root", "init", folder, "--expires", "2030-01-01", "--needed", "1", "--json").out)
    assert (proposed["version"], proposed["keys"]) == (1, {"RS": made["fingerprint"]})
    assert json.loads(ffp("root", "combine", folder, "--json").out)["complete"] is False
    assert ffp("root", "sign", folder, "--key-folder", key, *passphrase, "--yes").code == 0
    combined = json.loads(ffp("root", "combine", folder, "--json").out)
    assert combined["complete"]
    assert combined["conditions"][0]["signed"] == ["RS"]
    published = json.loads(ffp("root", "publish", folder, "--json").out)
    verified = json.loads(ffp("root", "verify", folder, "--json").out)
    assert published["fingerprint"] == proposed["fingerprint"] == verified["published"]["fingerprint"]
    assert [node["node_id"] for node in verified["published"]["nodes"]] == ["ffp-rs"]


def test_a_refusal_is_the_same_sentence_with_json(ffp: Ffp, tmp_path: Path) -> None:
    for words in (("status",), ("config", "check"), ("top", "--once"), ("job", "list")):
        said = ffp(*words, "--json", "--home", tmp_path)
        assert refusal(said) == refusal(ffp(*words, "--home", tmp_path))
        assert "ffp init" in said.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("from exchange.cli import main; main._command()", "pydantic sqlalchemy rich numpy schemas exchange.config"),
        (
            "import exchange.flows.node.node, exchange.flows.operate.status",
            "numpy scipy cv2 tuf alembic fastapi distributed psycopg",
        ),
        ("import matcher; matcher.MATCHER_VERSION", "numpy scipy cv2"),
    ],
)
def test_what_is_not_needed_is_not_loaded(code: str, unwanted: str) -> None:
    """Heavy libraries are what a command waits for before it begins."""
    asked = f"import sys; {code}; print(*sorted(set({unwanted.split()!r}) & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == ""
