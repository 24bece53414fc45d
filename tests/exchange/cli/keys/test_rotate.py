"""``ffp key``: what each command does and says, and that a refusal is one sentence and changes nothing."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from exchange.clock import stamp
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import open_node
from exchange.store.node.lock import sole_server
from exchange.store.sync.peers import add_peer, new_peer
from exchange.store.tables.log import CosignatureRow
from exchange.trust.key_files import is_encrypted
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.peer_cards import card_of

pytestmark = pytest.mark.slow

PASSPHRASE = "a passphrase of 31 characters.."


@pytest.fixture
def home(ffp: Ffp, tmp_path: Path) -> Path:
    made = ffp("init", "--home", tmp_path / "node", "--jurisdiction", "rs", "--url", "http://127.0.0.1:8555")
    assert made.code == 0
    assert "NOT encrypted" in made.out
    return tmp_path / "node"


def cosigned(home: Path, size: int) -> None:
    """As if a peer had cosigned the log so far."""
    node = open_node(home)
    sign_head(node)
    with node.store.write() as session:
        peer = new_peer(
            node_id="ffp-mk",
            jurisdiction="MK",
            url="http://127.0.0.1:9",
            card=card_of("ffp-mk"),
            legal_basis="Test agreement, article 1",
        )
        add_peer(session, peer)
        session.add(CosignatureRow(size=size, peer="ffp-mk", note=b"", timestamp=1, received_at=stamp()))
    node.close()


def events(ffp: Ffp, home: Path) -> list[str]:
    return re.findall(r"log index (\d+: \w+, new keys for .*)", ffp("key", "list", "--home", home).out)


def test_all_keys_are_rotated_and_then_one(ffp: Ffp, home: Path) -> None:
    before = open_node(home)
    before.close()
    said = ffp("key", "rotate", "--home", home)
    assert said.code == 0
    assert "new backup of the keys" in said.out
    assert ffp("key", "rotate", "transport", "--home", home).code == 0
    assert events(ffp, home) == [
        "0: delegate, new keys for statement, log, witness, transport",
        "1: rotate, new keys for statement, log, witness, transport",
        "2: rotate, new keys for transport",
    ]
    after = open_node(home)
    after.close()
    assert after.keys.statement.public != before.keys.statement.public
    assert after.card == before.card
    assert ffp("log", "check", "--home", home).code == 0


def test_the_identity_may_lie_elsewhere_under_a_passphrase_of_its_own(
    ffp: Ffp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, medium = tmp_path / "node", tmp_path / "medium"
    medium.mkdir()
    assert ffp("init", "--home", home, "--jurisdiction", "rs", "--url", "http://127.0.0.1:8555").code == 0
    for name in ("identity-ed25519.pem", "identity-ml-dsa-65.pem"):
        shutil.move(home / "keys" / name, medium / name)
    assert "identity-ed25519.pem cannot be read" in refusal(ffp("key", "rotate", "--home", home))
    assert ffp("key", "rotate", "--home", home, "--identity", medium).code == 0
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", PASSPHRASE)
    assert ffp("key", "encrypt", "--home", home).code == 0
    assert ffp("key", "rotate", "statement", "--home", home, "--identity", medium).code == 0
    assert is_encrypted(home / "keys")
    assert sorted(path.name for path in medium.iterdir()) == ["identity-ed25519.pem", "identity-ml-dsa-65.pem"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("rotate", "identity"), "identity"),
        (("rotate", "statment"), "statment"),
        (("compromised", "statement"), "0 at the most"),
        (("compromised", "log", "--from-index", "1"), "0 at the most"),
        (("rotate", "--identity", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    ffp: Ffp, home: Path, arguments: tuple[str, ...], named: str
) -> None:
    before = {path.name: path.read_bytes() for path in (home / "keys").iterdir()}
    assert named in refusal(ffp("key", *arguments, "--home", home))
    assert {path.name: path.read_bytes() for path in (home / "keys").iterdir()} == before
    assert len(events(ffp, home)) == 1


def test_a_node_that_is_served_keeps_its_keys(ffp: Ffp, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", PASSPHRASE)
    with sole_server(home):
        for arguments in (("rotate",), ("compromised", "witness"), ("encrypt",), ("decrypt",)):
            assert "served by another process" in refusal(ffp("key", *arguments, "--home", home))
        assert ffp("key", "list", "--home", home).code == 0


def test_a_compromise_within_what_a_peer_cosigned(ffp: Ffp, home: Path) -> None:
    cosigned(home, 1)
    assert "1 at the most" in refusal(ffp("key", "compromised", "statement", "--from-index", "2", "--home", home))
    assert ffp("key", "compromised", "statement", "log", "--from-index", "1", "--home", home).code == 0
    shown = ffp("key", "list", "--home", home).out
    assert "1: compromise, new keys for statement, log" in shown
    assert "in wrong hands from index 1 on: statement, log" in shown
    assert "cosigned this log up to size 1" in shown


@pytest.mark.sqlite
def test_keys_are_encrypted_and_decrypted(ffp: Ffp, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "FFP_NODE_KEY_PASSPHRASE" in refusal(ffp("key", "encrypt", "--home", home))
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", "too short")
    assert "16 characters" in refusal(ffp("key", "encrypt", "--home", home))
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", PASSPHRASE)
    said = ffp("key", "encrypt", "--home", home)
    assert said.code == 0
    assert PASSPHRASE not in said.out + said.err
    assert is_encrypted(home / "keys")
    assert ffp("status", "--home", home).code == 0

    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", PASSPHRASE[::-1])
    sentence = refusal(ffp("status", "--home", home))
    assert "passphrase does not open" in sentence
    assert PASSPHRASE[::-1] not in sentence
    monkeypatch.delenv("FFP_NODE_KEY_PASSPHRASE")
    for command in (("status",), ("serve",), ("key", "decrypt")):
        assert "is encrypted" in refusal(ffp(*command, "--home", home))

    (home / "secrets").mkdir()
    (home / "secrets" / "ffp_node_key_passphrase").write_text(PASSPHRASE + "\n", encoding="utf-8")
    assert ffp("key", "decrypt", "--home", home).code == 0
    assert not is_encrypted(home / "keys")


def test_init_encrypts_with_the_passphrase_that_is_given(
    ffp: Ffp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "node"
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", PASSPHRASE)
    said = ffp("init", "--home", home, "--jurisdiction", "rs", "--url", "http://127.0.0.1:8555")
    assert "are encrypted with the passphrase" in said.out
    assert PASSPHRASE not in said.out + said.err
    assert PASSPHRASE not in (home / "config.toml").read_text(encoding="utf-8")
    assert is_encrypted(home / "keys")
    assert ffp("key", "rotate", "--home", home).code == 0
    assert all(path.read_bytes().startswith(b"-----BEGIN ENCRYPTED") for path in (home / "keys").glob("*.pem"))


def test_on_a_terminal_the_passphrase_is_asked_for(ffp: Ffp, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed: list[str] = []

    def prompt(question: str, *, hide_input: bool, confirmation_prompt: bool) -> str:
        assert hide_input
        typed.append(question)
        return PASSPHRASE

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.prompt", prompt)
    assert ffp("key", "encrypt", "--home", home).code == 0
    assert ffp("key", "list", "--home", home).code == 0
    assert typed == ["New passphrase of the keys", "Passphrase of the keys"]
