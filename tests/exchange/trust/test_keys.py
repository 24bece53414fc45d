"""A node's keys: private from the first byte, never overwritten, each what its name says."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from exchange.errors import ConfigurationError
from exchange.trust.keys import ED25519, create_keys, key_id, load_identity, load_keys

NAMES = {
    "identity-ed25519.pem",
    "identity-ml-dsa-65.pem",
    "statement-ed25519.pem",
    "statement-ml-dsa-65.pem",
    "log-ed25519.pem",
    "log-ml-dsa-44.pem",
    "witness-ed25519.pem",
    "witness-ml-dsa-44.pem",
    "transport-ed25519.pem",
    "nonce-secret",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_keys(tmp_path / "keys")
    return tmp_path / "keys"


def test_all_keys_are_made_and_differ(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == NAMES
    assert len({path.read_bytes() for path in folder.iterdir()}) == len(NAMES)


def test_keys_are_private_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create_keys(tmp_path / "keys")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()} == {0o600}


def test_keys_are_never_overwritten(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ConfigurationError, match="never overwritten"):
        create_keys(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_folder_that_holds_anything_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "something").write_text("else")
    with pytest.raises(ConfigurationError, match="never overwritten"):
        create_keys(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["something"]


def test_what_was_made_is_loaded(folder: Path) -> None:
    keys, identity = load_keys(folder), load_identity(folder)
    publics = [
        identity.public.ed25519,
        identity.public.ml_dsa,
        keys.statement.public.ed25519,
        keys.statement.public.ml_dsa,
        keys.log.public.ed25519,
        keys.log.public.ml_dsa,
        keys.witness.public.ed25519,
        keys.witness.public.ml_dsa,
    ]
    assert len(set(publics)) == len(publics)
    assert [len(base64.b64decode(key)) for key in publics] == [32, 1952, 32, 1952, 32, 1312, 32, 1312]
    assert keys.nonce_secret == (folder / "nonce-secret").read_bytes()
    assert load_keys(folder).statement.public == keys.statement.public


def test_working_keys_do_without_the_identity(folder: Path) -> None:
    """The identity may be kept offline between key-events."""
    (folder / "identity-ed25519.pem").unlink()
    (folder / "identity-ml-dsa-65.pem").unlink()
    load_keys(folder)
    with pytest.raises(ConfigurationError, match=r"identity-ed25519\.pem cannot be read"):
        load_identity(folder)


def test_secrets_are_not_shown(folder: Path) -> None:
    shown = repr(load_keys(folder))
    assert "nonce_secret" not in shown
    assert repr((folder / "nonce-secret").read_bytes()) not in shown


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666])
@pytest.mark.parametrize("name", ["statement-ml-dsa-65.pem", "nonce-secret"])
def test_a_key_that_is_open_to_others_is_refused(folder: Path, name: str, mode: int) -> None:
    (folder / name).chmod(mode)
    with pytest.raises(ConfigurationError, match=f"{name} can be read by others.*chmod 600"):
        load_keys(folder)


@pytest.mark.parametrize("name", sorted(NAMES - {"identity-ed25519.pem", "identity-ml-dsa-65.pem"}))
def test_a_missing_key_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ConfigurationError, match=f"{name} cannot be read"):
        load_keys(folder)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("statement-ed25519.pem", "statement-ml-dsa-65.pem"),
        ("statement-ml-dsa-65.pem", "log-ml-dsa-44.pem"),
        ("log-ml-dsa-44.pem", "statement-ml-dsa-65.pem"),
        ("witness-ml-dsa-44.pem", "witness-ed25519.pem"),
        ("transport-ed25519.pem", "log-ml-dsa-44.pem"),
    ],
)
def test_another_kind_of_key_is_refused(folder: Path, name: str, other: str) -> None:
    (folder / name).write_bytes((folder / other).read_bytes())
    with pytest.raises(ConfigurationError, match=f"{name} holds another kind of key"):
        load_keys(folder)


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


GOOD_PEM = _pem(Ed25519PrivateKey.generate())
UNKNOWN_ALGORITHM = base64.b64encode(bytes.fromhex("3013020100300b06092a864886f70d01097f040100")).decode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\x00",
        b"not a key",
        GOOD_PEM[:60],
        GOOD_PEM.replace(b"PRIVATE", b"PUBLIC"),
        f"-----BEGIN PRIVATE KEY-----\n{UNKNOWN_ALGORITHM}\n-----END PRIVATE KEY-----\n".encode(),
    ],
    ids=["empty", "binary", "text", "cut-short", "public", "unknown-algorithm"],
)
def test_what_is_no_key_is_refused(folder: Path, content: bytes) -> None:
    (folder / "transport-ed25519.pem").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"transport-ed25519\.pem is no readable private key"):
        load_keys(folder)


def test_a_key_of_no_use_here_is_refused(folder: Path) -> None:
    rsa = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "transport-ed25519.pem").write_bytes(rsa)
    with pytest.raises(ConfigurationError, match="another kind of key"):
        load_keys(folder)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_nonce_secret_of_another_length_is_refused(folder: Path, length: int) -> None:
    (folder / "nonce-secret").write_bytes(b"s" * length)
    with pytest.raises(ConfigurationError, match="must hold 32 bytes"):
        load_keys(folder)


def test_key_ids_name_the_algorithm_and_128_bits_of_the_key() -> None:
    """SHA-256 of 32 zero bytes begins 66687aadf862bd776c8fc18b8e9f8e20."""
    assert key_id(ED25519, base64.b64encode(bytes(32)).decode()) == "ed25519:66687aadf862bd776c8fc18b8e9f8e20"
